// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// An engine that was killed takes a container with it that it does not restart by itself.
func TestAccOutageOfAnEngine(t *testing.T) {
	t.Parallel()
	engine := enginetest.NewOwn(t)
	r := newRigOn(t, engine.Engine)
	c := newCLI(t)
	c.configure(r.container(command("sleep")))
	c.must("apply", "-auto-approve")
	engine.Kill()
	engine.Start()
	if plan := c.must("plan"); !strings.Contains(unwrapped(plan.output), "the engine was started again at") || outages(plan.output) != 1 {
		t.Errorf("the plan does not tell of the engine:\n%s", plan.output)
	}
	c.converges()
	c.must("destroy", "-auto-approve")
}
