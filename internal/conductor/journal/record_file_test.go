// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// old is a record of the first releases, as they wrote it.
const old = `{
  "version": 1,
  "id": "edge1/web/01900000-0000-7000-8000-000000000001",
  "kind": "create",
  "engine": "edge1",
  "container": "web",
  "owner": "0190b5a6-0000-7000-8000-000000000000",
  "cast": true,
  "accepted": "2026-01-02T03:04:05Z",
  "step": "starting",
  "pull": {"image": "img", "done": 1, "total": 2, "layers": 1, "complete": 0%s},
  "outcome": "failed",
  "ended": "2026-01-02T03:04:06Z",
  "fault": {"kind": "exited", "step": "starting", "engine": "edge1", "container": "web", "summary": "it exited", "hint": "", "time": "2026-01-02T03:04:06Z"%s}%s
}
`

// Two releases work side by side over one directory: neither drops what only the other knows.
func TestUnknownFieldsSurviveAChange(t *testing.T) {
	t.Parallel()
	e := inside(t, t.TempDir())
	r := Record{ID: "edge1/web/01900000-0000-7000-8000-000000000001", Container: "web"}
	path := filepath.Join(e.operations(), r.fileName())
	content := fmt.Sprintf(old, `, "speed": 7`, `, "why": {"deep": [1, 2]}`, `, "unheard": {"of": true}, "number": 12345678901234567890`)
	if err := os.WriteFile(path, []byte(content), fileMode); err != nil {
		t.Fatal(err)
	}
	if err := e.Change(r.ID, func(r *Record) { r.Settled, r.Cast = true, false }); err != nil {
		t.Fatal(err)
	}
	now, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var compact map[string]any
	if err := json.Unmarshal(now, &compact); err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(string(now)), "")
	for _, has := range []string{`"speed":7`, `"why":{"deep":[1,2]}`, `"unheard":{"of":true}`, `"number":12345678901234567890`, `"settled":true`, `"summary":"itexited"`} {
		if !strings.Contains(flat, has) {
			t.Errorf("%s is lost:\n%s", has, now)
		}
	}
	if strings.Contains(flat, `"cast"`) {
		t.Errorf("what is known and was taken away is back:\n%s", now)
	}
	if found, err := e.Find(r.ID); err != nil || !found.Settled || found.Cast || found.Fault.Summary != "it exited" {
		t.Errorf("%+v, %v", found, err)
	}
}

// A record that can't be read may be of an operation in progress: its lane waits as long as its process may live.
func TestUnreadableRecordsAreWaitedForAsLongAsTheyMayLive(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content string
		waits   bool
	}{
		"newer, of a living process":        {`{"version": 99, "id": 7, "owner": %q}`, true},
		"newer, and over":                   {`{"version": 99, "outcome": "done", "owner": %q}`, false},
		"newer, of a dead process":          {`{"version": 99, "owner": "0190b5a6-0000-7000-8000-000000000000"}`, false},
		"newer, of nobody that can be read": {`{"version": 99, "owner": {"name": "x"}}`, true},
		"torn":                              {`{"version": 1, "id`, true},
		"empty":                             {``, true},
	} {
		dir := t.TempDir()
		e, other := inside(t, dir), inside(t, dir)
		owner, err := other.journal.Register()
		if err != nil {
			t.Fatal(err)
		}
		first := Record{ID: ID("edge1", "web", uuid.Must(uuid.NewV7()).String()), Container: "web"}
		content := test.content
		if strings.Contains(content, "%q") {
			content = fmt.Sprintf(content, owner)
		}
		path := filepath.Join(e.operations(), first.fileName())
		if err := os.WriteFile(path, []byte(content), fileMode); err != nil {
			t.Fatal(err)
		}
		mine := accept(t, e, Record{Container: "web"})
		if waits := e.behind(mine); waits != test.waits {
			t.Errorf("%s: it waits: %t, want %t", name, waits, test.waits)
		}
		if db := accept(t, e, Record{Container: "db"}); e.behind(db) {
			t.Errorf("%s: another lane waits", name)
		}
		if err := other.journal.Close(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		hold, err := e.Hold(ctx, mine)
		if err == nil {
			err = hold.Release()
		}
		if err != nil {
			t.Errorf("%s: nobody else lives: %v", name, err)
		}
		cancel()
		if now, err := os.ReadFile(path); err != nil || string(now) != content {
			t.Errorf("%s: it was changed: %s, %v", name, now, err)
		}
	}
}

func TestIDsOfAnyHost(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"edge1", "a/b", "50%", "two words", "ä.example", "a%2Fb", "..", "C:"} {
		for _, lane := range []string{"web", Lane("image", "ghcr.io/acme/app:1.4"), Lane("volume", "my data")} {
			engine, name, unique, err := SplitID(ID(host, lane, "0190"))
			if engine != host || name != lane || unique != "0190" || err != nil {
				t.Errorf("%s %s: %q, %q, %q, %v", host, lane, engine, name, unique, err)
			}
		}
	}
	// As older releases wrote them.
	for id, host := range map[string]string{"edge1/web/1": "edge1", "50%/web/1": "50%", "two words/web/1": "two words"} {
		if engine, _, _, err := SplitID(id); engine != host || err != nil {
			t.Errorf("%s: %q, %v", id, engine, err)
		}
	}
	dir := t.TempDir()
	e := inside(t, dir)
	r := Record{Kind: kindCreate, Engine: "a/b", Container: "web"}
	if err := e.Accept(r, nil, func(id string) { r.ID = id }); err != nil {
		t.Fatal(err)
	}
	if found, err := e.Find(r.ID); err != nil || found.Engine != "a/b" {
		t.Errorf("%+v, %v", found, err)
	}
	if err := e.Change(r.ID, func(r *Record) { r.Outcome = Done }); err != nil {
		t.Error(err)
	}
}
