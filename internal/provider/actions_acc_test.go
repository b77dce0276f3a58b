// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// actionOf is an action on gantry_container.web.
func actionOf(kind, label string, lines ...string) string {
	return fmt.Sprintf("action \"gantry_%s\" %q {\n  config {\n    container = %s.name\n%s  }\n}\n", kind, label, web, indent(lines))
}

// actionRig is a rig with a CLI that knows actions.
func actionRig(t *testing.T) (*rig, *cli) {
	t.Helper()
	needsTerraform(t, "an action", "1.14.0")
	r := newRig(t)
	return r, newCLI(t)
}

func (c *cli) invoke(action string) result {
	c.t.Helper()
	return c.run("apply", "-auto-approve", "-invoke=action."+action)
}

// Each action by hand: what it does on the engine, what it says, and what the next plan makes of it.
func TestAccActions(t *testing.T) {
	r, c := actionRig(t)
	c.configure(r.container(`stop_grace_period = "1s"`) +
		actionOf("restart", "it", `wait_for = "running"`, `stop_grace_period = "0s"`) + actionOf("stop", "it") + actionOf("start", "it") +
		actionOf("pause", "it", `on_busy = "reject"`) + actionOf("unpause", "it") + actionOf("kill", "it") +
		actionOf("kill", "wrong", `signal = "99"`) + actionOf("start", "job", `wait_for = "completed"`, `timeouts = { invoke = "2s" }`))
	c.must("apply", "-auto-approve")
	first := r.Inspect(r.Name("web"))
	for _, step := range []struct {
		action, says, status string
		// change is what the next plan changes; empty is nothing.
		change string
	}{
		{action: "restart", says: "was restarted; it is running", status: "running"},
		{action: "pause", says: "was paused; it is paused", status: "paused", change: `"paused" -> "running"`},
		{action: "unpause", says: "was unpaused; it is running", status: "running"},
		{action: "pause", says: "was paused", status: "paused", change: `"paused" -> "running"`},
		{action: "start", says: "was started; it is running", status: "running"},
		{action: "stop", says: "was stopped; it is exited with exit code", status: "exited", change: `"stopped" -> "running"`},
		{action: "start", says: "was started; it is running", status: "running"},
		{action: "kill", says: "was sent a signal; it is exited with exit code 137", status: "exited", change: `"stopped" -> "running"`},
	} {
		got := c.invoke("gantry_" + step.action + ".it")
		if got.code != 0 || !strings.Contains(got.output, fmt.Sprintf("container %q %s", r.Name("web"), step.says)) {
			t.Fatalf("the action %s ended with code %d:\n%s", step.action, got.code, got.output)
		}
		now := r.Inspect(r.Name("web"))
		if now.ID != first.ID || now.State.Status != step.status || step.action == "restart" && now.State.StartedAt == first.State.StartedAt {
			t.Errorf("after %s it is %s (started %s, before %s)", step.action, now.State.Status, now.State.StartedAt, first.State.StartedAt)
		}
		plan := c.run("plan", "-detailed-exitcode")
		switch {
		case step.change == "" && plan.code != 0:
			t.Errorf("after %s there is something to do:\n%s", step.action, plan.output)
		case step.change != "" && (plan.code != 2 || !regexp.MustCompile(`desired_state\s+= `+regexp.QuoteMeta(step.change)).MatchString(plan.output)):
			t.Errorf("after %s the plan does not change desired_state %s:\n%s", step.action, step.change, plan.output)
		}
	}

	// What goes wrong is told as faults are. Terraform says nothing of attributes.
	for _, wrong := range []struct {
		action string
		says   []string
	}{
		{"gantry_pause.it", []string{fmt.Sprintf("Unable to pause container %q on engine", r.Name("web")), "is not running", "Now: the container is as it was before"}},
		{"gantry_kill.it", []string{fmt.Sprintf("Unable to kill container %q on engine", r.Name("web")), "is not running", "Now: the container is as it was before"}},
		{"gantry_kill.wrong", []string{fmt.Sprintf("Unable to kill container %q on engine", r.Name("web")), "does not support signal 99"}},
		// It is started, and never ends.
		{"gantry_start.job", []string{"took too long while", "raise timeouts.invoke"}},
	} {
		got := c.invoke(wrong.action)
		for _, text := range wrong.says {
			if got.code == 0 || !strings.Contains(unwrapped(got.output), text) {
				t.Errorf("%s ended with code %d, and does not say %s:\n%s", wrong.action, got.code, text, got.output)
			}
		}
	}
	c.converges()
	r.destroyed(c)
}

// unwrapped joins the lines of Terraform's messages.
func unwrapped(output string) string {
	return regexp.MustCompile(`\s*\n[│╷╵]?\s*`).ReplaceAllString(output, " ")
}

