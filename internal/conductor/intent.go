// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"fmt"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// refuses returns why the operation must not be carried out: a cast that it was queued behind has failed since.
func (o *containerJob) refuses(records []journal.Record) error {
	if cause := o.refusedBy(records); cause != nil {
		return o.scope().RefusedBehind(o.does.verb(), cause, o.engine.commandShowing(cause))
	}
	return nil
}

// commandShowing returns the command that shows the operation of a fault; empty is that it is of none.
func (e *connection) commandShowing(f *fault.Fault) string {
	if f.Operation == "" || e.journal == nil {
		return ""
	}
	return showCommand(e.journal.StateDir(), f.Operation)
}

// showCommand returns the command that shows an operation in a state directory, which need not be named if it is the
// default.
func showCommand(dir, operationID string) string {
	command := "terraform-provider-gantry operations show"
	if byDefault, err := journal.DefaultDir(); err != nil || dir != byDefault {
		command += fmt.Sprintf(" --state-dir %q", dir)
	}
	return command + " " + operationID
}

// settle settles what a success has dealt with: earlier failures of the same container.
func (o *containerJob) settle() {
	o.settleLane(o.spec.Name, o.containerID)
	o.settleOwn(o.priorName)
	o.settleFormer(o.after)
}

// complete has the record show what the operation left.
func (o *containerJob) complete(r *journal.Record) {
	r.ContainerID, r.Volumes = o.containerID, o.volumes
}

func (o *containerJob) created() (id string, unsure bool) { return o.containerID, o.unsure }

func (o *containerJob) carries() bool { return o.out.Container != nil }

// cancels is for removals alone.
func (o *containerJob) cancels() func(journal.Record) bool {
	return func(journal.Record) bool { return false }
}

// settleOwn is settle for the lane of the name that the container had before: what stands there may be
// another object's by now, so that only what failed with this very container is settled.
func (o *containerJob) settleOwn(lane string) {
	if lane == "" || lane == o.spec.Name {
		return
	}
	records, _ := o.in.Lane(lane)
	for _, r := range records {
		own := r.ContainerID == o.containerID || r.ContainerID == "" && r.ID == o.after
		if own && r.Unsettled() && journal.Ticket(r.ID) < journal.Ticket(o.id) {
			o.write(r.ID, func(r *journal.Record) { r.Settled = true })
		}
	}
}

// settleFormer settles the failure of the operation that the caller knew, where its record is from the time when
// the engine's host had another name.
func (o *containerJob) settleFormer(operationID string) {
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
