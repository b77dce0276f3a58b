// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import "fmt"

// Wait is what a create or an update waits for.
type Wait string

// The waits. Ready is what the desired state and the effective health check imply.
const (
	WaitReady   Wait = "ready"
	WaitHealthy Wait = "healthy"
	WaitRunning Wait = "running"
)

// CheckWait says why a container that is to be in this state cannot be waited for in this way,
// or nil if it can.
//
//	desired    ready                              healthy   running
//	running    healthy if there is a check,       healthy   no exit and no restart in
//	           else as running                              the 500 ms after the start
//	stopped    created or stopped                 error     error
//	paused     as running, then paused            error     error
//	completed  ended with an expected exit code   error     error
func CheckWait(desired DesiredState, wait Wait) error {
	if desired == DesiredRunning || wait == WaitReady {
		return nil
	}
	return fmt.Errorf("a container whose desired_state is %q can't be waited for with %q", desired, wait)
}
