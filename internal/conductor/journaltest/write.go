// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journaltest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// Write writes a record among the open ones of an engine, byte for byte as the journal does, but does not wait for the
// disk: so thousands take seconds. A record that has no ID or owner gets one, the owner being nobody who lives. Write
// returns the path of the file without ".json".
func Write(t testing.TB, engineDir string, r journal.Record) string {
	t.Helper()
	if r.ID == "" {
		r.ID = journal.ID(r.Engine, r.Lanes()[0], uuid.Must(uuid.NewV7()).String())
	}
	if r.Owner == "" {
		r.Owner = uuid.Must(uuid.NewV7()).String()
	}
	r.Version = 1
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	parts := []string{journal.Ticket(r.ID)}
	for _, lane := range r.Lanes() {
		sum := sha256.Sum256([]byte(lane))
		parts = append(parts, hex.EncodeToString(sum[:8]))
	}
	path := filepath.Join(engineDir, "operations", strings.Join(parts, "."))
	if err := os.WriteFile(path+".json", append(content, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
