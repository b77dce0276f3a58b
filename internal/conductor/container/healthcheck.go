// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"slices"
	"time"
)

// Healthcheck tells the engine how to find out whether the container is healthy.
type Healthcheck struct {
	// Test is ["CMD", …], ["CMD-SHELL", command], or ["NONE"], which takes the image's away. Empty is
	// the image's.
	Test []string `json:"test"`
	// Interval, Timeout and StartPeriod: 0 is the image's or the engine's default.
	Interval    time.Duration `json:"interval,omitempty"`
	Timeout     time.Duration `json:"timeout,omitempty"`
	StartPeriod time.Duration `json:"start_period,omitempty"`
	// StartInterval is the interval within the start period (API 1.44); 0 is the default.
	StartInterval time.Duration `json:"start_interval,omitempty"`
	// Retries is how many failures in a row mean unhealthy; 0 is the default.
	Retries int `json:"retries,omitempty"`
}

// Disabled reports whether there is to be no check, whatever the image has.
func (h *Healthcheck) Disabled() bool { return h != nil && len(h.Test) > 0 && h.Test[0] == "NONE" }

// Inherits reports whether the test is to be the image's.
func (h *Healthcheck) Inherits() bool { return h != nil && len(h.Test) == 0 }

// matches reports whether a container is checked as h asks for. What is not asked for is the image's or
// the engine's.
func (h *Healthcheck) matches(seen *Healthcheck) bool {
	if h == nil {
		return true
	}
	duration := func(want, got time.Duration) bool { return want == 0 || want == got }
	return seen != nil && (h.Inherits() || slices.Equal(h.Test, seen.Test)) &&
		duration(h.Interval, seen.Interval) && duration(h.Timeout, seen.Timeout) && duration(h.StartPeriod, seen.StartPeriod) &&
		duration(h.StartInterval, seen.StartInterval) && (h.Retries == 0 || h.Retries == seen.Retries)
}
