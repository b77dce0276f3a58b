// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"fmt"
	"slices"
	"time"

	containertypes "github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// SoFar says how far a container is that is waited for.
func (s State) SoFar() string {
	if s.Health != "" {
		return "it is " + s.Status + ", and its health check says " + s.Health
	}
	return "it is " + s.Status
}

// Meets reports whether a container, as the engine reports it, is what a wait waits for.
func Meets(desired DesiredState, codes []int, wait Wait, s State, now time.Time) bool {
	if desired == DesiredStopped || desired == DesiredPaused && !s.Stopping {
		return len(PlanPower(Spec{DesiredState: desired}, s)) == 0
	}
	if s.Stopping {
		return false
	}
	return Judge(Spec{DesiredState: desired, ExpectedExitCodes: codes}, wait, s.At(now), true).Met
}

// steadyAfter is how long a container has to run until its engine takes it for one that came up: it then
// starts to count its restarts anew.
const steadyAfter = 10 * time.Second

// At is the state as it counts at a time: what has run long enough since its last restart came up at a
// later try, and that is right.
func (s State) At(now time.Time) State {
	if s.Status == "running" && now.Sub(s.StartedAt) >= steadyAfter {
		s.RestartCount = 0
	}
	return s
}

// WaitCompleted is, for a start or a restart, a job: it waits until the container has ended with
// exit code 0.
const WaitCompleted Wait = "completed"

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
	// SettleTime is how long a container without a health check has to run to count as
	// running: of 20 that crashed at once, 16 were seen "running" right after their start.
	SettleTime = 500 * time.Millisecond
	// crashLoop is how many restarts end a wait for health: the restart policy allows
	// restarts, but the engine's pauses between them double, and the wait would too.
	crashLoop = 5
)

// Verdict is what a look at a container says about the wait for it.
type Verdict struct {
	Met bool
	// Kind is set if the wait can't be met any more.
	Kind fault.Kind
}

// Judge decides about a wait from one look at the container; settled says that SettleTime has
// passed since the start. It is pure.
func Judge(spec Spec, wait Wait, s State, settled bool) Verdict {
	switch {
	case spec.DesiredState == DesiredCompleted:
		return judgeJob(spec, s)
	case s.Status == "exited" || s.Status == "dead" || s.Status == "removing":
		return Verdict{Kind: fault.Exited}
	}
	unchecked := wait == WaitRunning || spec.DesiredState == DesiredPaused || (wait == WaitReady && !s.Checked)
	switch {
	case unchecked && s.Status == "restarting":
		return Verdict{Kind: fault.CrashLoop}
	case unchecked && s.RestartCount > 0:
		// It is one more try: it ends, with a code that can be told, or runs long enough.
		return Verdict{}
	case unchecked:
		return Verdict{Met: settled && s.Status == "running"}
	case s.Status == "running" && !s.Checked:
		return Verdict{Kind: fault.NoHealthcheck}
	case s.Health == containertypes.Unhealthy:
		return Verdict{Kind: fault.Unhealthy}
	case s.Status == "restarting" && s.RestartCount >= crashLoop:
		return Verdict{Kind: fault.CrashLoop} // Only between two tries the engine has the code of the last one.
	default:
		return Verdict{Met: s.Status == "running" && s.Health == containertypes.Healthy}
	}
}

func judgeJob(spec Spec, s State) Verdict {
	switch {
	case s.Ended() && !slices.Contains(ExpectedExitCodes(spec), s.ExitCode):
		return Verdict{Kind: fault.Exited}
	case s.Status == "removing":
		return Verdict{Kind: fault.Exited}
	default:
		return Verdict{Met: s.Ended()}
	}
}

// ExpectedExitCodes returns the exit codes with which a container that is to complete has done so.
func ExpectedExitCodes(spec Spec) []int {
	if spec.ExpectedExitCodes == nil {
		return []int{0}
	}
	return spec.ExpectedExitCodes
}
