// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// alteringJob is what the jobs have in common that carry out a list of actions on a container.
type alteringJob struct {
	containerJob
	// upload are the files of spec to put into the container.
	upload []string
	// signal is what a kill sends; empty is KILL.
	signal string
	// grace is how long a stop waits before it kills, in whole seconds; nil is the container's own.
	grace *time.Duration
	// away is what the container lacks until the operation has brought it anew.
	away takenAway
}

func (o *alteringJob) undo(ctx context.Context, err error) error {
	return o.undoBy(ctx, err, o.putBack)
}

// updateJob is the job of making a container what the request says, in place.
type updateJob struct {
	alteringJob
	restart bool
}

func (o *updateJob) attempt(ctx context.Context) error { return o.repeat(ctx, o.update) }

// update makes the container what the request says, in place: observe, decide, act, observe.
func (o *updateJob) update(ctx context.Context) (*container.Container, error) {
	o.enter(fault.StepUpdating)
	if err := o.identify(ctx); err != nil {
		return nil, err
	}
	if o.containerID == "" {
		return nil, o.scope().NotFound(nil)
	}
	if err := o.engine.Knows(o.scope(), o.spec.Needs(), o.leftover()); err != nil {
		return nil, err
	}
	c, err := o.engine.Inspect(ctx, o.containerID)
	if err != nil {
		return nil, err
	}
	o.hideGiven(ctx, c)
	if err := o.findGone(ctx, c); err != nil {
		return nil, err
	}
	actions := container.PlanUpdate(o.spec, c)
	if lost, ok := c.Lost(); ok || o.restart {
		if !o.restart {
			o.logger.Info("the container has lost what it shared", "with", lost.Name, "attribute", lost.Attribute)
		}
		actions = container.PlanRestart(o.spec, c.State, actions)
	}
	if err := o.checkJoined(c, actions); err != nil {
		return nil, err
	}
	if err := o.checkAddresses(ctx, actions); err != nil {
		return nil, err
	}
	return o.actAll(ctx, container.PlanUpload(o.upload, actions), c)
}

// hideGiven has the operation hide what is secret in the environment that the container has: a write-only value can
// have changed in the configuration, and not in the container.
func (o *updateJob) hideGiven(ctx context.Context, c *container.Container) {
	o.mask = o.engine.MaskOf(ctx, o.spec, c)
	o.logger = masking(o.logger, o.mask)
}

// actAll carries out actions one after the other. It returns the container as it is after them; c is how
// it was before.
func (o *alteringJob) actAll(ctx context.Context, actions []container.Action, c *container.Container) (*container.Container, error) {
	for i, a := range actions {
		o.logger.Info(string(o.does), "action", a.String())
		if err := o.takeAway(ctx, actions[i:]); err != nil {
			return nil, err
		}
		var err error
		c, err = o.act(ctx, a)
		if err == nil || a.Do == container.DoStart && ctx.Err() == nil {
			o.brought(a)
		}
		if err != nil {
			return nil, err
		}
	}
	if c == nil {
		return o.engine.Inspect(ctx, o.containerID)
	}
	return c, nil
}

// act carries out one action. It returns the container if the action ended with a look at it.
func (o *alteringJob) act(ctx context.Context, a container.Action) (*container.Container, error) {
	api := o.engine.API
	switch a.Do {
	case container.DoStart:
		return o.bringUp(ctx, true)
	case container.DoStop:
		return nil, o.stop(ctx, o.grace)
	case container.DoKill:
		return nil, o.kill(ctx)
	}
	o.enter(fault.StepUpdating)
	err := o.change(ctx, func(ctx context.Context) error {
		switch a.Do {
		case container.DoRename:
			return api.ContainerRename(ctx, o.containerID, o.spec.Name)
		case container.DoLimit:
			answer, err := api.ContainerUpdate(ctx, o.containerID, a.Limits)
			o.warned(answer.Warnings)
			return err
		case container.DoConnect:
			return o.connect(ctx, o.spec.Networks[a.Key])
		case container.DoDisconnect:
			return o.disconnect(ctx, a.Network)
		case container.DoForget:
			return o.forget(ctx, a.Network)
		case container.DoUpload:
			return o.putFiles(ctx, o.upload)
		case container.DoUnpause:
			return api.ContainerUnpause(ctx, o.containerID)
		default:
			return api.ContainerPause(ctx, o.containerID)
		}
	})
	switch {
	case err == nil:
		return nil, nil
	case a.Do == container.DoRename && nameTaken(err):
		if aside := o.giveWay(ctx, o.spec.Name); aside != nil {
			return nil, aside
		}
		return nil, o.renameConflict(ctx, err)
	case a.Do == container.DoConnect && !engine.LostAnswer(err) && ctx.Err() == nil:
		return nil, o.diagnosis().explainConnect(ctx, a.Key, err)
	default:
		return nil, engine.ExplainAs(o.scope(), o.spec, o.step, string(a.Do), o.leftover(), a.Key, err)
	}
}

func (o *containerJob) renameConflict(ctx context.Context, taken error) error {
	holder, err := o.engine.Inspect(ctx, o.spec.Name)
	if err != nil {
		return o.scope().NameConflict(o.spec.Name, "another container has it", o.leftover(), taken)
	}
	return o.nameConflict(ctx, holder, o.leftover(), taken)
}
