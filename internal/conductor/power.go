// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// The kinds of operations that change a container's power state alone. They are always calls: what
// asks for them has no state that could bring back a late failure.
const (
	KindStart   Kind = "start"
	KindStop    Kind = "stop"
	KindRestart Kind = "restart"
	KindPause   Kind = "pause"
	KindUnpause Kind = "unpause"
	KindKill    Kind = "kill"
)

// power reports whether an operation of this kind changes the power state alone.
func (k Kind) power() bool {
	return slices.Contains([]Kind{KindStart, KindStop, KindRestart, KindPause, KindUnpause, KindKill}, k)
}

// PowerSpec is a change of a container's power state.
type PowerSpec struct {
	Kind Kind
	// Container is a name or an ID. A container that is only named must be gantry's own.
	Container string
	// Signal is what a kill sends; empty is KILL.
	Signal string
	// Grace is how long a stop or a restart waits before it kills, in whole seconds; nil is the
	// container's own.
	Grace *time.Duration
	// Wait is what a start or a restart waits for: WaitReady (if empty), WaitHealthy, WaitRunning
	// or WaitCompleted.
	Wait container.Wait
	// Reject has a container with an operation in progress be an error, instead of waiting for it.
	Reject bool
}

// Power changes a container's power state and waits for the outcome: an operation in the container's
// lane as all others, with a record in the journal. The error, if any, is a *fault.Fault. When ctx
// ends, the operation is cancelled.
func (c *Conductor) Power(ctx context.Context, spec PowerSpec) (Outcome, error) {
	asked, wait, id := container.Spec{Name: spec.Container, DesiredState: container.DesiredRunning}, spec.Wait, ""
	if spec.Wait == container.WaitCompleted {
		asked.DesiredState, wait = container.DesiredCompleted, container.WaitReady
	}
	e, err := c.connect(ctx, spec.Container)
	if err != nil {
		var f *fault.Fault
		errors.As(err, &f)
		return Outcome{}, ofAction(f, spec.Kind, asked.DesiredState)
	}
	found, err := engine.Retrying(ctx, func() (*container.Container, error) { return e.Inspect(ctx, spec.Container) })
	switch {
	case err == nil:
		asked.Name = found.Name
		if found.Name != spec.Container {
			id = found.ID
		}
	case engine.IgnoreNotFound(err) != nil:
		d := diagnosis{engine: e, logger: e.Logger, kind: spec.Kind, spec: asked, step: fault.StepReading, exists: fault.Unchanged}
		return Outcome{}, ofAction(d.of(ctx, err), spec.Kind, asked.DesiredState)
	} // A missing one may be on its way: its create is in the lane then.
	if spec.Reject {
		if busy := e.busy(asked.Name); busy != "" {
			return Outcome{}, c.scope(e.Name, asked.Name).Busy(spec.Kind.verb(), busy)
		}
	}
	deadline, _ := ctx.Deadline()
	o := &powerJob{alteringJob{containerJob: c.containerJob(e, spec.Kind, asked, wait), signal: spec.Signal, grace: spec.Grace}}
	o.containerID = id
	o.accept(o, journal.Record{}, false, deadline)
	if found != nil {
		o.seen = found.ID
	}
	return o.perform(ctx)
}

// powerJob is the job of changing a container's power state. Unlike an update it compares nothing with a configuration.
type powerJob struct{ alteringJob }

func (o *powerJob) attempt(ctx context.Context) error { return o.repeat(ctx, o.power) }

func (o *powerJob) fail(ctx context.Context, err error) error {
	return ofAction(o.diagnosis().of(ctx, err), o.does, o.spec.DesiredState)
}

// settle settles nothing: who only restarts a container has not mended what failed.
func (o *powerJob) settle() {}

