// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

func TestElsewhereUntil(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for _, test := range []struct {
		name               string
		accepted, deadline time.Time
		own                bool
		want               time.Time
	}{
		{"accepted a moment ago", ago(time.Second), time.Time{}, false, ago(time.Second).Add(elsewhereFor)},
		{"its own time is longer", ago(time.Second), now.Add(time.Hour), false, ago(time.Second).Add(elsewhereFor)},
		{"its own time is shorter", ago(time.Second), now.Add(time.Second), false, now.Add(time.Second)},
		{"its own time is up", ago(time.Minute), ago(time.Second), false, time.Time{}},
		{"the fair time is up", ago(elsewhereFor), now.Add(time.Hour), false, time.Time{}},
		{"this state folder would know", ago(time.Second), now.Add(time.Hour), true, time.Time{}},
		{"nobody knows when", time.Time{}, now.Add(time.Hour), false, time.Time{}},
	} {
		if got := elsewhereUntil(test.accepted, test.deadline, now, test.own); !got.Equal(test.want) {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestSee(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	long := now.Add(-time.Hour)
	state := func(s State) *Container { return &Container{Name: "web", State: s} }
	ran := func(status string) State { return State{Status: status, StartedAt: long} }
	health := func(h string) State {
		return State{Status: "running", StartedAt: long, Checked: true, Health: h}
	}
	for _, test := range []struct {
		name    string
		desired DesiredState
		c       *Container
		pending bool
		want    sight
		kind    fault.Kind
	}{
		{"no container yet", DesiredRunning, nil, true, sightPending, ""},
		{"no container, and nobody makes it", DesiredRunning, nil, false, sightGone, ""},
		{"it runs", DesiredRunning, state(ran("running")), true, sightFine, ""},
		{"it exited", DesiredRunning, state(ran("exited")), true, sightUnmet, fault.Exited},
		{"it keeps exiting", DesiredRunning, state(ran("restarting")), false, sightUnmet, fault.CrashLoop},
		{"it is unhealthy", DesiredRunning, state(health("unhealthy")), false, sightUnmet, fault.Unhealthy},
		{"its health is not known yet", DesiredRunning, state(health("starting")), true, sightPending, ""},
		{"its health will be seen", DesiredRunning, state(health("starting")), false, sightFine, ""},
		{"it may be about to be started", DesiredRunning, state(State{Status: "created"}), true, sightPending, ""},
		{"nobody starts it", DesiredRunning, state(State{Status: "created"}), false, sightStranded, ""},
		{"it is stopped, as it should be", DesiredStopped, state(State{Status: "created"}), false, sightFine, ""},
		{"it is not stopped", DesiredStopped, state(ran("running")), false, sightFine, ""},
		{"it is paused, as it should be", DesiredPaused, state(ran("paused")), false, sightFine, ""},
		{"a job ended", DesiredCompleted, state(ran("exited")), false, sightFine, ""},
		{"a job failed", DesiredCompleted, state(State{Status: "exited", StartedAt: long, ExitCode: 3}), false, sightUnmet, fault.Exited},
		{"a job runs", DesiredCompleted, state(ran("running")), false, sightFine, ""},
		{"a job was never started", DesiredCompleted, state(State{Status: "created"}), false, sightStranded, ""},
	} {
		if got, kind := see(Spec{DesiredState: test.desired}, WaitReady, test.c, test.pending, now); got != test.want || kind != test.kind {
			t.Errorf("%s: %d %q, want %d %q", test.name, got, kind, test.want, test.kind)
		}
	}
}
