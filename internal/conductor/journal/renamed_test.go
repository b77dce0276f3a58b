// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// failedCast writes a cast that failed into the part of an engine.
func failedCast(t *testing.T, e *journal.Engine, host, container string) journal.Record {
	t.Helper()
	r := journal.Record{
		ID: journal.ID(host, container, uuid.Must(uuid.NewV7()).String()), Kind: "remove", Engine: host, Container: container, Cast: true,
		Accepted: time.Now(), Step: fault.StepRemoving,
	}
	if err := e.Begin(r); err != nil {
		t.Fatal(err)
	}
	err := e.Change(r.ID, func(r *journal.Record) {
		r.Outcome, r.Ended, r.Fault = journal.Failed, time.Now(), &fault.Fault{Kind: fault.EngineError, Summary: "no"}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func noted(t *testing.T, j *journal.Journal, address, id, host string) *journal.Engine {
	t.Helper()
	e, err := j.Engine(id, host)
	if err == nil {
		err = j.Note(address, e)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func lateOf(t *testing.T, j *journal.Journal, address string) (records []string) {
	t.Helper()
	e, err := j.Noted(address)
	if err != nil {
		t.Fatal(err)
	}
	late, err := e.Late(10, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range late.Records {
		records = append(records, r.Container)
	}
	return records
}

// What an engine's part of the journal has is told on when its host is renamed, also twice, and nothing of it is
// anybody else's to carry out.
func TestRenamedHost(t *testing.T) {
	j, err := journal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	const address = "unix:///var/run/docker.sock"
	first := failedCast(t, noted(t, j, address, "ID", "old"), "old", "web")
	second := failedCast(t, noted(t, j, address, "ID", "new"), "new", "db")
	e := noted(t, j, address, "ID", "newest")
	if got := lateOf(t, j, address); len(got) != 2 || got[0] != "web" || got[1] != "db" {
		t.Errorf("late after two renames: %v", got)
	}
	for _, r := range []journal.Record{first, second} {
		if _, err := e.Find(r.ID); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the new part has %s: %v", r.ID, err)
		}
		in := e.Knower(r.ID)
		if found, err := in.Find(r.ID); err != nil || found.Container != r.Container {
			t.Fatalf("%s is not found: %v", r.ID, err)
		}
		if err := in.Change(r.ID, func(r *journal.Record) { r.Settled = true }); err != nil {
			t.Fatal(err)
		}
	}
	if records, _ := e.Lane("web"); len(records) != 0 {
		t.Errorf("the new part has in the lane %v", records)
	}
	if got := lateOf(t, j, address); len(got) != 0 {
		t.Errorf("late after both are settled: %v", got)
	}
	if again := noted(t, j, address, "ID", "old"); again.Knower(first.ID) != again {
		t.Error("an engine that has its old name again has its old part")
	}
}

// Cloned machines share the engine's ID: what one has failed is none of the other's.
func TestClonedMachines(t *testing.T) {
	j, err := journal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	one, other := noted(t, j, "tcp://one:2376", "ID", "one"), noted(t, j, "tcp://other:2376", "ID", "other")
	failedCast(t, one, "one", "web")
	if got := lateOf(t, j, "tcp://other:2376"); len(got) != 0 {
		t.Errorf("the clone's late failures are %v", got)
	}
	if got := lateOf(t, j, "tcp://one:2376"); len(got) != 1 {
		t.Errorf("its own late failures are %v", got)
	}
	own := failedCast(t, other, "other", "web")
	if in := one.Knower(own.ID); in == one {
		t.Error("who asks for the very operation finds it")
	}
	// Another engine at the same address is another engine.
	noted(t, j, "tcp://one:2376", "ANOTHER", "third")
	if got := lateOf(t, j, "tcp://one:2376"); len(got) != 0 {
		t.Errorf("another engine's late failures are %v", got)
	}
	if in := noted(t, j, "tcp://third:2376", "ANOTHER", "third"); in.Knower(own.ID) != in {
		t.Error("another engine has none of these operations")
	}
}

// A state directory knows which operations it accepted, also those that it has no record of any more.
func TestForgot(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	accept := func(in *journal.Journal, container string) (*journal.Engine, string) {
		t.Helper()
		e, err := in.Engine("ID", "edge1")
		if err != nil {
			t.Fatal(err)
		}
		var accepted string
		if err := e.Accept(journal.Record{Kind: "create", Engine: "edge1", Container: container, Accepted: time.Now()}, nil, func(id string) { accepted = id }); err != nil {
			t.Fatal(err)
		}
		return e, accepted
	}
	e, kept := accept(j, "web")
	if e.Forgot(kept) {
		t.Error("it has the record")
	}
	if at := journal.AcceptedAt(kept); time.Since(at) > time.Minute || at.After(time.Now()) {
		t.Errorf("accepted at %s", at)
	}
	folder := t.TempDir()
	elsewhere, err := journal.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = elsewhere.Close() }()
	there, foreign := accept(elsewhere, "web")
	if e.Forgot(foreign) || there.Forgot(kept) {
		t.Error("each accepted what the other did")
	}
	records, err := filepath.Glob(filepath.Join(dir, "engines", "*", "operations", "*.json"))
	if err != nil || len(records) != 1 {
		t.Fatalf("records %v, %v", records, err)
	}
	if err := os.Remove(records[0]); err != nil {
		t.Fatal(err)
	}
	if !e.Forgot(kept) {
		t.Error("it accepted what it has no record of")
	}
	if e.Forgot("edge1/web/none") || !journal.AcceptedAt("edge1/web/none").IsZero() {
		t.Error("what is no operation was never accepted")
	}
}