// planPowerOf decides what an operation on the power state has to do: what is as it should be
// already is left alone, and what can't be is for the engine to refuse. A start of a running container starts
// nothing, but waits for it. It is pure.
func planPowerOf(kind Kind, s container.State) []container.Action {
	because := fmt.Sprintf("it is %s, %s is asked for", s.Status, kind.Article())
	steps := func(verbs ...container.Verb) []container.Action {
		actions := make([]container.Action, 0, len(verbs))
		for _, do := range verbs {
			actions = append(actions, container.Action{Do: do, Because: because})
		}
		return actions
	}
	switch kind {
	case KindStart:
		if s.Status == "paused" {
			return steps(container.DoUnpause, container.DoStart)
		}
		return steps(container.DoStart)
	case KindStop:
		if container.Active(s) {
			return steps(container.DoStop)
		}
		return nil
	case KindRestart:
		return container.PlanRestart(container.Spec{DesiredState: container.DesiredRunning}, s, nil)
	case KindPause:
		if s.Status == "paused" {
			return nil
		}
		return steps(container.DoPause)
	case KindUnpause:
		if s.Status == "running" {
			return nil
		}
		return steps(container.DoUnpause)
	default:
		return steps(container.DoKill)
	}
}

// power observes the container, decides and acts.
func (o *powerJob) power(ctx context.Context) (*container.Container, error) {
	o.enter(fault.StepUpdating)
	c, err := o.addressed(ctx)
	if err != nil {
		return nil, err
	}
	o.mask, o.quiet = o.engine.MaskOf(ctx, container.Spec{}, c), o.engine.hides(c) // The request has no settings.
	o.logger = masking(o.logger, o.mask)
	actions := planPowerOf(o.does, c.State)
	if err := o.checkJoined(c, actions); err != nil {
		return nil, err
	}
	return o.actAll(ctx, actions, c)
}

// addressed reads the container that an operation on the power state is about. An ID tells which
// one is meant; a name may be a stranger's.
func (o *powerJob) addressed(ctx context.Context) (*container.Container, error) {
	if o.containerID != "" {
		return o.engine.Inspect(ctx, o.containerID)
	}
	c, err := o.engine.Inspect(ctx, o.spec.Name)
	if err != nil {
		return nil, err
	}
	if !o.engine.seemsOwnContainer(ctx, c, "") {
		return nil, o.scope().Foreign(o.does.verb(), o.engine.describe(ctx, c), c.ID)
	}
	o.containerID = c.ID
	return c, nil
}

// seemsOwnContainer is seemsOwn for a container that was read.
func (e *connection) seemsOwnContainer(ctx context.Context, c *container.Container, scope string) bool {
	return e.seemsOwn(ctx, user{id: c.ID, name: c.Name, imageID: c.ImageID, labels: c.Labels}, scope)
}

// ofAction makes the fault of an operation on the power state one of the action that asked for it, which has
// other fields than a container.
func ofAction(f *fault.Fault, kind Kind, desired container.DesiredState) *fault.Fault {
	if f == nil || !kind.power() {
		return f
	}
	f.Facts.ByAction = true
	switch refused := f.Kind == fault.EngineError || f.Kind == fault.Invalid; {
	case f.Left != fault.PartlyChanged:
	case refused && kind != KindRestart:
		f.Left = fault.Unchanged
	default:
		f.Left = fault.HalfDone
	}
	switch {
	case len(f.Field) > 0 && f.Field[0] == "timeouts":
		f.Field = []string{"timeouts", "invoke"}
	case f.Kind == fault.Exited && (desired == container.DesiredCompleted || !f.Facts.OOM):
		f.Field = []string{"wait_for"}
	case f.Kind == fault.NoHealthcheck:
	case f.Kind != fault.NotFound && strings.Contains(strings.ToLower(f.Facts.Said), "signal"):
		f.Field = []string{"signal"}
	case f.Kind == fault.NotFound, len(f.Field) > 0:
		f.Field = []string{"container"}
	}
	return f
}

// kill sends a signal. That is done once: nobody knows what a second one would do.
func (o *alteringJob) kill(ctx context.Context) error {
	signal := o.signal
	if signal == "" {
		signal = "KILL"
	}
	err := o.change(ctx, func(ctx context.Context) error { return o.engine.API.ContainerKill(ctx, o.containerID, signal) })
	if err != nil && engine.LostAnswer(err) {
		return o.scope().Lost(o.step, o.does.verb(), fault.PerhapsSignalled, errors.New(err.Error()))
	}
	return err
}
