// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// appearLook is the pause between two looks for a container that another machine is to make.
const appearLook = time.Second

// Gathered is what became of an operation that somebody waited for afterwards.
type Gathered struct {
	// Container is nil where the operation is not about one, or its engine is not this conductor's;
	// Image likewise.
	Container *Container
	Image     *Image
	// ContainerID is known wherever the journal knows it; ImageID belongs to an image.
	ContainerID, ImageID string
	// Duration is from the operation's acceptance to its end; 0 is not known.
	Duration time.Duration
}

// Await waits until an operation has ended, and then, if wait is not empty, until its container
// meets it; an image only has to be there. It takes operations of this run and of earlier ones. One that the journal does not
// know, because another machine carried it out, is judged from the engine alone. The error is a
// *fault.Fault.
func (c *Conductor) Await(ctx context.Context, operationID string, wait Wait) (Gathered, error) {
	engineName, lane, _, err := journal.SplitID(operationID)
	if err != nil {
		return Gathered{}, c.scope("", operationID).EngineSaid(fault.Invalid, fault.StepWaiting, "wait for", []string{"operations"}, fault.Unchanged, err)
	}
	scope := c.scope("", "")
	scope.Object, scope.Container = journal.SplitLane(lane)
	e, err := c.connectFor(ctx, scope, fault.Subject(scope.Object, scope.Container))
	if err != nil {
		return Gathered{}, err
	}
	scope.Engine, scope.Operation = engineName, operationID
	r, known, err := c.ended(ctx, operationID)
	if err != nil {
		return Gathered{}, scope.StillUnderWay(endedKind(ctx), r.Step, fmt.Sprintf("its %s was %s", Kind(r.Kind).verb(), r.Step), err)
	}
	got := Gathered{ContainerID: r.ContainerID}
	image := scope.Object == "image"
	if image {
		got.ContainerID, got.ImageID = "", r.ContainerID
	}
	switch {
	case known && r.InProgress(), known && r.Outcome == journal.Interrupted:
		return got, Interruption(r)
	case known && r.Outcome == journal.Failed:
		return got, r.Fault
	case known:
		got.Duration = r.Ended.Sub(r.Accepted)
	}
	if wait == WaitReady || image {
		wait = "" // What ready means to it.
	}
	if engineName != e.name {
		elsewhere := "the operation is on engine \"" + engineName + "\", the provider is connected to \"" + e.name + "\", and "
		switch {
		case !known:
			err = errors.New(elsewhere + "the journal does not know it")
		case wait != "":
			err = errors.New(elsewhere + "only an engine knows whether its container is " + string(wait))
		default:
			return got, nil
		}
		return got, scope.EngineSaid(fault.Invalid, fault.StepWaiting, "wait for", []string{"operations"}, fault.Unchanged, err)
	}
	if image {
		if got.Image, err = e.appearImage(ctx, scope, r); err == nil {
			got.ImageID = got.Image.ID
		}
		return got, err
	}
	if got.Container, err = e.appear(ctx, scope, scope.Container, r); err != nil {
		return got, err
	}
	got.ContainerID = got.Container.ID
	if wait == "" && known {
		return got, nil
	}
	got.Container, err = e.reach(ctx, scope, got.Container, wait)
	return got, err
}

// ended waits until the record of an operation has an outcome, or a dead owner. Known says whether
// there is a record at all. The error is the end of ctx.
func (c *Conductor) ended(ctx context.Context, operationID string) (r journal.Record, known bool, err error) {
	if c.journal == nil {
		return journal.Record{}, false, nil
	}
	engines, err := c.journal.Engines()
	if err != nil {
		c.opts.Logger.Warn("the journal can't be read", "operation", operationID, "error", err)
	}
	for _, e := range engines {
		for {
			r, err := e.Find(operationID)
			if errors.Is(err, fs.ErrNotExist) {
				break
			}
			if err != nil || r.ID != operationID {
				c.opts.Logger.Warn("a record of the journal can't be read", "operation", operationID, "error", err)
				break
			}
			if !r.InProgress() || !e.Alive(r) {
				return r, true, nil
			}
			if err := pause(ctx, cancelLook); err != nil {
				return r, true, err
			}
		}
	}
	return journal.Record{}, false, nil
}

