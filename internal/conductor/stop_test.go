// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// A stop that was left to the engine counts until the engine has killed the container.
func TestLeftStopping(t *testing.T) {
	asked := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	five, never := 5, -1
	minute := time.Minute
	tests := map[string]struct {
		grace  *int
		own    *time.Duration
		status string
		other  bool
		// underWay and alive are those of the record.
		underWay, alive bool
		after           time.Duration
		left            bool
	}{
		"of an operation that was cancelled":           {status: "running", after: 8 * time.Second, left: true},
		"over with the engine's own grace period":      {status: "running", after: 16 * time.Second},
		"the container's grace period":                 {own: &minute, status: "running", after: 50 * time.Second, left: true},
		"the stop's grace period goes first":           {own: &minute, grace: &five, status: "running", after: 50 * time.Second},
		"an engine that waits without killing":         {grace: &never, status: "running", after: time.Second},
		"the container has ended":                      {status: "exited", after: time.Second},
		"the container is paused":                      {status: "paused", after: time.Second, left: true},
		"the container is between two restarts":        {status: "restarting", after: time.Second, left: true},
		"another container":                            {status: "running", other: true, after: time.Second},
		"somebody is at it":                            {status: "running", underWay: true, alive: true, after: time.Second},
		"of an operation whose process is dead by now": {status: "running", underWay: true, after: time.Second, left: true},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			r := journal.Record{ID: "one", Outcome: journal.Failed, Stopping: &journal.Stopping{ContainerID: "c", Since: asked, Grace: test.grace}}
			if test.underWay {
				r.Outcome = ""
			}
			if test.other {
				r.Stopping.ContainerID = "d"
			}
			c := &Container{ID: "c", State: State{Status: test.status}}
			c.StopGracePeriod = test.own
			got, left := leftStopping([]journal.Record{{ID: "none"}, r}, c, func(journal.Record) bool { return test.alive }, asked.Add(test.after))
			if left != test.left || left && got.ID != "one" {
				t.Errorf("got %v, %v", got.ID, left)
			}
		})
	}
}

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
