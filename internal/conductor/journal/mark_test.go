// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func markedEngine(t *testing.T) *Engine {
	t.Helper()
	j, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	e, err := j.Engine("ID", "edge1")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestMark(t *testing.T) {
	t.Parallel()
	e := markedEngine(t)
	id := ID("edge1", Lane("network", "front"), "0190b5a6-0000-7000-8000-000000000000")
	if _, open, err := e.Mark(id); open || err != nil {
		t.Fatalf("before the create: open %t, %v", open, err)
	}
	put := Mark{Scope: "abc", EngineID: "ID", Accepted: time.Unix(1700000000, 0).UTC()}
	if err := e.PutMark(id, put); err != nil {
		t.Fatal(err)
	}
	put.Version = markVersion
	if got, open, err := e.Mark(id); got != put || !open || err != nil {
		t.Errorf("read %+v, open %t, %v", got, open, err)
	}
	if records, problems := e.Lane(Lane("network", "front")); len(records)+len(problems) != 0 {
		t.Errorf("the mark is taken for a record: %v, %v", records, problems)
	}
	for range 2 { // It can be repeated.
		if err := e.Deliver(id); err != nil {
			t.Fatal(err)
		}
		if _, open, err := e.Mark(id); open || err != nil {
			t.Errorf("after the delivery: open %t, %v", open, err)
		}
	}
}

// Several marks go together, and others stay.
func TestDeliverSeveral(t *testing.T) {
	t.Parallel()
	e := markedEngine(t)
	ids := []string{ID("edge1", "web", "1"), ID("edge1", "web", "2"), ID("edge1", "web", "3")}
	for _, id := range ids {
		if err := e.PutMark(id, Mark{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Deliver(ids[0], ids[1]); err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		if _, open, err := e.Mark(id); open != (i == 2) || err != nil {
			t.Errorf("%s: open %t, %v", id, open, err)
		}
	}
}

// What can't be read is an error, not a mark to rely on.
func TestMarkThatCantBeRead(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"newer": `{"version": 99, "scope": "abc"}`, "torn": `{"version": 1, "sco`, "empty": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := markedEngine(t)
			id := ID("edge1", "web", "1")
			paths, err := e.marks(id)
			if err != nil {
				t.Fatal(err)
			}
			path := paths[0]
			if err := os.WriteFile(path, []byte(content), fileMode); err != nil {
				t.Fatal(err)
			}
			if m, open, err := e.Mark(id); err == nil || !open || m.Scope != "" {
				t.Errorf("%+v, open %t, %v", m, open, err)
			}
		})
	}
}

// A mark that can't be written leaves nothing behind, and one that can't be removed is no delivery.
func TestMarkThatCantBeWritten(t *testing.T) {
	t.Parallel()
	e := markedEngine(t)
	id := ID("edge1", "web", "1")
	if err := e.PutMark("nonsense", Mark{}); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("no operation ID: %v", err)
	}
	if err := e.Deliver("nonsense"); err == nil {
		t.Error("a mark of no operation was delivered")
	}
	paths, err := e.marks(id)
	if err != nil {
		t.Fatal(err)
	}
	path := paths[0]
	if err := os.MkdirAll(filepath.Join(path, "in the way"), folderMode); err != nil {
		t.Fatal(err)
	}
	if err := e.PutMark(id, Mark{}); err == nil {
		t.Error("a mark was written over a directory")
	}
	if err := e.Deliver(id); err == nil {
		t.Error("the delivery is said to be durable")
	}
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	if err := e.PutMark(id, Mark{}); err == nil {
		t.Error("a mark was written into a directory that is gone")
	}
}
