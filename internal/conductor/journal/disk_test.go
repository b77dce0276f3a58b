// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// What gets a name has its content on the disk before: a crash of the machine leaves the old content or the new one,
// never an empty file. The progress alone, which is beside a record and tells nothing if it is empty, is not waited
// for.
func TestNothingUnsyncedGetsAName(t *testing.T) {
	t.Parallel()
	e := inside(t, t.TempDir())
	synced, named := make(map[string]bool), make(map[string]bool)
	d := e.journal.disk
	d.sync = func(file *os.File) error {
		synced[file.Name()] = true
		return file.Sync()
	}
	d.rename = func(from, to string) error {
		if !strings.HasPrefix(filepath.Base(from), temporary) {
			return os.Rename(from, to)
		}
		folder, _ := filepath.Rel(e.dir, filepath.Dir(to))
		named[folder] = true
		if !synced[from] && folder != "progress" {
			t.Errorf("%s gets its name before its content is durable", to)
		}
		return os.Rename(from, to)
	}
	r := accept(t, e, Record{Container: "new", PriorName: "old", Kind: kindUpdate})
	err := errors.Join(
		e.journal.Note("unix:///a.sock", e),
		e.Progress(r.ID, func(r *Record) { r.Step = fault.StepPulling }),
		e.Change(r.ID, func(r *Record) { r.Outcome, r.Ended = Done, time.Now().Add(-time.Hour) }),
		e.follows("edge0-0123456789abcdef"),
		e.Count(Counters{}),
		e.Tidy(time.Minute),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"operations", "progress", "counters", ".", filepath.Join("history", short("old")), filepath.Join("..", "..", "hosts")} {
		if !named[folder] {
			t.Errorf("nothing was written in %s", folder)
		}
	}
}

// An empty file of counters, as a crash left it, is none.
func TestEmptyCountersAreNone(t *testing.T) {
	t.Parallel()
	e := inside(t, t.TempDir())
	if err := e.Count(Counters{Engine: "edge1"}); err != nil {
		t.Fatal(err)
	}
	if err := touch(filepath.Join(e.counters(), "crashed.json")); err != nil {
		t.Fatal(err)
	}
	if all, problems := e.Counters(); len(all) != 1 || len(problems) != 0 {
		t.Errorf("counted %v, %v", all, problems)
	}
}
