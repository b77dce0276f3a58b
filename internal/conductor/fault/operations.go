// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import (
	"fmt"
	"strings"
	"time"
)

// The faults of operations themselves: what was accepted, and was not carried out, or not to its end.

// StateFolder is a change that was refused, or must not be answered, because the state directory can't be written.
func (s Scope) StateFolder(operation string, exists Exists, err error) *Fault {
	switch {
	case exists == Unchanged && operation == "create":
		exists = NothingCreated
	case exists == Unchanged && s.Object != "":
		exists = Exists("the " + s.Object + " is as it was before")
	}
	return s.make(Fault{
		Kind: EngineError, Step: StepQueued,
		Summary: fmt.Sprintf("Unable to %s %s: the state directory can't be written", operation, s.subject()),
		Message: err.Error(),
		Exists:  string(exists),
		Hint:    "what is noted there keeps operations in order and tells whose an object is: see that the provider's state_dir has space and belongs to this user, then apply again",
	}, err)
}

// Background is a cast that the background conductor did not accept.
func (s Scope) Background(operation string, exists Exists, err error) *Fault {
	return s.make(Fault{
		Kind: EngineError, Step: StepQueued,
		Summary: fmt.Sprintf("Unable to hand the %s of %s to the background conductor", operation, s.subject()),
		Exists:  string(exists),
		Hint:    fmt.Sprintf("apply again, or set background = %q in the provider's configuration", "off"),
	}, err)
}

// Interrupted is an operation whose process died in the middle.
func (s Scope) Interrupted(operation string, step Step, at time.Time) *Fault {
	f := s.make(Fault{
		Kind: Interrupted, Step: step,
		Summary: fmt.Sprintf("The %s of %s on engine %q was interrupted while %s", operation, s.subject(), s.Engine, step),
		Message: "the process that carried it out died; it was accepted at " + at.UTC().Format(time.RFC3339),
		Exists:  "what was done before the interruption stays",
		Hint:    "apply again",
	}, nil)
	// When its process died nobody saw. The time has to be the same whenever somebody looks.
	f.Time = at.UTC()
	return f
}

// HalfRemoved is a removal whose container is gone, while volumes that go with it are still there.
func (s Scope) HalfRemoved(volumes []string, at time.Time) *Fault {
	f := s.make(Fault{
		Kind: Interrupted, Step: StepRemoving,
		Summary: fmt.Sprintf("The removal of %s on engine %q was not completed", s.subject(), s.Engine),
		Message: "the container was removed, but not the volumes that belonged to it alone: the removal was interrupted, or the engine refused them",
		Exists:  "volumes left: " + strings.Join(volumes, ", ") + "; the state keeps the container until they are removed",
		Hint:    "apply again, or destroy: both remove the volumes",
	}, nil)
	f.Time = at.UTC()
	return f
}

// Vanished is an operation that was accepted elsewhere, and of which neither this machine's journal nor the engine
// has a trace. Until is the end of its time, if that is known: as long it may go on all the same.
func (s Scope) Vanished(operation string, at, until time.Time) *Fault {
	hint := "apply again"
	if s.Now().Before(until) {
		hint = fmt.Sprintf("if it was accepted on another machine that may still be at it, wait until %s, when it has timed out, so that it is not created twice; then apply again", until.UTC().Format(time.RFC3339))
	}
	return s.make(Fault{
		Kind: Interrupted, Step: StepQueued,
		Summary: fmt.Sprintf("The %s of %s on engine %q has left no trace", operation, s.subject(), s.Engine),
		Message: fmt.Sprintf("it was accepted at %s; the journal in the provider's state_dir does not know it, and what it was to make is not on the engine", at.UTC().Format(time.RFC3339)),
		Exists:  string(NothingCreated),
		Hint:    hint + "; to be told why a cast failed, keep state_dir from one run to the next, or gather casts with gantry_barrier in the apply that accepts them",
	}, nil)
}

// Mistaken is a wait for a container that is not there, though another one has its name. Whose describes that in
// one line. Older says that the operation's ID, of an older gantry, can't tell which container it is about.
func (s Scope) Mistaken(whose string, older bool) *Fault {
	hint := "wait for the operation_id that the container's resource has by now: \"terraform apply\" there first, if this one is of an earlier run; " +
		"if two resources or Terraform states want this name, give one of them another; keep state_dir from one run to the next, and the provider knows its operations"
	if older {
		hint = "the ID is of an older gantry, and does not tell which container it is about: if it is this one, change or replace the container's resource once " +
			"(\"terraform apply -replace\"), and wait for the operation_id that it has then; if two resources or Terraform states want this name, give one of them another"
	}
	return s.make(Fault{
		Kind: NameConflict, Step: StepWaiting, Attribute: []string{"operations"},
		Summary: fmt.Sprintf("Unable to wait for container %q on engine %q: another container has its name", s.Container, s.Engine),
		Message: whose + "; nothing shows that it is the one of operation " + s.Operation,
		Hint:    hint,
	}, nil)
}

// RefusedBehind is an operation that was queued behind a cast that failed. The failure has an error of its
// own, which is not repeated here; show is the command that shows it.
func (s Scope) RefusedBehind(operation string, cause *Fault, show string) *Fault {
	return s.make(Fault{
		Kind: Refused, Step: StepQueued,
		Summary: fmt.Sprintf("The %s of container %q on engine %q was refused: the operation before it failed", operation, s.Container, s.Engine),
		Message: cause.Summary,
		Exists:  string(Unchanged),
		Hint:    elsewhere(show),
	}, cause)
}

// elsewhere says where the error is that another one refers to, and which command shows it; empty is that there is
// none.
func elsewhere(show string) string {
	if show != "" {
		show = " (to see it: " + show + ")"
	}
	return "fix the cause, which has an error of its own" + show + ", and apply again"
}

// UnknownKind is an operation of a kind that this release of gantry does not know: another one asked for it.
func (s Scope) UnknownKind(kind string) *Fault {
	return s.make(Fault{
		Kind: Invalid, Step: StepQueued,
		Summary: fmt.Sprintf("Unable to work on %s: this release of gantry knows no operation %q", s.subject(), kind),
		Exists:  string(Unchanged),
		Hint:    "use one release of gantry at a time",
	}, nil)
}

// Busy is an operation that was not to wait for the one that is in progress.
func (s Scope) Busy(operation, busy string) *Fault {
	return s.make(Fault{
		Kind: Refused, Step: StepQueued, Attribute: []string{"on_busy"},
		Summary: fmt.Sprintf("The %s of container %q on engine %q was refused: the container is busy", operation, s.Container, s.Engine),
		Message: fmt.Sprintf("operation %s is in progress, and on_busy = %q", busy, "reject"),
		Exists:  string(Unchanged),
		Hint:    fmt.Sprintf("try again when it has ended, or set on_busy = %q", "wait"),
	}, nil)
}
