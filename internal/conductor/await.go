// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// appearLook is the pause between two looks for a container that another machine is to make.
const appearLook = time.Second

// Gathered is what became of an operation that somebody waited for afterwards.
type Gathered struct {
	// Container is nil where the operation is not about one, or its engine is not this conductor's;
	// Image likewise.
	Container *container.Container
	Image     *Image
	// ContainerID is known wherever the journal knows it; ImageID belongs to an image.
	ContainerID, ImageID string
	// Duration is from the operation's acceptance to its end; 0 is not known.
	Duration time.Duration
	// Recovered is the operation's fault where its container is as it should be by now: it is worth a
	// warning.
	Recovered *fault.Fault
}

// Await waits until an operation has ended, and then, if wait is not empty, until its container
// meets it; an image only has to be there. It takes operations of this run and of earlier ones. One that
// failed is judged as a refresh judges it: what is settled, or as it should be by now, holds nobody up. One
// that the journal does not know, because another machine carried it out, is judged from the engine alone.
// The error is a *fault.Fault.
func (c *Conductor) Await(ctx context.Context, operationID string, wait container.Wait) (Gathered, error) {
	ctx = engine.Patiently(ctx)
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
	r, in, err := c.ended(ctx, operationID)
	if err != nil {
		return Gathered{}, scope.StillUnderWay(engine.EndedKind(ctx), r.Step, fmt.Sprintf("its %s was %s", Kind(r.Kind).verb(), r.Step), err)
	}
	a := awaited{engine: e, scope: scope, id: operationID, record: r, in: in}
	if in != nil {
		a.fault = failureOf(r, true)
	}
	if wait == container.WaitReady || scope.Object == "image" {
		wait = "" // What ready means to it.
	}
	got := Gathered{ContainerID: r.ContainerID}
	if scope.Object == "image" {
		got.ContainerID, got.ImageID = "", r.ContainerID
	}
	if in != nil && r.Outcome == journal.Done {
		got.Duration = r.Ended.Sub(r.Accepted)
	}
	switch {
	case engineName != e.Name:
		return got, a.foreign(wait)
	case scope.Object == "image":
		return a.image(ctx, got)
	default:
		return a.container(ctx, got, wait)
	}
}

// Heard settles the failure of an operation that Await found made up for: whoever waited has been told of it, and
// nothing is left that a plan could do about it.
func (c *Conductor) Heard(operationID string) {
	e := c.current()
	if e == nil || e.journal == nil {
		return
	}
	if err := e.journal.Knower(operationID).Change(operationID, journal.Settle); err != nil {
		e.Logger.Warn("a record of the journal can't be written", "record", operationID, "error", err)
	}
}

// awaited is an operation that has ended, as far as the journal knows.
type awaited struct {
	engine *connection
	scope  fault.Scope
	id     string
	// in is the part of the journal that has the record; nil where none has it.
	record journal.Record
	in     *journal.Engine
	// fault is how it ended, if it failed and nobody has dealt with that.
	fault *fault.Fault
}

// foreign judges an operation on another engine than the one that the provider is connected to: what the
// journal knows is all that there is.
func (a awaited) foreign(wait container.Wait) error {
	where := fmt.Sprintf("the operation is on engine %q, the provider is connected to %q, and ", a.scope.Engine, a.engine.Name)
	var why error
	switch {
	case a.fault != nil:
		return a.fault
	case a.in == nil:
		why = errors.New(where + "the journal does not know it")
	case wait != "":
		why = fmt.Errorf("%sonly an engine knows whether its container is %s", where, wait)
	default:
		return nil
	}
	return a.scope.EngineSaid(fault.Invalid, fault.StepWaiting, "wait for", []string{"operations"}, fault.Unchanged, why)
}

func (a awaited) image(ctx context.Context, got Gathered) (Gathered, error) {
	var img *Image
	var err error
	if a.fault != nil {
		img, err = engine.Retrying(ctx, func() (*Image, error) { return a.engine.image(ctx, a.scope.Container) })
		if err != nil || !imageRecovered(a.record, img) {
			return got, a.fault
		}
		got.Recovered = a.fault.Past()
	} else if img, err = a.appearImage(ctx); err != nil {
		return got, err
	}
	got.Image, got.ImageID = img, img.ID
	return got, nil
}

func (a awaited) container(ctx context.Context, got Gathered, wait container.Wait) (Gathered, error) {
	var err error
	got.Container, err = a.appear(ctx)
	if err == nil {
		got.Container, err = a.stopped(ctx, got.Container)
	}
	switch {
	case a.fault != nil && (err != nil || !recovered(a.record, got.Container, time.Now())):
		return got, a.fault
	case err != nil:
		return got, err
	}
	got.ContainerID, got.Recovered = got.Container.ID, a.fault.Past()
	known := a.in != nil && (a.fault != nil || a.record.Outcome == journal.Done)
	if wait == "" && known {
		return got, nil
	}
	got.Container, err = a.engine.reach(ctx, a.scope, a.record, got.Container, wait)
	return got, err
}

