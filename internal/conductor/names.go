// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"slices"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// A create or a rename can need a name that another operation is about to free: a list of names that grows at
// its front moves all of them by one. Such an operation steps aside: it leaves its lanes, in which the other
// one may stand behind it, until that one has ended. Where names go round in a circle the last one to find
// out gives its container a third name, for as long as the circle turns.

// nameComes is how long a name of another container of gantry's may wait for the operation that frees it:
// Terraform begins what does not depend on each other at about the same time.
const nameComes = 2 * time.Second

// asideError has an operation step aside for another one.
type asideError struct {
	// awaited frees the name; empty is that it is free by now.
	awaited string
	// park has the container give up its own name, which the awaited one waits for; nil is that it keeps it.
	park func(context.Context) error
}

func (e *asideError) Error() string { return "another operation frees the name" }

// giveWay returns the *asideError for a name that another container has; nil is that it is a conflict.
func (o *containerJob) giveWay(ctx context.Context, name string) error {
	if !o.journaled {
		return nil
	}
	for giveUp := time.Now().Add(nameComes); ; {
		holder, err := o.lookFor(ctx, name)
		switch {
		case err != nil:
			return err
		case holder == nil:
			return o.awaitReserved(ctx)
		}
		o.reserved = time.Time{}
		records, _ := o.in.Lane(name)
		records = slices.DeleteFunc(records, func(r journal.Record) bool { return r.ID == o.id || !r.InProgress() || !o.in.Alive(r) })
		if r, ok := freedBy(records, name, holder.ID); ok {
			park := circle(r, o.id, o.in.Find)
			if park && o.does == KindCreate {
				return nil
			}
			aside := &asideError{awaited: r.ID}
			if park {
				aside.park = o.park
			}
			return aside
		}
		if !time.Now().Before(giveUp) || !o.engine.seemsOwnContainer(ctx, holder, o.entry.scope) {
			return nil
		}
		if err := pause(ctx, referenceLook); err != nil {
			return err
		}
	}
}

// awaitReserved pauses before the next attempt to have a name that is taken and that no container has: it may be
// free by now, or the engine keeps it for a container that it is still making, or has lost it. It returns nil once
// the operation has met that for long enough.
func (o *containerJob) awaitReserved(ctx context.Context) error {
	now := time.Now()
	if o.reserved.IsZero() {
		o.reserved = now.Add(nameComes)
	}
	if !now.Before(o.reserved) {
		return nil
	}
	if err := pause(ctx, referenceLook); err != nil {
		return err
	}
	return &asideError{}
}

// nameConflict is the fault of a name that another container has. Where that is this workspace's own, the
// configuration may be about to give it another name, of which nobody knows here until Terraform asks for that.
func (o *containerJob) nameConflict(ctx context.Context, holder *container.Container, exists fault.Exists, taken error) error {
	f := o.scope().NameConflict(holder.Name, o.engine.describe(ctx, holder), exists, taken)
	scope := o.entry.scope
	by := o.engine.workspaceOf(ctx, holder)
	switch {
	case scope == "":
	case by != "" && by != scope:
		f = f.OfOwner(fault.OwnerOther)
	case by == scope:
		f = f.OfOwner(fault.OwnerWorkspace)
	case o.engine.seemsOwnContainer(ctx, holder, scope):
		f = f.OfOwner(fault.OwnerGantry)
	}
	if o.intent.Cast && o.does == KindCreate {
		return f.OfCast()
	}
	return f
}

// awaitName makes sure that the name that an exchange is to have is free, before anything is changed.
func (o *exchangeJob) awaitName(ctx context.Context) error {
	if o.priorName == "" || o.priorName == o.spec.Name {
		return nil
	}
	holder, err := o.lookFor(ctx, o.spec.Name)
	if err != nil || holder == nil || holder.ID == o.containerID {
		return err
	}
	if aside := o.giveWay(ctx, o.spec.Name); aside != nil {
		return aside
	}
	return o.nameConflict(ctx, holder, fault.Unchanged, nil)
}

// freedBy finds the operation under way that takes a name away from the container that has it. It is pure.
func freedBy(records []journal.Record, name, holder string) (journal.Record, bool) {
	i := slices.IndexFunc(records, func(r journal.Record) bool {
		renames := r.PriorName == name && r.Container != name
		return r.ContainerID == holder && (renames || Kind(r.Kind) == KindRemove)
	})
	if i < 0 {
		return journal.Record{}, false
	}
	return records[i], true
}

// circle reports whether an operation waits, over others perhaps, for the one with this ID.
func circle(r journal.Record, id string, find func(string) (journal.Record, error)) bool {
	seen := map[string]bool{}
	for r.Awaits != "" && !seen[r.ID] {
		if r.Awaits == id {
			return true
		}
		seen[r.ID] = true
		next, err := find(r.Awaits)
		if err != nil || !next.InProgress() {
			return false
		}
		r = next
	}
	return false
}

// stepAside leaves the operation's lanes until another operation has freed a name, and takes them again.
func (o *operation) stepAside(ctx context.Context, aside *asideError) error {
	if aside.park != nil && !o.parked {
		o.logger.Info("giving up the name for a moment, since names are exchanged", "for", aside.awaited)
		if err := aside.park(ctx); err != nil {
			return err
		}
		o.parked = true
	}
	o.logger.Info("waiting for an operation that frees the name", "awaited", aside.awaited)
	o.write(o.id, func(r *journal.Record) { r.Awaits, r.Parked = aside.awaited, o.parked })
	o.release(o.held)
	o.held = nil
	o.pass.Leave()
	for o.holdsName(aside.awaited) {
		if err := pause(ctx, referenceLook); err != nil {
			return err
		}
	}
	o.pass = o.pass.Again()
	if err := o.pass.Wait(ctx); err != nil {
		return err
	}
	o.write(o.id, func(r *journal.Record) { r.Awaits = "" })
	return o.hold(ctx)
}

// holdsName reports whether an operation has not freed its container's name yet.
func (o *operation) holdsName(id string) bool {
	r, err := o.in.Find(id)
	return err == nil && r.InProgress() && !r.Parked && o.in.Alive(r)
}

// park has the container give up its name for a moment.
func (o *containerJob) park(ctx context.Context) error {
	return o.change(ctx, func(ctx context.Context) error {
		return o.engine.API.ContainerRename(ctx, o.containerID, o.parkingName())
	})
}

// parkingName is the name of a container that has given up its own. An exchange knows it as the name of a
// container that was moved out of the way.
func (o *containerJob) parkingName() string {
	name := o.priorName
	if o.does == KindExchange {
		name = o.spec.Name
	}
	_, prior := temporaryNames(o.id, name)
	return prior
}

// unpark gives a container its name back whose rename failed after it had given that up.
func (o *containerJob) unpark(ctx context.Context) {
	if !o.parked {
		return
	}
	ctx, cancel := engine.ContextForLook(ctx)
	defer cancel()
	c, err := o.engine.Inspect(ctx, o.containerID)
	if err == nil && c.Name == o.parkingName() {
		err = o.change(ctx, func(ctx context.Context) error { return o.engine.API.ContainerRename(ctx, o.containerID, o.priorName) })
	}
	if err != nil {
		o.logger.Warn("the container keeps a temporary name until the next apply", "error", err)
	}
}
