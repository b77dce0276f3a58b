// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

func inside(t *testing.T, dir string) *Engine {
	t.Helper()
	j, err := Open(dir)
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

func accept(t *testing.T, e *Engine, r Record) Record {
	t.Helper()
	r.Kind, r.Engine, r.Step = "create", "edge1", fault.StepQueued
	if err := e.Accept(r, nil, func(id string) { r.ID = id }); err != nil {
		t.Fatal(err)
	}
	return r
}

// After a crash of the machine what was not synchronised may be empty: that must never be the record.
func TestProgressLeavesTheRecordAlone(t *testing.T) {
	t.Parallel()
	e := inside(t, t.TempDir())
	r := accept(t, e, Record{Container: "web"})
	before, err := os.ReadFile(filepath.Join(e.operations(), r.fileName()))
	if err != nil {
		t.Fatal(err)
	}
	progressed := func(r *Record) {
		r.Step, r.ContainerID, r.Pull = fault.StepPulling, "c1", &Pull{Image: "img", Done: 5}
	}
	if err := e.Progress(r.ID, progressed); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(filepath.Join(e.operations(), r.fileName())); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the durable record was replaced: %s, %v", after, err)
	}
	if now, err := e.Find(r.ID); err != nil || now.Step != fault.StepPulling || now.ContainerID != "c1" || now.Pull.Done != 5 {
		t.Errorf("what watchers see: %+v, %v", now, err)
	}
	for _, torn := range []string{"", "\x00\x00\x00", `{"version": 1, "st`, `{"version": 99, "step": "new"}`} {
		if err := os.WriteFile(e.told(r.ID), []byte(torn), fileMode); err != nil {
			t.Fatal(err)
		}
		if now, err := e.Find(r.ID); err != nil || now.Step != fault.StepQueued {
			t.Errorf("with the progress %q: %+v, %v", torn, now, err)
		}
	}
	if err := e.Progress(r.ID, progressed); err != nil {
		t.Fatal(err)
	}
	if err := e.Change(r.ID, func(r *Record) { r.Outcome = Done }); err != nil {
		t.Fatal(err)
	}
	if err := e.Progress(r.ID, func(r *Record) { r.Step = fault.StepQueued }); err != nil {
		t.Fatal(err)
	}
	if now, err := e.Find(r.ID); err != nil || now.Outcome != Done || now.Step != fault.StepPulling || now.ContainerID != "c1" {
		t.Errorf("the end has the last progress: %+v, %v", now, err)
	}
	if left, err := e.journal.disk.list(e.progress()); err != nil || len(left) != 0 {
		t.Errorf("progress of what has ended: %v, %v", left, err)
	}
}

func TestTicketsRiseWhateverTheClockDoes(t *testing.T) {
	t.Parallel()
	at := func(moment time.Time) uuid.UUID {
		id := uuid.Must(uuid.NewV7())
		ms := moment.UnixMilli()
		for i := range 6 {
			id[i] = byte(ms >> (8 * (5 - i)))
		}
		return id
	}
	now := time.Now()
	for name, highest := range map[string]string{
		"the clock went on":               at(now.Add(-time.Second)).String(),
		"the same millisecond, and later": strings.Replace(at(now).String(), at(now).String()[14:], "7fff-bfff-ffffffffffff", 1),
		"the clock was set back":          at(now.Add(time.Hour)).String(),
		"a carry":                         "01ffffff-ffff-7fff-bfff-ffffffffffff",
	} {
		next := nextTicket(at(now), highest)
		if next.String() <= highest || next.Version() != 7 || next.Variant() != uuid.RFC4122 {
			t.Errorf("%s: %s after %s", name, next, highest)
		}
	}
	for _, none := range []string{"", "nope", "zzz"} {
		if next := at(now); nextTicket(next, none) != next {
			t.Errorf("after %q it is not what the clock says", none)
		}
	}
}

