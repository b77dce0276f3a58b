// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"testing"
	"time"
)

// A container that is being stopped is not what anybody waits for, though it runs.
func TestStoppingMeetsNothing(t *testing.T) {
	s := State{Status: "running", StartedAt: time.Now().Add(-time.Hour)}
	for _, desired := range []DesiredState{DesiredRunning, DesiredPaused, DesiredCompleted} {
		s.Stopping = true
		if Meets(desired, nil, WaitReady, s, time.Now()) {
			t.Errorf("it meets %s", desired)
		}
	}
	if s.Stopping = false; !Meets(DesiredRunning, nil, WaitReady, s, time.Now()) {
		t.Error("without the stop it does not run")
	}
}
