// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// Only another run of a container that runs is one that was not joined.
func TestStartedAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	at := func(status string, ago time.Duration) container.State {
		return container.State{Status: status, StartedAt: now.Add(-ago)}
	}
	for _, tt := range []struct {
		name       string
		other, own container.State
		want       bool
	}{
		{"joined", at("running", 2*time.Hour), at("running", time.Hour), false},
		{"restarted since", at("running", time.Hour), at("running", 2*time.Hour), true},
		{"restarted since, and paused", at("paused", time.Hour), at("paused", 2*time.Hour), true},
		{"started together", at("running", time.Hour), at("running", time.Hour), false},
		{"stopped", at("exited", time.Hour), at("running", 2*time.Hour), false},
		{"itself stopped", at("running", time.Hour), at("exited", 2*time.Hour), false},
		{"the clock was set back", at("running", -time.Hour), at("running", time.Minute), false},
	} {
		if got := startedAfter(tt.other, tt.own, now); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
