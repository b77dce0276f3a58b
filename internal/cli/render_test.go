// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/metrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	noon  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	paris = time.FixedZone("CET", 3600)
)

// lines compares what is shown with what it should be, line by line.
func lines(t *testing.T, got []string, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(strings.Trim(want, "\n"), "\n"), got); diff != "" {
		t.Errorf("it shows something else:\n%s", diff)
	}
}

func id(container string, n int) string {
	return fmt.Sprintf("edge1/%s/0190b5a6-0000-7000-8%03d-00000000%04x", container, n, 0xbee0+n)
}

func after(seconds float64) *float64 { return &seconds }

// examples are operations in all their states, the newest last.
func examples() []operation {
	pull := &journal.Pull{Image: "ghcr.io/acme/app:1.4", Done: 12_300_000, Total: 40_100_000, Layers: 5, Complete: 2}
	return []operation{
		{
			ID: id("db", 1), Engine: "edge1", Object: aContainer, Name: "db", Container: "db", ContainerID: strings.Repeat("ab", 32), Kind: "create", State: state(journal.Done),
			Step: fault.StepWaiting, Accepted: noon, Ended: noon.Add(3200 * time.Millisecond), Elapsed: after(3.2),
		},
		{
			ID: id("job", 2), Engine: "edge1", Object: aContainer, Name: "job", Container: "job", Kind: "create", Cast: true, State: state(journal.Failed), Step: fault.StepWaiting,
			Accepted: noon.Add(time.Minute), Ended: noon.Add(3*time.Minute + 5*time.Second), Elapsed: after(125),
			Fault: &fault.Fault{
				Kind: fault.ImageNotFound, Engine: "edge1", Summary: "Unable to pull image \"acme/job:2\" for container \"job\"",
				Message: "manifest unknown", Exists: "nothing was created", Hint: "check the reference", Log: []string{"one", "two"},
			},
		},
		{
			ID: id("old", 3), Engine: "edge1", Object: aContainer, Name: "old", Container: "old", Kind: "remove", Cast: true, State: state(journal.Interrupted), Step: fault.StepStopping,
			Accepted: noon.Add(2 * time.Minute), Settled: true, Fault: &fault.Fault{Kind: fault.Interrupted, Summary: "The delete was interrupted"},
		},
		{
			ID: id("web", 4), Engine: "edge1", Object: aContainer, Name: "web", Container: "web", PriorName: "www", Kind: "create", Cast: true, State: inProgress, Step: fault.StepPulling,
			Accepted: noon.Add(4 * time.Minute), Deadline: noon.Add(time.Hour), Elapsed: after(12), Pull: pull,
		},
		{
			ID: id("api-gateway", 5), Engine: "edge1", Object: aContainer, Name: "api-gateway", Container: "api-gateway", Kind: "update", State: inProgress, Step: fault.StepQueued, CancelAsked: true,
			Accepted: noon.Add(5 * time.Minute), Elapsed: after(0.25),
		},
	}
}

func TestListed(t *testing.T) {
	t.Parallel()
	lines(t, listed(examples(), paris), `
STARTED              ENGINE  NAME         KIND    STATE                                ELAPSED  ID
2026-11-23 13:00:00  edge1   db           create  done                                 3.2s     00000000bee1
2026-11-23 13:01:00  edge1   job          create  failed: image not found              2m05s    00000000bee2
2026-11-23 13:02:00  edge1   old          remove  interrupted while stopping, settled  -        00000000bee3
2026-11-23 13:04:00  edge1   web          create  pulling 12.3MB of 40.1MB             12s      00000000bee4
2026-11-23 13:05:00  edge1   api-gateway  update  queued, to be cancelled              0.2s     00000000bee5
`)
}

