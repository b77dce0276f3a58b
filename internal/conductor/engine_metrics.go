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

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/metrics"
)

// countEvery is how often a process that lives long writes its counters.
const countEvery = 10 * time.Second

// engineMetrics counts what pool and pulls of an engine don't, and remembers what was written.
type engineMetrics struct {
	began                         time.Time
	maxParallel, maxParallelPulls int
	lanes                         metrics.Meter

	mu       sync.Mutex
	outcomes map[string]int64
	written  metrics.Counters
}

func newEngineMetrics(maxParallel, maxParallelPulls int) *engineMetrics {
	return &engineMetrics{began: time.Now(), maxParallel: maxParallel, maxParallelPulls: maxParallelPulls, outcomes: make(map[string]int64)}
}

// ended counts an operation that ended.
func (t *engineMetrics) ended(err error) {
	outcome := metrics.Done
	if f := (*fault.Fault)(nil); errors.As(err, &f) {
		outcome = string(f.Kind)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outcomes[outcome]++
}

// queued counts an operation's wait for those before it in its lanes, in this process and others.
func (t *engineMetrics) queued(waited bool, since time.Duration) {
	if waited {
		t.lanes.Waited(since)
		return
	}
	t.lanes.AtOnce()
}

// counters are what was counted on the engine so far.
func (e *connection) counters() metrics.Counters {
	e.metrics.mu.Lock()
	defer e.metrics.mu.Unlock()
	return metrics.Counters{
		Slots: e.Pool.Waits(), Lanes: e.metrics.lanes.Waits(), PullSlots: e.Pulls.Waits(), PullsCoalesced: e.Pulls.Coalesced(),
		Outcomes: maps.Clone(e.metrics.outcomes),
	}
}

// keepCounters writes the counters to the journal, if there is anything new. Who only reads an
// engine has none.
func (e *connection) keepCounters() {
	now := e.counters()
	e.metrics.mu.Lock()
	defer e.metrics.mu.Unlock()
	if e.journal == nil || len(now.Outcomes) == 0 && now.Slots.Asked == 0 || reflect.DeepEqual(now, e.metrics.written) {
		return
	}
	err := e.journal.Count(journal.Counters{
		Engine: e.Name, Began: e.metrics.began.UTC(), Written: time.Now().UTC(),
		MaxParallel: e.metrics.maxParallel, MaxParallelPulls: e.metrics.maxParallelPulls, Counters: now,
	})
	if err != nil {
		e.Logger.Warn("the counters can't be written", "error", err)
		return
	}
	e.metrics.written = now
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
func (s *shared) keepCounting(ctx context.Context) {
	for pause(ctx, countEvery) == nil {
		for _, e := range s.everyConnection() {
			e.keepCounters()
			e.tidy()
		}
	}
}
