// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/metrics"
)

// manyWait is the share of those who had to wait from which on a bound is worth a thought.
const manyWait = 0.1

// bounds are the counters of one engine under the same bounds: so it can be seen what another bound
// changed.
type bounds struct {
	engine                        string
	maxParallel, maxParallelPulls int
}

// tally are the counters of all processes that worked with the same bounds.
type tally struct {
	bounds
	processes    int64
	began, until time.Time
	metrics.Counters
}

func counters(_ context.Context, s *session) error {
	engines, err := s.engines()
	if err != nil {
		return err
	}
	var all []journal.Counters
	for _, e := range engines {
		counted, problems := e.Counters()
		s.warn(problems...)
		all = append(all, counted...)
	}
	var since time.Time
	if s.since > 0 {
		since = time.Now().Add(-s.since)
	}
	tallies := add(all, s.engine, since)
	if s.json {
		return s.encode(tallyJSON(tallies))
	}
	if len(tallies) == 0 {
		s.print("Nothing was counted.")
		return nil
	}
	for i, t := range tallies {
		if i > 0 {
			s.print("")
		}
		s.print(counted(t, s.Zone)...)
	}
	return nil
}

// add adds up what processes counted that worked since then, by their bounds, the newest last.
func add(all []journal.Counters, engine string, since time.Time) []tally {
	sums := make(map[bounds]tally)
	for _, c := range all {
		if engine != "" && c.Engine != engine || c.Written.Before(since) {
			continue
		}
		key := bounds{c.Engine, c.MaxParallel, c.MaxParallelPulls}
		sum, known := sums[key]
		if !known {
			sum = tally{bounds: key, began: c.Began}
		}
		if c.Began.Before(sum.began) {
			sum.began = c.Began
		}
		if c.Written.After(sum.until) {
			sum.until = c.Written
		}
		sum.processes++
		sum.Counters = sum.Plus(c.Counters)
		sums[key] = sum
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b tally) int {
		return cmp.Or(cmp.Compare(a.engine, b.engine), a.until.Compare(b.until), cmp.Compare(a.maxParallel, b.maxParallel))
	})
}

// counted shows the counters of one engine.
func counted(t tally, zone *time.Location) []string {
	lines := []string{fmt.Sprintf("Engine %s with max_parallel %d and max_parallel_pulls %d: %s, %s to %s", t.engine, t.maxParallel, t.maxParallelPulls,
		plural(t.processes, "process", "processes"), moment(t.began, zone), moment(t.until, zone))}
	lines = append(lines, table([][]string{
		{"  Operations", ended(t.Outcomes)},
		{"  Lanes", waited(t.Lanes, "operation", "for those before on the same container")},
		{"  Slots", waited(t.Slots, "request", "for one of max_parallel slots")},
		{"  Pulls", waited(t.PullSlots, "pull", "for one of max_parallel_pulls slots") + "; " + plural(t.PullsCoalesced, "operation", "operations") + " shared another's"},
	})...)
	return append(lines, advice(t)...)
}

// ended says what became of the operations: "12 done, 3 failed (2 image not found, 1 timeout)".
func ended(outcomes map[string]int64) string {
	var failed int64
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(outcomes)) {
		if n := outcomes[kind]; kind != metrics.Done {
			failed += n
			kinds = append(kinds, fmt.Sprintf("%d %s", n, strings.ReplaceAll(kind, "_", " ")))
		}
	}
	text := fmt.Sprintf("%d done", outcomes[metrics.Done])
	if failed > 0 {
		text += fmt.Sprintf(", %d failed (%s)", failed, strings.Join(kinds, ", "))
	}
	return text
}

// waited says how many had to wait: "12 requests, 3 waited (25 %) for …: 0.4s on average, 2.1s at most".
func waited(w metrics.Waits, one, what string) string {
	text := plural(w.Asked, one, one+"s")
	if w.Waited == 0 {
		return text + ", none waited"
	}
	return fmt.Sprintf("%s, %d waited (%.0f %%) %s: %s on average, %s at most", text, w.Waited, 100*w.Share(), what,
		duration(w.Time/time.Duration(w.Waited)), duration(w.Longest))
}

// advice says which bound is worth a thought.
func advice(t tally) []string {
	var lines []string
	if t.Slots.Share() >= manyWait {
		lines = append(lines, "  The engine was saturated. If its CPUs are not busy meanwhile, raise max_parallel; if they are, more at once only makes each start slower.")
	}
	if t.PullSlots.Share() >= manyWait {
		lines = append(lines, "  Pulls waited for each other. If network and disk of the engine have room, raise max_parallel_pulls.")
	}
	return lines
}

// waitsJSON and countersJSON are what programs read: fields are added, never changed.
type waitsJSON struct {
	Asked   int64   `json:"asked"`
	Waited  int64   `json:"waited"`
	Seconds float64 `json:"waited_seconds"`
	Longest float64 `json:"longest_seconds"`
}

type countersJSON struct {
	Engine           string           `json:"engine"`
	MaxParallel      int              `json:"max_parallel"`
	MaxParallelPulls int              `json:"max_parallel_pulls"`
	Processes        int64            `json:"processes"`
	Began            time.Time        `json:"began"`
	Until            time.Time        `json:"until"`
	Outcomes         map[string]int64 `json:"outcomes"`
	Lanes            waitsJSON        `json:"lanes"`
	Slots            waitsJSON        `json:"slots"`
	Pulls            waitsJSON        `json:"pulls"`
	PullsCoalesced   int64            `json:"pulls_coalesced"`
}

func tallyJSON(tallies []tally) any {
	waits := func(w metrics.Waits) waitsJSON {
		return waitsJSON{w.Asked, w.Waited, w.Time.Seconds(), w.Longest.Seconds()}
	}
	all := []countersJSON{}
	for _, t := range tallies {
		all = append(all, countersJSON{
			t.engine, t.maxParallel, t.maxParallelPulls, t.processes, t.began, t.until, t.Outcomes,
			waits(t.Lanes), waits(t.Slots), waits(t.PullSlots), t.PullsCoalesced,
		})
	}
	return struct {
		Counters []countersJSON `json:"counters"`
	}{all}
}
