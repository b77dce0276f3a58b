// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// That a Terraform state was seen which names an object by its ID is kept in a file for each object: it tells whose the
// object is where neither its name nor its label can. A state can be moved, and an object imported into another one: the
// workspace whose state was seen last has it.

// claimAgain is how old a claim may be before whoever sees the state again renews it.
const claimAgain = 24 * time.Hour

func (e *Engine) claimed() string { return filepath.Join(e.dir, "claimed") }

func (e *Engine) claimOf(objectID string) string { return filepath.Join(e.claimed(), short(objectID)) }

// Claim notes that a state of a workspace names the object of this ID. It need not be durable: after a crash nobody has
// the object until a state is seen again.
func (e *Engine) Claim(objectID, scope string) error {
	path := e.claimOf(objectID)
	if known, err := e.ClaimedBy(objectID); err != nil || known != scope {
		return e.journal.disk.replace(path, []byte(scope+"\n"), false)
	}
	info, err := os.Stat(path)
	if now := time.Now(); err == nil && now.Sub(info.ModTime()) > claimAgain {
		err = os.Chtimes(path, now, now)
	}
	return err
}

// ClaimedBy returns the scope of the workspace whose state was seen last to name the object; empty is none.
func (e *Engine) ClaimedBy(objectID string) (scope string, err error) {
	content, err := e.journal.disk.open(e.claimOf(objectID))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(content)), err
}

// Unclaim drops what Claim noted: the object is gone.
func (e *Engine) Unclaim(objectID string) error { return remove(e.claimOf(objectID)) }

// sweepClaimed drops what nobody has renewed for long.
func (t tidying) sweepClaimed() error {
	entries, err := t.journal.disk.list(t.claimed())
	for _, entry := range entries {
		if t.old(entry, keepFor) {
			err = errors.Join(err, remove(filepath.Join(t.claimed(), entry.Name())))
		}
	}
	return errors.Join(err, t.sweepUnnamed(t.claimed()))
}
