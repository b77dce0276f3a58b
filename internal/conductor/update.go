// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"
	"slices"

	"github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// verb is one thing that an update can do.
type verb string

const (
	doRename     verb = "rename"
	doLimit      verb = "limit"
	doConnect    verb = "connect"
	doDisconnect verb = "disconnect"
	doForget     verb = "forget the settings of"
	doUnpause    verb = "unpause"
	doStop       verb = "stop"
	doStart      verb = "start"
	doPause      verb = "pause"
	doKill       verb = "kill"
	doUpload     verb = "upload files to"
)

// action is one step of an update, with its reason. It prints itself.
type action struct {
	do verb
	// network is what connect and disconnect concern, key its key in the configuration.
	network, key string
	// limits is the request of limit, and undo the one that takes it back. It is nil unless what it takes
	// away only makes room for the next limits.
	limits  container.UpdateConfig
	undo    *container.UpdateConfig
	because string
}

func (a action) String() string {
	if a.network != "" {
		return fmt.Sprintf("%s %s: %s", a.do, a.network, a.because)
	}
	return fmt.Sprintf("%s: %s", a.do, a.because)
}

// planUpdate decides what has to change so that the container becomes what spec says, by
// comparing spec with the engine's report. What an update can't change is not looked at: that is
// replaced. It is pure.
func planUpdate(spec Spec, c *Container) []action {
	var actions []action
	if spec.Name != c.Name {
		actions = append(actions, action{do: doRename, because: fmt.Sprintf("the name is %q, wanted is %q", c.Name, spec.Name)})
	}
	actions = append(actions, planLimits(spec, c)...)
	actions = append(actions, planNetworks(spec, c)...)
	return append(actions, planPower(spec, c.State)...)
}

// planRestart puts a restart in the place of what an update does to the power state. A container
// that is not to run has nothing to restart. It is pure.
func planRestart(spec Spec, s State, actions []action) []action {
	if spec.DesiredState == DesiredStopped {
		return actions
	}
	const because = "a restart is asked for"
	actions = slices.DeleteFunc(actions, func(a action) bool { return slices.Contains([]verb{doUnpause, doStop, doStart, doPause}, a.do) })
	if s.Status == "running" || s.Status == "restarting" || s.Status == "paused" {
		actions = append(actions, action{do: doStop, because: because})
	}
	return append(actions, action{do: doStart, because: because})
}

func planPower(spec Spec, s State) []action {
	active := s.Status == "running" || s.Status == "restarting"
	because := fmt.Sprintf("it is %s, wanted is %s", s.Status, spec.DesiredState)
	if s.Ended() {
		because = fmt.Sprintf("it is %s with code %d, wanted is %s", s.Status, s.ExitCode, spec.DesiredState)
	}
	one := func(do verb) []action { return []action{{do: do, because: because}} }
	switch spec.DesiredState {
	case DesiredStopped:
		if active || s.Status == "paused" {
			return one(doStop)
		}
	case DesiredPaused:
		if s.Status == "running" {
			return one(doPause)
		}
		if s.Status != "paused" {
			// The start ends with the pause: that is what it waits for.
			return one(doStart)
		}
	case DesiredCompleted:
		if s.Status == "paused" {
			return append(one(doUnpause), one(doStart)...)
		}
		if !judgeJob(spec, s).met {
			return one(doStart)
		}
	default:
		if s.Status == "paused" {
			return one(doUnpause)
		}
		if !active {
			return one(doStart)
		}
	}
	return nil
}

// update makes the container what the request says, in place: observe, decide, act, observe.
func (o *operation) update(ctx context.Context) (*Container, error) {
	o.enter(fault.StepUpdating)
	if err := o.identify(ctx); err != nil {
		return nil, err
	}
	if o.containerID == "" {
		return nil, o.scope().NotFound(nil)
	}
	if err := o.engine.knows(o.scope(), o.Spec.needs(), o.exists()); err != nil {
		return nil, err
	}
	c, err := o.engine.inspect(ctx, o.containerID)
	if err != nil {
		return nil, err
	}
	if err := o.findGone(ctx, c); err != nil {
		return nil, err
	}
	actions := planUpdate(o.Spec, c)
	if lost, ok := c.Lost(); ok || o.Restart {
		if !o.Restart {
			o.logger.Info("the container has lost what it shared", "with", lost.Name, "attribute", lost.Attribute)
		}
		actions = planRestart(o.Spec, c.State, actions)
	}
	if err := o.checkJoined(c, actions); err != nil {
		return nil, err
	}
	if err := o.checkAddresses(ctx, actions); err != nil {
		return nil, err
	}
	return o.actAll(ctx, planUpload(o.Upload, actions), c)
}

// actAll carries out actions one after the other. It returns the container as it is after them; c is how
// it was before.
func (o *operation) actAll(ctx context.Context, actions []action, c *Container) (*Container, error) {
	for i, a := range actions {
		o.logger.Info(string(o.Kind), "action", a.String())
		if err := o.takeAway(ctx, actions[i:]); err != nil {
			return nil, err
		}
		var err error
		c, err = o.act(ctx, a)
		if err == nil || a.do == doStart && ctx.Err() == nil {
			o.brought(a)
		}
		if err != nil {
			return nil, err
		}
	}
	if c == nil {
		return o.engine.inspect(ctx, o.containerID)
	}
	return c, nil
}

// act carries out one action. It returns the container if the action ended with a look at it.
func (o *operation) act(ctx context.Context, a action) (*Container, error) {
	api := o.engine.api
	switch a.do {
	case doStart:
		return o.bringUp(ctx, true)
	case doStop:
		return nil, o.stop(ctx)
	case doKill:
		return nil, o.kill(ctx)
	}
	o.enter(fault.StepUpdating)
	err := o.change(ctx, func(ctx context.Context) error {
		switch a.do {
		case doRename:
			return api.ContainerRename(ctx, o.containerID, o.Spec.Name)
		case doLimit:
			answer, err := api.ContainerUpdate(ctx, o.containerID, a.limits)
			o.warned(answer.Warnings)
			return err
		case doConnect:
			return o.connect(ctx, o.Spec.Networks[a.key])
		case doDisconnect:
			return o.disconnect(ctx, a.network)
		case doForget:
			return o.forget(ctx, a.network)
		case doUpload:
			return o.upload(ctx, o.Upload)
		case doUnpause:
			return api.ContainerUnpause(ctx, o.containerID)
		default:
			return api.ContainerPause(ctx, o.containerID)
		}
	})
	switch {
	case err == nil:
		return nil, nil
	case a.do == doRename && nameTaken(err):
		if aside := o.giveWay(ctx, o.Spec.Name); aside != nil {
			return nil, aside
		}
		return nil, o.renameConflict(ctx, err)
	case a.do == doConnect && !lostAnswer(err) && ctx.Err() == nil:
		return nil, o.explainConnect(ctx, a.key, err)
	default:
		return nil, explainAs(o.scope(), o.Spec, o.step, string(a.do), o.exists(), a.key, err)
	}
}

func (o *operation) renameConflict(ctx context.Context, taken error) error {
	holder, err := o.engine.inspect(ctx, o.Spec.Name)
	if err != nil {
		return o.scope().NameConflict(o.Spec.Name, "another container has it", o.exists(), taken)
	}
	return o.nameConflict(ctx, holder, o.exists(), taken)
}
