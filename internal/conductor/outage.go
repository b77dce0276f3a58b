// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// OutageOf returns why a container is not what it was once left as, though no operation on it failed: it ended, keeps
// ending, or is unhealthy; empty is that it is, or that an operation accounts for what it is. It is pure.
func OutageOf(asked container.Spec, wait container.Wait, s Status, now time.Time) fault.Kind {
	if s.Container == nil || s.InProgress || s.Fault != nil || s.Stop != nil || asked.DesiredState == container.DesiredStopped {
		return ""
	}
	state := s.Container.State
	if state.Status == "removing" || state.Status == "created" {
		return ""
	}
	if wait == container.WaitNone {
		wait = container.WaitReady
	}
	kind := container.Judge(asked, wait, state.At(now), true).Kind
	if !slices.Contains([]fault.Kind{fault.Exited, fault.CrashLoop, fault.Unhealthy}, kind) {
		return ""
	}
	return kind
}

// Outage tells of what OutageOf returned. Asked is what the state asks for; what else somebody put into the
// container's environment counts as secret. Quiet leaves out what the container and its engine wrote: the last lines
// of the log, the output of the health check, and why a start failed.
func (c *Conductor) Outage(ctx context.Context, kind fault.Kind, s Status, asked container.Spec, quiet bool) *fault.Fault {
	var f *fault.Fault
	e, err := c.connect(ctx, s.Container.Name)
	if err != nil { // A moment ago the look was at this engine.
		errors.As(err, &f)
		return f
	}
	d := diagnosis{
		engine: e, logger: e.Logger, kind: KindUpdate, spec: asked, containerID: s.Container.ID, step: fault.StepWaiting, exists: fault.Unchanged,
		mask: e.MaskOf(ctx, asked, s.Container), quiet: quiet,
	}
	d.spec.Name = s.Container.Name
	if !errors.As(d.unmet(ctx, kind, s.Container, s.Container.State.StartedAt), &f) {
		return nil
	}
	told := *f
	told.Left, told.Facts.Resting = aftermath(kind, asked, s.Container)
	if kind == fault.Unhealthy {
		return &told
	}
	told.Facts.Stopped, told.Facts.Desired = s.Container.State.FinishedAt, cmp.Or(string(asked.DesiredState), string(container.DesiredRunning))
	if started := e.StartedAt(ctx); !started.Before(s.Container.State.FinishedAt.Add(-engineEnds)) {
		told.Facts.Restarted = started
	}
	return &told
}

// aftermath returns what is there after an outage, and whether nothing is to start the container again. It is pure.
func aftermath(kind fault.Kind, asked container.Spec, c *container.Container) (left fault.Exists, resting bool) {
	switch {
	case kind == fault.Unhealthy:
		return fault.RunsOn, false
	case kind == fault.CrashLoop && asked.DesiredState == container.DesiredPaused:
		return fault.Restarting, false // A plan has it paused.
	case kind == fault.CrashLoop:
		return fault.RestartsOn, false
	default:
		return fault.Stopped, asked.DesiredState != container.DesiredCompleted && !c.State.OOMKilled && !asked.Restart.Restarts() && !c.Restart.Restarts()
	}
}

// engineEnds is how long before an engine is there again what ends with it may have ended.
const engineEnds = 10 * time.Second
