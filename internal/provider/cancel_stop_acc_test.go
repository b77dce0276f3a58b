// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
)

// stubborn is a container that does not end before the engine kills it.
func (r *rig) stubborn(grace string, lines ...string) string {
	return r.container(append([]string{command("ignore-term"), attr("stop_grace_period", grace)}, lines...)...)
}

// An engine goes on with a stop when whoever asked for it leaves. After Ctrl-C, and after the death of the provider, in
// the middle of a stop the next plan says what is going to be, the apply after it waits for the end of the
// stop, and the container then stays as it was asked for.
func TestAccInterruptedStop(t *testing.T) {
	t.Parallel()
	const stopped = `~ desired_state = "stopped" -> "running"`
	tests := map[string]struct {
		// change is what the interrupted apply applies; empty is a destroy.
		change []string
		// killed has the provider die instead.
		killed bool
		// back has the configuration be the first one again; says is what the plan has then.
		back bool
		says []string
	}{
		"destroy":                        {back: true, says: []string{"is being stopped", stopped}},
		"destroy whose provider is dead": {killed: true, back: true, says: []string{"is being stopped", stopped}},
		"stop":                           {change: []string{attr("desired_state", "stopped")}, back: true, says: []string{"is being stopped", stopped}},
		"stop that is asked for again":   {change: []string{attr("desired_state", "stopped")}, says: []string{"is being stopped"}},
		"restart":                        {change: []string{`restart_triggers = { a = "1" }`}, says: []string{`restart_triggers`}},
		"restart that is taken back":     {change: []string{`restart_triggers = { a = "1" }`}, back: true, says: []string{"No changes"}},
		"restart whose provider is dead": {change: []string{`restart_triggers = { a = "1" }`}, killed: true, back: true, says: []string{"is being stopped", stopped}},
		"replacement":                    {change: []string{`hostname = "other"`}, back: true, says: []string{"is being stopped", stopped}},
		"exchange": {
			change: []string{`hostname = "other"`, attr("update_order", "stop-first")}, back: true, says: []string{"No changes"},
		},
		"exchange beside each other": {
			change: []string{`hostname = "other"`, attr("update_order", "start-first")}, back: true, says: []string{"No changes"},
		},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			r := newRig(t)
			c := newCLI(t)
			first := []string{`restart_triggers = { a = "0" }`}
			// What the plan is to see in the middle has no end of its own: the test ends it.
			grace, endless := "7s", slices.Contains(test.says, "is being stopped")
			if endless {
				grace = "30m"
			}
			if strings.HasPrefix(title, "exchange") {
				first = append(first, test.change[1])
			}
			c.configure(r.stubborn(grace, first...))
			c.must("apply", "-auto-approve")
			args := []string{"destroy", "-auto-approve"}
			if test.change != nil {
				args[0] = "apply"
				lines := test.change
				if !strings.Contains(strings.Join(lines, ""), "restart_triggers") {
					lines = append(lines, `restart_triggers = { a = "0" }`)
				}
				c.configure(r.stubborn(grace, lines...))
			}

			cut := c.start(args...)
			r.Proxy.Await("POST", "/containers/*/stop", 1)
			if test.killed {
				for _, provider := range c.providers() {
					if err := syscall.Kill(provider.pid, syscall.SIGKILL); err != nil {
						t.Error(err)
					}
				}
			} else {
				cut.interrupt()
			}
			if ended := cut.wait(); ended.code == 0 {
				t.Fatalf("the interrupted %s succeeded:\n%s", args[0], ended.output)
			}
			if test.back {
				c.configure(r.stubborn(grace, first...))
			}
			plan := c.must("plan")
			for _, says := range test.says {
				if !strings.Contains(strings.Join(strings.Fields(plan.output), " "), says) {
					t.Errorf("the plan does not say %q:\n%s", says, plan.output)
				}
			}
			if endless { // While the next apply waits for it.
				end := time.AfterFunc(2*time.Second, func() {
					if err := r.Docker.ContainerKill(t.Context(), r.Name("web"), "KILL"); err != nil {
						t.Error(err)
					}
				})
				defer end.Stop()
			}
			c.converges()
			// The stop is over: the container was started after it, if it runs.
			now := r.Inspect(r.Name("web")).State
			if asked := c.attributes(web)["desired_state"]; now.Running != (asked == "running") {
				t.Errorf("the container is %s, and is to be %v", now.Status, asked)
			}
			if instant(t, now.FinishedAt).IsZero() || now.Running && !instant(t, now.StartedAt).After(instant(t, now.FinishedAt)) {
				t.Errorf("the container was started at %s, and the stop ended at %s", now.StartedAt, now.FinishedAt)
			}
			r.Remove(r.Name("web"))
		})
	}
}

// Who restarts a container by hand while the engine goes on with an interrupted stop ends the stop: nothing waits for it
// any more.
func TestAccRestartedDuringAStop(t *testing.T) {
	r := newRig(t)
	c := newCLI(t)
	c.configure(r.container(command("ignore-term"), attr("stop_grace_period", "30m")))
	c.must("apply", "-auto-approve")
	cut := c.start("destroy", "-auto-approve")
	r.Proxy.Await("POST", "/containers/*/stop", 1)
	cut.interrupt()
	if ended := cut.wait(); ended.code == 0 {
		t.Fatalf("the interrupted destroy succeeded:\n%s", ended.output)
	}
	if plan := c.must("plan"); !strings.Contains(plan.output, "is being stopped") {
		t.Errorf("the plan does not tell of the stop:\n%s", plan.output)
	}
	now := 0
	if err := r.Docker.ContainerRestart(t.Context(), r.Name("web"), container.StopOptions{Timeout: &now}); err != nil {
		t.Fatal(err)
	}
	if plan := c.run("plan", "-detailed-exitcode"); plan.code != 0 {
		t.Errorf("the plan after the restart is not empty (%d):\n%s", plan.code, plan.output)
	}
	c.configure(r.container(command("ignore-term"), attr("stop_grace_period", "30m"), attr("memory", "64m")))
	c.converges()
	r.Remove(r.Name("web"))
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Error(err)
	}
	return at
}
