// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"slices"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// An operation that was planned on the word of a cast is refused if that cast fails. Nobody else is:
//
//   - Only casts. Whoever called has the failure in hand, and decides what follows.
//   - Only casts that were under way when the operation was accepted. A failure that was there before has
//     been told of, and the operation may be its repair.
//   - Only casts on the same object. A rename stands in the lanes of two names, and a create can fail
//     because another container has its name: neither is a matter of that container.
//   - No removal: it ends what failed.

// castsAhead are the casts that are under way before the operation in its lanes, by their IDs.
func (o *containerJob) castsAhead() []string {
	if !o.journaled || o.does == KindRemove {
		return nil
	}
	var ahead []string
	for _, name := range o.intent.Lanes() {
		records, _ := o.in.Lane(name)
		for _, r := range records {
			if r.Cast && r.InProgress() && journal.Ticket(r.ID) < journal.Ticket(o.id) && o.in.Alive(r) {
				ahead = append(ahead, r.ID)
			}
		}
	}
	return ahead
}

// refusedBy returns the failure among the records of a lane that refuses the operation; nil if none does.
func (o *containerJob) refusedBy(records []journal.Record) *fault.Fault {
	for _, r := range records {
		if r.Unsettled() && slices.Contains(o.ahead, r.ID) && o.sameObject(r) {
			if r.Fault == nil {
				return Interruption(r)
			}
			return r.Fault
		}
	}
	return nil
}

// sameObject reports whether an earlier operation of the lane is on the container that this one is on, or
// is to be on. It is pure.
func (o *containerJob) sameObject(r journal.Record) bool {
	if r.ID == o.after {
		return true // The caller knows the container by that operation.
	}
	id := cmp.Or(o.containerID, o.seen)
	if id == "" {
		// Nobody has the name yet: whoever is to make its container decides.
		return (o.does == KindCreate || o.does.power()) && Kind(r.Kind) == KindCreate && r.Container == o.spec.Name
	}
	ids := []string{r.ContainerID}
	if r.Exchange != nil {
		ids = append(ids, r.Exchange.Predecessor, r.Exchange.Successor, r.Exchange.Left)
	}
	return slices.Contains(ids, id)
}

// cancels tells which operations of the lane a removal makes needless: those on the container that it removes.
// Another one can be about to take the name, and waits for the removal.
func (o *removalJob) cancels() func(journal.Record) bool {
	known := o.engine.historyOf(o.after)
	return func(r journal.Record) bool {
		return o.containerID != "" && r.ContainerID == o.containerID || r.ContainerID != "" && slices.Contains(known.containers, r.ContainerID) ||
			slices.Contains(known.operations, r.ID) || r.After != "" && slices.Contains(known.operations, r.After)
	}
}
