// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// takenAway is what an operation took away from its container to bring it anew, and has not brought yet.
//
// Every step of an update leaves the container in one of two ways if it fails, if the operation ends
// after it, or if its process dies there. Either the step is undone by putBack, or the next plan shows
// what is missing, because a refresh reads it back or because the state keeps what was there before:
//
//	step        what is missing after it            what brings it back
//	upload      files, perhaps some of them         the state forgets these files, and all are uploaded again
//	rename      nothing                             the state gets the new name
//	limit       nothing: the engine does all of it  a refresh reads the limits back; putBack takes back
//	            or none                             what only made room for the next limits
//	disconnect  a network that is to be connected   putBack connects it as it was; a dead process leaves no
//	            anew                                endpoint, and the plan connects it
//	connect     nothing, but settings that hinder   putBack has them forgotten; a dead process leaves an
//	            the next start                      endpoint without an ID, and the plan connects it or forgets it
//	stop        the container's processes, if a     putBack starts it, if nobody has tried to; a dead process
//	            start is to follow                  leaves it stopped, and the plan starts it; so does a stop
//	                                                that takes longer than the operation may
//	start       nothing that a refresh does not see
//	pause, unpause, kill                            the same
//
// A connect that was only to add a network takes nothing, and the disconnect of a network that nobody
// wants is the last step that concerns networks.
type takenAway struct {
	// endpoints are connections that were to be made anew, by their keys in the configuration.
	endpoints map[string]endpoint
	// connects says that the operation connects a network.
	connects bool
	// halted says that the container was stopped to be started again, and paused that it was paused before.
	halted, paused bool
	// limits are the requests that take back limits which had to make room for those that follow.
	limits []containertypes.UpdateConfig
}

// endpoint is how a container was connected.
type endpoint struct {
	network  string
	settings *network.EndpointSettings
}

// takeAway remembers what the first of these actions takes away for those that follow. The caller
// carries it out next.
func (o *alteringJob) takeAway(ctx context.Context, actions []container.Action) error {
	switch a := actions[0]; {
	case a.Do == container.DoConnect:
		o.away.connects = true
	case a.Undo != nil:
		o.away.limits = append(o.away.limits, *a.Undo)
	case a.Do == container.DoStop && len(actions) > 1 && actions[1].Do == container.DoStart:
		o.away.halted = true
	case a.Do == container.DoDisconnect && a.Key != "":
		if _, remembered := o.away.endpoints[a.Key]; remembered {
			return nil // By an attempt whose answer was lost.
		}
		c, err := o.engine.API.ContainerInspect(ctx, o.containerID)
		if err != nil {
			return err
		}
		o.away.endpoints = container.Put(o.away.endpoints, a.Key, endpoint{a.Network, endpointOf(c, "", a.Network)})
	}
	return nil
}

// brought notes that an action has been carried out, or that there is no use in trying it again.
func (o *alteringJob) brought(a container.Action) {
	switch a.Do {
	case container.DoConnect:
		delete(o.away.endpoints, a.Key)
	case container.DoStart:
		o.away.halted = false
	case container.DoLimit:
		if a.Undo == nil {
			o.away.limits = nil
		}
	}
}

// putBack brings back what a failed operation took away. The fault says so.
func (o *alteringJob) putBack(ctx context.Context, failure error) error {
	f, w := (*fault.Fault)(nil), o.away
	if len(w.endpoints) == 0 && len(w.limits) == 0 && !w.connects && !w.halted || !errors.As(failure, &f) {
		return failure
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), returnTakes)
	defer cancel()
	now, err := engine.Retrying(ctx, func() ([]string, error) { return o.restore(ctx, f) })
	if err != nil {
		now = append(now, "what it had before could not be brought back: "+err.Error())
	}
	if len(now) > 0 {
		withNow := *f
		if f.Left == fault.StillStopping { // By now it may have ended.
			withNow.Left = o.leftover()
			if withNow.Left == fault.PartlyChanged && o.does.power() {
				withNow.Left = fault.HalfDone
			}
		}
		withNow.Facts.Besides = o.mask.Text(strings.Join(now, "; "))
		return &withNow
	}
	return failure
}

