// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// olderEngine is the ID of the engine of the older release's records.
const olderEngine = "NBXD:WQYI:5N2E:CWOL:FSLE:ORQW:GFBY:HBVS:N4LT:GKBD:6OUO:KJE2"

// olderRelease copies a state directory that an older release wrote, and opens it.
func olderRelease(t *testing.T, folder string) (dir string, in *journal.Engine) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "older-release", folder))); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	in, err = j.Engine(olderEngine, "vm")
	if err != nil {
		t.Fatal(err)
	}
	return dir, in
}

// What an older release wrote means the same to this one.
func TestRecordsOfAnOlderReleaseAreUnderstood(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		folder, lane string
		// want says of each record of the lane its kind, how it ended, and what there is to tell of it.
		want []string
	}{
		{"killed", "gantry-old-call", []string{"create done", "remove done", "create done"}},
		{"killed", "gantry-old-cast", []string{"create cast done", "update cast done"}},
		{"killed", "gantry-old-failed", []string{
			"create cast failed settled", "remove done", "create cast failed settled", "remove done", "create cast failed: exited",
		}},
		{"killed", "gantry-old-mended", []string{"create cast failed settled", "remove done", "create cast done"}},
		{"killed", "gantry-old-gone", []string{"create done", "remove done"}},
		{"killed", "gantry-old-leaving", []string{"create done", "remove cast done"}},
		{"killed", "gantry-old-renamed", []string{"create done", "update done"}},
		{"killed", "gantry-old-newname", []string{"update done"}},
		{"killed", "gantry-old-swap", []string{"create done", "exchange done, over"}},
		{"killed", "gantry-old-interrupted", []string{"create cast in progress: interrupted"}},
		{"killed", "gantry-old-killed", []string{"create failed settled"}},
		{"killed", "network:gantry-old-net", []string{"create done"}},
		{"killed", "volume:gantry-old-vol", []string{"create done"}},
		{"killed", "image:gantry-old-image:1", []string{"create done", "remove done"}},
		{"after", "gantry-old-interrupted", []string{"create cast interrupted settled", "remove done", "create cast done"}},
	} {
		_, in := olderRelease(t, test.folder)
		records, problems := in.Lane(test.lane)
		if len(problems) > 0 {
			t.Errorf("%s: %v", test.lane, problems)
		}
		var got []string
		for _, r := range records {
			got = append(got, meaningOf(in, r))
			if found, err := in.Find(r.ID); err != nil || !reflect.DeepEqual(found, r) {
				t.Errorf("by its ID %s is %+v, %v", r.ID, found, err)
			}
			if off := r.Accepted.Sub(journal.AcceptedAt(r.ID)).Abs(); off > 5*time.Second {
				t.Errorf("%s was accepted at %s, its ID says %s off", r.ID, r.Accepted, off)
			}
			if in.Forgot(r.ID) || !in.Gone(r) {
				t.Errorf("%s: forgotten %t, gone %t", r.ID, in.Forgot(r.ID), in.Gone(r))
			}
			if mark, open, err := in.Mark(r.ID); open || err != nil { // So nothing that it made is taken over.
				t.Errorf("%s has the open mark %+v, %v", r.ID, mark, err)
			}
			if slices.Contains([]string{"", "network", "volume"}, r.Object) && Kind(r.Kind) == KindCreate && r.Outcome == journal.Done {
				h := holder{id: r.ContainerID, operation: r.ID, created: r.Accepted, drifts: r.Object == "volume"}
				if c := (claim{record: r, gone: true}); !c.made(h) || resumable(h, []claim{c}, "", "") {
					t.Errorf("%s: made %t", r.ID, c.made(h))
				}
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s/%s:\n%s\nwant\n%s", test.folder, test.lane, strings.Join(got, "\n"), strings.Join(test.want, "\n"))
		}
	}
}

// meaningOf says what this gantry makes of a record.
func meaningOf(in *journal.Engine, r journal.Record) string {
	text := r.Kind
	if r.Cast {
		text += " cast"
	}
	if r.InProgress() {
		text += " in progress"
	} else {
		text += " " + string(r.Outcome)
	}
	if r.Settled {
		text += " settled"
	}
	if r.Exchange != nil && !r.Unfinished() {
		text += ", over"
	}
	if f := failureOf(r, !in.Alive(r)); f != nil {
		text += ": " + string(f.Kind)
	}
	return text
}