// An action that a resource triggers, after a cast: it waits in the lane for the background conductor.
// Its output is shown while the command runs, without its secrets.
func TestAccActionOutput(t *testing.T) {
	r, c := actionRig(t)
	trigger := `lifecycle {
    action_trigger {
      events  = [after_create]
      actions = [action.gantry_exec.greet]
    }
  }`
	c.configure(r.container(`wait_for = "none"`, trigger) +
		actionOf("exec", "greet", run("exit", "3", "0s", "$GREETING $PASSWORD"), `environment = { GREETING = "hello", PASSWORD = "s3cret-value" }`, `expected_exit_codes = [3]`) +
		actionOf("exec", "wrong", run("exit", "4", "0s", "no table")))
	got := c.must("apply", "-auto-approve")
	if strings.Count(got.output, "): hello (masked)") != 2 || strings.Contains(got.output, "hello s3cret") {
		t.Errorf("the output is not shown, or not masked:\n%s", got.output)
	}
	c.must("apply", "-auto-approve") // What the cast brought.

	if got := c.invoke("gantry_exec.wrong"); got.code == 0 || !strings.Contains(unwrapped(got.output), fmt.Sprintf("The command in container %q ended with exit code 4", r.Name("web"))) {
		t.Errorf("the wrong command ended with code %d:\n%s", got.code, got.output)
	}
	r.destroyed(c)
}

// Ctrl-C in the middle of an action: the apply fails, says what became of the action, and the next one converges. However
// much a command writes, Terraform survives.
func TestAccInterruptedAction(t *testing.T) {
	r, c := actionRig(t)
	c.configure(r.container(command("ignore-term"), `stop_grace_period = "7s"`) +
		actionOf("stop", "it") + actionOf("restart", "it") + actionOf("start", "job", `wait_for = "completed"`) +
		actionOf("exec", "it", run("exit", "0", "10m")) + actionOf("exec", "busy", run("request", "http://127.0.0.1:1/")))
	for _, test := range []struct {
		action string
		// method and call are the request to the engine that has begun when Terraform is interrupted; else shown is what
		// Terraform has shown.
		method, call, shown string
		says                string
	}{
		{action: "gantry_stop.it", method: "POST", call: "/containers/*/stop", says: "The stop of container %q on engine %q was cancelled while stopping"},
		{action: "gantry_restart.it", method: "POST", call: "/containers/*/stop", says: "The restart of container %q on engine %q was cancelled while stopping"},
		{action: "gantry_start.job", method: "GET", call: "/events", says: "The start of container %q on engine %q was cancelled while"},
		{action: "gantry_exec.it", method: "POST", call: "/exec/*/start", says: "Unable to run a command in container %q on engine %q: it was cancelled"},
		{action: "gantry_exec.busy", shown: ": request 1: "},
	} {
		c.must("apply", "-auto-approve")
		r.Proxy.Reset()
		cut := c.start("apply", "-auto-approve", "-invoke=action."+test.action)
		if test.call != "" {
			r.Proxy.Await(test.method, test.call, 1)
		} else {
			cut.output.await(t, test.shown)
		}
		cut.interrupt()
		ended := cut.wait()
		if strings.Contains(ended.output, "TERRAFORM CRASH") {
			t.Fatalf("%s: Terraform crashed:\n%s", test.action, ended.output)
		}
		if test.says == "" {
			continue
		}
		for _, says := range []string{fmt.Sprintf(test.says, r.Name("web"), r.HostName()), "terraform apply -invoke"} {
			if ended.code == 0 || !strings.Contains(unwrapped(ended.output), says) {
				t.Errorf("%s ended with code %d, and does not say %q:\n%s", test.action, ended.code, says, ended.output)
			}
		}
	}
	c.must("apply", "-auto-approve")
	c.converges()
	r.destroyed(c)
}

// A stranger's container is touched only by its ID.
func TestAccActionOnAStranger(t *testing.T) {
	r, c := actionRig(t)
	id := r.Run(r.Name("theirs"), enginetest.RunOptions{Image: r.Image})
	act := func(ref string) string {
		return fmt.Sprintf("action \"gantry_stop\" \"it\" {\n  config {\n    container = %q\n  }\n}\n", ref)
	}
	c.configure(r.provider() + act(r.Name("theirs")))
	if got := c.invoke("gantry_stop.it"); got.code == 0 || !strings.Contains(unwrapped(got.output), "it is not gantry's own") {
		t.Errorf("ended with code %d:\n%s", got.code, got.output)
	}
	if r.Inspect(id).State.Status != container.StateRunning {
		t.Error("a stranger's container was stopped")
	}
	c.configure(r.provider() + act(id))
	if got := c.invoke("gantry_stop.it"); got.code != 0 || r.Inspect(id).State.Running {
		t.Errorf("ended with code %d:\n%s", got.code, got.output)
	}
}