// stopped waits for a stop that was left to the engine: until it has ended, the container is not what it seems.
func (a awaited) stopped(ctx context.Context, c *container.Container) (*container.Container, error) {
	if a.in == nil {
		return c, nil
	}
	records, _ := a.in.Lane(c.Name)
	r, left := leftStopping(records, c, a.in.Alive, time.Now())
	if !left {
		return c, nil
	}
	if err := a.engine.awaitStop(ctx, *r.Stopping); err != nil {
		return c, a.scope.StillUnderWay(engine.EndedKind(ctx), fault.StepStopping, "the engine is stopping it", err)
	}
	now, err := engine.Retrying(ctx, func() (*container.Container, error) { return a.engine.Inspect(ctx, c.ID) })
	if err != nil {
		return c, engine.Classify(a.scope, fault.StepWaiting, "wait for", fault.Unchanged, err)
	}
	return now, nil
}

// ended waits until the record of an operation has an outcome, or a dead owner, and until nothing is under
// way any more that may settle a failure of it. In is the part of the journal that has the record; nil if
// none has it. The error is the end of ctx.
func (c *Conductor) ended(ctx context.Context, operationID string) (r journal.Record, in *journal.Engine, err error) {
	if c.journal == nil {
		return journal.Record{}, nil, nil
	}
	engines, err := c.journal.EnginesOf(operationID)
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
			underWay := r.InProgress() && e.Alive(r)
			if !underWay && failureOf(r, true) != nil {
				records, _ := e.Lane(r.Lanes()[0])
				underWay = mending(records, r, e.Alive)
				// What has just ended may have settled it since it was read.
				if now, err := e.Find(operationID); err == nil {
					r = now
				}
			}
			if !underWay {
				return r, e, nil
			}
			if err := pause(ctx, cancelLook); err != nil {
				return r, e, err
			}
		}
	}
	return journal.Record{}, nil, nil
}

// shown reports whether a container that has the name is shown to be the one of an operation that the journal does
// not know: by the operation's ID. That the name is the same proves nothing, nor does a label that an image handed
// down. Where the ID does not tell, as that of an older gantry, a create must have made the container before.
func (a awaited) shown(ctx context.Context, c *container.Container) bool {
	label := c.Labels[container.LabelOperation]
	if label != "" && a.engine.Inherited(ctx, c.ImageID, label) {
		label = ""
	}
	concerns, told := journal.Concerns(a.id, c.ID, label)
	if told {
		return concerns
	}
	_, _, made, err := journal.SplitID(label)
	return err == nil && made <= journal.Ticket(a.id)
}

// own reports whether a container, found by an ID or a name, is the one of the operation of a record.
func (a awaited) own(ctx context.Context, c *container.Container, r journal.Record) bool {
	if a.in == nil {
		return a.shown(ctx, c)
	}
	return c.ID == r.ContainerID || a.engine.madeBy(ctx, a.engine.historyOf(a.id), c)
}

// appear finds the operation's container, or the one that took its place since. Where the journal knows
// nothing, it waits for it to be made.
func (a awaited) appear(ctx context.Context) (*container.Container, error) {
	e, r := a.engine, a.record
	for {
		ref := cmp.Or(r.ContainerID, a.scope.Container)
		found, err := engine.Retrying(ctx, func() (*container.Container, error) { return e.Inspect(ctx, ref) })
		switch {
		case err == nil && a.own(ctx, found, r):
			return found, nil
		case ctx.Err() != nil:
			return nil, a.scope.StillUnderWay(engine.EndedKind(ctx), fault.StepWaiting, "it is not on the engine yet", context.Cause(ctx))
		case engine.IgnoreNotFound(err) != nil:
			return nil, engine.Classify(a.scope, fault.StepWaiting, "wait for", fault.Unchanged, err)
		case a.in != nil:
			records, _ := a.in.Lane(r.Lanes()[0])
			next, ok := successor(records, r)
			if !ok || a.fault != nil {
				return nil, a.missing(ctx, found, err)
			}
			r = next
			continue
		case a.elsewhere().IsZero():
			return nil, a.missing(ctx, found, err)
		}
		// The next look finds out whether ctx has ended.
		_ = pause(ctx, appearLook)
	}
}

