// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/lane"
)

const (
	// cancelLook is the pause between two looks at whether somebody asked to cancel.
	cancelLook = 250 * time.Millisecond
	// tellEvery is how often the journal is told at most where an operation is: who watches it
	// needs no more, and most calls end before.
	tellEvery = time.Second
)

// entry is an operation's record in the journal, as the process that carries the operation out
// writes it.
type entry struct {
	// id is engine/name/unique.
	id     string
	logger hclog.Logger
	// in is the journal; nil where there is none.
	in *journal.Engine
	// journaled says that the journal has the intent; unkept why it has not.
	journaled    bool
	notJournaled error
	// refused is why the operation must not be carried out: there is a journal, and it can't have the intent.
	refused error
	// scope and engineID are for the open mark of a create.
	scope, engineID string
	// orphaned reports whether nobody takes the answer any more; nil is never.
	orphaned func() bool
	progress *progress
	// text makes the text of a fault for its record; nil is that it has none.
	text func(*fault.Fault) *fault.Fault
}

// begin makes an intent durable, and has accepted called with the operation's ID when it is the
// operation's turn to queue in its lanes. Where there is no journal the operation is carried out all the
// same, and whoever called hears what is missing. Where there is one that can't have the intent the
// operation is refused: what else is known there may concern it.
func (n *entry) begin(r journal.Record, accepted func(id string)) {
	r.Scope = n.scope
	if n.in != nil {
		err := n.in.Accept(r, n.openMark(r), accepted)
		if err == nil {
			n.journaled = true
			return
		}
		n.refused = err
		n.logger.Warn("the intent can't be kept", "error", err)
	}
	accepted(journal.ID(r.Engine, r.Lanes()[0], journal.NewTicket(r)))
}

// hold takes the lanes of the operation among all processes that share the state directory; nil where there
// is none. It has to be released. The error is the end of ctx, or why the operation is refused.
func (n *entry) hold(ctx context.Context, s fault.Scope, r journal.Record) (*journal.Hold, error) {
	switch {
	case n.refused != nil:
		return nil, s.StateFolder(Kind(r.Kind).verb(), fault.Unchanged, n.refused)
	case !n.journaled:
		return nil, nil
	}
	hold, err := n.in.Hold(ctx, r)
	if err != nil && ctx.Err() == nil {
		err = s.StateFolder(Kind(r.Kind).verb(), fault.Unchanged, fmt.Errorf("taking the lock of its lane: %w", err))
	}
	return hold, err
}

func (n *entry) release(hold *journal.Hold) {
	if hold == nil {
		return
	}
	if err := hold.Release(); err != nil {
		n.logger.Warn("the lane's lock can't be released", "error", err)
	}
}

// laneRecords are the operations of a lane, oldest first, as far as they can be read.
func (n *entry) laneRecords(lane string) []journal.Record {
	records, problems := n.in.Lane(lane)
	for _, problem := range problems {
		n.logger.Warn("a record of the journal is left out", "error", problem)
	}
	return records
}

// write changes a record and makes the change durable.
func (n *entry) write(id string, change func(*journal.Record)) {
	if err := n.in.Change(id, change); err != nil {
		n.logger.Warn("a record of the journal can't be written", "record", id, "error", err)
	}
}

// conclude makes the outcome durable. A fault that the caller gets now is settled by that. The error is
// that the outcome can't be kept.
func (n *entry) conclude(err error, complete func(*journal.Record)) error {
	problem := n.in.Change(n.id, func(r *journal.Record) {
		n.progress.note(r)
		r.Ended, r.Outcome = time.Now().UTC(), journal.Done
		complete(r)
		if f := (*fault.Fault)(nil); errors.As(err, &f) {
			if n.text != nil { // Older releases of gantry show the text, and know no facts.
				f = n.text(f)
			}
			r.Outcome, r.Fault, r.Settled = journal.Failed, f, !r.Cast
		}
	})
	if problem != nil {
		n.logger.Warn("the outcome can't be kept", "error", problem)
	}
	return problem
}

// withdraw ends an operation that was accepted, and that nobody has begun to carry out.
func (n *entry) withdraw(pass *lane.Pass[laneKey]) {
	n.logger.Info("withdrawn: whoever cast it takes no answer any more")
	n.write(n.id, func(r *journal.Record) {
		r.Outcome, r.Ended, r.Settled = journal.Withdrawn, time.Now().UTC(), true
	})
	if err := n.in.Deliver(n.id); err != nil {
		n.logger.Warn("the open mark of a withdrawn operation stays", "error", err)
	}
	pass.Leave()
}

// settleLane notes that the operation has dealt with the earlier failures of its lane. What failed for another
// workspace is settled only where it is about this very object: else its own state has to hear of it.
func (n *entry) settleLane(lane, id string) {
	records, _ := n.in.Lane(lane)
	for _, r := range records {
		foreign := r.Scope != "" && n.scope != "" && r.Scope != n.scope
		if foreign && (id == "" || r.ContainerID != id) {
			continue
		}
		if r.Unsettled() && journal.Ticket(r.ID) < journal.Ticket(n.id) {
			n.write(r.ID, func(r *journal.Record) { r.Settled = true })
		}
	}
}

// interrupted notes that an operation's process died in the middle.
func (n *entry) interrupted(r journal.Record) {
	n.logger.Info("an operation was interrupted: its process died", "interrupted", r.ID, "step", string(r.Step))
	n.write(r.ID, func(r *journal.Record) {
		r.Outcome, r.Ended = journal.Interrupted, time.Now().UTC()
	})
}

// cancelLane asks those operations of a lane that are under way, and that a removal makes needless, to end.
// It does not wait: the lane does.
func (n *entry) cancelLane(lane string, ends func(journal.Record) bool) {
	if !n.journaled {
		return
	}
	records, _ := n.in.Lane(lane)
	for _, r := range records {
		if r.InProgress() && journal.Ticket(r.ID) < journal.Ticket(n.id) && Kind(r.Kind) != KindRemove && ends(r) {
			if err := n.in.AskCancel(r.ID); err != nil {
				n.logger.Warn("an operation can't be asked to end", "asked", r.ID, "error", err)
			}
		}
	}
}

// tell tells the journal where the operation is.
func (n *entry) tell() { n.tellWith(n.logger) }

// tellWith is tell for a goroutine beside the operation's own, which may give the operation another logger meanwhile.
func (n *entry) tellWith(logger hclog.Logger) {
	if !n.journaled {
		return
	}
	if err := n.in.Progress(n.id, n.progress.note); err != nil {
		logger.Debug("the step can't be written to the journal", "error", err)
	}
}

// watchCancel looks after the operation while it is carried out: it tells the journal now and then where
// it is, and ends the context that it gives when somebody asks, in the journal, to cancel it, unless
// the operation can't be cancelled. The caller must call done.
func (n *entry) watchCancel(ctx context.Context, cancelled bool) (cancellable context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	if !n.journaled {
		return ctx, func() { cancel(nil) }
	}
	attended, logger := make(chan struct{}), n.logger
	go func() {
		defer close(attended)
		told := time.Now()
		for pause(ctx, cancelLook) == nil {
			if cancelled && n.in.CancelAsked(n.id) {
				cancel(errCancelAsked)
				return
			}
			if now := time.Now(); now.Sub(told) >= tellEvery && n.progress.isUntold() {
				told = now
				n.tellWith(logger)
			}
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-attended
	}
}
