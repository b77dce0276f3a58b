// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// Wait is what a create or an update waits for.
type Wait string

// The waits. Ready is what the desired state and the effective health check imply.
const (
	WaitReady   Wait = "ready"
	WaitHealthy Wait = "healthy"
	WaitRunning Wait = "running"
	// WaitNone is a cast: the operation is accepted and left to itself.
	WaitNone Wait = "none"
)

// CheckWait says why a container that is to be in this state cannot be waited for in this way,
// or nil if it can.
//
//	desired    ready                              healthy   running                     none
//	running    healthy if there is a check,       healthy   no exit and no restart in   cast
//	           else as running                              the 500 ms after the start
//	stopped    created or stopped                 error     error                       cast
//	paused     as running, then paused            error     error                       cast
//	completed  ended with an expected exit code   error     error                       cast
func CheckWait(desired DesiredState, wait Wait) error {
	if desired == DesiredRunning || wait == WaitReady || wait == WaitNone {
		return nil
	}
	return fmt.Errorf("a container whose desired_state is %q can't be waited for with %q", desired, wait)
}

const (
	// settleTime is how long a container without a health check has to run to count as
	// running: of 20 that crashed at once, 16 were seen "running" right after their start.
	settleTime = 500 * time.Millisecond
	// crashLoop is how many restarts end a wait for health: the restart policy allows
	// restarts, but the engine's pauses between them double, and the wait would too.
	crashLoop = 5
)

// verdict is what a look at a container says about the wait for it.
type verdict struct {
	met bool
	// kind is set if the wait can't be met any more.
	kind fault.Kind
}

// judge decides about a wait from one look at the container; settled says that settleTime has
// passed since the start. It is pure.
func judge(spec Spec, wait Wait, s State, settled bool) verdict {
	switch {
	case spec.DesiredState == DesiredCompleted:
		return judgeJob(spec, s)
	case s.Status == "exited" || s.Status == "dead" || s.Status == "removing":
		return verdict{kind: fault.Exited}
	}
	unchecked := wait == WaitRunning || spec.DesiredState == DesiredPaused || (wait == WaitReady && !s.Checked)
	switch {
	case unchecked && s.Status == "restarting":
		return verdict{kind: fault.CrashLoop}
	case unchecked && s.RestartCount > 0:
		// It is one more try: it ends, with a code that can be told, or runs long enough.
		return verdict{}
	case unchecked:
		return verdict{met: settled && s.Status == "running"}
	case s.Status == "running" && !s.Checked:
		return verdict{kind: fault.NoHealthcheck}
	case s.Health == container.Unhealthy:
		return verdict{kind: fault.Unhealthy}
	case s.Status == "restarting" && s.RestartCount >= crashLoop:
		return verdict{kind: fault.CrashLoop} // Only between two tries the engine has the code of the last one.
	default:
		return verdict{met: s.Status == "running" && s.Health == container.Healthy}
	}
}

func judgeJob(spec Spec, s State) verdict {
	switch {
	case s.Ended() && !slices.Contains(expectedExitCodes(spec), s.ExitCode):
		return verdict{kind: fault.Exited}
	case s.Status == "removing":
		return verdict{kind: fault.Exited}
	default:
		return verdict{met: s.Ended()}
	}
}

func expectedExitCodes(spec Spec) []int {
	if spec.ExpectedExitCodes == nil {
		return []int{0}
	}
	return spec.ExpectedExitCodes
}

// bringUp starts the container, waits until it is as the request wants it, and returns how it is
// then. It can be repeated: a container that runs already is not started twice; again says that
// this may be so, and that what is waited for may have happened before.
func (o *operation) bringUp(ctx context.Context, again bool) (*Container, error) {
	ctx = patiently(ctx)
	// Subscribed before the start, so that no event is missed.
	events, err := o.engine.watcher.Watch(ctx, o.containerID)
	if err != nil {
		return nil, err
	}
	defer events.Close()

	o.enter(fault.StepStarting)
	started := time.Now()
	err = o.change(ctx, func(ctx context.Context) error {
		return o.engine.api.ContainerStart(ctx, o.containerID, container.StartOptions{})
	})
	if err != nil {
		return nil, err
	}
	// A busy engine takes its time for a start: what it took says nothing about the container.
	begun := time.Now()
	o.enter(fault.StepWaiting)

	// A wait that only an event can end needs no look before it: own health checks and jobs.
	// An image's health check is only seen by looking.
	settling := time.NewTimer(settleTime)
	defer settling.Stop()
	byEvent := o.Spec.DesiredState == DesiredCompleted ||
		o.Spec.DesiredState == DesiredRunning && o.Spec.Healthcheck != nil && !o.Spec.Healthcheck.Disabled() && o.Wait != WaitRunning
	if byEvent {
		settling.Stop()
	}
	for look := again; ; look = true {
		if look {
			c, err := o.engine.inspect(ctx, o.containerID)
			if err != nil {
				return nil, err
			}
			switch v := judge(o.Spec, o.Wait, c.State.at(time.Now()), time.Since(begun) >= settleTime); {
			case v.kind != "":
				return nil, o.unmet(ctx, v.kind, c, started)
			case v.met && o.Spec.DesiredState == DesiredPaused:
				return o.pauseIt(ctx)
			case v.met:
				return c, nil
			case c.State.RestartCount > 0 && !byEvent:
				settling.Reset(settleTime) // That a later try holds is no event.
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

func (o *operation) pauseIt(ctx context.Context) (*Container, error) {
	err := o.change(ctx, func(ctx context.Context) error { return o.engine.api.ContainerPause(ctx, o.containerID) })
	if err != nil && !containsAny(err.Error(), "is already paused") {
		return nil, fmt.Errorf("pausing: %w", err)
	}
	return o.engine.inspect(ctx, o.containerID)
}

// unmet makes the fault of a wait that can't be met any more.
func (o *operation) unmet(ctx context.Context, kind fault.Kind, c *Container, started time.Time) error {
	s := c.State
	if o.quiet {
		s.Error = ""
	}
	switch kind {
	case fault.NoHealthcheck:
		return o.scope().NoHealthcheck(o.exists())
	case fault.Unhealthy:
		u := fault.UnhealthyFacts{After: time.Since(started), Log: o.tail(ctx), Exists: o.exists(), Quiet: o.quiet}
		if c.Healthcheck != nil {
			u.Check = c.Healthcheck.Test
		}
		if n := len(s.HealthLog); n > 0 {
			u.ExitCode, u.Output = s.HealthLog[n-1].ExitCode, s.HealthLog[n-1].Output
		}
		return o.scope().Unhealthy(u)
	}
	exit := fault.Exit{
		Code: s.ExitCode, OOM: s.OOMKilled, Error: s.Error, Log: o.tail(ctx),
		Job: o.Spec.DesiredState == DesiredCompleted, Expected: expectedExitCodes(o.Spec), Exists: o.exists(),
	}
	if s.FinishedAt.After(s.StartedAt) {
		exit.After = s.FinishedAt.Sub(s.StartedAt)
	}
	if kind == fault.CrashLoop {
		return o.scope().CrashLoop(s.RestartCount, exit)
	}
	return o.scope().Exited(exit)
}
