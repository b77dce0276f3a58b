// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// A create that a state names, and that the journal does not know, was accepted on another machine, or in a state
// directory that is gone: nobody tells what became of it. It is judged by what is on the engine. Only for a fair time
// it counts as under way elsewhere: then it has left no trace, and is not waited for.

// elsewhereFor is how long after its acceptance a create may be under way on another machine without a sign of
// it: as long as it pulls, or waits for its turn. It ends with the create's own time, if that is shorter.
const elsewhereFor = 2 * time.Minute

// elsewhereUntil is until when a create that the journal does not know may be under way on another machine; the
// zero time is that it can't be. Own says that this very state directory accepted it: it would know. Deadline is
// when its own time is up, if that is known. It is pure.
func elsewhereUntil(accepted, deadline, now time.Time, own bool) time.Time {
	until := accepted.Add(elsewhereFor)
	if !deadline.IsZero() && deadline.Before(until) {
		until = deadline
	}
	if own || accepted.IsZero() || !now.Before(until) {
		return time.Time{}
	}
	return until
}

// elsewhere is elsewhereUntil for an operation.
func (e *connection) elsewhere(operationID string, deadline time.Time) time.Time {
	return elsewhereUntil(journal.AcceptedAt(operationID), deadline, time.Now(), e.forgot(operationID))
}

// forgot reports whether this very state directory accepted an operation that it does not know any more.
func (e *connection) forgot(operationID string) bool {
	return e.journal != nil && e.journal.Forgot(operationID)
}

// sight is what a look at the engine tells of a create that nobody tells of.
type sight int

const (
	sightFine     sight = iota // Whatever differs from the configuration can be seen.
	sightPending               // It may be under way elsewhere.
	sightGone                  // There is no container, and nobody makes it.
	sightUnmet                 // The container can't become what it is to be; a verdict has the reason.
	sightStranded              // The container was made and never started, and nobody starts it.
)

// see judges a create that nobody tells of by its container; nil is none. It is pure.
func see(spec container.Spec, wait container.Wait, c *container.Container, pending bool, now time.Time) (sight, fault.Kind) {
	switch {
	case c == nil && pending:
		return sightPending, ""
	case c == nil:
		return sightGone, ""
	case container.Meets(spec.DesiredState, spec.ExpectedExitCodes, wait, c.State, now):
		return sightFine, ""
	case spec.DesiredState == container.DesiredStopped:
		return sightFine, "" // Power is no goal that could be missed for good.
	}
	if v := container.Judge(spec, wait, c.State.At(now), true); v.Kind != "" {
		return sightUnmet, v.Kind
	}
	switch {
	case pending:
		return sightPending, ""
	case c.State.Status == "created":
		return sightStranded, ""
	default:
		return sightFine, ""
	}
}

// Unheard is a create as a state has it that does not know its outcome.
type Unheard struct {
	OperationID string
	// Spec is the container as it is to be, and Wait what was to be waited for.
	Spec container.Spec
	Wait container.Wait
	// Deadline is when the create's time is up.
	Deadline time.Time
	// Quiet says that Spec lacks secrets which the container does not show either: what it wrote is not told.
	Quiet bool
}

// JudgeUnheard completes what a look found of a create whose outcome neither the journal nor the state knows.
func (c *Conductor) JudgeUnheard(ctx context.Context, s Status, u Unheard) (Status, error) {
	e, err := c.connect(ctx, u.Spec.Name)
	if err != nil {
		return s, err
	}
	until := e.elsewhere(u.OperationID, u.Deadline)
	d := diagnosis{
		engine: e, logger: e.Logger, operation: u.OperationID, kind: KindCreate, spec: u.Spec, step: fault.StepWaiting, exists: fault.KeptForInspection,
		mask: e.MaskOf(ctx, u.Spec, s.Container), quiet: u.Quiet,
	}
	deadline := u.Deadline
	if e.forgot(u.OperationID) { // It is not under way any more.
		deadline = time.Time{}
	}
	f, pending := d.unheard(ctx, s.Container, cmp.Or(u.Wait, container.WaitReady), until, deadline)
	if f != nil {
		s.Fault, s.Kind, s.Vanished = f, KindCreate, s.Container == nil
		if s.Container != nil && !s.Container.State.StartedAt.IsZero() {
			s.Kind = KindUpdate // It was made as a whole, and may have come to hold something since.
		}
	}
	if pending {
		s.InProgress, s.Kind, s.Elsewhere = true, KindCreate, until
	}
	return s, nil
}

// JudgeUnheardImage is JudgeUnheard for an image: one that is there is what was to be brought.
func (c *Conductor) JudgeUnheardImage(ctx context.Context, s ImageStatus, name, operationID string, deadline time.Time) (ImageStatus, error) {
	if s.Image != nil {
		return s, nil
	}
	t, err := c.begin(ctx, "image", name, "read", "read", fault.StepReading)
	if err != nil {
		return s, err
	}
	if until := t.elsewhere(operationID, deadline); !until.IsZero() {
		s.InProgress, s.Kind, s.Elsewhere = true, KindCreate, until
		return s, nil
	}
	scope := t.object.Scope()
	scope.Operation = operationID
	if t.forgot(operationID) {
		deadline = time.Time{}
	}
	s.Fault, s.Kind, s.Vanished = scope.Vanished(KindCreate.verb(), journal.AcceptedAt(operationID), deadline), KindCreate, true
	return s, nil
}
