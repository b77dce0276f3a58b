// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"time"

	containertypes "github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// An engine that was asked for a stop goes on with it when whoever asked leaves: it kills the container when
// its grace period is over, and nothing calls that off. So the journal has each stop from before it is asked for
// until it is answered. What was left in the middle counts as done for whoever looks, and every operation on the
// container but one that ends it, too, waits for it.

const (
	// stopHolds is how long a stop occupies a slot of the pool.
	stopHolds = 250 * time.Millisecond
	// OwnGrace is an engine's grace period where neither the stop nor the container has one.
	OwnGrace = 10 * time.Second
	// killTakes is how long after the grace period a killed container may still be there.
	killTakes = 5 * time.Second
)

// stop ends the container as it wishes: its own signal, its own grace period. The request holds
// a slot only for a moment: a container that uses its grace period must not keep others from
// theirs. No grace is the container's own.
func (o *containerJob) stop(ctx context.Context, grace *time.Duration) error {
	o.enter(fault.StepStopping)
	var options containertypes.StopOptions
	if grace != nil {
		seconds := int(grace.Seconds())
		options.Timeout = &seconds
	}
	patience := o.stopPatience(ctx)
	longer, cancel := engine.Outlive(ctx, patience, o.latePatience(patience))
	defer cancel()
	stopped := make(chan error, 1)
	err := o.engine.Pool.Do(ctx, func(context.Context) error {
		o.changed = true
		o.progress.setStopping(&journal.Stopping{ContainerID: o.containerID, Since: time.Now().UTC(), Grace: options.Timeout})
		o.tell()
		go func() { stopped <- o.engine.API.ContainerStop(longer, o.containerID, options) }()
		timer := time.NewTimer(stopHolds)
		defer timer.Stop()
		select {
		case err := <-stopped:
			stopped <- err
		case <-timer.C:
		}
		return nil
	})
	if err != nil {
		return err
	}
	select {
	case err = <-stopped:
	default: // It takes its time, and may outlive whoever asked.
		if o.kind != KindRemove {
			o.noteStart(ctx)
		}
		err = <-stopped
	}
	switch {
	case err == nil || longer.Err() == nil && !engine.LostAnswer(err):
		o.progress.setStopping(nil)
	case o.kind == KindRemove: // What is removed has a later run only if it is not removed after all.
		o.noteStart(ctx)
	}
	return err
}

// noteStart notes which run of the container is being stopped, so that a later one is told from it.
func (o *containerJob) noteStart(ctx context.Context) {
	if !o.journaled {
		return
	}
	ctx, cancel := engine.ContextForLook(ctx)
	defer cancel()
	c, err := o.engine.Inspect(ctx, o.containerID)
	if err != nil || c.State.Status == "restarting" || !container.Active(c.State) {
		return
	}
	noted := *o.progress.leftStopping()
	noted.StartedAt = c.State.StartedAt
	o.progress.setStopping(&noted)
	o.tell()
}

// stopPatience is how long a stop is waited for that was cancelled. Where no journal can have it that is its
// whole grace period: nobody would know of it later.
func (o *containerJob) stopPatience(ctx context.Context) time.Duration {
	if o.journaled {
		return changeGrace
	}
	c, err := o.engine.Inspect(ctx, o.containerID)
	if err != nil {
		return changeGrace // The stop will say what is wrong.
	}
	until, _ := stopEnds(journal.Stopping{Since: time.Now()}, c)
	return max(changeGrace, time.Until(until))
}

// latePatience is the same where the operation's time was up. The journal has that the engine goes on; without one
// only a removal may leave it to the engine, since the container stays in the state, to be removed.
func (o *containerJob) latePatience(patience time.Duration) time.Duration {
	if o.journaled || o.does == KindRemove {
		return 0
	}
	return patience
}

// stopEnds returns until when the container of a stop may still be there. False is that the engine waits for
// the container's end without killing it. It is pure.
func stopEnds(s journal.Stopping, c *container.Container) (until time.Time, ends bool) {
	grace := OwnGrace
	switch {
	case s.Grace != nil:
		grace = time.Duration(*s.Grace) * time.Second
	case c.StopGracePeriod != nil:
		grace = *c.StopGracePeriod
	}
	return s.Since.Add(grace + killTakes), grace >= 0
}

// startedSince reports whether somebody has started the container after the engine was asked to stop it: then the stop
// has ended. It is pure.
func startedSince(s journal.Stopping, c *container.Container) bool {
	return !s.StartedAt.IsZero() && !c.State.StartedAt.Equal(s.StartedAt)
}

