// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package metrics has the counters of an engine, from which an operator sees whether its bounds fit:
// how often and how long was waited, how many pulls were shared, and what became of the operations.
package metrics

import (
	"maps"
	"sync"
	"time"
)

// Waits are how often something was asked for, and how it was waited for.
type Waits struct {
	// Asked is how often it was asked for, Waited how often it was not to be had at once.
	Asked  int64 `json:"asked"`
	Waited int64 `json:"waited"`
	// Time is how long was waited in all, Longest the longest of these waits. Waits that were
	// given up count.
	Time    time.Duration `json:"time_ns"`
	Longest time.Duration `json:"longest_ns"`
}

// Plus gives both together.
func (w Waits) Plus(other Waits) Waits {
	return Waits{
		Asked: w.Asked + other.Asked, Waited: w.Waited + other.Waited,
		Time: w.Time + other.Time, Longest: max(w.Longest, other.Longest),
	}
}

// Share is how many of those who asked had to wait: 0 to 1.
func (w Waits) Share() float64 {
	if w.Asked == 0 {
		return 0
	}
	return float64(w.Waited) / float64(w.Asked)
}

// Meter counts waits. It is safe for use by many goroutines; the zero value is ready.
type Meter struct {
	mu    sync.Mutex
	waits Waits
}

// AtOnce counts one who did not have to wait.
func (m *Meter) AtOnce() { m.add(Waits{Asked: 1}) }

// Waited counts one who had to wait.
func (m *Meter) Waited(d time.Duration) { m.add(Waits{Asked: 1, Waited: 1, Time: d, Longest: d}) }

func (m *Meter) add(w Waits) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waits = m.waits.Plus(w)
}

// Waits returns what was counted so far.
func (m *Meter) Waits() Waits {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.waits
}

// Counters are what was counted on one engine.
type Counters struct {
	// Slots are the waits for a slot of the pool, in which a request changes something on the
	// engine. An operation makes one request or more.
	Slots Waits `json:"slots"`
	// Lanes are the waits of operations for those before them in their lanes.
	Lanes Waits `json:"lanes"`
	// PullSlots are the waits of pulls for others to end.
	PullSlots Waits `json:"pull_slots"`
	// PullsCoalesced are the operations that needed no pull of their own.
	PullsCoalesced int64 `json:"pulls_coalesced"`
	// Outcomes are the operations that ended, by the kind of their fault, or Done.
	Outcomes map[string]int64 `json:"outcomes,omitempty"`
}

// Done is the key of the outcomes that are no fault.
const Done = "done"

// Plus gives both together.
func (c Counters) Plus(other Counters) Counters {
	outcomes := make(map[string]int64)
	maps.Copy(outcomes, c.Outcomes)
	for outcome, n := range other.Outcomes {
		outcomes[outcome] += n
	}
	return Counters{
		Slots: c.Slots.Plus(other.Slots), Lanes: c.Lanes.Plus(other.Lanes), PullSlots: c.PullSlots.Plus(other.PullSlots),
		PullsCoalesced: c.PullsCoalesced + other.PullsCoalesced, Outcomes: outcomes,
	}
}
