// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/containerd/errdefs"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// A removal that nobody waits for has left its state: if it fails, no plan repeats it. So it is repeated as
// long as its time lasts, and what a background conductor left that died, or gave up, the next one takes up.

const (
	// persistFirst and persistMost are the pauses between two tries of a removal.
	persistFirst = time.Second
	persistMost  = 30 * time.Second
	// behindLook is the pause between two looks at whether somebody waits for the lane.
	behindLook = time.Second
	// manyTakenUp is how many removals of dead background conductors one takes up, and takeUpLooks among how
	// many late failures it looks for them.
	manyTakenUp = 10
	takeUpLooks = 100
	// takeUpLimit bounds a removal that had no limit of its own.
	takeUpLimit = 10 * time.Minute
)

// canPass reports whether a removal that failed for this reason can succeed later. It is pure.
func canPass(err error) bool {
	if f := (*fault.Fault)(nil); errors.As(err, &f) {
		return f.Kind == fault.EngineError || f.Kind == fault.EngineUnreachable
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	return err != nil && !errdefs.IsInvalidArgument(err) && !errdefs.IsPermissionDenied(err) && !errdefs.IsUnauthorized(err) &&
		!errdefs.IsNotImplemented(err) && !errdefs.IsNotFound(err)
}

// persist repeats a removal until it succeeds, fails for a reason that stays, or its time is up. It gives way
// to whoever waits for the lane: that resumes the removal, and has somebody to tell of its failure.
func (o *operation) persist(ctx context.Context, attempt func() error) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = persistFirst, persistMost
	var last *fault.Fault
	for {
		err := attempt()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil && last != nil:
			return last // The reason says more than that the time is up.
		case ctx.Err() != nil || !canPass(err):
			return err
		}
		errors.As(o.job.fail(ctx, err), &last)
		next := pauses.NextBackOff()
		o.logger.Warn("a removal failed, and is tried again", "pause", next, "error", err)
		for until := time.Now().Add(next); time.Now().Before(until); {
			deadline, limited := ctx.Deadline()
			if o.awaited() || limited && !until.Before(deadline) {
				return last
			}
			if pause(ctx, min(behindLook, time.Until(until))) != nil {
				return last
			}
		}
	}
}

// awaited reports whether another operation waits for the lane.
func (o *operation) awaited() bool {
	records, _ := o.in.Lane(o.lane())
	for _, r := range records {
		if r.InProgress() && r.Awaits == "" && journal.Ticket(r.ID) > journal.Ticket(o.id) && o.in.Alive(r) {
			return true
		}
	}
	return false
}

// unfinished reports whether a record is of a removal that was cast, and that nobody is at any more.
func (e *connection) unfinished(r journal.Record) bool {
	return Kind(r.Kind) == KindRemove && r.Object == "" && r.Cast && r.ContainerID != "" &&
		(r.Unsettled() || r.InProgress() && !e.journal.Alive(r))
}

// takeUp carries out removals that background conductors of this engine left that are dead by now.
func (c *Conductor) takeUp(ctx context.Context, e *connection) {
	late, err := e.journal.Late(takeUpLooks, lookTakes)
	if err != nil {
		e.Logger.Warn("the removals that others left can't be read", "error", err)
		return
	}
	var working sync.WaitGroup
	defer working.Wait()
	taken := make(map[string]bool)
	for _, r := range late.Records {
		if !e.unfinished(r) || e.journal.Alive(r) || taken[r.Container] {
			continue
		}
		if len(taken) == manyTakenUp {
			break
		}
		taken[r.Container] = true
		limit := takeUpLimit
		if r.Deadline.After(r.Accepted) {
			limit = r.Deadline.Sub(r.Accepted)
		}
		working.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			if err := c.finishRemovals(ctx, e, r.Container, true); err != nil {
				e.Logger.Warn("an unfinished removal failed again", "removal", r.ID, "error", err)
			}
		})
	}
}

// finishRemovals carries out the unfinished removals of a lane: once, or as long as ctx lasts. The error is why
// one failed.
func (c *Conductor) finishRemovals(ctx context.Context, e *connection, name string, persist bool) error {
	return c.inLane(ctx, e, name, func(ctx context.Context) error {
		records, _ := e.journal.Lane(name)
		for _, r := range records {
			if !e.unfinished(r) || r.Container != name {
				continue
			}
			if err := c.finishRemoval(ctx, e, r, persist); err != nil {
				return err
			}
		}
		return nil
	})
}

// finishRemoval carries out one of them, and notes in its record what became of it.
func (c *Conductor) finishRemoval(ctx context.Context, e *connection, r journal.Record, persist bool) error {
	base := c.containerJob(e, KindRemove, container.Spec{Name: r.Container}, "")
	base.id, base.intent, base.logger = r.ID, r, base.logger.With("operation", r.ID)
	o := base.again(r)
	o.id = r.ID
	attempt := func() error {
		_, err := engine.Retrying(ctx, func() (struct{}, error) {
			concerns, err := o.concerns(ctx, r)
			if err != nil || !concerns {
				return struct{}{}, err
			}
			return struct{}{}, o.remove(ctx)
		})
		return err
	}
	defer e.removals.begin(r.Container)()
	e.Logger.Info("resuming an unfinished removal", "removal", r.ID, "container_id", r.ContainerID)
	var err error
	if persist {
		err = o.persist(ctx, attempt)
	} else {
		err = attempt()
	}
	gone, lookErr := o.lookFor(ctx, r.ContainerID)
	if err == nil && lookErr == nil && gone == nil {
		o.finished(r)
		return nil
	}
	if err != nil {
		err = o.fail(ctx, err)
	}
	o.write(r.ID, func(r *journal.Record) {
		if r.InProgress() {
			r.Outcome, r.Ended = journal.Interrupted, time.Now().UTC()
		}
		if f := (*fault.Fault)(nil); errors.As(err, &f) && ctx.Err() == nil {
			r.Outcome, r.Fault, r.Ended = journal.Failed, f, time.Now().UTC()
		}
	})
	return err
}

// finished notes that nothing is left of an unfinished removal: no container, and no volume that goes with it.
func (o *containerJob) finished(r journal.Record) {
	o.write(r.ID, func(r *journal.Record) { r.Volumes = nil })
	o.engine.settled(r.ID)
}

// again is the operation that carries out an unfinished removal in the place of this one, whose record must
// never name that container.
func (o *containerJob) again(r journal.Record) *removalJob {
	again := &removalJob{containerJob: *o, removesVolumes: r.RemoveVolumes, exchanged: true}
	again.operation = o.instead(again, o.id)
	again.does, again.spec, again.containerID, again.after, again.journaled = KindRemove, container.Spec{Name: r.Container}, r.ContainerID, "", false
	again.priorName, again.quiet, again.out = "", true, &Outcome{}
	again.removal, again.volumes = r.ID, o.engine.owed(r)
	return again
}

// stays settles the removals that ended without success of a container that a state names: whose state has it
// decides anew what becomes of it, and nobody takes them up any more.
func (e *connection) stays(name, containerID string) {
	if e.journal == nil {
		return
	}
	records, _ := e.journal.Lane(name)
	for _, r := range records {
		if r.ContainerID != containerID || !e.unfinished(r) && (r.Exchange != nil || !e.owes(r)) {
			continue
		}
		err := e.journal.Change(r.ID, func(r *journal.Record) {
			journal.Settle(r)
			r.Volumes = nil
		})
		if err != nil {
			e.Logger.Warn("a record of the journal can't be written", "record", r.ID, "error", err)
		}
	}
}