// A record of an hour ahead is what a clock that is set back leaves.
func TestTicketsAreHigherThanAllOfTheirLanes(t *testing.T) {
	t.Parallel()
	e := inside(t, t.TempDir())
	ahead := func(lane, prior string, hours int) string {
		id := uuid.Must(uuid.NewV7())
		id[2] += byte(hours) // About four days each.
		r := Record{ID: ID("edge1", lane, id.String()), Kind: "create", Engine: "edge1", Container: lane, PriorName: prior, Outcome: Done}
		if err := e.Begin(r); err != nil {
			t.Fatal(err)
		}
		return r.ticket()
	}
	web, front := ahead("web", "", 1), ahead("front", "www", 2)
	if r := accept(t, e, Record{Container: "web"}); r.ticket() <= web {
		t.Errorf("in the same lane: %s after %s", r.ticket(), web)
	}
	if r := accept(t, e, Record{Container: "www"}); r.ticket() <= front {
		t.Errorf("in the second lane of a rename: %s after %s", r.ticket(), front)
	}
	if r := accept(t, e, Record{Container: "db", PriorName: "front"}); r.ticket() <= front {
		t.Errorf("by its second lane: %s after %s", r.ticket(), front)
	}
	if r := accept(t, e, Record{Container: "other", After: ID("edge1", "front", front)}); r.ticket() <= front {
		t.Errorf("after what its caller knew: %s after %s", r.ticket(), front)
	}
	if r := accept(t, e, Record{Container: "another"}); r.ticket() >= web {
		t.Errorf("other lanes don't matter: %s after %s", r.ticket(), web)
	}
}

// The order in which operations of one name are accepted, by whomever, is that of their tickets.
func TestAcceptedInTheOrderOfTickets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var mu sync.Mutex  // The race detector knows nothing of locks among processes.
	var order []string // Written within accepted: only one at a time may be there.
	done := make(chan error)
	const processes, each = 4, 8
	for range processes {
		e := inside(t, dir)
		for range each {
			go func() {
				done <- e.Accept(Record{Kind: "create", Engine: "edge1", Container: "web"}, nil, func(id string) {
					if !mu.TryLock() {
						t.Error("two are accepted at once")
						mu.Lock()
					}
					defer mu.Unlock()
					order = append(order, Ticket(id))
				})
			}()
		}
	}
	for range processes * each {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for i := 1; i < len(order); i++ {
		if order[i] <= order[i-1] {
			t.Errorf("%s was accepted after %s", order[i], order[i-1])
		}
	}
	if len(order) != processes*each {
		t.Errorf("%d of %d were accepted", len(order), processes*each)
	}
}

// Some systems keep the name of a file as long as somebody has it open. An orderly end is one there, too.
func TestOrderlyEndWhereOpenFilesStay(t *testing.T) {
	t.Parallel()
	for name, stays := range map[string]int{"the file can be removed": 0, "not while it is open": 1, "somebody looks at it": 2} {
		dir := t.TempDir()
		e, other := inside(t, dir), inside(t, dir)
		owner := e.journal.owner
		r := accept(t, e, Record{Container: "web"})
		e.journal.disk.remove = func(path string) error {
			stays--
			if stays >= 0 {
				if alive, _ := other.journal.alive(owner); !alive && stays > 0 {
					t.Errorf("%s: it counts as dead while it closes", name)
				}
				return &fs.PathError{Op: "remove", Path: path, Err: errors.New("it is open")}
			}
			return os.Remove(path)
		}
		if err := e.journal.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if alive, crashed := other.journal.alive(owner); alive || crashed || other.Lost(r) {
			t.Errorf("%s: alive %t, crashed %t", name, alive, crashed)
		}
		if _, err := e.journal.Register(); !errors.Is(err, errClosed) {
			t.Errorf("%s: it registers again: %v", name, err)
		}
		if err := other.journal.pruneOwners(time.Now().Add(-time.Hour)); err != nil {
			t.Error(err)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "owners", owner+"*")); err != nil || len(left) != 0 {
			t.Errorf("%s: left are %v, %v", name, left, err)
		}
	}
}

func TestFolderThatCantBeUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, fileMode); err != nil {
		t.Fatal(err)
	}
	blocked := filepath.Join(dir, "blocked")
	if err := errors.Join(os.Mkdir(blocked, folderMode), os.WriteFile(filepath.Join(blocked, "owners"), nil, fileMode)); err != nil {
		t.Fatal(err)
	}
	var unusable *UnusableError
	if _, err := Open(blocked); !errors.As(err, &unusable) || unusable.Dir != blocked {
		t.Errorf("%s is there and can't be used: %v", blocked, err)
	}
	var not *NotFolderError
	for _, none := range []string{file, filepath.Join(file, "state")} {
		if _, err := Open(none); !errors.As(err, &not) || not.Dir != none {
			t.Errorf("%s is no directory: %v", none, err)
		}
	}
	if j, err := Open(filepath.Join(dir, "new", "state")); err != nil || j.Close() != nil {
		t.Errorf("a new directory: %v", err)
	}
}
