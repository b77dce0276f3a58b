// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"slices"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// referenceLook is the pause between two looks at an operation on a container that is referred to.
const referenceLook = 100 * time.Millisecond

// awaitReferences waits until no operation is under way on a container that this one refers to. It
// takes nothing meanwhile but the place in the lanes. It looks only at what was accepted before, by
// any process: every wait then leads to an earlier operation, and so none closes a cycle. Of containers
// that refer to each other the first one fails, and the other one with it.
func (o *containerJob) awaitReferences(ctx context.Context) error {
	if !o.journaled || o.does == KindRemove {
		return nil
	}
	for _, ref := range o.spec.Referred() {
		awaited := ""
		for r, ok := o.underWay(ctx, ref); ok; r, ok = o.underWay(ctx, ref) {
			awaited = r.ID
			o.logger.Info("waiting for an operation on a container that this one refers to", "awaited", r.ID)
			for o.goesOn(r.ID) {
				if err := pause(ctx, referenceLook); err != nil {
					return err
				}
			}
		}
		if err := o.failedReference(ref, awaited); err != nil {
			return err
		}
	}
	return nil
}

// goesOn reports whether an operation is still under way.
func (o *containerJob) goesOn(id string) bool {
	r, err := o.engine.journal.Find(id)
	return err == nil && r.InProgress() && o.engine.journal.Alive(r)
}

// underWay finds the last operation on a container that was accepted before this one and has not
// ended. An operation is found by the name that the container has: its lane.
func (o *containerJob) underWay(ctx context.Context, ref string) (journal.Record, bool) {
	if r, ok := o.underWayIn(ref); ok || len(ref) < container.ShortID {
		return r, ok
	}
	c, err := o.engine.Inspect(ctx, ref)
	if err != nil || c.Name == ref {
		return journal.Record{}, false // The start says what is wrong with it.
	}
	return o.underWayIn(c.Name)
}

func (o *containerJob) underWayIn(lane string) (journal.Record, bool) {
	records, _ := o.engine.journal.Lane(lane)
	for _, r := range slices.Backward(records) {
		if r.ID != o.id && journal.Ticket(r.ID) < journal.Ticket(o.id) && r.InProgress() && o.engine.journal.Alive(r) {
			return r, true
		}
	}
	return journal.Record{}, false
}

// failedReference is a *fault.Fault if the operation that was waited for failed.
func (o *containerJob) failedReference(ref, awaited string) error {
	if awaited == "" {
		return nil
	}
	r, err := o.engine.journal.Find(awaited)
	if err != nil || r.Outcome != journal.Failed || r.Fault == nil || Kind(r.Kind) == KindRemove {
		return nil //nolint:nilerr // What can't be read is no failure: the engine has the last word.
	}
	exists := fault.Unchanged
	if o.does == KindCreate {
		exists = fault.NothingCreated
	}
	return o.scope().ReferenceFailed(o.does.verb(), ref, exists, r.Fault, o.engine.commandShowing(r.Fault))
}
