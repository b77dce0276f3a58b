// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/gantry-provider/terraform-provider-gantry/internal/cli"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/metrics"
)

// owner is a process that carries operations out, as far as the journal shows it.
type owner struct {
	t       *testing.T
	journal *journal.Journal
	engine  *journal.Engine
}

func newOwner(t *testing.T, dir string) *owner {
	t.Helper()
	j, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	e, err := j.Engine("ID", "edge1")
	if err != nil {
		t.Fatal(err)
	}
	return &owner{t, j, e}
}

// begin accepts an operation and gives its ID.
func (o *owner) begin(kind, container string) string {
	o.t.Helper()
	r := journal.Record{
		ID: "edge1/" + container + "/" + uuid.Must(uuid.NewV7()).String(), Kind: kind, Engine: "edge1", Container: container, Cast: true,
		Step: fault.StepQueued, Accepted: time.Now().UTC(),
	}
	if err := o.engine.Begin(r); err != nil {
		o.t.Fatal(err)
	}
	return r.ID
}

func (o *owner) change(id string, change func(*journal.Record)) {
	o.t.Helper()
	if err := o.engine.Change(id, change); err != nil {
		o.t.Error(err)
	}
}

func (o *owner) end(id string, outcome journal.Outcome, kind fault.Kind) {
	o.t.Helper()
	o.change(id, func(r *journal.Record) {
		r.Outcome, r.Ended = outcome, time.Now().UTC()
		if kind != "" {
			r.Fault = &fault.Fault{Kind: kind, Engine: "edge1", Summary: "It failed: " + string(kind), Hint: "mend it"}
		}
	})
}

// obey cancels an operation as soon as somebody asks.
func (o *owner) obey(id string, outcome journal.Outcome, kind fault.Kind) {
	for !o.engine.CancelAsked(id) {
		time.Sleep(100 * time.Millisecond)
	}
	o.end(id, outcome, kind)
}

// die ends the process.
func (o *owner) die() {
	o.t.Helper()
	if err := o.journal.Close(); err != nil {
		o.t.Fatal(err)
	}
}

// syncBuffer is written by a command and read by its test.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// take returns what was written since the last time.
func (b *syncBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.buf.String()
	b.buf.Reset()
	return text
}

// ran is a command that ended.
type ran struct {
	code     int
	out, err string
}

func run(ctx context.Context, dir string, args ...string) ran {
	var out, err syncBuffer
	code := cli.Run(ctx, append(append([]string{"operations"}, args...), "--state-dir", dir), cli.Program{}, console(&out, &err))
	return ran{code, out.take(), err.take()}
}

// console is no terminal.
func console(out, err *syncBuffer) cli.Console {
	return cli.Console{
		Out: out, Err: err, Zone: time.UTC,
		Screen:        func() (int, int, bool) { return 0, 0, false },
		Interruptible: func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} },
	}
}

// says fails the test unless a command ended so, and wrote all of these words.
func (r ran) says(t *testing.T, code int, out, err string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.out, out) || !strings.Contains(r.err, err) || err == "" && r.err != "" {
		t.Errorf("code %d (want %d), standard output, want %q:\n%s\nstandard error, want %q:\n%s", r.code, code, out, r.out, err, r.err)
	}
}

// listing is what list --json writes.
type listing struct {
	Operations []struct {
		ID, State, Step string
		Elapsed         *float64 `json:"elapsed_seconds"`
		Fault           *struct{ Kind string }
	}
}

