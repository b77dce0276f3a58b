// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// However many casts failed, few of them are among the open operations: the newest. The others are in the history of
// their lanes, and are told of all the same until somebody settles them.
func TestManyLateFailuresLeaveRoom(t *testing.T) {
	t.Parallel()
	const more = 30
	e := inside(t, t.TempDir())
	var failed []Record
	for i := range keepLate + more {
		r := Record{Container: fmt.Sprintf("c%d", i), Cast: true, Outcome: Failed}
		switch i % 3 {
		case 1: // Its process died.
			r.Outcome = ""
		case 2:
			r.PriorName, r.Kind = fmt.Sprintf("old%d", i), kindUpdate
		}
		failed = append(failed, past(t, e, r))
	}
	e = away(t, e)
	tidied(t, e)
	open := openIDs(e)
	if len(open) != keepLate || open[0] != failed[more].ID {
		t.Fatalf("%d are open, %s the oldest, want %d and %s", len(open), open[0], keepLate, failed[more].ID)
	}
	late := func() Late {
		t.Helper()
		late, err := e.Late(10, time.Minute)
		if err != nil || late.Unreadable != 0 {
			t.Fatal(err, late.Problems)
		}
		return late
	}
	if late := late(); late.Count() != len(failed) || late.More || late.Records[9].ID != failed[len(failed)-1].ID {
		t.Errorf("late are %d, the newest %s", late.Count(), late.Records[9].ID)
	}
	for i, r := range failed {
		found, err := e.Find(r.ID)
		if err != nil || !e.isLate(found) {
			t.Errorf("%s is %+v, %v", r.ID, found, err)
		}
		for _, lane := range r.Lanes() {
			if records, problems := e.Lane(lane); len(records) != 1 || !e.isLate(records[0]) || len(problems) != 0 {
				t.Errorf("lane %s has %v, %v", lane, records, problems)
			}
		}
		if late := late(); !late.Has(r.ID) {
			t.Errorf("number %d is not told", i)
		}
	}
	// The newest are settled: the others are told of.
	for _, r := range failed[5:] {
		if err := e.Change(r.ID, func(r *Record) { r.Outcome, r.Settled = Failed, true }); err != nil {
			t.Fatal(err)
		}
	}
	tidied(t, e)
	if late := late(); late.Count() != 5 || len(late.Records) != 5 || late.Records[0].ID != failed[0].ID || late.Has(failed[5].ID) {
		t.Errorf("late are %d, %v", late.Count(), late.Records)
	}
	// One is settled by a gantry that knows no such marks.
	r, content, err := e.read(filepath.Join(e.pastOf(short("c0")), failed[0].fileName()))
	if err != nil {
		t.Fatal(err)
	}
	r.Settled = true
	if err := e.write(filepath.Join(e.pastOf(short("c0")), failed[0].fileName()), r, content); err != nil {
		t.Fatal(err)
	}
	if late := late(); late.Count() != 4 || late.Has(failed[0].ID) {
		t.Errorf("late are %d", late.Count())
	}
	if entries, err := os.ReadDir(e.unsettled()); err != nil || len(entries) != 4 {
		t.Errorf("%d marks are left, %v", len(entries), err)
	}
}

// A count ends at a bound, and whether an operation is among the others is still known.
func TestCountsOfLateFailuresEnd(t *testing.T) {
	t.Parallel()
	e := inside(t, t.TempDir())
	r := past(t, e, Record{Container: "web", Cast: true, Outcome: Failed})
	e = away(t, e)
	if err := e.shelveLate([]name{{r.fileName(), r.ticket(), []string{short("web")}}}); err != nil {
		t.Fatal(err)
	}
	for i := range mostCounted + 10 {
		if err := touch(filepath.Join(e.unsettled(), fmt.Sprintf("0000%04d.%s", i, short("other")))); err != nil {
			t.Fatal(err)
		}
	}
	late, err := e.Late(0, time.Minute)
	if err != nil || late.Count() != mostCounted || !late.More || !late.Has(r.ID) || late.Has(ID("edge1", "web", "1")) {
		t.Errorf("late are %d, and more: %t, %v", late.Count(), late.More, err)
	}
	// What no record has is swept, and nothing else.
	long := time.Now().Add(-2 * keepFewer)
	entries, err := os.ReadDir(e.unsettled())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if err := os.Chtimes(filepath.Join(e.unsettled(), entry.Name()), long, long); err != nil {
			t.Fatal(err)
		}
	}
	tidied(t, e)
	if late, err := e.Late(10, time.Minute); err != nil || late.Count() != 1 || late.More || len(late.Records) != 1 || late.Records[0].ID != r.ID {
		t.Errorf("late are %d, %v, %v", late.Count(), late.Records, err)
	}
}
