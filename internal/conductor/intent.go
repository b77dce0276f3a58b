// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// refuses returns why the operation must not be carried out: a cast that it was queued behind has failed since.
func (o *operation) refuses(records []journal.Record) error {
	if cause := o.refusedBy(records); cause != nil {
		return o.scope().RefusedBehind(o.Kind.verb(), cause)
	}
	return nil
}

// settle settles what a success has dealt with: earlier failures of the same container.
func (o *operation) settle() {
	if o.Kind.power() { // Who only restarts a container has not mended what failed.
		return
	}
	o.settleLane(o.Spec.Name, o.containerID)
	o.settleOwn(o.PriorName)
	o.settleFormer(o.OperationID)
}

// complete has the record show what the operation left.
func (o *operation) complete(r *journal.Record) {
	r.ContainerID, r.Exchange, r.Volumes = o.containerID, o.exchangeRecord(), o.volumes
}

func (o *operation) created() (id string, unsure bool) { return o.containerID, o.unsure }

func (o *operation) carries() bool { return o.result != nil }

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
