// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journaltest_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journaltest"
)

// What is written is what the journal writes, name and content, and the journal reads it.
func TestWriteIsWhatTheJournalWrites(t *testing.T) {
	t.Parallel()
	accepted := time.Now().UTC().Truncate(0)
	for name, r := range map[string]journal.Record{
		"intent":        {Kind: "create", Container: "web", Cast: true, Accepted: accepted},
		"failure":       {Kind: "update", Container: "web", Outcome: journal.Failed, Fault: &fault.Fault{Kind: fault.Exited, Summary: "it <exited>"}, Accepted: accepted, Ended: accepted},
		"rename":        {Kind: "update", Container: "web", PriorName: "www", Accepted: accepted},
		"other subject": {Kind: "create", Object: "volume", Container: "data", Accepted: accepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r.Engine = "edge1"
			kept, keptDir := engine(t)
			var id string
			if err := kept.Accept(r, nil, func(accepted string) { id = accepted }); err != nil {
				t.Fatal(err)
			}
			want, err := kept.Find(id)
			if err != nil {
				t.Fatal(err)
			}

			written, dir := engine(t)
			path := journaltest.Write(t, dir, want)
			got, err := written.Find(id)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("the journal reads\n%+v, want\n%+v", got, want)
			}
			gotBytes, err := os.ReadFile(path + ".json")
			if err != nil {
				t.Fatal(err)
			}
			wantBytes, err := os.ReadFile(filepath.Join(keptDir, "operations", filepath.Base(path)+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(wantBytes), string(gotBytes)); diff != "" {
				t.Errorf("the files differ:\n%s", diff)
			}
		})
	}
}

// engine returns an engine's part of a new journal, and its directory.
func engine(t *testing.T) (of *journal.Engine, dir string) {
	t.Helper()
	stateDir := t.TempDir()
	j, err := journal.Open(stateDir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	if of, err = j.Engine("FAKE", "edge1"); err != nil {
		t.Fatal(err)
	}
	dirs, err := filepath.Glob(filepath.Join(stateDir, "engines", "*"))
	if err != nil || len(dirs) != 1 {
		t.Fatal(dirs, err)
	}
	return of, dirs[0]
}
