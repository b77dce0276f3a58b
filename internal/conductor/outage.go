// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	exists, hint := aftermath(kind, asked, s.Container)
	told.Exists, told.Hint = exists, told.Hint+hint
	if kind == fault.Unhealthy {
		return &told
	}
	if started := e.StartedAt(ctx); !started.Before(s.Container.State.FinishedAt.Add(-engineEnds)) {
		told.Message += "; the engine was started again at " + started.UTC().Format(time.RFC3339)
	}
	return &told
}

// aftermath says of an outage what is there now, and what to do besides what the fault says. It is pure.
func aftermath(kind fault.Kind, asked container.Spec, c *container.Container) (exists, hint string) {
	if kind == fault.Unhealthy {
		return string(fault.RunsOn), ""
	}
	next := fault.Exists(fmt.Sprintf("an apply of a configuration that has it %s starts it again, or replaces it, unless ignore_changes has desired_state",
		cmp.Or(asked.DesiredState, container.DesiredRunning)))
	switch {
	case kind == fault.CrashLoop && asked.DesiredState == container.DesiredPaused:
		next = fault.Restarted // A plan has it paused.
	case kind == fault.CrashLoop:
		next = fault.RestartsOn
	case asked.DesiredState != container.DesiredCompleted && !c.State.OOMKilled && !asked.Restart.Restarts() && !c.Restart.Restarts():
		hint = fmt.Sprintf("; with restart = %q the engine starts it again by itself", "unless-stopped")
	}
	return fmt.Sprintf("it ended at %s; %s", c.State.FinishedAt.UTC().Format(time.RFC3339), next), hint
}

// engineEnds is how long before an engine is there again what ends with it may have ended.
const engineEnds = 10 * time.Second
