// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/metrics"
)

// TestMain is also the other process of these tests: it takes a lane, says so, and holds it until
// its standard input ends.
func TestMain(m *testing.M) {
	if dir := os.Getenv("GANTRY_TEST_HOLD"); dir != "" {
		hold(dir)
		return
	}
	os.Exit(m.Run())
}

func hold(dir string) {
	j, err := journal.Open(dir)
	if err != nil {
		panic(err)
	}
	e, err := j.Engine("ID", "edge1")
	if err != nil {
		panic(err)
	}
	r := record("web")
	if err := e.Begin(r); err != nil {
		panic(err)
	}
	if _, err := e.Hold(context.Background(), r); err != nil {
		panic(err)
	}
	fmt.Println(r.ID)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}

func record(container string) journal.Record {
	return journal.Record{
		ID: "edge1/" + container + "/" + uuid.Must(uuid.NewV7()).String(), Kind: "create", Engine: "edge1", Container: container,
		Step: fault.StepQueued, Accepted: time.Now().UTC(),
	}
}

func open(t *testing.T, dir string) *journal.Engine {
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
	return e
}

func begin(t *testing.T, e *journal.Engine, r journal.Record) journal.Record {
	t.Helper()
	if err := e.Begin(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRecordsAreKeptInOrderAndPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	e := open(t, dir)
	first, second := begin(t, e, record("web")), begin(t, e, record("db"))
	rename := record("www")
	rename.PriorName = "web"
	begin(t, e, rename)
	err := e.Change(first.ID, func(r *journal.Record) {
		r.Outcome, r.Fault = journal.Failed, &fault.Fault{Kind: fault.Exited, Summary: "it exited"}
	})
	if err != nil {
		t.Fatal(err)
	}
	all, problems := e.Records()
	if len(all) != 3 || len(problems) != 0 || all[0].ID != first.ID || all[1].ID != second.ID {
		t.Fatalf("records %+v, %v", all, problems)
	}
	if got := all[0]; !got.Unsettled() || got.Fault.Summary != "it exited" || got.Version != 1 {
		t.Errorf("changed record %+v", got)
	}
	for lane, want := range map[string]int{"web": 2, "www": 1, "db": 1, "none": 0} {
		if got, _ := e.Lane(lane); len(got) != want {
			t.Errorf("lane %s has %d records, want %d", lane, len(got), want)
		}
	}
	if _, err := e.Find("edge1/web/nope"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing record: %v", err)
	}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 { // There access lists say who may read.
			t.Errorf("%s can be read by others: %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTornAndNewerRecordsAreReportedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	e := open(t, dir)
	begin(t, e, record("web"))
	files, err := filepath.Glob(filepath.Join(dir, "engines", "*", "operations", "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	for name, content := range map[string]string{"torn.json": `{"version": 1, "id`, "newer.json": `{"version": 99, "id": "x"}`} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(files[0]), name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Tidy(time.Minute); err != nil {
		t.Fatal(err)
	}
	records, problems := e.Records()
	if len(records) != 1 || len(problems) != 2 {
		t.Fatalf("records %v, problems %v", records, problems)
	}
	if text := errors.Join(problems...).Error(); !strings.Contains(text, "version 99") || !strings.Contains(text, "torn.json") {
		t.Errorf("problems: %s", text)
	}
}

func TestLaneIsHeldAcrossProcessesAndFreedByDeath(t *testing.T) {
	dir := t.TempDir()
	e := open(t, dir)
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), "GANTRY_TEST_HOLD="+dir)
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close() })
	id, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := e.Find(strings.TrimSpace(id))
	if err != nil || !e.Alive(theirs) {
		t.Fatalf("their record %+v, %v", theirs, err)
	}

	mine := begin(t, e, record("web"))
	impatient, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := e.Hold(impatient, mine); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the lane of another process: %v", err)
	}
	held := make(chan error, 1)
	go func() {
		hold, err := e.Hold(t.Context(), mine)
		if err == nil {
			err = hold.Release()
		}
		held <- err
	}()
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait()
	if err := <-held; err != nil {
		t.Fatal(err)
	}
	if e.Alive(theirs) {
		t.Error("the owner is dead, and counts as alive")
	}
}

// The owner of a record and who asks to cancel it are two processes: neither loses what the other wrote.
func TestNoChangeOfARecordIsLost(t *testing.T) {
	dir := t.TempDir()
	r := begin(t, open(t, dir), record("web"))
	const writers, each = 4, 10
	var all sync.WaitGroup
	for range writers {
		e := open(t, dir)
		all.Go(func() {
			for range each {
				if err := e.Change(r.ID, func(r *journal.Record) { r.ContainerID += "x" }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	now, err := open(t, dir).Find(r.ID)
	if err != nil || len(now.ContainerID) != writers*each {
		t.Errorf("%d changes of %d are left: %v", len(now.ContainerID), writers*each, err)
	}
}

func TestLowestTicketGoesFirst(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	first := begin(t, a, record("web"))
	hold, err := a.Hold(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	var order []int
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 6 {
		// Each is an owner of its own: within one the conductor's lanes keep the order.
		engine := open(t, dir)
		r := begin(t, engine, record("web"))
		all.Go(func() {
			hold, err := engine.Hold(t.Context(), r)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			if err := engine.Change(r.ID, func(r *journal.Record) { r.Outcome = journal.Done }); err != nil {
				t.Error(err)
			}
			if err := hold.Release(); err != nil {
				t.Error(err)
			}
		})
	}
	if err := a.Change(first.ID, func(r *journal.Record) { r.Outcome = journal.Done }); err != nil {
		t.Fatal(err)
	}
	if err := hold.Release(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if fmt.Sprint(order) != "[0 1 2 3 4 5]" {
		t.Errorf("order %v", order)
	}
}

func TestRenamesInBothDirectionsDontDeadlock(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 20 {
		e := open(t, dir)
		r := record([]string{"a1", "b1"}[i%2])
		r.PriorName = []string{"b1", "a1"}[i%2]
		begin(t, e, r)
		all.Go(func() {
			hold, err := e.Hold(t.Context(), r)
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(e.Change(r.ID, func(r *journal.Record) { r.Outcome = journal.Done }), hold.Release()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestLookMakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if _, err := journal.Look(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing directory: %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Look(dir)
	if err != nil {
		t.Fatal(err)
	}
	if engines, err := j.Engines(); err != nil || len(engines) != 0 {
		t.Errorf("engines %v, %v", engines, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("it made %v, %v", entries, err)
	}
}

func TestCountersAreKeptByProcessAndPruned(t *testing.T) {
	dir := t.TempDir()
	first, second := open(t, dir), open(t, dir)
	if counters, problems := first.Counters(); len(counters) != 0 || len(problems) != 0 {
		t.Errorf("before anything was counted: %v, %v", counters, problems)
	}
	for _, n := range []int64{1, 2} { // The second time it is replaced.
		for _, e := range []*journal.Engine{first, second} {
			c := journal.Counters{Engine: "edge1", MaxParallel: 4, Counters: metrics.Counters{PullsCoalesced: n}}
			if err := e.Count(c); err != nil {
				t.Fatal(err)
			}
		}
	}
	counters, problems := first.Counters()
	if len(counters) != 2 || len(problems) != 0 || counters[0].PullsCoalesced != 2 || counters[0].Owner == counters[1].Owner {
		t.Fatalf("counters %+v, %v", counters, problems)
	}
}
