// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// past is a record that ended a day ago, as an older gantry leaves it.
func past(tb testing.TB, e *Engine, r Record) Record {
	tb.Helper()
	r.ID = ID("edge1", r.Lanes()[0], uuid.Must(uuid.NewV7()).String())
	r.Engine, r.Step = "edge1", fault.StepStarting
	if r.Kind == "" {
		r.Kind = kindCreate
	}
	if r.Outcome != "" {
		r.Ended = time.Now().Add(-24 * time.Hour).UTC()
	}
	if r.Outcome == Failed {
		r.Fault = &fault.Fault{Kind: fault.Exited, Summary: "it exited"}
	}
	if err := e.Begin(r); err != nil {
		tb.Fatal(err)
	}
	return r
}

func tidied(tb testing.TB, e *Engine) {
	tb.Helper()
	if err := e.Tidy(time.Minute); err != nil {
		tb.Fatal(err)
	}
}

// away makes the processes that made the records so far die in order.
func away(t *testing.T, e *Engine) *Engine {
	t.Helper()
	if err := e.journal.Close(); err != nil {
		t.Fatal(err)
	}
	return inside(t, e.journal.dir)
}

// openIDs are the operations that are where an older gantry looks for all.
func openIDs(e *Engine) []string {
	var ids []string
	x, err := e.opened()
	if err != nil {
		return []string{err.Error()}
	}
	records, _ := e.readAll(locatedIn(x.names, e.operations()), "")
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestWhatIsOverGoesIntoTheHistory(t *testing.T) {
	t.Parallel()
	e := inside(t, t.TempDir())
	over := []Record{
		past(t, e, Record{Container: "done", Outcome: Done}),
		past(t, e, Record{Container: "settled", Cast: true, Outcome: Failed, Settled: true}),
		past(t, e, Record{Container: "interrupted", Outcome: Interrupted}),
		past(t, e, Record{Container: "died"}),
		past(t, e, Record{Container: "new", PriorName: "old", Kind: kindUpdate, Outcome: Done}),
		past(t, e, Record{Container: "exchanged", Outcome: Done, Exchange: &Exchange{Predecessor: "p"}}),
		past(t, e, Record{Container: "made", Outcome: Interrupted}),
	}
	made := over[6]
	if err := e.PutMark(made.ID, Mark{}); err != nil {
		t.Fatal(err)
	}
	open := []Record{
		past(t, e, Record{Container: "failed", Cast: true, Outcome: Failed}),
		past(t, e, Record{Container: "lost", Cast: true}),
	}
	// Whoever may still answer for what is open lives.
	tidied(t, e)
	for _, r := range []Record{over[5], made} {
		if !slices.Contains(openIDs(e), r.ID) {
			t.Errorf("%s went into the history while its process lives", r.Container)
		}
	}
	e = away(t, e)
	just := past(t, e, Record{Container: "just"})
	if err := e.Change(just.ID, func(r *Record) { r.Outcome, r.Ended = Done, time.Now() }); err != nil {
		t.Fatal(err)
	}
	open = append(open, just)
	for range 2 { // It can be repeated. A call that died is over once that was noticed.
		tidied(t, e)
		if err := e.Change(over[3].ID, func(r *Record) { r.Ended = time.Now().Add(-time.Hour) }); err != nil {
			t.Fatal(err)
		}
	}
	var want []string
	for _, r := range open {
		want = append(want, r.ID)
	}
	if got := openIDs(e); !slices.Equal(got, want) {
		t.Errorf("open are %v, want %v", got, want)
	}
	for _, r := range slices.Concat(over, open) {
		if found, err := e.Find(r.ID); err != nil || found.ID != r.ID {
			t.Errorf("%s: %+v, %v", r.Container, found, err)
		}
		for _, lane := range r.Lanes() {
			if records, problems := e.Lane(lane); len(records) != 1 || records[0].ID != r.ID || len(problems) != 0 {
				t.Errorf("lane %s has %v, %v", lane, records, problems)
			}
		}
	}
	if all, problems := e.Records(); len(all) != len(over)+len(open) || len(problems) != 0 {
		t.Errorf("%d records of %d, %v", len(all), len(over)+len(open), problems)
	}
	if r, err := e.Find(over[3].ID); err != nil || r.Outcome != Interrupted {
		t.Errorf("what died is %+v, %v", r, err)
	}
	// Its open mark went with the record, and is found, and removed, there.
	if _, err := os.Stat(filepath.Join(e.operations(), made.ticket()+"."+short("made")+".open")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the open mark stays among the open operations: %v", err)
	}
	if _, open, err := e.Mark(made.ID); !open || err != nil {
		t.Errorf("the open mark is gone: %v", err)
	}
	if err := e.Deliver(made.ID); err != nil {
		t.Error(err)
	}
	if _, open, err := e.Mark(made.ID); open || err != nil {
		t.Errorf("the open mark stays: %v", err)
	}
	// A change of what is in the history is seen in both lanes.
	if err := e.Change(over[4].ID, func(r *Record) { r.ContainerID = "c4" }); err != nil {
		t.Fatal(err)
	}
	for _, lane := range over[4].Lanes() {
		if records, _ := e.Lane(lane); len(records) != 1 || records[0].ContainerID != "c4" {
			t.Errorf("lane %s has %v", lane, records)
		}
	}
	// Tickets rise beyond the history, too.
	if r := accept(t, e, Record{Container: "old"}); r.ticket() <= over[4].ticket() {
		t.Errorf("%s after %s", r.ticket(), over[4].ticket())
	}
}

func TestDispensable(t *testing.T) {
	t.Parallel()
	now := time.Now()
	done := func(kind, id string, age time.Duration) Record {
		return Record{Kind: kind, ContainerID: id, Outcome: Done, Ended: now.Add(-age)}
	}
	repeat := func(n int, r Record) []Record { return slices.Repeat([]Record{r}, n) }
	restart := done("restart", "c1", time.Minute)
	exchange := done(kindExchange, "c2", time.Minute)
	exchange.Exchange = &Exchange{Predecessor: "c1", Over: true}
	broken := done(kindExchange, "c2", time.Minute)
	broken.Exchange = &Exchange{Predecessor: "c1"}
	tests := map[string]struct {
		records []Record
		// kept are those of the first ones that stay.
		kept []int
		drop int
	}{
		"nothing":                        {nil, nil, 0},
		"few":                            {repeat(keepRecords, restart), nil, 0},
		"what made the container stays":  {append([]Record{done(kindCreate, "c1", time.Hour)}, repeat(50, restart)...), []int{0}, 50 - keepRecords},
		"the last change of it":          {append([]Record{done(kindCreate, "c1", time.Hour), done(kindUpdate, "c1", time.Hour)}, repeat(50, restart)...), []int{1}, 51 - keepRecords},
		"one that got another name":      {append([]Record{done(kindCreate, "c0", time.Hour), done(kindCreate, "c1", time.Hour)}, repeat(50, restart)...), []int{0, 1}, 50 - keepRecords},
		"not what was removed since":     {append([]Record{done(kindCreate, "c0", time.Hour), done(kindRemove, "c0", time.Hour)}, repeat(50, restart)...), nil, 52 - keepRecords},
		"not what was exchanged since":   {append([]Record{done(kindCreate, "c1", time.Hour), exchange}, repeat(50, restart)...), []int{1}, 51 - keepRecords},
		"an exchange in the middle":      {append([]Record{broken, broken}, repeat(50, restart)...), []int{0, 1}, 50 - keepRecords},
		"a failure that nobody settled":  {append([]Record{{Kind: kindCreate, Cast: true, Outcome: Failed}}, repeat(50, restart)...), []int{0}, 50 - keepRecords},
		"a name that a container lost":   {append(repeat(3, done(kindUpdate, "c1", 40*24*time.Hour)), done(kindRemove, "c1", time.Hour)), []int{0, 1, 2, 3}, 0},
		"long removed":                   {append(repeat(3, done(kindUpdate, "c1", 40*24*time.Hour)), done(kindRemove, "c1", 31*24*time.Hour)), nil, 4},
		"long removed, and in progress":  {append(repeat(3, Record{Kind: kindCreate}), done(kindRemove, "c1", 31*24*time.Hour)), []int{0, 1, 2, 3}, 0},
		"long there":                     {repeat(3, done(kindUpdate, "c1", 400*24*time.Hour)), []int{0, 1, 2}, 0},
		"a removal that failed long ago": {[]Record{{Kind: kindRemove, Outcome: Failed, Settled: true, Ended: now.Add(-400 * 24 * time.Hour)}}, []int{0}, 0},
		"casts of many, as of one plan":  {repeat(216, restart), nil, 216 - keepRecords},
		"as many other names as one wants": {func() (all []Record) {
			for i := range keepObjects + 50 {
				all = append(all, done(kindCreate, fmt.Sprint(i), time.Hour))
			}
			return append(all, repeat(keepRecords, restart)...)
		}(), nil, 50},
	}
	for name, test := range tests {
		for i := range test.records {
			test.records[i].ID = fmt.Sprintf("edge1/web/%04d", i)
		}
		drop := dispensable(test.records, now.Add(-keepFor))
		if len(drop) != test.drop {
			t.Errorf("%s: %d are dropped, want %d", name, len(drop), test.drop)
		}
		for _, r := range drop {
			for _, i := range test.kept {
				if r.ID == test.records[i].ID {
					t.Errorf("%s: number %d is dropped", name, i)
				}
			}
		}
	}
}

// With many casts at once the next run asks for each of them.
func TestManyCastsAreAllFoundAgain(t *testing.T) {
	t.Parallel()
	e := inside(t, t.TempDir())
	var all []Record
	for i := range 216 {
		all = append(all, past(t, e, Record{Container: fmt.Sprintf("c%d", i), Cast: true, Outcome: Done}))
	}
	tidied(t, e)
	for _, r := range all {
		if _, err := e.Find(r.ID); err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
	}
}

func TestLate(t *testing.T) {
	t.Parallel()
	e := inside(t, t.TempDir())
	var failed []Record
	for i := range 25 {
		failed = append(failed, past(t, e, Record{Container: fmt.Sprintf("c%d", i), Cast: true, Outcome: Failed}))
	}
	died := past(t, e, Record{Container: "died", Cast: true})
	past(t, e, Record{Container: "call", Outcome: Failed, Settled: true})
	past(t, e, Record{Container: "done", Cast: true, Outcome: Done})
	e = away(t, e)
	accept(t, e, Record{Container: "running", Cast: true})
	for range 2 { // At first from the records, then from the marks.
		late, err := e.Late(10, time.Minute)
		if err != nil || late.Count() != 26 || len(late.Records) != 10 || late.Records[9].ID != died.ID || !late.Has(failed[0].ID) || late.Has("edge1/x/y") {
			t.Fatalf("late are %d, %+v, %v", late.Count(), late.Records, err)
		}
	}
	// One is settled by this gantry, one by an older one, which knows no marks.
	if err := e.Change(failed[24].ID, func(r *Record) { r.Settled = true }); err != nil {
		t.Fatal(err)
	}
	failed[23].Settled, failed[23].Version = true, recordVersion
	if err := e.write(filepath.Join(e.operations(), failed[23].fileName()), failed[23], nil); err != nil {
		t.Fatal(err)
	}
	late, err := e.Late(10, time.Minute)
	if err != nil || late.Count() != 24 || late.Has(failed[23].ID) || late.Has(failed[24].ID) {
		t.Errorf("late are %d, %v", late.Count(), err)
	}
	for i := range 12 {
		if err := os.WriteFile(filepath.Join(e.operations(), fmt.Sprintf("torn%d.json", i)), nil, fileMode); err != nil {
			t.Fatal(err)
		}
	}
	late, err = e.Late(10, time.Minute)
	if err != nil || late.Unreadable != 12 || len(late.Problems) != 10 || late.Count() != 24 {
		t.Errorf("%d can't be read, %d problems, %d late: %v", late.Unreadable, len(late.Problems), late.Count(), err)
	}
	if late, err := e.Late(10, -time.Second); err != nil || late.Unread == 0 || late.Count() != 24 {
		t.Errorf("without time %d are left for later, late are %d: %v", late.Unread, late.Count(), err)
	}
}

// What a look reads does not depend on how many records there are that don't concern it.
func TestLooksCostWhatTheyConcern(t *testing.T) {
	t.Parallel()
	type costs map[string][2]int64
	measure := func(unrelated int) costs {
		e := inside(t, t.TempDir())
		for i := range unrelated {
			past(t, e, Record{Container: fmt.Sprintf("done%d", i), Outcome: Done})
			past(t, e, Record{Container: fmt.Sprintf("late%d", i), Cast: true, Outcome: Failed})
			past(t, e, Record{Container: fmt.Sprintf("remove%d", i), Kind: kindRemove, ContainerID: "c", Outcome: Interrupted})
		}
		web := past(t, e, Record{Container: "web", Outcome: Done})
		rename := past(t, e, Record{Container: "new", PriorName: "old", Kind: kindUpdate, Outcome: Done})
		tidied(t, e)
		if late, err := e.Late(1, time.Minute); err != nil || late.Count() != unrelated {
			t.Fatalf("late are %d, %v", late.Count(), err)
		}
		// The directory has not changed for long.
		long := time.Now().Add(-time.Hour)
		if err := os.Chtimes(e.operations(), long, long); err != nil {
			t.Fatal(err)
		}
		if _, err := e.opened(); err != nil {
			t.Fatal(err)
		}
		all := make(costs)
		count := func(what string, look func() error) {
			opened, listed := e.journal.disk.opened.Load(), e.journal.disk.listed.Load()
			if err := look(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			all[what] = [2]int64{e.journal.disk.opened.Load() - opened, e.journal.disk.listed.Load() - listed}
		}
		count("find", func() error { _, err := e.Find(web.ID); return err })
		count("find a rename", func() error { _, err := e.Find(rename.ID); return err })
		count("lane", func() error { _, problems := e.Lane("web"); return errorsOf(problems) })
		count("lane of nothing", func() error { _, problems := e.Lane("none"); return errorsOf(problems) })
		count("draw", func() error { _, err := e.draw(web); return err })
		return all
	}
	none, many := measure(0), measure(60)
	for what, cost := range none {
		if many[what] != cost {
			t.Errorf("%s opens and lists %v files, and %v beside others", what, cost, many[what])
		}
	}
	if none["find"] != [2]int64{1, 0} {
		t.Errorf("to find a record %v files are opened and listed", none["find"])
	}
}

func errorsOf(problems []error) error {
	for _, problem := range problems {
		return problem
	}
	return nil
}

// A lock file is deleted only if nobody uses it, and whoever waits for it finds out.
func TestUnusedLocksGo(t *testing.T) {
	t.Parallel()
	e := inside(t, t.TempDir())
	long := time.Now().Add(-2 * keepFor)
	for _, lane := range []string{"unused", "used", "held", "recent"} {
		release, err := e.lockChanges(lane)
		if err != nil {
			t.Fatal(err)
		}
		release()
		if lane == "recent" {
			continue
		}
		if err := os.Chtimes(filepath.Join(e.lanes(), short(lane)+".change"), long, long); err != nil {
			t.Fatal(err)
		}
	}
	past(t, e, Record{Container: "used", Outcome: Done})
	release, err := e.lockChanges("held")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	tidied(t, e)
	for lane, stays := range map[string]bool{"unused": false, "used": true, "held": true, "recent": true} {
		if _, err := os.Stat(filepath.Join(e.lanes(), short(lane)+".change")); (err == nil) != stays {
			t.Errorf("%s: %v", lane, err)
		}
	}

	path := filepath.Join(e.lanes(), short("waiter")+".lock")
	held, waiter := flock.New(path), flock.New(path)
	if ok, err := held.TryLock(); err != nil || !ok {
		t.Fatalf("%t, %v", ok, err)
	}
	if ok, err := tryLock(waiter); err != nil || ok {
		t.Errorf("it is held: %t, %v", ok, err)
	}
	if err := e.dropLock(path, func() bool { return true }); err != nil {
		t.Errorf("of another: %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("a lock that is held is gone: %v", err)
	}
	if err := held.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := e.dropLock(path, func() bool { return false }); err != nil {
		t.Errorf("in use: %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("a lock that is used is gone: %v", err)
	}
	stays := 1
	e.journal.disk.remove = func(path string) error { // Where the name of an open file stays.
		stays--
		if stays >= 0 {
			return fs.ErrPermission
		}
		return os.Remove(path)
	}
	if err := e.dropLock(path, func() bool { return true }); err != nil {
		t.Errorf("unused: %v", err)
	}
	if ok, err := tryLock(waiter); err != nil || !ok || !current(waiter) {
		t.Errorf("a new one: %t, %v", ok, err)
	}
	if err := waiter.Unlock(); err != nil {
		t.Error(err)
	}
}

// Requests, marks and progress of what is over go, and what a crash left without a name. An open mark stays as
// long as its record.
func TestSweep(t *testing.T) {
	t.Parallel()
	e := inside(t, t.TempDir())
	r := accept(t, e, Record{Container: "web"})
	if err := e.AskCancel(r.ID); err != nil {
		t.Fatal(err)
	}
	if err := e.Progress(r.ID, func(r *Record) { r.Step = fault.StepPulling }); err != nil {
		t.Fatal(err)
	}
	if err := e.PutMark(r.ID, Mark{Scope: "here"}); err != nil {
		t.Fatal(err)
	}
	gone := "0190b5a6-0000-7000-8000-000000000000"
	long := time.Now().Add(-2 * keepFewer)
	for _, path := range []string{
		filepath.Join(e.operations(), gone+".cancel"), filepath.Join(e.operations(), ".new-1"), filepath.Join(e.late(), gone+"."+short("x")+".json"),
		filepath.Join(e.progress(), gone+".json"), filepath.Join(e.operations(), gone+"."+short("x")+".open"),
		filepath.Join(e.pastOf(short("x")), gone+"."+short("x")+".open"), filepath.Join(e.pastOf(short("x")), ".new-1"),
		filepath.Join(e.counters(), ".new-1"), filepath.Join(e.dir, ".new-1"), filepath.Join(e.journal.owners(), ".new-1"),
	} {
		if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, fileMode); err != nil {
			t.Fatal(err)
		}
	}
	var left []string
	files := func(each func(path string)) {
		err := filepath.WalkDir(e.journal.dir, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && !strings.HasSuffix(path, ".change") {
				each(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	files(func(path string) {
		if err := os.Chtimes(path, long, long); err != nil {
			t.Error(err)
		}
	})
	tidied(t, e)
	files(func(path string) { left = append(left, filepath.Base(path)) })
	want := []string{e.journal.owner + ".lock", "tidied", r.ticket() + "." + short("web") + ".open", r.fileName(), r.ticket() + ".cancel", r.ticket() + ".json"}
	slices.Sort(left)
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("left are %s\nwant %s", strings.Join(left, "\n"), strings.Join(want, "\n"))
	}
}