// leftStopping returns the last of these records whose operation left the container to a stop of the engine that
// has not ended it yet. Alive reports whether the process of a record lives. It is pure.
func leftStopping(records []journal.Record, c *container.Container, alive func(journal.Record) bool, now time.Time) (r journal.Record, left bool) {
	if !container.Active(c.State) {
		return journal.Record{}, false
	}
	for _, one := range records {
		if one.Stopping == nil || one.Stopping.ContainerID != c.ID || one.InProgress() && alive(one) || startedSince(*one.Stopping, c) {
			continue
		}
		if until, ends := stopEnds(*one.Stopping, c); ends && now.Before(until) {
			r, left = one, true
		}
	}
	return r, left
}

// awaitStops waits until the stops have ended that earlier operations of the lanes left to the engine, unless
// this one ends the container itself.
func (o *containerJob) awaitStops(ctx context.Context) error {
	if !o.journaled || o.does == KindCreate || o.does == KindRemove || o.does == KindStop || o.does == KindKill {
		return nil
	}
	for _, name := range o.intent.Lanes() {
		records, _ := o.in.Lane(name)
		for _, r := range records {
			if r.Stopping == nil || r.ID == o.id || r.InProgress() && o.in.Alive(r) {
				continue
			}
			o.enter(fault.StepStopping)
			if err := o.engine.awaitStop(ctx, *r.Stopping); err != nil {
				return err
			}
			// From here on the container can be started again, and nobody must take that for the rest of the stop.
			o.write(r.ID, func(r *journal.Record) { r.Stopping = nil })
		}
	}
	return nil
}

// awaitStop waits until a stop that was left to the engine has ended: the container with it, or its time.
func (e *connection) awaitStop(ctx context.Context, s journal.Stopping) error {
	ctx = engine.Patiently(ctx)
	events, err := e.Watcher.Watch(ctx, s.ContainerID)
	if err != nil {
		return err
	}
	defer events.Close()
	for {
		c, err := e.Inspect(ctx, s.ContainerID)
		if err != nil {
			return engine.IgnoreNotFound(err)
		}
		until, ends := stopEnds(s, c)
		if !container.Active(c.State) || startedSince(s, c) || !ends || !time.Now().Before(until) {
			return nil
		}
		over := time.NewTimer(time.Until(until))
		select {
		case <-events.Wake():
		case <-over.C:
		case <-ctx.Done():
		}
		over.Stop()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// awaitOwnStop waits for the stop that this very operation left to the engine, so that what it took away can
// be brought back. An operation whose time is up does not wait for a grace period: then ended is false, and the engine
// goes on.
func (o *containerJob) awaitOwnStop(ctx context.Context, failure *fault.Fault) (ended bool, err error) {
	s := o.progress.leftStopping()
	if s == nil {
		return true, nil
	}
	if failure.Kind == fault.Timeout {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, changeLate)
		defer cancel()
	}
	o.logger.Info("waiting until the engine has stopped the container", "container_id", s.ContainerID)
	err = o.engine.awaitStop(ctx, *s)
	switch {
	case err == nil:
		o.progress.setStopping(nil)
		return true, nil
	case errors.Is(err, context.DeadlineExceeded):
		return false, nil
	}
	return false, err
}

// StopLeft is a stop that the engine goes on with, though nobody waits for it any more.
type StopLeft struct {
	// Kind is what asked for it, and At when.
	Kind Kind
	At   time.Time
	// Until is when the engine has killed the container at the latest.
	Until time.Time
}

// stopLeft returns the stop that operations of a container's lane left to the engine, and notes it in the look
// at the container; nil is that there is none.
func (e *connection) stopLeft(records []journal.Record, c *container.Container) *StopLeft {
	if e.journal == nil {
		return nil
	}
	r, left := leftStopping(records, c, e.journal.Alive, time.Now())
	if !left {
		return nil
	}
	c.State.Stopping = true
	until, _ := stopEnds(*r.Stopping, c)
	return &StopLeft{Kind: Kind(r.Kind), At: r.Stopping.Since, Until: until}
}

// awaitRemoval waits for the end of a container that the engine is removing: nothing can be done with it any
// more, and in a moment it is gone. A plan has to wait for that: what it made of such a container would fail when it is
// applied. It waits no longer than its read may take (timeouts.read), and Ctrl-C ends it; a removal that fails leaves a
// dead container. Then it returns nil; when ctx ends, the container as it was seen last.
func (e *connection) awaitRemoval(ctx context.Context, c *container.Container) (*container.Container, error) {
	for c.State.Status == "removing" && pause(ctx, cancelLook) == nil {
		now, err := engine.Retrying(ctx, func() (*container.Container, error) { return e.Inspect(ctx, c.ID) })
		if err != nil {
			return nil, engine.IgnoreNotFound(err)
		}
		c = now
	}
	return c, nil
}
