// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"sync"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/count"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// countEvery is how often a process that lives long writes its counters.
const countEvery = 10 * time.Second

// metrics counts what pool and pulls of an engine don't, and remembers what was written.
type metrics struct {
	began                         time.Time
	maxParallel, maxParallelPulls int
	lanes                         count.Meter

	mu       sync.Mutex
	outcomes map[string]int64
	written  count.Counters
}

func newTally(maxParallel, maxParallelPulls int) *metrics {
	return &metrics{began: time.Now(), maxParallel: maxParallel, maxParallelPulls: maxParallelPulls, outcomes: make(map[string]int64)}
}

// ended counts an operation that ended.
func (t *metrics) ended(err error) {
	outcome := count.Done
	if f := (*fault.Fault)(nil); errors.As(err, &f) {
		outcome = string(f.Kind)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outcomes[outcome]++
}

// queued counts an operation's wait for those before it in its lanes, in this process and others.
func (t *metrics) queued(waited bool, since time.Duration) {
	if waited {
		t.lanes.Waited(since)
		return
	}
	t.lanes.AtOnce()
}

// counters are what was counted on the engine so far.
func (e *connection) counters() count.Counters {
	e.tally.mu.Lock()
	defer e.tally.mu.Unlock()
	return count.Counters{
		Slots: e.Pool.Waits(), Lanes: e.tally.lanes.Waits(), PullSlots: e.Pulls.Waits(), PullsCoalesced: e.Pulls.Coalesced(),
		Outcomes: maps.Clone(e.tally.outcomes),
	}
}

// keepCounters writes the counters to the journal, if there is anything new. Who only reads an
// engine has none.
func (e *connection) keepCounters() {
	now := e.counters()
	e.tally.mu.Lock()
	defer e.tally.mu.Unlock()
	if e.journal == nil || len(now.Outcomes) == 0 && now.Slots.Asked == 0 || reflect.DeepEqual(now, e.tally.written) {
		return
	}
	err := e.journal.Count(journal.Counters{
		Engine: e.Name, Began: e.tally.began.UTC(), Written: time.Now().UTC(),
		MaxParallel: e.tally.maxParallel, MaxParallelPulls: e.tally.maxParallelPulls, Counters: now,
	})
	if err != nil {
		e.Logger.Warn("the counters can't be written", "error", err)
		return
	}
	e.tally.written = now
}

// tidy keeps the journal of a process that lives long small.
func (e *connection) tidy() {
	if e.journal == nil {
		return
	}
	if err := e.journal.Tidy(tidyTakes); err != nil {
		e.Logger.Debug("the journal can't be tidied", "error", err)
	}
}

// keepCounting writes the counters now and then, and tidies the journal, until ctx ends.
func (c *Conductor) keepCounting(ctx context.Context) {
	for pause(ctx, countEvery) == nil {
		c.mu.Lock()
		e := c.engine
		c.mu.Unlock()
		if e != nil {
			e.keepCounters()
			e.tidy()
		}
	}
}
