// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// Ctrl-C in the middle of a pull, which a container and an image share: Terraform ends although the
// registry gives nothing more, the state has neither, and the next apply makes both.
func TestAccInterruptedPull(t *testing.T) {
	r := newRig(t)
	pushed, gate := r.heldImage()
	c := newCLI(t)
	c.configure(r.provider() + r.both(pushed.Reference))

	apply := c.start("apply", "-auto-approve")
	gate.Await()
	apply.interrupt()
	ended := apply.wait()
	if ended.code == 0 {
		t.Errorf("the interrupted apply succeeded:\n%s", ended.output)
	}
	for _, says := range []string{
		fmt.Sprintf("The create of container %q on engine %q was cancelled while pulling", r.Name("web"), r.HostName()),
		fmt.Sprintf("Unable to pull image %q on engine %q: it was cancelled", pushed.Reference, r.HostName()),
	} {
		if !regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(says), " ", `[\s│]+`)).MatchString(ended.output) {
			t.Errorf("the interrupted apply does not say %q:\n%s", says, ended.output)
		}
	}
	// The engine hears that nobody waits for the pull any more.
	r.Proxy.AwaitEnded("POST", "/images/create")
	if names := r.Containers(); len(names) != 0 {
		t.Errorf("containers after the interruption: %v", names)
	}
	if list := c.must("state", "list"); list.output != "" {
		t.Errorf("the state has something:\n%s", list.output)
	}

	gate.Open()
	c.converges()
	r.destroyed(c)
}

// Ctrl-C in the middle of a health wait: Terraform ends although the container is neither healthy
// nor unhealthy, the state has the container as tainted, and the next apply replaces it.
func TestAccInterruptedHealthWait(t *testing.T) {
	r := newRig(t)
	control := t.TempDir()
	c := newCLI(t)
	c.configure(r.container(
		fmt.Sprintf("healthcheck = { test = [\"CMD\", %q, \"health-file\", \"/control/healthy\"], interval = \"500ms\", start_period = \"10m\" }", enginetest.Program),
		fmt.Sprintf("mounts = { \"/control\" = { type = \"bind\", source = %q, read_only = true } }", control),
	))

	apply := c.start("apply", "-auto-approve")
	r.Proxy.Await("POST", "/containers/*/start", 1)
	r.Proxy.AwaitEnded("POST", "/containers/*/start")
	first := r.Await(r.Name("web"), "checked once", func(c container.InspectResponse) bool {
		return c.State.Health != nil && len(c.State.Health.Log) > 0
	})
	apply.interrupt()
	if ended := apply.wait(); ended.code == 0 {
		t.Errorf("the interrupted apply succeeded:\n%s", ended.output)
	}
	if shown := c.must("state", "show", web); !strings.Contains(shown.output, first.ID) || !strings.Contains(shown.output, "tainted") {
		t.Errorf("the state doesn't have the container as tainted:\n%s", shown.output)
	}

	if err := os.WriteFile(filepath.Join(control, "healthy"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.converges()
	if now := r.Inspect(r.Name("web")); now.State.Health.Status != container.Healthy {
		t.Errorf("the container is %s", now.State.Health.Status)
	}
	r.destroyed(c)
}

// Ctrl-C while a create waits for the engine: whatever the engine made is found again.
func TestAccInterruptedStart(t *testing.T) {
	r := newRig(t)
	c := newCLI(t)
	c.configure(r.container())
	gate := r.Proxy.Hold("POST", "/containers/*/start")
	apply := c.start("apply", "-auto-approve")
	gate.Await()
	apply.interrupt()
	if ended := apply.wait(); ended.code == 0 {
		t.Errorf("the interrupted apply succeeded:\n%s", ended.output)
	}
	gate.Open()
	c.converges()
	r.destroyed(c)
}

// converges applies, and asserts that the plan afterwards is empty.
func (c *cli) converges() {
	c.t.Helper()
	c.must("apply", "-auto-approve")
	if plan := c.run("plan", "-detailed-exitcode"); plan.code != 0 {
		c.t.Errorf("the plan after the apply is not empty (%d):\n%s", plan.code, plan.output)
	}
}

// destroyed destroys, and asserts that no container is left over.
func (r *rig) destroyed(c *cli) {
	r.t.Helper()
	if names := r.Containers(); len(names) != 1 {
		r.t.Errorf("containers before the destroy: %v", names)
	}
	c.must("destroy", "-auto-approve")
	if names := r.Containers(); len(names) != 0 {
		r.t.Errorf("containers after the destroy: %v", names)
	}
}
