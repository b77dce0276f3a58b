// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package metrics_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/metrics"
)

func TestMeterCountsOfManyGoroutines(t *testing.T) {
	t.Parallel()
	var m metrics.Meter
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(m.AtOnce)
		all.Go(func() { m.Waited(time.Duration(i) * time.Second) })
	}
	all.Wait()
	want := metrics.Waits{Asked: 20, Waited: 10, Time: 45 * time.Second, Longest: 9 * time.Second}
	if got := m.Waits(); got != want || got.Share() != 0.5 {
		t.Errorf("got %+v (%g), want %+v", got, got.Share(), want)
	}
	if share := (metrics.Waits{}).Share(); share != 0 {
		t.Errorf("the share of nothing is %g", share)
	}
}

func TestCountersAddUp(t *testing.T) {
	t.Parallel()
	one := metrics.Counters{
		Slots: metrics.Waits{Asked: 3, Waited: 1, Time: time.Second, Longest: time.Second}, PullsCoalesced: 2,
		Outcomes: map[string]int64{metrics.Done: 2, "timeout": 1},
	}
	two := metrics.Counters{
		Slots: metrics.Waits{Asked: 1}, Lanes: metrics.Waits{Asked: 4, Waited: 1, Time: 2, Longest: 2}, PullsCoalesced: 1,
		Outcomes: map[string]int64{metrics.Done: 1, "exited": 1},
	}
	want := metrics.Counters{
		Slots: metrics.Waits{Asked: 4, Waited: 1, Time: time.Second, Longest: time.Second},
		Lanes: metrics.Waits{Asked: 4, Waited: 1, Time: 2, Longest: 2}, PullsCoalesced: 3,
		Outcomes: map[string]int64{metrics.Done: 3, "timeout": 1, "exited": 1},
	}
	for _, sum := range []metrics.Counters{one.Plus(two), two.Plus(one)} {
		if diff := cmp.Diff(want, sum); diff != "" {
			t.Error(diff)
		}
	}
	if one.Outcomes[metrics.Done] != 2 {
		t.Error("adding changed what was added to")
	}
}