func list(t *testing.T, dir string, args ...string) listing {
	t.Helper()
	r := run(t.Context(), dir, append([]string{"list", "--json"}, args...)...)
	r.says(t, 0, "{", "")
	var l listing
	if err := json.Unmarshal([]byte(r.out), &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWhatADeadProcessLeftIsInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dead, alive := newOwner(t, dir), newOwner(t, dir)
	left, done, runs := dead.begin("create", "left"), alive.begin("create", "done"), alive.begin("update", "runs")
	dead.die()
	alive.end(done, journal.Done, "")

	all := list(t, dir).Operations
	want := []struct{ id, state string }{{left, "interrupted"}, {done, "done"}, {runs, "in_progress"}}
	if len(all) != len(want) {
		t.Fatalf("%d operations", len(all))
	}
	for i, w := range want {
		if all[i].ID != w.id || all[i].State != w.state || (all[i].Elapsed == nil) != (w.state == "interrupted") {
			t.Errorf("operation %d is %+v, want %+v", i, all[i], w)
		}
	}
	if all[0].Fault == nil || all[0].Fault.Kind != string(fault.Interrupted) {
		t.Errorf("the interrupted one has the fault %+v", all[0].Fault)
	}
	for filter, id := range map[string]string{"--failed": left, "--in-progress": runs, "--container=done": done} {
		if picked := list(t, dir, filter).Operations; len(picked) != 1 || picked[0].ID != id {
			t.Errorf("%s picks %+v", filter, picked)
		}
	}
	if picked := list(t, dir, "--engine=edge2").Operations; picked == nil || len(picked) != 0 {
		t.Errorf("of another engine: %+v", picked)
	}
	run(t.Context(), dir, "show", "left").says(t, 0, "The create of container \"left\" on engine \"edge1\" was interrupted while queued", "")
}

func TestRecordsThatCantBeReadAreWarnedOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := newOwner(t, dir)
	o.begin("create", "web")
	folders, err := filepath.Glob(filepath.Join(dir, "engines", "*", "operations"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("%v, %v", folders, err)
	}
	for name, content := range map[string]string{"torn.json": `{"version": 1, "id`, "newer.json": `{"version": 99}`} {
		if err := os.WriteFile(filepath.Join(folders[0], name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, words := range []string{"version 99", "torn.json"} {
		run(t.Context(), dir, "list").says(t, 0, "web", words)
	}
}

func TestAMissingStateFolderHasNoOperationsAndIsNotMade(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "missing")
	for _, command := range []string{"list", "watch", "counters"} {
		run(t.Context(), dir, command).says(t, 0, "", "there is no state directory "+dir)
	}
	run(t.Context(), dir, "show", "web").says(t, 1, "", `no operation "web" is known`)
	if _, err := os.Stat(dir); err == nil {
		t.Error("looking made the directory")
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args     []string
		code     int
		out, err string
	}{
		"no such command":  {[]string{"lst"}, 2, "", `there is no command "lst"`},
		"no such flag":     {[]string{"list", "--follow"}, 2, "", "-follow"},
		"too many":         {[]string{"show", "web", "db"}, 2, "", "show takes one ID, not 2"},
		"too few":          {[]string{"cancel"}, 2, "", "cancel takes one ID, not 0"},
		"none wanted":      {[]string{"watch", "web"}, 2, "", `watch takes no argument, not "web"`},
		"bad time":         {[]string{"counters", "--since", "yesterday"}, 2, "", "yesterday"},
		"help":             {[]string{"--help"}, 0, "ask whoever carries out", ""},
		"help of one":      {[]string{"watch", "-h"}, 0, "--follow", ""},
		"flags of all":     {[]string{"--json", "list", "--limit=1"}, 0, `"operations": []`, ""},
		"named as help":    {[]string{"show", "help"}, 1, "", `no operation "help" is known`},
		"named h":          {[]string{"settle", "h"}, 1, "", `no operation "h" is known`},
		"help of settle":   {[]string{"settle", "--help"}, 0, "last failure", ""},
		"help by its name": {[]string{"help", "cancel"}, 0, "A removal can't be cancelled", ""},
		"one dash":         {[]string{"-json", "list", "-limit=1"}, 0, `"more": false`, ""},
		"flags come later": {[]string{"show", "web", "--json"}, 1, "", `no operation "web" is known`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t.Context(), t.TempDir(), test.args...).says(t, test.code, test.out, test.err)
		})
	}
	var out, err syncBuffer
	if code := cli.Run(t.Context(), []string{"operations"}, cli.Program{}, console(&out, &err)); code != 2 || !strings.Contains(err.take(), "counters") {
		t.Errorf("without a command: code %d", code)
	}
}

func TestCancelTellsWhatBecameOfIt(t *testing.T) {
	tests := map[string]struct {
		// become is what the owner does.
		become   func(o *owner, id string)
		code     int
		out, err string
	}{
		"cancelled":          {func(o *owner, id string) { o.obey(id, journal.Failed, fault.Cancelled) }, 0, "It ended: failed: cancelled", ""},
		"done before":        {func(o *owner, id string) { o.obey(id, journal.Done, "") }, 1, "It ended: done", "it had ended before"},
		"failed before":      {func(o *owner, id string) { o.obey(id, journal.Failed, fault.PortTaken) }, 1, "It ended: failed: port taken", "it had ended before"},
		"the process dies":   {func(o *owner, _ string) { time.Sleep(time.Second); o.die() }, 1, "It ended: interrupted", "its process died"},
		"the person goes on": {func(*owner, string) {}, 1, "Asked to cancel", "the request stands"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				o := newOwner(t, dir)
				id := o.begin("create", "web")
				var becoming sync.WaitGroup
				becoming.Go(func() { test.become(o, id) })
				// Ctrl-C.
				ctx, end := context.WithTimeout(t.Context(), time.Minute)
				defer end()
				run(ctx, dir, "cancel", "web").says(t, test.code, test.out, test.err)
				becoming.Wait()
				if r, err := o.engine.Find(id); err != nil || r.InProgress() != o.engine.CancelAsked(id) {
					t.Errorf("the request is to stand as long as the operation is in progress: %+v, %v", r, err)
				}
			})
		})
	}
}

