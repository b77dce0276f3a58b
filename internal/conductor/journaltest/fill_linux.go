// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journaltest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// Fill fills a state directory with so many records of other objects, by the host name of the engine, and with what
// belongs to them, as processes left them that have ended, of all kinds that there are. It returns the unique parts of
// the names of their files.
func Fill(t testing.TB, dir string, counts map[string]int) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	j, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	write := func(path string, content []byte) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ended := time.Now().Add(-time.Hour).UTC()
	broken := &fault.Fault{Kind: fault.Exited, Summary: "it exited"}
	kinds := []journal.Record{
		{Kind: "create", Outcome: journal.Done},
		{Kind: "update", Outcome: journal.Failed, Settled: true, Fault: broken},
		{Kind: "create", Outcome: journal.Failed, Cast: true, Fault: broken},
		{Kind: "create", Cast: true},
		{Kind: "remove", Cast: true, ContainerID: "gone"},
		{Kind: "remove", Cast: true, ContainerID: "gone", Outcome: journal.Failed, Fault: broken},
		{Kind: "create"}, // With its open mark.
		{Kind: "create", Outcome: journal.Interrupted},
		{Kind: "create", Object: "volume", Outcome: journal.Failed, Cast: true, Fault: broken},
		{Kind: "create", Object: "network"},
		{Kind: "update", Object: "image", Outcome: journal.Failed, Cast: true, Fault: broken},
		{Kind: "exchange", Outcome: journal.Interrupted, Exchange: &journal.Exchange{Predecessor: "old"}},
	}
	const untidied = 5 // Of each kind: those take long to be put in order.
	owner := uuid.Must(uuid.NewV7()).String()
	for host, count := range counts {
		e, err := j.Engine("FAKE", host)
		if err != nil {
			t.Fatal(err)
		}
		known, err := filepath.Glob(filepath.Join(dir, "engines", host+"-*"))
		if err != nil || len(known) != 1 {
			t.Fatal(known, err)
		}
		if err := os.MkdirAll(filepath.Join(known[0], "counters"), 0o700); err != nil {
			t.Fatal(err)
		}
		for i := range count {
			r := kinds[i%len(kinds)]
			if r.Outcome == "" && i >= untidied*len(kinds) {
				r.Outcome = journal.Interrupted
			}
			r.Engine, r.Container, r.Owner, r.Accepted = host, fmt.Sprintf("other%d", i), owner, ended
			if r.Outcome != "" {
				r.Ended = ended
			}
			ticket := uuid.Must(uuid.NewV7()).String()
			names[ticket] = true
			r.ID = journal.ID(host, r.Lanes()[0], ticket)
			file := Write(t, known[0], r)
			if r.Kind == "create" && !r.Cast && r.Outcome != journal.Done {
				write(file+".open", []byte(`{"version":1,"scope":"elsewhere","engine_id":"FAKE"}`))
			}
			if r.Outcome == "" {
				write(filepath.Join(known[0], "progress", ticket+".json"), []byte(`{"version":1,"step":"starting"}`))
			}
			counted := uuid.Must(uuid.NewV7()).String()
			names[counted] = true
			write(filepath.Join(known[0], "counters", counted+".json"), []byte("{}"))
			write(filepath.Join(dir, "owners", counted+".lock"), nil)
		}
		if err := e.Tidy(time.Minute); err != nil { // As those before would have done.
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return names
}
