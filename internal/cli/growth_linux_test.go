// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package cli_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journaltest"
)

// What names one operation opens its record, and a list the newest ones, whatever else there is.
func TestCommandsOpenWhatTheyShow(t *testing.T) {
	t.Parallel()
	const unrelated = 1000
	dir := t.TempDir()
	others := journaltest.Fill(t, dir, map[string]int{"edge1": unrelated, "edge2": unrelated / 5})
	o := newOwner(t, dir)
	failed := o.begin("create", "web")
	o.end(failed, journal.Failed, fault.PortTaken)
	running := o.begin("create", "app")
	ticket := journal.Ticket(failed)
	for _, test := range []struct {
		args []string
		code int
		says string
		// opens is how many records of others may be opened.
		opens int
	}{
		{[]string{"show", failed}, 0, failed, 0},
		{[]string{"show", ticket}, 0, failed, 0},
		{[]string{"show", ticket[len(ticket)-12:]}, 0, failed, 0},
		{[]string{"show", "web"}, 0, failed, 0},
		{[]string{"show", "edge1/web"}, 0, failed, 0},
		{[]string{"settle", failed}, 0, "is settled", 0},
		{[]string{"cancel", failed}, 1, "", 0},
		{[]string{"list", "--container", "web"}, 0, "web", 0},
		{[]string{"list", "--in-progress"}, 0, "app", 0},
		{[]string{"watch", "--engine", "edge3"}, 0, "Nothing", 0},
		{[]string{"list", "--limit", "5", "--engine", "edge1"}, 0, "Older operations", 10},
		{[]string{"list", "--limit", "5", "--failed", "--engine", "edge1"}, 0, "Older operations", 10},
		{[]string{"list"}, 0, "Older operations", 800},
	} {
		watching := journaltest.Watch(t, dir)
		r := run(t.Context(), dir, test.args...)
		files, _ := watching.Told(t)
		if r.code != test.code || !strings.Contains(r.out, test.says) {
			t.Errorf("%v: code %d, %s%s", test.args, r.code, r.out, r.err)
		}
		opened := 0
		for file := range files {
			unique, _, _ := strings.Cut(filepath.Base(file), ".")
			if others[unique] {
				opened++
			}
		}
		if opened > test.opens {
			t.Errorf("%v opens %d files of others", test.args, opened)
		}
	}
	if r, err := o.engine.Find(running); err != nil || !r.InProgress() {
		t.Errorf("%+v, %v", r, err)
	}
}

// A list has the newest operations, and on demand all; and failures that nobody has dealt with however old they are.
func TestListTellsTheNewest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := newOwner(t, dir)
	lost := o.begin("create", "lost")
	o.end(lost, journal.Failed, fault.PortTaken)
	var all []string
	for i := range 30 {
		id := o.begin("create", fmt.Sprintf("c%d", i%20))
		o.change(id, func(r *journal.Record) { r.Outcome, r.Ended = journal.Done, time.Now().Add(-time.Hour) })
		all = append(all, id)
	}
	if err := o.engine.Tidy(time.Minute); err != nil {
		t.Fatal(err)
	}
	running := o.begin("create", "now")
	expect := func(args []string, want ...string) {
		t.Helper()
		var got []string
		for _, o := range list(t, dir, args...).Operations {
			got = append(got, o.ID)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%v lists\n%v\nwant\n%v", args, got, want)
		}
	}
	expect([]string{"--limit=4"}, lost, all[27], all[28], all[29], running)
	expect([]string{"--limit=4", "--failed"}, lost)
	expect([]string{"--limit=4", "--in-progress"}, running)
	expect([]string{"--limit=4", "--container=c3"}, all[3], all[23])
	expect([]string{"--all"}, append(append([]string{lost}, all...), running)...)
	expect(nil, append(append([]string{lost}, all...), running)...)
	run(t.Context(), dir, "list", "--limit", "4").says(t, 0, "Older operations than the newest 4 ", "")
	if r := run(t.Context(), dir, "list", "--limit", "40"); strings.Contains(r.out, "Older") {
		t.Errorf("all are listed, and it says\n%s", r.out)
	}
	run(t.Context(), dir, "list", "--limit", "0").says(t, 2, "", "--limit takes a number above 0")
	if r := run(t.Context(), dir, "list", "--limit", "4", "--json"); !strings.Contains(r.out, "\"more\": true") {
		t.Errorf("JSON says\n%s", r.out)
	}
}