func TestCancelRefusesWhatCantBeCancelled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := newOwner(t, dir)
	ended, removal := o.begin("create", "db"), o.begin("remove", "old")
	o.end(ended, journal.Failed, fault.PortTaken)
	run(t.Context(), dir, "cancel", "db").says(t, 1, "", "has already ended: failed: port taken")
	run(t.Context(), dir, "cancel", "old").says(t, 1, "", `the removal of container "old" can't be cancelled`)
	o.begin("create", "web")
	o.begin("update", "web")
	run(t.Context(), dir, "cancel", "web").says(t, 1, "", `"web" is ambiguous`)
	for _, id := range []string{ended, removal} {
		if o.engine.CancelAsked(id) {
			t.Errorf("%s was asked for", id)
		}
	}
}

func TestSettleTakesOpenFailuresAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o, dead := newOwner(t, dir), newOwner(t, dir)
	failed, left := o.begin("create", "web"), dead.begin("remove", "old")
	o.end(failed, journal.Failed, fault.PortTaken)
	dead.die()
	o.begin("create", "busy")
	for _, container := range []string{"web", "old"} {
		run(t.Context(), dir, "settle", container).says(t, 0, "is settled", "")
		run(t.Context(), dir, "settle", container).says(t, 1, "", "is no failure that is open")
	}
	run(t.Context(), dir, "settle", "busy").says(t, 1, "", "is no failure that is open")
	for _, id := range []string{failed, left} {
		if r, err := o.engine.Find(id); err != nil || !r.Settled || r.InProgress() {
			t.Errorf("record %+v, %v", r, err)
		}
	}
}

// A name means the newest operation; the others, and how to see them, are named.
func TestShowNamesWhatElseThereIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := newOwner(t, dir)
	first := o.begin("create", "web")
	o.begin("create", "db")
	run(t.Context(), dir, "show", "db").says(t, 0, "queued", "")
	if r := run(t.Context(), dir, "show", "db"); strings.Contains(r.out, "older") {
		t.Errorf("there is one alone:\n%s", r.out)
	}
	o.begin("update", "web")
	run(t.Context(), dir, "show", "web").says(t, 0, `1 older operation of container "web". To list them: terraform-provider-gantry operations list`, "")
	run(t.Context(), dir, "show", "web").says(t, 0, " --engine edge1 --container web\n", "")
	for _, args := range [][]string{{"show", first}, {"show", "web", "--json"}} {
		if r := run(t.Context(), dir, args...); r.code != 0 || strings.Contains(r.out, "older") {
			t.Errorf("%v ended with code %d:\n%s", args, r.code, r.out)
		}
	}
}

// watching runs watch in the background. Ended gives its exit code.
func watching(ctx context.Context, dir string, c cli.Console, args ...string) (ended <-chan int) {
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(ctx, append([]string{"operations", "watch", "--state-dir", dir}, args...), cli.Program{}, c)
	}()
	return code
}

// look gives the watch the time for a look at the journal, and gives what it wrote.
func look(out *syncBuffer) string {
	time.Sleep(time.Second)
	synctest.Wait()
	return out.take()
}

func TestWatchPrintsALineForEachChangeAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		o := newOwner(t, dir)
		o.end(o.begin("create", "before"), journal.Done, "")
		web := o.begin("create", "web")
		var out, problems syncBuffer
		ended := watching(t.Context(), dir, console(&out, &problems))
		expect := func(parts ...string) {
			t.Helper()
			got := look(&out)
			if strings.Count(got, "\n") != len(parts) {
				t.Errorf("%d lines are new, want %d:\n%s", strings.Count(got, "\n"), len(parts), got)
			}
			for _, part := range parts {
				if !strings.Contains(got, part) {
					t.Errorf("no line has %q:\n%s", part, got)
				}
			}
		}
		expect("edge1/web  create  queued")
		expect()
		o.change(web, func(r *journal.Record) {
			r.Step, r.Pull = fault.StepPulling, &journal.Pull{Image: "img", Done: 1e6, Total: 4e6}
		})
		expect("pulling 1MB of 4MB")
		o.change(web, func(r *journal.Record) { r.Pull.Done++ })
		expect()
		db := o.begin("update", "db") // What begins meanwhile is watched, too.
		expect("edge1/db  update  queued")
		o.end(web, journal.Failed, fault.Exited)
		expect("failed: exited after")
		o.end(db, journal.Done, "")
		expect("edge1/db  update  done after")
		if code := <-ended; code != 0 || problems.take() != "" {
			t.Errorf("exit code %d, %s", code, problems.take())
		}
	})
}

func TestWatchFollowsUntilInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		o := newOwner(t, dir)
		ctx, interrupt := context.WithCancel(t.Context())
		var out, problems syncBuffer
		ended := watching(ctx, dir, console(&out, &problems), "--follow", "--json")
		if got := look(&out); got != "" {
			t.Errorf("before anything began: %s", got)
		}
		id := o.begin("create", "web")
		var line struct{ ID, State string }
		if err := json.Unmarshal([]byte(look(&out)), &line); err != nil || line.ID != id || line.State != "in_progress" {
			t.Errorf("%+v, %v", line, err)
		}
		interrupt()
		if code := <-ended; code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// A cast that failed between two looks was never seen in progress, and is no open operation any more.
func TestWatchTellsWhatFailedBetweenTwoLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		o := newOwner(t, dir)
		o.end(o.begin("create", "before"), journal.Failed, fault.Exited)
		time.Sleep(time.Second)
		ctx, interrupt := context.WithCancel(t.Context())
		var out, problems syncBuffer
		ended := watching(ctx, dir, console(&out, &problems), "--follow")
		if got := look(&out); got != "" {
			t.Errorf("before anything began: %s", got)
		}
		o.end(o.begin("create", "web"), journal.Failed, fault.ImageNotFound)
		if got := look(&out); strings.Count(got, "\n") != 1 || !strings.Contains(got, "edge1/web  create  failed: image not found") {
			t.Errorf("says %q", got)
		}
		if got := look(&out); got != "" {
			t.Errorf("says again %q", got)
		}
		interrupt()
		if code := <-ended; code != 0 || problems.take() != "" {
			t.Errorf("exit code %d, %s", code, problems.take())
		}
	})
}

func TestWatchRedrawsATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		o := newOwner(t, dir)
		id := o.begin("create", "web")
		var out, problems syncBuffer
		terminal := console(&out, &problems)
		terminal.Screen = func() (int, int, bool) { return 200, 24, true }
		ended := watching(t.Context(), dir, terminal)
		// Heading, operation and summary; the next picture goes three lines up.
		if first := look(&out); !strings.HasPrefix(first, "STARTED") || !strings.Contains(first, "1 in progress, 0 ended\x1b[K\n\x1b[J\x1b[3A") {
			t.Errorf("first %q", first)
		}
		o.end(id, journal.Done, "")
		if last := look(&out); !strings.Contains(last, "done") || !strings.HasSuffix(last, "0 in progress, 1 ended\x1b[K\n\x1b[J") {
			t.Errorf("last %q", last)
		}
		if code := <-ended; code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

func TestWatchOfNothingEndsAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := newOwner(t, dir)
	o.end(o.begin("create", "web"), journal.Done, "")
	run(t.Context(), dir, "watch").says(t, 0, "Nothing is in progress.", "")
	// A terminal shows no empty table above it.
	var out, problems syncBuffer
	terminal := console(&out, &problems)
	terminal.Screen = func() (int, int, bool) { return 200, 24, true }
	if code := cli.Run(t.Context(), []string{"operations", "watch", "--state-dir", dir}, cli.Program{}, terminal); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := out.take(); got != "Nothing is in progress.\n" {
		t.Errorf("a terminal shows %q", got)
	}
}

func TestCountersOfAllProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		err := newOwner(t, dir).engine.Count(journal.Counters{
			Engine: "edge1", MaxParallel: 4, MaxParallelPulls: 3, Began: time.Now().Add(-2 * time.Hour), Written: time.Now().Add(-time.Hour),
			Counters: metrics.Counters{Slots: metrics.Waits{Asked: 5, Waited: 1, Time: time.Second, Longest: time.Second}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	run(t.Context(), dir, "counters").says(t, 0, "10 requests, 2 waited (20 %)", "")
	run(t.Context(), dir, "counters", "--since", "30m").says(t, 0, "Nothing was counted.", "")
	r := run(t.Context(), dir, "counters", "--json")
	var got struct {
		Counters []struct {
			Engine    string
			Processes int
			Slots     struct{ Asked, Waited int }
		}
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || len(got.Counters) != 1 {
		t.Fatalf("%v:\n%s", err, r.out)
	}
	if c := got.Counters[0]; c.Engine != "edge1" || c.Processes != 2 || c.Slots.Asked != 10 || c.Slots.Waited != 2 {
		t.Errorf("counters %+v", c)
	}
}
