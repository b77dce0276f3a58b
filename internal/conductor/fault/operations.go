// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import "time"

// The faults of operations themselves: what was accepted, and was not carried out, or not to its end.

// Ended is an operation whose context ended: its time was up, or it was cancelled. SoFar says how far
// a pull had come, and is empty otherwise.
func (s Scope) Ended(kind Kind, step Step, operation string, exists Exists, log []string, soFar string, err error) *Fault {
	return s.ended(Fault{Kind: kind, Step: step, Reason: ReasonEnded, Left: exists, Log: log, Facts: Facts{Action: operation, SoFar: soFar}}, operation, err)
}

func (s Scope) ended(f Fault, timeout string, err error) *Fault {
	f.Facts.Why = whoCancelled(err)
	if f.Kind == Timeout {
		f.Field = []string{"timeouts", timeout}
	}
	return s.make(f, err)
}

// StillUnderWay is an operation that somebody waited for, and that had not come as far when the wait
// was over. The operation itself goes on. So is how far it was: "its create was pulling".
func (s Scope) StillUnderWay(kind Kind, step Step, so string, err error) *Fault {
	return s.make(Fault{Kind: kind, Step: step, Field: []string{"timeouts"}, Reason: ReasonStillUnderWay, Left: GoesOn, Facts: Facts{SoFar: so}}, err)
}

// NotConnected is a connection whose context ended: its time was up, or it was cancelled. The subject
// is what it was for ("container \"web\""); empty is nothing in particular.
func (s Scope) NotConnected(kind Kind, subject string, err error) *Fault {
	return s.make(Fault{Kind: kind, Step: StepConnecting, Reason: ReasonNotConnected, Facts: Facts{For: subject, Why: whoCancelled(err)}}, err)
}

// Unreachable is an engine that does not answer at an address, which comes from a setting. Name is its key in the
// provider's engines; empty is the default engine. The subject is what it is needed for. If the fault of another one
// explains it already, that is elsewhere, and this fault only refers to it.
func (s Scope) Unreachable(name, address, from, subject, elsewhere string, err error) *Fault {
	s.Engine = address
	return s.make(Fault{
		Kind: EngineUnreachable, Step: StepConnecting, Reason: ReasonUnreachable,
		Facts: Facts{Name: name, Address: address, From: from, For: subject, Elsewhere: elsewhere},
	}, err)
}

// Lost is an engine that stopped answering in the middle of an operation.
func (s Scope) Lost(step Step, action string, exists Exists, err error) *Fault {
	return s.make(Fault{Kind: EngineUnreachable, Step: step, Reason: ReasonLost, Left: exists, Facts: Facts{Action: action}}, err)
}

// EngineSaid is everything else that the engine said no to.
func (s Scope) EngineSaid(kind Kind, step Step, action string, field []string, exists Exists, err error) *Fault {
	return s.make(Fault{Kind: kind, Step: step, Field: field, Reason: ReasonEngineSaid, Left: exists, Facts: Facts{Action: action}}, err)
}

// EngineTooOld is a setting that the engine does not know. API is the first version of the Engine API
// that does, docker the first engine that speaks it, spoken what this one speaks.
func (s Scope) EngineTooOld(field []string, api, docker, spoken string, exists Exists) *Fault {
	return s.make(Fault{
		Kind: Invalid, Step: StepConnecting, Field: field, Reason: ReasonEngineTooOld, Left: exists,
		Facts: Facts{API: api, Docker: docker, Speaks: spoken},
	}, nil)
}

// StateFolder is a change that was refused, or must not be answered, because the state directory can't be written.
func (s Scope) StateFolder(operation string, exists Exists, err error) *Fault {
	if exists == Unchanged && operation == "create" {
		exists = NothingCreated
	}
	return s.make(Fault{Kind: EngineError, Step: StepQueued, Reason: ReasonStateFolder, Left: exists, Facts: Facts{Action: operation, Why: err.Error()}}, nil)
}

