// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// Late is a failure of a cast that nothing has settled since.
type Late struct {
	Kind  Kind
	Fault *fault.Fault
	// Stray says that no Terraform state can tell of it: the resource of a removal has left its
	// state, and what a crashed process cast may never have got into one.
	Stray bool
}

const (
	// manyLate is how many late failures are told of one by one: the others are counted.
	manyLate = 10
	// lookTakes bounds how long a look at the journal reads what an older gantry left there.
	lookTakes = 200 * time.Millisecond
	// tidyTakes bounds how long a process tidies the journal at its end: Terraform waits two seconds.
	tidyTakes = 400 * time.Millisecond
)

// LateFaults are the failures of casts that nobody waited for and that nothing has settled since.
type LateFaults struct {
	// Newest are the last of them, oldest first.
	Newest []Late
	// Count is how many there are, as far as they were counted; More says that there are more.
	Count int
	More  bool
	// Problems are why records can't be read, which may tell of more; Unreadable is how many can't.
	Problems   []error
	Unreadable int

	all []journal.Late
}

// Has reports whether the failure of an operation is among them.
func (l *LateFaults) Has(operationID string) bool {
	return slices.ContainsFunc(l.all, func(late journal.Late) bool { return late.Has(operationID) })
}

// add takes over the failures on another engine.
func (l *LateFaults) add(other LateFaults) {
	l.Newest = append(l.Newest, other.Newest...)
	l.Newest = l.Newest[max(0, len(l.Newest)-manyLate):]
	l.Count += other.Count
	l.More = l.More || other.More
	l.Problems, l.Unreadable = append(l.Problems, other.Problems...), l.Unreadable+other.Unreadable
	l.all = append(l.all, other.all...)
}

// noted returns the part of the journal that this conductor's engine had the last time; nil if it was never connected
// to.
func (c *Conductor) noted() *journal.Engine {
	j := c.openedJournal()
	host, err := c.host()
	if err != nil || j == nil {
		return nil // Connecting tells why.
	}
	e, err := j.Noted(host)
	if err != nil {
		return nil
	}
	return e
}

// LateFaults returns the late failures on this conductor's engine. It reads the journal alone; an engine
// that was never connected to has none.
func (c *Conductor) LateFaults() LateFaults {
	if in := c.noted(); in != nil {
		return c.lateFaults(in)
	}
	return LateFaults{}
}

// lateFaults returns the late failures of an engine's part of the journal.
func (c *Conductor) lateFaults(e *journal.Engine) LateFaults {
	late, err := e.Late(manyLate, lookTakes)
	if err != nil {
		return LateFaults{Problems: []error{err}, Unreadable: 1}
	}
	if late.Unread > 0 {
		c.opts.Logger.Info("records of an older gantry have not been read yet: the next run goes on", "records", late.Unread)
	}
	faults := LateFaults{Count: late.Count(), More: late.More, Problems: late.Problems, Unreadable: late.Unreadable, all: []journal.Late{late}}
	for _, r := range late.Records {
		one := Late{Kind: Kind(r.Kind), Fault: r.Fault}
		if r.Outcome != journal.Failed || r.Fault == nil {
			one.Fault = Interruption(r)
		}
		one.Stray = one.Kind == KindRemove || e.Lost(r)
		faults.Newest = append(faults.Newest, one)
		if one.Kind == KindRemove && r.Object == "" && r.ContainerID != "" {
			c.mu.Lock()
			c.toldRemovals = append(c.toldRemovals, r)
			c.mu.Unlock()
		}
	}
	return faults
}

// settleMeanwhile settles late removals that were told of while the engine is used: nobody's operation waits for it.
func (e *connection) settleMeanwhile(ctx context.Context, told []journal.Record) {
	if e.journal == nil || len(told) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
	e.stopSettling = cancel
	e.settling.Go(func() { e.settleRemovals(ctx, told) })
}

// endSettling waits for that, but not long: the next run goes on.
func (e *connection) endSettling() {
	if e.stopSettling == nil {
		return
	}
	stop := time.AfterFunc(tidyTakes, e.stopSettling)
	e.settling.Wait()
	stop.Stop()
	e.stopSettling()
}

// settleRemovals settles the late removals whose container is gone by now, whoever removed it.
func (e *connection) settleRemovals(ctx context.Context, told []journal.Record) {
	for _, r := range told {
		if _, err := e.Inspect(ctx, r.ContainerID); err == nil || engine.IgnoreNotFound(err) != nil {
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if e.owes(r) {
			continue // Its container is not all.
		}
		e.settled(r.ID)
	}
}

// settled notes that an unfinished removal of gantry's has been dealt with.
func (e *connection) settled(removal string) {
	if err := Settle(e.journal.Knower(removal), removal); err != nil {
		e.Logger.Warn("a record of the journal can't be written", "record", removal, "error", err)
	}
}

// Settle notes that the failure of an operation has been dealt with. With the removal of a container that is also
// what failed on the container before: no state has it any more, so that nobody would tell of that ever again.
func Settle(in *journal.Engine, id string) error {
	failed, err := in.Find(id)
	if err != nil {
		return err
	}
	if Kind(failed.Kind) == KindRemove && failed.Object == "" {
		records, _ := in.Lane(failed.Container) // What can't be read can't be settled.
		for _, r := range behind(records, failed, in.Alive) {
			err = errors.Join(err, in.Change(r.ID, journal.Settle))
		}
	}
	return errors.Join(err, in.Change(id, journal.Settle))
}

// behind returns the failures of casts among the records of a lane that the removal of their container deals with.
// Alive reports whether the process of a record lives. An exchange that was left in the middle may have left
// another container, too. It is pure.
func behind(records []journal.Record, removal journal.Record, alive func(journal.Record) bool) []journal.Record {
	return slices.DeleteFunc(slices.Clone(records), func(r journal.Record) bool {
		failed := r.Cast && !r.Unfinished() && (r.Unsettled() || r.InProgress() && !alive(r))
		own := r.ContainerID == removal.ContainerID
		if r.ContainerID == "" {
			own = r.Scope == removal.Scope && Kind(r.Kind) != KindRemove
		}
		return !failed || !own || journal.Ticket(r.ID) >= journal.Ticket(removal.ID)
	})
}