// missing is the fault of an operation whose container is not on the engine. Other has its name; nil is none.
func (a awaited) missing(ctx context.Context, other *container.Container, err error) *fault.Fault {
	switch {
	case other != nil:
		_, told := journal.Concerns(a.id, other.ID, "")
		return a.scope.Mistaken(a.engine.describe(ctx, other), a.in == nil && !told)
	case a.in != nil:
		return a.scope.NotFound(err)
	default:
		return a.scope.Vanished(KindCreate.verb(), journal.AcceptedAt(a.id), time.Time{})
	}
}

// elsewhere is until when the operation may be under way on another machine.
func (a awaited) elsewhere() time.Time { return a.engine.elsewhere(a.id, time.Time{}) }

// appearImage finds the image that an operation brought. Where the journal knows nothing, it waits for
// the image to be there.
func (a awaited) appearImage(ctx context.Context) (*Image, error) {
	e, scope, r := a.engine, a.scope, a.record
	object := fault.Object{Kind: scope.Object, Name: scope.Container, Engine: scope.Engine, Operation: scope.Operation, Now: scope.Now}
	for {
		img, err := engine.Retrying(ctx, func() (*Image, error) { return e.image(ctx, object.Name) })
		switch {
		case err == nil:
			return img, nil
		case ctx.Err() != nil:
			return nil, scope.StillUnderWay(engine.EndedKind(ctx), fault.StepWaiting, "it is not on the engine yet", context.Cause(ctx))
		case engine.IgnoreNotFound(err) != nil:
			return nil, object.Said(fault.EngineError, fault.StepWaiting, "wait for", nil, "", err)
		case r.ID != "":
			return nil, object.NotFound(err)
		case a.elsewhere().IsZero():
			return nil, scope.Vanished(KindCreate.verb(), journal.AcceptedAt(a.id), time.Time{})
		}
		// The next look finds out whether ctx has ended.
		_ = pause(ctx, appearLook)
	}
}

// reach waits until a container meets a wait; empty is what its operation's record says, or else what it is
// meant for as far as the engine shows that: a container that ended with 0 was a job.
func (e *connection) reach(ctx context.Context, scope fault.Scope, r journal.Record, c *container.Container, wait container.Wait) (*container.Container, error) {
	events, err := e.Watcher.Watch(ctx, c.ID)
	if err != nil {
		return c, scope.StillUnderWay(engine.EndedKind(ctx), fault.StepWaiting, c.State.SoFar(), err)
	}
	defer events.Close()
	spec := container.Spec{DesiredState: container.DesiredRunning}
	g, asked := goalOf(r)
	if asked = asked && wait == ""; asked && (g.DesiredState == container.DesiredRunning || g.DesiredState == container.DesiredCompleted) {
		spec, wait = g.spec(c.Name), g.Wait
	}
	began := time.Now() // The engine's clock may be another.
	for {
		c, err = engine.Retrying(ctx, func() (*container.Container, error) { return e.Inspect(ctx, c.ID) })
		if err != nil {
			return nil, engine.Classify(scope, fault.StepWaiting, "wait for", fault.Unchanged, err)
		}
		if asked && container.Meets(g.DesiredState, g.ExpectedExitCodes, g.Wait, c.State, time.Now()) {
			return c, nil
		}
		if wait == "" && (c.State.Ended() && c.State.ExitCode == 0 || c.State.Status == "paused") {
			return c, nil
		}
		effective := wait
		if effective == "" {
			effective = container.WaitReady
		}
		v := container.Judge(spec, effective, c.State.At(time.Now()), time.Since(began) >= container.SettleTime)
		if v.Met {
			return c, nil
		}
		if v.Kind != "" {
			return c, e.judging(ctx, scope, c).unmet(ctx, v.Kind, c, c.State.StartedAt)
		}
		if r.ID == "" && c.State.Status == "created" && e.elsewhere(scope.Operation, time.Time{}).IsZero() {
			return c, e.judging(ctx, scope, c).stranded(ctx, c)
		}
		settle := time.NewTimer(container.SettleTime)
		select {
		case <-events.Wake():
		case <-settle.C:
		case <-ctx.Done():
			settle.Stop()
			return c, scope.StillUnderWay(engine.EndedKind(ctx), fault.StepWaiting, c.State.SoFar(), context.Cause(ctx))
		}
		settle.Stop()
	}
}

// judging tells why a container does not meet a wait.
func (e *connection) judging(ctx context.Context, scope fault.Scope, c *container.Container) diagnosis {
	return diagnosis{
		engine: e, logger: e.Logger, operation: scope.Operation, kind: KindCreate, spec: container.Spec{Name: c.Name}, containerID: c.ID,
		step: fault.StepWaiting, exists: fault.KeptForInspection, mask: e.MaskOf(ctx, container.Spec{}, c), quiet: e.hides(c),
	}
}