func TestShown(t *testing.T) {
	t.Parallel()
	all := examples()
	lines(t, shown(all[0], paris), `
Operation     edge1/db/0190b5a6-0000-7000-8001-00000000bee1
Engine        edge1
Container     db
Container ID  abababababababababababababababababababababababababababababababab
Kind          create, call (Terraform waits for it)
State         done
Accepted      2026-11-23 13:00:00
Ended         2026-11-23 13:00:03
Elapsed       3.2s
`)
	lines(t, shown(all[1], time.UTC), `
Operation  edge1/job/0190b5a6-0000-7000-8002-00000000bee2
Engine     edge1
Container  job
Kind       create, cast (nobody waits for it)
State      failed: image not found
Accepted   2026-11-23 12:01:00
Ended      2026-11-23 12:03:05
Elapsed    2m05s

Unable to pull image "acme/job:2" for container "job"
Engine: edge1
Reason: manifest unknown
Last log lines:
  one
  two
Now: nothing was created
What to do: check the reference
`)
	lines(t, shown(all[3], paris), `
Operation   edge1/web/0190b5a6-0000-7000-8004-00000000bee4
Engine      edge1
Container   web
Prior name  www
Kind        create, cast (nobody waits for it)
State       pulling 12.3MB of 40.1MB
Accepted    2026-11-23 13:04:00
Deadline    2026-11-23 14:00:00
Elapsed     12s
Pull        ghcr.io/acme/app:1.4, 12.3MB of 40.1MB, 2 of 5 layers complete
`)
}

// What is no container is shown with its kind.
func TestImageIsShown(t *testing.T) {
	t.Parallel()
	image := operation{
		ID: "edge1/image:ghcr.io%2Facme%2Fapp:1.4/0190b5a6-0000-7000-8001-00000000bee1", Engine: "edge1", Object: "image", Name: "ghcr.io/acme/app:1.4",
		Kind: "create", Cast: true, State: state(journal.Done), Accepted: noon, Ended: noon.Add(time.Second), Elapsed: after(1),
	}
	lines(t, listed([]operation{image}, paris), `
STARTED              ENGINE  NAME                        KIND    STATE  ELAPSED  ID
2026-11-23 13:00:00  edge1   image ghcr.io/acme/app:1.4  create  done   1.0s     00000000bee1
`)
	lines(t, shown(image, paris), `
Operation  edge1/image:ghcr.io%2Facme%2Fapp:1.4/0190b5a6-0000-7000-8001-00000000bee1
Engine     edge1
Image      ghcr.io/acme/app:1.4
Kind       create, cast (nobody waits for it)
State      done
Accepted   2026-11-23 13:00:00
Ended      2026-11-23 13:00:01
Elapsed    1.0s
`)
}

func TestScreen(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		width, height int
		want          string
	}{
		"room for all": {200, 24, `
STARTED              ENGINE  NAME         KIND    STATE                                ELAPSED  ID
2026-11-23 13:00:00  edge1   db           create  done                                 3.2s     00000000bee1
2026-11-23 13:01:00  edge1   job          create  failed: image not found              2m05s    00000000bee2
2026-11-23 13:02:00  edge1   old          remove  interrupted while stopping, settled  -        00000000bee3
2026-11-23 13:04:00  edge1   web          create  pulling 12.3MB of 40.1MB             12s      00000000bee4
2026-11-23 13:05:00  edge1   api-gateway  update  queued, to be cancelled              0.2s     00000000bee5
2 in progress, 3 ended, 2 of them failed
`},
		"what has ended gives way": {60, 5, `
STARTED              ENGINE  NAME         KIND    STATE    …
2026-11-23 13:04:00  edge1   web          create  pulling 1…
2026-11-23 13:05:00  edge1   api-gateway  update  queued, t…
2 in progress, 3 ended, 2 of them failed
`},
		"too low for anything": {80, 2, `
STARTED              ENGINE  NAME  KIND    STATE                     ELAPSED  ID
2026-11-23 13:04:00  edge1   web   create  pulling 12.3MB of 40.1MB  12s      0…
2 in progress, 3 ended, 2 of them failed (1 in progress are not shown: the term…
`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines(t, screen(examples(), paris, test.width, test.height), test.want)
		})
	}
}

