// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package faulttext

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

const again = "apply again to go on"

// cancelled is what ended an operation before its time was up.
func cancelled(f *fault.Fault) string {
	return cmp.Or(f.Facts.Why, "the Terraform run that asked for it was interrupted")
}

func ended(f *fault.Fault) text {
	of := fmt.Sprintf("The %s of %s on engine %q", f.Facts.Action, f.Subject(), f.Engine)
	return stopped(f, fmt.Sprintf("%s was cancelled while %s", of, f.Step), fmt.Sprintf("%s took too long while %s", of, f.Step))
}

func workEnded(f *fault.Fault) text {
	to := fmt.Sprintf("Unable to %s %s on engine %q", f.Facts.Action, f.Subject(), f.Engine)
	return stopped(f, to+": it was cancelled", to+": it took too long")
}

// stopped is the text of what was cancelled, or took too long.
func stopped(f *fault.Fault, whenCancelled, whenLate string) text {
	t := text{whenCancelled, cancelled(f), again}
	if f.Kind == fault.Timeout {
		t = text{whenLate, "it timed out", fmt.Sprintf("raise timeouts.%s if this is to be expected", key(f))}
	}
	if f.Facts.SoFar != "" {
		t.message += "; " + f.Facts.SoFar
	}
	return t
}

func stillUnderWay(f *fault.Fault) text {
	t := text{fmt.Sprintf("The wait for %s on engine %q was cancelled", f.Subject(), f.Engine), f.Facts.SoFar, "apply again to wait again"}
	if f.Kind == fault.Timeout {
		t.summary = fmt.Sprintf("The wait for %s on engine %q took too long", f.Subject(), f.Engine)
		t.hint += ", and raise timeouts if this is to be expected"
	}
	return t
}

func notConnected(f *fault.Fault) text {
	if f.Kind == fault.Timeout {
		return text{"The connection to the engine" + forWhat(f) + " took too long", "it timed out", "check that the engine answers, then apply again"}
	}
	return text{"The connection to the engine" + forWhat(f) + " was cancelled", cancelled(f), again}
}

func forWhat(f *fault.Fault) string {
	if f.Facts.For == "" {
		return ""
	}
	return " for " + f.Facts.For
}

func unreachable(f *fault.Fault) text {
	summary := fmt.Sprintf("Unable to reach engine %q", cmp.Or(f.Facts.Name, f.Facts.Address))
	if f.Facts.Name != "" || f.Facts.Elsewhere != "" {
		summary += forWhat(f)
	}
	if f.Facts.Elsewhere != "" {
		return text{summary, "the same as for " + f.Facts.Elsewhere, "see that error"}
	}
	return text{summary, f.Facts.Said, fmt.Sprintf("the address comes from %s: check that it is right, that the engine runs there, and that this user may connect "+
		"(docker -H %s version)", f.Facts.From, f.Facts.Address)}
}

func lost(f *fault.Fault) text {
	return text{summary: fmt.Sprintf("Unable to %s %s: engine %q no longer responds", f.Facts.Action, f.Subject(), f.Engine), hint: "check the engine, then apply again"}
}

func engineSaid(f *fault.Fault) text {
	hint := "see the engine's message, and its log for more"
	if f.Kind == fault.Invalid {
		hint = "change the setting that the engine names"
	}
	message := f.Facts.Said
	switch {
	case f.Facts.Key:
		message = fmt.Sprintf("%s[\"%s\"]: %s", f.Field[0], f.Field[1], message)
	case f.Facts.Why != "":
		message = f.Facts.Why + ": " + message
	}
	return text{fmt.Sprintf("Unable to %s %s on engine %q", f.Facts.Action, f.Subject(), f.Engine), message, hint}
}

func engineTooOld(f *fault.Fault) text {
	name := strings.Join(f.Field, ".")
	return text{fmt.Sprintf("Engine %q is too old for %s of %s", f.Engine, name, f.Subject()),
		fmt.Sprintf("%s needs Docker %s (API %s); the engine speaks API %s", name, f.Facts.Docker, f.Facts.API, f.Facts.Speaks),
		fmt.Sprintf("leave %s out, or bring the engine to Docker %s or newer", name, f.Facts.Docker)}
}

func stateDirectory(f *fault.Fault) text {
	return text{fmt.Sprintf("Unable to %s %s: the state directory can't be written", f.Facts.Action, f.Subject()), f.Facts.Why,
		"what is noted there keeps operations in order and tells whose an object is: see that the provider's state_dir has space and belongs to this user, then apply again"}
}

func background(f *fault.Fault) text {
	return text{summary: fmt.Sprintf("Unable to hand the %s of %s to the background conductor", f.Facts.Action, f.Subject()),
		hint: fmt.Sprintf("apply again, or set background = %q in the provider's configuration", "off")}
}

func interrupted(f *fault.Fault) text {
	return text{fmt.Sprintf("The %s of %s on engine %q was interrupted while %s", f.Facts.Action, f.Subject(), f.Engine, f.Step),
		"the process that carried it out died; it was accepted at " + at(f.Facts.Accepted), "apply again"}
}

func halfRemoved(f *fault.Fault) text {
	return text{fmt.Sprintf("The removal of %s on engine %q was not completed", f.Subject(), f.Engine),
		"the container was removed, but not the volumes that belonged to it alone: the removal was interrupted, or the engine refused them",
		"apply again, or destroy: both remove the volumes"}
}

func vanished(f *fault.Fault) text {
	hint := "apply again"
	if !f.Facts.Until.IsZero() {
		hint = fmt.Sprintf("if it was accepted on another machine that may still be at it, wait until %s, when it has timed out, so that it is not created twice; then apply again", at(f.Facts.Until))
	}
	return text{fmt.Sprintf("The %s of %s on engine %q has left no trace", f.Facts.Action, f.Subject(), f.Engine),
		fmt.Sprintf("it was accepted at %s; the journal in the provider's state_dir does not know it, and what it was to make is not on the engine", at(f.Facts.Accepted)),
		hint + "; to be told why a cast failed, keep state_dir from one run to the next, or gather casts with gantry_barrier in the apply that accepts them"}
}

func refusedBehind(f *fault.Fault) text {
	return text{fmt.Sprintf("The %s of container %q on engine %q was refused: the operation before it failed", f.Facts.Action, f.Container, f.Engine), Of(f.Cause).Summary, elsewhere(f)}
}

func referenceFailed(f *fault.Fault) text {
	return text{fmt.Sprintf("The %s of container %q on engine %q was refused: container %q, which it refers to, failed", f.Facts.Action, f.Container, f.Engine, f.Facts.Name), Of(f.Cause).Summary, elsewhere(f)}
}

// elsewhere says that the cause has an error of its own, and which command shows it.
func elsewhere(f *fault.Fault) string {
	show := f.Facts.Show
	if show != "" {
		show = " (to see it: " + show + ")"
	}
	return "fix the cause, which has an error of its own" + show + ", and apply again"
}

func unknownKind(f *fault.Fault) text {
	return text{summary: fmt.Sprintf("Unable to work on %s: this release of gantry knows no operation %q", f.Subject(), f.Facts.Action), hint: "use one release of gantry at a time"}
}

func busy(f *fault.Fault) text {
	return text{fmt.Sprintf("The %s of container %q on engine %q was refused: the container is busy", f.Facts.Action, f.Container, f.Engine),
		fmt.Sprintf("operation %s is in progress, and on_busy = %q", f.Facts.ID, "reject"), fmt.Sprintf("try again when it has ended, or set on_busy = %q", "wait")}
}
