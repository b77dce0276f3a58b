// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package faulttext

import (
	"fmt"
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

func commandNotFound(f *fault.Fault) text {
	return text{fmt.Sprintf("Unable to start container %q on engine %q: its command can't be executed", f.Container, f.Engine), "",
		"check entrypoint, command and working_dir against what the image contains"}
}

func exited(f *fault.Fault) text {
	t := text{
		summary: fmt.Sprintf("Container %q exited with code %d after %s", f.Container, f.Facts.Code, seconds(f.Facts.After)),
		hint:    fmt.Sprintf("if it is meant to end, set desired_state = %q", "completed"),
	}
	if f.Facts.Job {
		t.hint = fmt.Sprintf("expected exit codes: %s; fix the job, or add the code to expected_exit_codes", codes(f.Facts.Expected))
	}
	if f.Facts.OOM {
		t.message, t.hint = "it ran out of memory and was killed", "raise memory, or make the program use less"
	}
	if f.Facts.Said != "" {
		t.message = strings.TrimPrefix(t.message+": "+f.Facts.Said, ": ")
	}
	return t
}

func crashLoop(f *fault.Fault) text {
	t, n := exited(f), f.Facts.Restarts
	t.summary = fmt.Sprintf("Container %q keeps exiting: code %d, restarted %d %s", f.Container, f.Facts.Code, n, plural(n, "time", "times"))
	return t
}

func unhealthy(f *fault.Fault) text {
	return text{fmt.Sprintf("Container %q is unhealthy after %s", f.Container, seconds(f.Facts.After)),
		fmt.Sprintf("its health check failed as often as healthcheck.retries allows; the last run ended with code %d", f.Facts.Code),
		"see what the check says; if the start is slow, raise healthcheck.start_period"}
}

// healthOf is what the health check of an unhealthy container is, and what it wrote.
func healthOf(f *fault.Fault) string {
	if f.Reason != fault.ReasonUnhealthy || f.Facts.Quiet {
		return f.Health
	}
	check := f.Facts.Check
	if check == "" {
		check = "the image's"
	}
	return check + ": " + f.Facts.Output
}

func noHealthcheck(f *fault.Fault) text {
	return text{fmt.Sprintf("Container %q can't become healthy: it has no health check", f.Container),
		"neither healthcheck nor the image defines one", fmt.Sprintf("add healthcheck, or set wait_for = %q or %q", "ready", "running")}
}

func noTestToInherit(f *fault.Fault) text {
	return text{fmt.Sprintf("Unable to create container %q: its health check has no test", f.Container),
		fmt.Sprintf("healthcheck has no test, and image %q has no health check to take it from", f.Facts.Image),
		"set healthcheck.test, or leave healthcheck out"}
}

func unusableReference(f *fault.Fault) text {
	return text{summary: fmt.Sprintf("Unable to %s container %q on engine %q: it can't use container %q", f.Facts.Action, f.Container, f.Engine, f.Facts.Name),
		hint: fmt.Sprintf("have that container running before this one (a reference to its resource, or depends_on, has Terraform see to that), or correct %s", f.Field[0])}
}

// hintOfAction is what to do about a failure of what an action asked for, which has other attributes than a container.
func hintOfAction(f *fault.Fault, otherwise string) string {
	switch {
	case len(f.Field) > 0 && f.Field[0] == "timeouts":
		return "raise timeouts.invoke if this is to be expected"
	case f.Kind == fault.NotFound:
		return "check the name or ID, and that the provider is connected to the engine that has it"
	case f.Kind == fault.Exited && f.Facts.Job:
		return "the expected exit code is 0; see what it wrote"
	case f.Kind == fault.Exited && !f.Facts.OOM:
		return fmt.Sprintf("see what it wrote; if it is meant to end, wait_for = %q", "completed")
	case f.Kind == fault.NoHealthcheck:
		return fmt.Sprintf("give the container a healthcheck, or wait_for = %q or %q", "ready", "running")
	default:
		return otherwise
	}
}

// ofOutage completes the text of a container that ended without an operation.
func ofOutage(f *fault.Fault, t text) text {
	if f.Facts.Resting {
		t.hint += fmt.Sprintf("; with restart = %q the engine starts it again by itself", "unless-stopped")
	}
	if !f.Facts.Restarted.IsZero() {
		t.message += "; the engine was started again at " + at(f.Facts.Restarted)
	}
	return t
}

// ofExchange completes the text of what ended an exchange.
func ofExchange(f *fault.Fault, t text) text {
	if f.Facts.Order != "" {
		t.message = fmt.Sprintf("a new container was to take its place (update_order = %q), which failed while %s; %s", f.Facts.Order, f.Step, strings.TrimSpace(t.message))
	}
	return t
}

// seconds spells a duration for a person: "0.4 s".
func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

func codes(expected []int) string {
	if len(expected) == 0 {
		return "0"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(expected), " ", ", "), "[]")
}
