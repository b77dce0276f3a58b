// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

const (
	// keepRecords and keepFor bound what the journal keeps of operations that are settled.
	keepRecords = 200
	keepFor     = 30 * 24 * time.Hour
)

// record is the operation's intent.
func (o *operation) record() journal.Record {
	return journal.Record{
		ID: o.id, Kind: string(o.Kind), Engine: o.engine.name, Container: o.Spec.Name, PriorName: o.PriorName,
		ContainerID: o.containerID, After: o.OperationID, Restart: o.Restart, Uploads: len(o.Upload) > 0, Accepted: o.accepted.UTC(), Step: o.step, RemoveVolumes: o.RemoveVolumes,
		Cast: o.cast, Caller: o.caller, Deadline: o.deadline.UTC(), Exchange: o.exchangeRecord(),
	}
}

// intend makes the intent durable. An operation whose intent can't be kept is carried out all the
// same: the container is what matters, and whoever called hears what is missing.
func (o *operation) intend() {
	if o.engine.journal == nil {
		o.unkept = o.engine.unkept
		return
	}
	if err := o.engine.journal.Begin(o.record()); err != nil {
		o.unkept = fmt.Errorf("%w: %w", errUnkept, err)
		o.logger.Warn("the intent can't be kept: if this process dies, the next one does not know of this operation", "error", err)
		return
	}
	o.kept = true
}

// hold takes the lane among all processes that share the state folder, and finds out what became
// of the lane's earlier operations. Release is never nil.
func (o *operation) hold(ctx context.Context) (release func(), err error) {
	if !o.kept {
		return func() {}, nil
	}
	hold, err := o.engine.journal.Hold(ctx, o.record())
	switch {
	case err != nil && ctx.Err() != nil:
		return func() {}, err
	case err != nil:
		o.logger.Warn("the lane's lock can't be taken: another process might work on the same container", "error", err)
		return func() {}, nil
	}
	o.waited = o.waited || hold.Waited
	return func() {
		if err := hold.Release(); err != nil {
			o.logger.Warn("the lane's lock can't be released", "error", err)
		}
	}, o.reckon()
}

// reckon marks what dead processes left in the operation's lanes as interrupted, and refuses the
// operation if it was queued behind another process's that failed since.
func (o *operation) reckon() error {
	for _, name := range o.record().Lanes() {
		records, problems := o.engine.journal.Lane(name)
		for _, problem := range problems {
			o.logger.Warn("a record of the journal is left out", "error", problem)
		}
		for _, r := range records {
			switch {
			case r.ID == o.id:
			case r.InProgress() && !o.engine.journal.Alive(r):
				o.logger.Info("an operation was interrupted: its process died", "interrupted", r.ID, "step", string(r.Step))
				o.write(r.ID, func(r *journal.Record) {
					r.Outcome, r.Ended = journal.Interrupted, time.Now().UTC()
				})
			case r.Unsettled() && !o.engine.journal.Own(r) && r.Ended.After(o.accepted) && r.ID < o.id && o.Kind != KindRemove:
				return o.scope().RefusedBehind(o.Kind.verb(), r.Fault)
			}
		}
	}
	return nil
}

// conclude makes the outcome durable, and settles what the operation has dealt with: earlier
// failures of the same container. A fault that the caller gets now is settled by that.
func (o *operation) conclude(err error) {
	o.engine.tally.ended(err)
	if !o.kept {
		return
	}
	o.write(o.id, func(r *journal.Record) {
		o.progress.note(r)
		r.Ended, r.Step, r.ContainerID, r.Outcome = time.Now().UTC(), o.step, o.containerID, journal.Done
		r.Exchange = o.exchangeRecord()
		if f := (*fault.Fault)(nil); errors.As(err, &f) {
			r.Outcome, r.Fault, r.Settled = journal.Failed, f, !o.cast
		}
	})
	if err != nil || o.Kind.power() {
		return // Who only restarts a container has not mended what failed.
	}
	records, _ := o.engine.journal.Lane(o.Spec.Name)
	for _, r := range records {
		if r.Unsettled() && r.ID < o.id {
			o.write(r.ID, func(r *journal.Record) { r.Settled = true })
		}
	}
}

func (o *operation) write(id string, change func(*journal.Record)) {
	if err := o.engine.journal.Change(id, change); err != nil {
		o.logger.Warn("a record of the journal can't be written", "record", id, "error", err)
	}
}