func TestChangeLine(t *testing.T) {
	t.Parallel()
	var got []string
	for _, o := range examples() {
		got = append(got, changeLine(o, noon.Add(time.Hour), paris))
	}
	lines(t, got, `
2026-11-23 14:00:00  edge1/db  create  done after 3.2s  00000000bee1
2026-11-23 14:00:00  edge1/job  create  failed: image not found after 2m05s  00000000bee2  Unable to pull image "acme/job:2" for container "job"
2026-11-23 14:00:00  edge1/old  remove  interrupted while stopping, settled  00000000bee3  The delete was interrupted
2026-11-23 14:00:00  edge1/web  create  pulling 12.3MB of 40.1MB  00000000bee4
2026-11-23 14:00:00  edge1/api-gateway  update  queued, to be cancelled  00000000bee5
`)
}

// A pull that goes on is worth a line at each tenth and at each layer, not at each byte.
func TestStage(t *testing.T) {
	t.Parallel()
	pulling := func(done int64, complete int) operation {
		return operation{State: inProgress, Step: fault.StepPulling, Pull: &journal.Pull{Done: done, Total: 100, Layers: 3, Complete: complete}}
	}
	stages := make(map[string]string)
	for i, test := range []struct {
		o    operation
		news int
	}{
		{operation{State: inProgress, Step: fault.StepPulling}, 1},
		{pulling(0, 0), 1},
		{pulling(5, 0), 0},
		{pulling(10, 0), 1},
		{pulling(19, 0), 0},
		{pulling(19, 1), 1},
		{operation{State: inProgress, Step: fault.StepCreating}, 1},
		{operation{State: inProgress, Step: fault.StepCreating, CancelAsked: true}, 1},
		{operation{State: state(journal.Done), Step: fault.StepCreating}, 1},
		{operation{State: state(journal.Done), Step: fault.StepCreating}, 0},
	} {
		if got := changed(stages, []operation{test.o}); len(got) != test.news {
			t.Errorf("%d: %d lines, want %d", i, len(got), test.news)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	all := examples()
	again := all[3] // Another of web, which is in progress behind the first.
	again.ID = id("web", 6)
	elsewhere := all[0]
	elsewhere.ID, elsewhere.Engine = "edge2/db/0190b5a6-0000-7000-8007-00000000bee7", "edge2"
	all = append(all, again, elsewhere)
	running := func(o operation) bool { return o.State == inProgress }
	none := func(operation) bool { return false }
	tests := map[string]struct {
		ref    string
		wanted func(operation) bool
		want   []int // What is found; more than one is ambiguous.
	}{
		"whole":                       {id("db", 1), none, []int{0}},
		"unique part":                 {"0190b5a6-0000-7000-8001-00000000bee1", none, []int{0}},
		"its end":                     {"bee1", none, []int{0}},
		"its beginning":               {"0190b5a6-0000-7000-8002", none, []int{1}},
		"too little of it":            {"ee1", none, nil},
		"the beginning of many":       {"0190b5a6", none, []int{0, 1, 2, 3, 4, 5, 6}},
		"last of a container":         {"web", none, []int{5}},
		"those in progress":           {"web", running, []int{3, 5}},
		"prior name":                  {"www", none, []int{5}},
		"on two engines":              {"db", none, []int{0, 6}},
		"on one of them":              {"edge2/db", none, []int{6}},
		"none in progress, so last":   {"job", running, []int{1}},
		"nothing":                     {"nothing", none, nil},
		"the end is of the ID, whole": {"edge1", none, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			o, err := find(all, test.ref, test.wanted)
			var ambiguous *ambiguousError
			switch {
			case err == nil:
				got = []string{o.ID}
			case errors.As(err, &ambiguous):
				for _, c := range ambiguous.candidates {
					got = append(got, c.ID)
				}
			}
			var want []string
			for _, i := range test.want {
				want = append(want, all[i].ID)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
	_, err := find(all, "web", running)
	lines(t, strings.Split(err.Error(), "\n"), `
"web" is ambiguous: name one of these by its ID
  edge1/web/0190b5a6-0000-7000-8004-00000000bee4  create, pulling 12.3MB of 40.1MB
  edge1/web/0190b5a6-0000-7000-8006-00000000bee6  create, pulling 12.3MB of 40.1MB
`)
}

func TestCounted(t *testing.T) {
	t.Parallel()
	waits := func(asked, waited int64, seconds, longest int) metrics.Waits {
		return metrics.Waits{Asked: asked, Waited: waited, Time: time.Duration(seconds) * time.Second, Longest: time.Duration(longest) * time.Second}
	}
	process := func(engine string, parallel int, began time.Time, c metrics.Counters) journal.Counters {
		return journal.Counters{Engine: engine, MaxParallel: parallel, MaxParallelPulls: 3, Began: began, Written: began.Add(time.Minute), Counters: c}
	}
	all := []journal.Counters{
		process("edge1", 4, noon, metrics.Counters{
			Slots: waits(60, 30, 60, 5), Lanes: waits(30, 1, 2, 2), PullSlots: waits(5, 2, 30, 20), PullsCoalesced: 9,
			Outcomes: map[string]int64{"done": 28, "timeout": 1, "image_not_found": 1},
		}),
		process("edge1", 4, noon.Add(-time.Hour), metrics.Counters{Slots: waits(40, 10, 20, 4), Lanes: waits(20, 0, 0, 0), Outcomes: map[string]int64{"done": 20}}),
		process("edge1", 8, noon.Add(time.Hour), metrics.Counters{
			Slots: waits(100, 3, 3, 2), Lanes: waits(50, 0, 0, 0), PullSlots: waits(1, 0, 0, 0), PullsCoalesced: 1, Outcomes: map[string]int64{"done": 50},
		}),
		process("edge2", 8, noon, metrics.Counters{}),
	}
	tallies := add(all, "edge1", time.Time{})
	if len(tallies) != 2 {
		t.Fatalf("%d tallies", len(tallies))
	}
	lines(t, counted(tallies[0], paris), `
Engine edge1 with max_parallel 4 and max_parallel_pulls 3: 2 processes, 2026-11-23 12:00:00 to 2026-11-23 13:01:00
  Operations  48 done, 2 failed (1 image not found, 1 timeout)
  Lanes       50 operations, 1 waited (2 %) for those before on the same container: 2.0s on average, 2.0s at most
  Slots       100 requests, 40 waited (40 %) for one of max_parallel slots: 2.0s on average, 5.0s at most
  Pulls       5 pulls, 2 waited (40 %) for one of max_parallel_pulls slots: 15s on average, 20s at most; 9 operations shared another's
  The engine was saturated. If its CPUs are not busy meanwhile, raise max_parallel; if they are, more at once only makes each start slower.
  Pulls waited for each other. If network and disk of the engine have room, raise max_parallel_pulls.
`)
	lines(t, counted(tallies[1], paris), `
Engine edge1 with max_parallel 8 and max_parallel_pulls 3: 1 process, 2026-11-23 14:00:00 to 2026-11-23 14:01:00
  Operations  50 done
  Lanes       50 operations, none waited
  Slots       100 requests, 3 waited (3 %) for one of max_parallel slots: 1.0s on average, 2.0s at most
  Pulls       1 pull, none waited; 1 operation shared another's
`)
	if recent := add(all, "", noon.Add(time.Hour)); len(recent) != 1 || recent[0].maxParallel != 8 {
		t.Errorf("since an hour later: %+v", recent)
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0.0s", 1240 * time.Millisecond: "1.2s", 12 * time.Second: "12s", 125 * time.Second: "2m05s",
		61 * time.Minute: "1h01m", 50 * time.Hour: "2d2h",
	} {
		if got := duration(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
