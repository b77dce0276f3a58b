// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/metrics"
)

// counted reads what processes wrote about the fake engine.
func counted(t *testing.T, dir string) []journal.Counters {
	t.Helper()
	j, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	e, err := j.Engine("FAKE", "edge1")
	if err != nil {
		t.Fatal(err)
	}
	counters, problems := e.Counters()
	if len(problems) != 0 {
		t.Error(problems)
	}
	return counters
}

func TestCountersSayWhoWaitedForWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		// The engine starts one at a time, which takes a second.
		f.before = func(_ context.Context, call string) error {
			if call == "start" {
				time.Sleep(time.Second)
			}
			return nil
		}
		dir := t.TempDir()
		c := f.conductor(t, Options{Engine: EngineOptions{MaxParallelPulls: 2, MaxParallel: 1}, StateDir: dir})
		living, end := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { c.keepCounting(living) })
		call := func(r Request) {
			all.Go(func() { _, _ = c.Call(t.Context(), r) })
			synctest.Wait()
		}
		call(create("a1")) // Create and start. It starts for a second, and settles for half a one.
		call(create("b1")) // Its create waits for that start. Then the slot is free for its own.
		call(create("a1")) // Is in its lane after 1.5 s, and waits for b1's start. The name is taken by then.
		time.Sleep(countEvery)
		synctest.Wait()

		want := metrics.Counters{
			Slots: metrics.Waits{Asked: 5, Waited: 2, Time: 1500 * time.Millisecond, Longest: time.Second},
			Lanes: metrics.Waits{Asked: 3, Waited: 1, Time: 1500 * time.Millisecond, Longest: 1500 * time.Millisecond},
			Outcomes: map[string]int64{
				metrics.Done: 2, string(fault.NameConflict): 1,
			},
		}
		got := counted(t, dir)
		if len(got) != 1 {
			t.Fatalf("%d counters", len(got))
		}
		if diff := cmp.Diff(want, got[0].Counters); diff != "" {
			t.Error(diff)
		}
		if got[0].Engine != "edge1" || got[0].MaxParallel != 1 || got[0].MaxParallelPulls != 2 || got[0].Written.Sub(got[0].Began) != countEvery {
			t.Errorf("counters of %+v", got[0])
		}
		end()
		all.Wait()
	})
}

func TestCountersAreWrittenAtTheEndIfAnythingWasDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := newFake(), t.TempDir()
		for i, work := range []func(*Conductor) error{
			func(c *Conductor) error { _, err := c.Call(t.Context(), create("web")); return err },
			func(c *Conductor) error { _, err := c.Inspect(t.Context(), "web"); return err },
		} {
			c := newConductor(Options{StateDir: dir}, func() (engine.API, engine.Address, error) { return f, engine.Address{Host: "fake"}, nil })
			if err := work(c); err != nil {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if got := counted(t, dir); len(got) != 1 || got[0].Outcomes[metrics.Done] != 1 {
				t.Errorf("counters of %d processes: %+v", i+1, got)
			}
		}
		if n := f.count("create"); n != 1 {
			t.Errorf("%d creates: %s", n, strings.Join(f.calls, ", "))
		}
	})
}