// restore does what putBack says. It can be repeated, and returns what became of the container.
func (o *alteringJob) restore(ctx context.Context, failure *fault.Fault) (now []string, err error) {
	c, err := o.engine.Inspect(ctx, o.containerID)
	if err != nil {
		return nil, engine.IgnoreNotFound(err)
	}
	var problems []error
	if len(o.away.limits) > 0 {
		o.logger.Info("giving the container its former limits back")
		if err := o.takeBackLimits(ctx); err != nil {
			problems = append(problems, fmt.Errorf("its limits: %w", err))
		} else {
			now = append(now, "its limits are as they were before")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(o.away.endpoints)) {
		was := o.away.endpoints[key]
		if _, connected := c.Attached[was.network]; connected {
			continue
		}
		o.logger.Info("connecting a network as it was", "network", was.network)
		err := o.change(ctx, func(ctx context.Context) error {
			return o.engine.ConnectAgain(ctx, was.network, o.containerID, was.settings)
		})
		unlike := (*engine.UnlikeError)(nil)
		switch {
		case err == nil:
			now = append(now, fmt.Sprintf("its connection to network %q is as it was before", was.network))
		case errors.As(err, &unlike):
			now = append(now, fmt.Sprintf("it is connected to network %q, but not with its former address: %v", was.network, err))
		default:
			problems = append(problems, fmt.Errorf("network %q: %w", was.network, err))
		}
		delete(c.Unconnected, was.network)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Unconnected)) {
		o.logger.Info("forgetting the settings of a network that is not connected", "network", name)
		err := o.change(ctx, func(ctx context.Context) error { return o.forget(ctx, name) })
		if err != nil {
			problems = append(problems, fmt.Errorf("the settings of network %q: %w", name, err))
		}
	}
	if o.away.halted {
		switch started, err := o.resumeRun(ctx, failure); {
		case err != nil:
			problems = append(problems, fmt.Errorf("starting it: %w", err))
		case started:
			now = append(now, "it was started again")
		}
	}
	return now, errors.Join(problems...)
}

// resumeRun starts a container again that was stopped for a restart, once the engine has stopped it. What it goes on
// stopping is left to the next plan.
func (o *alteringJob) resumeRun(ctx context.Context, failure *fault.Fault) (started bool, err error) {
	if ended, err := o.awaitOwnStop(ctx, failure); err != nil || !ended {
		return false, err
	}
	c, err := o.engine.Inspect(ctx, o.containerID)
	if err != nil {
		return false, engine.IgnoreNotFound(err)
	}
	return o.startAgain(ctx, c.State.Status)
}

// takeBackLimits takes back, the last first, the limits that made room for others.
func (o *alteringJob) takeBackLimits(ctx context.Context) error {
	for _, limits := range slices.Backward(o.away.limits) {
		err := o.change(ctx, func(ctx context.Context) error {
			_, err := o.engine.API.ContainerUpdate(ctx, o.containerID, limits)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// startAgain starts a container that was stopped for a restart, and pauses it if it was paused before.
func (o *alteringJob) startAgain(ctx context.Context, status string) (started bool, err error) {
	stopped := status == "exited" || status == "dead"
	if stopped {
		o.logger.Info("starting the container again that was stopped for a restart")
		err := o.change(ctx, func(ctx context.Context) error {
			return o.engine.API.ContainerStart(ctx, o.containerID, containertypes.StartOptions{})
		})
		if err != nil {
			return false, err
		}
	}
	if o.away.paused && (stopped || status == "running") {
		err = o.change(ctx, func(ctx context.Context) error { return o.engine.API.ContainerPause(ctx, o.containerID) })
	}
	return stopped, err
}
