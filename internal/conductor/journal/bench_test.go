// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
)

// BenchmarkLooks is what the looks of a plan cost: alone, and beside many records that don't concern it.
func BenchmarkLooks(b *testing.B) {
	for name, unrelated := range map[string]*Record{
		"alone":                      nil,
		"beside 10000 settled":       {Outcome: Done},
		"beside 10000 failed casts":  {Cast: true, Outcome: Failed},
		"beside 10000 lost removals": {Cast: true, Kind: kindRemove, ContainerID: "c"},
	} {
		b.Run(name, func(b *testing.B) {
			j, err := Open(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			e, err := j.Engine("ID", "edge1")
			if err != nil {
				b.Fatal(err)
			}
			for i := range 10_000 {
				if unrelated == nil {
					break
				}
				r := *unrelated
				r.Version, r.Container, r.Ended = recordVersion, fmt.Sprintf("other%d", i), time.Now().Add(-time.Hour)
				r.ID, r.Owner = ID("edge1", r.Container, uuid.Must(uuid.NewV7()).String()), "dead"
				content, err := json.Marshal(r)
				if err == nil {
					err = os.WriteFile(filepath.Join(e.operations(), r.fileName()), content, fileMode)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			web := past(b, e, Record{Container: "web", Outcome: Done})
			if err := j.Close(); err != nil {
				b.Fatal(err)
			}
			tidied(b, e)
			for b.Loop() {
				if _, err := e.Late(10, time.Second); err != nil {
					b.Fatal(err)
				}
				for range 10 {
					if _, err := e.Find(web.ID); err != nil {
						b.Fatal(err)
					}
					if _, problems := e.Lane("web"); len(problems) != 0 {
						b.Fatal(problems)
					}
				}
			}
		})
	}
}
