// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// OutageOf returns why a container is not what it was once left as, though no operation on it failed: it ended, keeps
// ending, or is unhealthy; empty is that it is, or that an operation accounts for what it is. It is pure.
func OutageOf(asked Spec, wait Wait, s Standing, now time.Time) fault.Kind {
	if s.Container == nil || s.InProgress || s.Fault != nil || s.Stop != nil || asked.DesiredState == DesiredStopped {
		return ""
	}
	state := s.Container.State
	if state.Status == "removing" || state.Status == "created" {
		return ""
	}
	if wait == WaitNone {
		wait = WaitReady
	}
	kind := judge(asked, wait, state.at(now), true).kind
	if !slices.Contains([]fault.Kind{fault.Exited, fault.CrashLoop, fault.Unhealthy}, kind) {
		return ""
	}
	return kind
}

// Outage tells of what OutageOf returned, with the last lines of the container's log if withLog says so. Asked is
// what the state asks for; what else somebody put into the container's environment counts as secret.
func (c *Conductor) Outage(ctx context.Context, kind fault.Kind, s Standing, asked Spec, withLog bool) *fault.Fault {
	var f *fault.Fault
	e, err := c.connect(ctx, s.Container.Name)
	if err != nil { // A moment ago the look was at this engine.
		errors.As(err, &f)
		return f
	}
	observed := Spec{Name: s.Container.Name, Settings: s.Container.Settings, Files: asked.Files}
	if withLog {
		image, err := c.ImageDefaults(ctx, s.Container.ImageID)
		if err != nil {
			image = new(ImageDefaults) // It may be gone.
		}
		observed.WriteOnly = unlisted(observed.Environment, asked.Environment, image.Environment)
	}
	o := &operation{Request: Request{Kind: KindUpdate, Spec: asked}, engine: e, step: fault.StepWaiting, mask: observed.mask(), entry: c.entry(e)}
	o.Spec.Name, o.logger = s.Container.Name, e.logger
	if withLog {
		o.containerID = s.Container.ID
	}
	if !errors.As(o.unmet(ctx, kind, s.Container, s.Container.State.StartedAt), &f) {
		return nil
	}
	told := *f
	if kind == fault.Unhealthy {
		told.Exists = string(fault.RunsOn)
		return &told
	}
	finished := s.Container.State.FinishedAt
	told.Exists = fmt.Sprintf("it ended at %s; %s", finished.UTC().Format(time.RFC3339), fault.StartedByPlan)
	if asked.DesiredState != DesiredCompleted && !s.Container.State.OOMKilled {
		told.Hint += fmt.Sprintf("; with restart = %q the engine starts it again by itself", "unless-stopped")
	}
	if started := e.startedAt(ctx); !started.Before(finished.Add(-engineEnds)) {
		told.Message += "; the engine was started again at " + started.UTC().Format(time.RFC3339)
	}
	return &told
}

// unlisted are the variables that none of these environments has, or with another value. It is pure.
func unlisted(environment map[string]string, known ...map[string]string) []string {
	var names []string
	for name, value := range environment {
		if !slices.ContainsFunc(known, func(k map[string]string) bool { v, ok := k[name]; return ok && v == value }) {
			names = append(names, name)
		}
	}
	return names
}

// engineEnds is how long before an engine is there again what ends with it may have ended.
const engineEnds = 10 * time.Second

// startedAt is when the engine was started: it then makes its default network anew, unless it keeps containers
// running meanwhile. The zero time is that this can't be told.
func (e *engine) startedAt(ctx context.Context) time.Time {
	ctx, cancel := contextForLook(ctx)
	defer cancel()
	found, err := e.api.NetworkInspect(ctx, network.NetworkBridge, network.InspectOptions{})
	if err != nil {
		e.logger.Debug("when the engine was started can't be told", "error", err)
		return time.Time{}
	}
	return found.Created
}