// Background is a cast that the background conductor did not accept.
func (s Scope) Background(operation string, exists Exists, err error) *Fault {
	return s.make(Fault{Kind: EngineError, Step: StepQueued, Reason: ReasonBackground, Left: exists, Facts: Facts{Action: operation}}, err)
}

// Interrupted is an operation whose process died in the middle.
func (s Scope) Interrupted(operation string, step Step, at time.Time) *Fault {
	f := s.make(Fault{Kind: Interrupted, Step: step, Reason: ReasonInterrupted, Left: HalfInterrupted, Facts: Facts{Action: operation, Accepted: at}}, nil)
	// When its process died nobody saw. The time has to be the same whenever somebody looks.
	f.Time = at.UTC()
	return f
}

// HalfRemoved is a removal whose container is gone, while volumes that go with it are still there.
func (s Scope) HalfRemoved(volumes []string, at time.Time) *Fault {
	f := s.make(Fault{Kind: Interrupted, Step: StepRemoving, Reason: ReasonHalfRemoved, Left: VolumesLeft, Facts: Facts{Volumes: volumes}}, nil)
	f.Time = at.UTC()
	return f
}

// Vanished is an operation that was accepted elsewhere, and of which neither this machine's journal nor the engine
// has a trace. Until is the end of its time, if that is known: as long it may go on all the same.
func (s Scope) Vanished(operation string, at, until time.Time) *Fault {
	facts := Facts{Action: operation, Accepted: at}
	if s.Now().Before(until) {
		facts.Until = until
	}
	return s.make(Fault{Kind: Interrupted, Step: StepQueued, Reason: ReasonVanished, Left: NothingCreated, Facts: facts}, nil)
}

// Mistaken is a wait for a container that is not there, though another one has its name. Whose describes that in
// one line. Older says that the operation's ID, of an older gantry, can't tell which container it is about.
func (s Scope) Mistaken(whose string, older bool) *Fault {
	return s.make(Fault{
		Kind: NameConflict, Step: StepWaiting, Field: []string{"operations"}, Reason: ReasonMistaken,
		Facts: Facts{By: whose, Older: older},
	}, nil)
}

// RefusedBehind is an operation that was queued behind a cast that failed. The failure has an error of its
// own, which is not repeated here; show is the command that shows it.
func (s Scope) RefusedBehind(operation string, cause *Fault, show string) *Fault {
	return s.make(Fault{
		Kind: Refused, Step: StepQueued, Reason: ReasonRefusedBehind, Left: Unchanged, Cause: asCause(cause),
		Facts: Facts{Action: operation, Show: show},
	}, cause)
}

// ReferenceFailed is an operation that needs another container, whose own operation failed. The failure
// has an error of its own, which is not repeated here; show is the command that shows it.
func (s Scope) ReferenceFailed(operation, ref string, exists Exists, cause *Fault, show string) *Fault {
	return s.make(Fault{
		Kind: Refused, Step: StepQueued, Reason: ReasonReferenceFailed, Left: exists, Cause: asCause(cause),
		Facts: Facts{Action: operation, Name: ref, Show: show},
	}, cause)
}

// UnknownKind is an operation of a kind that this release of gantry does not know: another one asked for it.
func (s Scope) UnknownKind(kind string) *Fault {
	return s.make(Fault{Kind: Invalid, Step: StepQueued, Reason: ReasonUnknownKind, Left: Unchanged, Facts: Facts{Action: kind}}, nil)
}

// Busy is an operation that was not to wait for the one that is in progress.
func (s Scope) Busy(operation, busy string) *Fault {
	return s.make(Fault{
		Kind: Refused, Step: StepQueued, Field: []string{"on_busy"}, Reason: ReasonBusy, Left: Unchanged,
		Facts: Facts{Action: operation, ID: busy},
	}, nil)
}
