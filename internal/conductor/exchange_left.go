// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"slices"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// endOther ends an exchange of the lane that a dead process or a failure left in the middle: the new
// container stays if it was ready, else the old one comes back.
func (o *containerJob) endOther(ctx context.Context, r journal.Record) (left string, err error) {
	o.logger.Info("ending an exchange that was left in the middle", "exchange", r.ID, "ready", r.Exchange.Ready)
	old, err := o.lookFor(ctx, r.Exchange.Predecessor)
	if err != nil {
		return "", err
	}
	if old != nil { // What its engine says of it is told by this operation, whose settings are others.
		o.mask, o.quiet = o.engine.MaskOf(ctx, o.spec, old), o.quiet || o.engine.hides(old)
		o.logger = masking(o.logger, o.mask)
	}
	again := &exchangeJob{
		containerJob: *o, order: container.Order(r.Exchange.Order), removesVolumes: r.RemoveVolumes, state: *r.Exchange, leftover: &r,
	}
	again.operation = o.instead(again, r.ID)
	again.does, again.spec, again.wait = KindExchange, container.Spec{Name: r.Container}, container.WaitReady
	again.priorName, again.after, again.volumes = r.PriorName, "", nil
	if old == nil {
		again.volumes = o.engine.owed(r)
	}
	return again.endExchange(ctx, func(x container.Exchange) []container.Step {
		if x.Ready && x.To != nil {
			return container.PlanExchange(x)
		}
		return container.PlanReturn(x)
	})
}

// followExchanges makes the operation about the container that is in the place of the one that the
// caller knows, and first ends the exchanges of the lane that are not over.
func (o *containerJob) followExchanges(ctx context.Context, records []journal.Record) error {
	for _, r := range records {
		if r.Exchange == nil || r.ID == o.id {
			continue
		}
		left := r.Exchange.Left
		if r.Unfinished() {
			if r.InProgress() && o.engine.journal.Alive(r) {
				continue
			}
			if !continues(r, o.entry.scope, o.containerID) {
				if err := o.besideExchange(ctx, r); err != nil {
					return err
				}
				continue
			}
			var err error
			if left, err = o.endOther(ctx, r); err != nil {
				return err
			}
		}
		if o.containerID != "" && o.containerID == r.Exchange.Predecessor && left != "" {
			o.containerID = left
		}
	}
	return nil
}

// besideExchange is a *fault.Fault if this operation would make a container under a name that belongs to an exchange
// that another workspace left in the middle: in the middle of it no container may have the name.
func (o *containerJob) besideExchange(ctx context.Context, r journal.Record) error {
	if o.does != KindCreate {
		return nil
	}
	for _, ref := range []string{r.Exchange.Predecessor, r.Exchange.Successor} {
		if ref == "" {
			continue
		}
		c, err := o.lookFor(ctx, ref)
		if err != nil {
			return err
		}
		if c != nil {
			return o.scope().NameOfExchange(o.spec.Name, o.engine.describe(ctx, c))
		}
	}
	return nil
}

// exchanged is what the journal knows of the exchange of a container.
type exchanged struct {
	// refs are where to look for the container, the likeliest first.
	refs []string
	// underWay says that a living process is at it; broken that a dead one was.
	underWay bool
	broken   *journal.Record
	// powered says that an operation on the power state is under way.
	powered bool
	// records are those of the lane, oldest first.
	records []journal.Record
}

// exchangesOf follows a container, or what an operation made, through the exchanges of its lane.
func (e *connection) exchangesOf(name, containerID, operationID string) exchanged {
	if e.journal == nil {
		return exchanged{}
	}
	var x exchanged
	records, _ := e.journal.Lane(name)
	for _, r := range records {
		concerns := containerID == "" && r.ID == operationID || containerID != "" && r.Exchange != nil && r.Exchange.Predecessor == containerID
		if r.Exchange == nil || !concerns {
			continue
		}
		x = exchanged{}
		switch {
		case !r.Unfinished() && r.Exchange.Left != "":
			containerID = r.Exchange.Left
			x.refs = []string{containerID}
		case !r.Unfinished(): // It has not begun, or nothing was left.
		case r.InProgress() && e.journal.Alive(r):
			x.underWay = true
		default:
			one := r
			x.broken = &one
			x.refs = []string{r.Exchange.Predecessor}
			if r.Exchange.Successor != "" {
				x.refs = append(x.refs, r.Exchange.Successor)
			}
		}
	}
	x.records = records
	x.powered = slices.ContainsFunc(records, func(r journal.Record) bool { return Kind(r.Kind).power() && r.InProgress() && e.journal.Alive(r) })
	return x
}