// appear finds the operation's container. Where the journal knows nothing, it waits for it to be
// made: only a container with gantry's label can be it.
func (e *engine) appear(ctx context.Context, scope fault.Scope, name string, r journal.Record) (*Container, error) {
	ref, known := r.ContainerID, r.ID != ""
	if ref == "" {
		ref = name
	}
	for {
		found, err := retrying(ctx, func() (*Container, error) { return e.inspect(ctx, ref) })
		switch {
		case err == nil && (ref == r.ContainerID || found.Labels[LabelOperation] != ""):
			return found, nil
		case ctx.Err() != nil:
			return nil, scope.StillUnderWay(endedKind(ctx), fault.StepWaiting, "it is not on the engine yet", context.Cause(ctx))
		case err != nil && !strings.Contains(err.Error(), "No such container"):
			return nil, classify(scope, fault.StepWaiting, "wait for", fault.Unchanged, err)
		case known:
			return nil, scope.NotFound(err)
		}
		// The next look finds out whether ctx has ended.
		_ = pause(ctx, appearLook)
	}
}

// appearImage finds the image that an operation brought. Where the journal knows nothing, it waits for
// the image to be there.
func (e *engine) appearImage(ctx context.Context, scope fault.Scope, r journal.Record) (*Image, error) {
	object := fault.Object{Kind: scope.Object, Name: scope.Container, Engine: scope.Engine, Operation: scope.Operation, Now: scope.Now}
	for {
		img, err := retrying(ctx, func() (*Image, error) { return e.image(ctx, object.Name) })
		switch {
		case err == nil:
			return img, nil
		case ctx.Err() != nil:
			return nil, scope.StillUnderWay(endedKind(ctx), fault.StepWaiting, "it is not on the engine yet", context.Cause(ctx))
		case ignoreNotFound(err) != nil:
			return nil, object.Said(fault.EngineError, fault.StepWaiting, "wait for", nil, "", err)
		case r.ID != "":
			return nil, object.NotFound(err)
		}
		// The next look finds out whether ctx has ended.
		_ = pause(ctx, appearLook)
	}
}

// reach waits until a container meets a wait; empty is what it is meant for, as far as the engine
// shows that: a container that ended with 0 was a job.
func (e *engine) reach(ctx context.Context, scope fault.Scope, c *Container, wait Wait) (*Container, error) {
	events, err := e.watcher.Watch(ctx, c.ID)
	if err != nil {
		return c, scope.StillUnderWay(endedKind(ctx), fault.StepWaiting, c.State.soFar(), err)
	}
	defer events.Close()
	spec := Spec{DesiredState: DesiredRunning}
	began := time.Now() // The engine's clock may be another.
	for {
		c, err = retrying(ctx, func() (*Container, error) { return e.inspect(ctx, c.ID) })
		if err != nil {
			return nil, classify(scope, fault.StepWaiting, "wait for", fault.Unchanged, err)
		}
		if wait == "" && (c.State.Ended() && c.State.ExitCode == 0 || c.State.Status == "paused") {
			return c, nil
		}
		effective := wait
		if effective == "" {
			effective = WaitReady
		}
		v := judge(spec, effective, c.State, time.Since(began) >= settleTime)
		if v.met {
			return c, nil
		}
		if v.kind != "" {
			o := &operation{
				Request: Request{Kind: KindCreate, Spec: Spec{Name: c.Name}}, entry: entry{id: scope.Operation, logger: e.logger},
				engine: e, containerID: c.ID, step: fault.StepWaiting,
			}
			return c, o.unmet(ctx, v.kind, c, c.State.StartedAt)
		}
		settle := time.NewTimer(settleTime)
		select {
		case <-events.Wake():
		case <-settle.C:
		case <-ctx.Done():
			settle.Stop()
			return c, scope.StillUnderWay(endedKind(ctx), fault.StepWaiting, c.State.soFar(), context.Cause(ctx))
		}
		settle.Stop()
	}
}

// soFar says how far a container is that is waited for.
func (s State) soFar() string {
	if s.Health != "" {
		return "it is " + s.Status + ", and its health check says " + s.Health
	}
	return "it is " + s.Status
}
