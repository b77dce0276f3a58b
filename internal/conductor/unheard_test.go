// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
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
		{"this state directory would know", ago(time.Second), now.Add(time.Hour), true, time.Time{}},
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
	state := func(s container.State) *container.Container { return &container.Container{Name: "web", State: s} }
	ran := func(status string) container.State { return container.State{Status: status, StartedAt: long} }
	health := func(h string) container.State {
		return container.State{Status: "running", StartedAt: long, Checked: true, Health: h}
	}
	for _, test := range []struct {
		name    string
		desired container.DesiredState
		c       *container.Container
		pending bool
		want    sight
		kind    fault.Kind
	}{
		{"no container yet", container.DesiredRunning, nil, true, sightPending, ""},
		{"no container, and nobody makes it", container.DesiredRunning, nil, false, sightGone, ""},
		{"it runs", container.DesiredRunning, state(ran("running")), true, sightFine, ""},
		{"it exited", container.DesiredRunning, state(ran("exited")), true, sightUnmet, fault.Exited},
		{"it keeps exiting", container.DesiredRunning, state(ran("restarting")), false, sightUnmet, fault.CrashLoop},
		{"it is unhealthy", container.DesiredRunning, state(health("unhealthy")), false, sightUnmet, fault.Unhealthy},
		{"its health is not known yet", container.DesiredRunning, state(health("starting")), true, sightPending, ""},
		{"its health will be seen", container.DesiredRunning, state(health("starting")), false, sightFine, ""},
		{"it may be about to be started", container.DesiredRunning, state(container.State{Status: "created"}), true, sightPending, ""},
		{"nobody starts it", container.DesiredRunning, state(container.State{Status: "created"}), false, sightStranded, ""},
		{"it is stopped, as it should be", container.DesiredStopped, state(container.State{Status: "created"}), false, sightFine, ""},
		{"it is not stopped", container.DesiredStopped, state(ran("running")), false, sightFine, ""},
		{"it is paused, as it should be", container.DesiredPaused, state(ran("paused")), false, sightFine, ""},
		{"a job ended", container.DesiredCompleted, state(ran("exited")), false, sightFine, ""},
		{"a job failed", container.DesiredCompleted, state(container.State{Status: "exited", StartedAt: long, ExitCode: 3}), false, sightUnmet, fault.Exited},
		{"a job runs", container.DesiredCompleted, state(ran("running")), false, sightFine, ""},
		{"a job was never started", container.DesiredCompleted, state(container.State{Status: "created"}), false, sightStranded, ""},
	} {
		if got, kind := see(container.Spec{DesiredState: test.desired}, container.WaitReady, test.c, test.pending, now); got != test.want || kind != test.kind {
			t.Errorf("%s: %d %q, want %d %q", test.name, got, kind, test.want, test.kind)
		}
	}
}
