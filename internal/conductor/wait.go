// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"
	"time"

	containertypes "github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// bringUp starts the container, waits until it is as the request wants it, and returns how it is
// then. It can be repeated: a container that runs already is not started twice; again says that
// this may be so, and that what is waited for may have happened before.
func (o *containerJob) bringUp(ctx context.Context, again bool) (*container.Container, error) {
	ctx = engine.Patiently(ctx)
	// Subscribed before the start, so that no event is missed.
	events, err := o.engine.Watcher.Watch(ctx, o.containerID)
	if err != nil {
		return nil, err
	}
	defer events.Close()

	o.enter(fault.StepStarting)
	started := time.Now()
	err = o.change(ctx, func(ctx context.Context) error {
		return o.engine.API.ContainerStart(ctx, o.containerID, containertypes.StartOptions{})
	})
	if err != nil {
		return nil, err
	}
	// A busy engine takes its time for a start: what it took says nothing about the container.
	begun := time.Now()
	o.enter(fault.StepWaiting)

	// A wait that only an event can end needs no look before it: own health checks and jobs.
	// An image's health check is only seen by looking.
	settling := time.NewTimer(container.SettleTime)
	defer settling.Stop()
	byEvent := o.spec.DesiredState == container.DesiredCompleted ||
		o.spec.DesiredState == container.DesiredRunning && o.spec.Healthcheck != nil && !o.spec.Healthcheck.Disabled() && o.wait != container.WaitRunning
	if byEvent {
		settling.Stop()
	}
	for look := again; ; look = true {
		if look {
			c, err := o.engine.Inspect(ctx, o.containerID)
			if err != nil {
				return nil, err
			}
			switch v := container.Judge(o.spec, o.wait, c.State.At(time.Now()), time.Since(begun) >= container.SettleTime); {
			case v.Kind != "":
				return nil, o.diagnosis().unmet(ctx, v.Kind, c, started)
			case v.Met && o.spec.DesiredState == container.DesiredPaused:
				return o.pauseContainer(ctx)
			case v.Met:
				return c, nil
			case c.State.RestartCount > 0 && !byEvent:
				settling.Reset(container.SettleTime) // That a later try holds is no event.
			}
		}
		select {
		case <-events.Wake():
		case <-settling.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (o *containerJob) pauseContainer(ctx context.Context) (*container.Container, error) {
	err := o.change(ctx, func(ctx context.Context) error { return o.engine.API.ContainerPause(ctx, o.containerID) })
	if err != nil && !engine.ContainsAny(err.Error(), "is already paused") {
		return nil, fmt.Errorf("pausing: %w", err)
	}
	return o.engine.Inspect(ctx, o.containerID)
}