// olderRecord is what the older release reads of a record: a field that it can't read makes a record unreadable to it.
type olderRecord struct {
	Version       int               `json:"version"`
	ID            string            `json:"id"`
	Kind          string            `json:"kind"`
	Engine        string            `json:"engine"`
	Object        string            `json:"object"`
	Container     string            `json:"container"`
	PriorName     string            `json:"prior_name"`
	ContainerID   string            `json:"container_id"`
	Replaced      string            `json:"replaced"`
	Dropped       []string          `json:"dropped"`
	After         string            `json:"after"`
	Owner         string            `json:"owner"`
	Caller        string            `json:"caller"`
	Claimed       bool              `json:"claimed"`
	Cast          bool              `json:"cast"`
	Accepted      time.Time         `json:"accepted"`
	Deadline      time.Time         `json:"deadline"`
	Step          string            `json:"step"`
	Pull          *journal.Pull     `json:"pull"`
	Outcome       string            `json:"outcome"`
	Ended         time.Time         `json:"ended"`
	Fault         *olderFault       `json:"fault"`
	Settled       bool              `json:"settled"`
	Restart       bool              `json:"restart"`
	Uploads       bool              `json:"uploads"`
	RemoveVolumes bool              `json:"remove_volumes"`
	Exchange      *journal.Exchange `json:"exchange"`
}

// olderFault is what it reads of a fault, of which people are told.
type olderFault struct {
	Kind      string    `json:"kind"`
	Step      string    `json:"step"`
	Engine    string    `json:"engine"`
	Container string    `json:"container"`
	Summary   string    `json:"summary"`
	Hint      string    `json:"hint"`
	Log       []string  `json:"log"`
	Time      time.Time `json:"time"`
}

// This release changes records of the older one, beside which it runs: what that knows of them it finds as it was,
// but for the change.
func TestRecordsOfAnOlderReleaseStayReadableToIt(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"killed", "after"} {
		dir, in := olderRelease(t, folder)
		files, err := filepath.Glob(filepath.Join(dir, "engines", "*", "operations", "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%d records, %v", len(files), err)
		}
		for _, file := range files {
			before := olderView(t, file)
			change := func(r *journal.Record) {
				r.Settled, r.Scope, r.Stopping = true, "here", &journal.Stopping{ContainerID: "c"}
			}
			if err := in.Change(before.ID, change); err != nil {
				t.Error(err)
				continue
			}
			// One that has ended, with its failure settled, moves to the history of its lane.
			moved, err := filepath.Glob(filepath.Join(dir, "engines", "*", "*", "*", filepath.Base(file)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(file); err != nil && len(moved) == 1 {
				file = moved[0]
			}
			before.Settled = true
			if after := olderView(t, file); !reflect.DeepEqual(after, before) {
				t.Errorf("it was\n%+v\nand is\n%+v", before, after)
			}
		}
	}
}

// What this release writes the older one can read.
func TestRecordsAreReadableToAnOlderRelease(t *testing.T) {
	t.Parallel()
	f, dir := newFake(), t.TempDir()
	c := f.conductor(t, Options{StateDir: dir})
	made, err := c.Call(t.Context(), create("web"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.connect(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	bad := create("bad")
	bad.Spec.DesiredState = container.DesiredCompleted
	f.before = func(_ context.Context, call string) error {
		if call == "create bad" {
			return fmt.Errorf("no space left on device: %w", errdefs.ErrInternal)
		}
		return nil
	}
	cast := bad.accept(c, e, true, time.Now().Add(time.Hour))
	if _, err := cast.perform(t.Context()); err == nil {
		t.Fatal("it did not fail")
	}
	update, err := c.Call(t.Context(), UpdateRequest{Spec: create("web").Spec, OperationID: made.OperationID, ContainerID: made.Container.ID, Restart: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Call(t.Context(), RemoveRequest{Name: "web", OperationID: update.OperationID, ContainerID: made.Container.ID}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "engines", "*", "operations", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	history, err := filepath.Glob(filepath.Join(dir, "engines", "*", "history", "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := make(map[string]int)
	for _, file := range append(files, history...) {
		r := olderView(t, file)
		kinds[r.Kind]++
		if r.Version != 1 || r.Owner == "" || r.Accepted.IsZero() || r.Step == "" || r.Outcome == "" {
			t.Errorf("%s lacks something: %+v", file, r)
		}
		if r.ID == cast.id && (r.Fault == nil || r.Fault.Summary == "" || r.Outcome != string(journal.Failed) || !r.Cast) {
			t.Errorf("the failed cast is %+v, %+v", r, r.Fault)
		}
	}
	if kinds["create"] != 2 || kinds["update"] != 1 || kinds["remove"] != 1 {
		t.Errorf("the records are %v", kinds)
	}
}

// olderView reads a record as the older release does.
func olderView(t *testing.T, file string) (r olderRecord) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(content, &r)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return r
}
