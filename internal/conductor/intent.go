// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// record is the operation's intent.
func (o *operation) record() journal.Record {
	return journal.Record{
		ID: o.id, Kind: string(o.Kind), Engine: o.engine.Name, Container: o.Spec.Name, PriorName: o.PriorName,
		ContainerID: o.containerID, After: o.OperationID, Restart: o.Restart, Uploads: o.uploads(), Goal: o.goal(), Accepted: o.accepted.UTC(), Step: o.step, RemoveVolumes: o.RemoveVolumes,
		Cast: o.cast, Caller: o.caller, Deadline: o.deadline.UTC(), Exchange: o.exchangeRecord(),
	}
}

// hold takes the operation's lanes among all processes, and finds out what became of the lanes'
// earlier operations.
func (o *operation) hold(ctx context.Context) (*journal.Hold, error) {
	hold, err := o.entry.hold(ctx, o.scope(), o.record())
	if hold == nil {
		return nil, err
	}
	o.waited = o.waited || hold.Waited
	return hold, o.reckon()
}

// reckon marks what dead processes left in the operation's lanes as interrupted, and refuses the
// operation if a cast that it was queued behind has failed since.
func (o *operation) reckon() error {
	for _, name := range o.record().Lanes() {
		records, problems := o.engine.journal.Lane(name)
		for _, problem := range problems {
			o.logger.Warn("a record of the journal is left out", "error", problem)
		}
		for i, r := range records {
			if r.ID != o.id && r.InProgress() && !o.engine.journal.Alive(r) {
				o.interrupted(r)
				records[i].Outcome = journal.Interrupted
			}
		}
		if cause := o.refusedBy(records); cause != nil {
			return o.scope().RefusedBehind(o.Kind.verb(), cause)
		}
	}
	return nil
}

// conclude makes the outcome durable, and settles what the operation has dealt with: earlier
// failures of the same container.
func (o *operation) conclude(err error) {
	o.engine.tally.ended(err)
	if !o.kept {
		return
	}
	// Before the outcome: whoever sees that it has ended finds settled what it has dealt with.
	if err == nil && !o.Kind.power() { // Who only restarts a container has not mended what failed.
		o.settle(o.Spec.Name, o.containerID)
		o.settleOwn(o.PriorName)
		o.settleFormer(o.OperationID)
	}
	problem := o.entry.conclude(err, func(r *journal.Record) {
		r.Step, r.ContainerID, r.Exchange = o.step, o.containerID, o.exchangeRecord()
	})
	if problem != nil {
		o.unkept = fmt.Errorf("the outcome of the %s of container %q can't be noted: %w", o.Kind.verb(), o.Spec.Name, problem)
	}
}

// uploads reports whether the operation is to put files into its container.
func (o *operation) uploads() bool {
	return len(o.Upload) > 0 || o.Kind == KindCreate && len(o.Spec.Files) > 0
}

// settleOwn is settle for the lane of the name that the container had before: what stands there may be
// another object's by now, so that only what failed with this very container is settled.
func (o *operation) settleOwn(lane string) {
	if lane == "" || lane == o.Spec.Name {
		return
	}
	records, _ := o.in.Lane(lane)
	for _, r := range records {
		own := r.ContainerID == o.containerID || r.ContainerID == "" && r.ID == o.OperationID
		if own && r.Unsettled() && journal.Ticket(r.ID) < journal.Ticket(o.id) {
			o.write(r.ID, func(r *journal.Record) { r.Settled = true })
		}
	}
}

// settleFormer settles the failure of the operation that the caller knew, where its record is from the time when
// the engine's host had another name.
func (o *operation) settleFormer(operationID string) {
	in := o.in.Knower(operationID)
	if in == o.in {
		return
	}
	r, err := in.Find(operationID)
	if err == nil && (r.Unsettled() || r.InProgress() && !in.Alive(r)) {
		err = in.Change(operationID, journal.Settle)
	}
	if err != nil {
		o.logger.Warn("a record of the journal can't be written", "record", operationID, "error", err)
	}
}
