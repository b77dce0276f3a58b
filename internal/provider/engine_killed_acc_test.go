// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// The engine is killed in the middle of an apply of casts and calls, of containers that it restarts
// by itself and of such that it does not, and started again. Whatever became of that apply, the next
// one ends with every container there once and running.
func TestAccEngineKilled(t *testing.T) {
	t.Parallel()
	const each = 3
	engine := enginetest.NewOwn(t)
	for _, calls := range []int{2, 9, 20} {
		t.Run(fmt.Sprintf("after %d calls", calls), func(t *testing.T) {
			r := newCastRigOn(newRigOn(t, engine.Engine))
			var resources, names []string
			for i := range each {
				for _, restart := range []string{"no", "always"} {
					for _, wait := range []string{"none", "ready"} {
						label := fmt.Sprintf("c%d-%s-%s", i, restart, wait)
						names = append(names, r.Name(label))
						resources = append(resources, r.resource(label, attr("restart", restart), attr("wait_for", wait)))
					}
				}
			}
			r.cli.configure(r.config(resources...))
			reached := r.Proxy.Reached(calls)
			apply := r.cli.start("apply", "-auto-approve")
			<-reached
			engine.Kill()
			engine.Start()
			cut := apply.wait()
			r.idle()

			// With the cause gone, one apply mends all that the first one did not do.
			again := r.cli.run("apply", "-auto-approve")
			if again.code != 0 {
				t.Fatalf("the apply after the engine's restart ended with code %d:\n%s\nthe one before with %d:\n%s", again.code, again.output, cut.code, cut.output)
			}
			r.idle()
			r.emptyPlan()
			if made := r.Containers(); len(made) != len(names) {
				t.Errorf("%d containers instead of %d: %v", len(made), len(names), made)
			}
			for _, name := range names {
				if c := r.Inspect(name); !c.State.Running {
					t.Errorf("%s is %s", name, c.State.Status)
				}
			}
			r.nothingUnsettled()
			r.cli.must("destroy", "-auto-approve")
			r.idle()
			if left := r.Containers(); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}
