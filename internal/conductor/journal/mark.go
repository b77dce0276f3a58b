// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// markVersion is the version of the format of a mark. A mark of a higher one can't be read.
const markVersion = 1

// Mark is the open mark of a create: as long as it is there, no answer to the create has begun that
// Terraform could keep in a state. What the create made then belongs to no state. It never holds a secret.
type Mark struct {
	Version int `json:"version"`
	// Scope is a digest of the workspace that asked for the create. Empty is unknown.
	Scope string `json:"scope,omitempty"`
	// EngineID is the ID that the engine reports.
	EngineID string    `json:"engine_id"`
	Accepted time.Time `json:"accepted"`
}

// markSuffix is the end of the name of an open mark.
const markSuffix = ".open"

// marks returns the paths of an operation's open mark: among the open operations, and in the history of its first
// lane. It moves there with the record, never back: who looks at the one and then at the other misses none. Without
// the record it is of no use.
func (e *Engine) marks(id string) (paths [2]string, err error) {
	_, lane, ticket, err := SplitID(id)
	if err != nil {
		return paths, err
	}
	file := ticket + "." + short(lane) + markSuffix
	return [2]string{filepath.Join(e.operations(), file), filepath.Join(e.pastOf(short(lane)), file)}, nil
}

// PutMark writes the open mark of an operation. It has to be there before Begin makes the intent durable, and
// the fsync of the directory in Begin is the mark's, too: a mark that a crash of the machine takes away only turns
// what could be resumed into a conflict.
func (e *Engine) PutMark(id string, m Mark) error {
	paths, err := e.marks(id)
	if err != nil {
		return err
	}
	m.Version = markVersion
	content, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := writeMark(paths[0], append(content, '\n')); err != nil {
		return fmt.Errorf("writing the open mark of operation %s: %w", id, err)
	}
	return nil
}

// writeMark writes a new file and makes its content durable. Nobody looks for the mark before the intent is there,
// so that no second file and no rename are needed.
func writeMark(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		err = errors.Join(err, os.Remove(path)) // It is of an operation that is refused.
	}
	return err
}

// Deliver removes the open marks of operations and makes that durable: from now on what they made counts as
// delivered to a Terraform state. It has to succeed before any answer begins that carries state. It needs
// no space on the disk. A mark that is gone already is no error.
func (e *Engine) Deliver(ids ...string) error {
	folders := []string{e.operations()}
	for _, id := range ids {
		paths, err := e.marks(id)
		if err == nil {
			err = ignoreMissing(os.Remove(paths[0]))
		}
		if err == nil {
			if err = os.Remove(paths[1]); err == nil {
				folders = append(folders, filepath.Dir(paths[1]))
			}
			err = ignoreMissing(err)
		}
		if err != nil {
			return fmt.Errorf("removing the open mark of operation %s: %w", id, err)
		}
	}
	for _, folder := range folders {
		if err := syncFolder(folder); err != nil {
			return fmt.Errorf("making the removal of open marks durable: %w", err)
		}
	}
	return nil
}

// Mark returns the open mark of an operation, and reports whether there is one. The error is that it can't be
// read, or is of a newer gantry.
func (e *Engine) Mark(id string) (m Mark, open bool, err error) {
	paths, err := e.marks(id)
	if err != nil {
		return Mark{}, false, err
	}
	path := paths[0]
	content, err := e.journal.disk.open(path)
	if errors.Is(err, fs.ErrNotExist) {
		path = paths[1]
		content, err = e.journal.disk.open(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return Mark{}, false, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &m)
	}
	if err == nil && m.Version != markVersion {
		err = fmt.Errorf("it is of version %d, and this gantry knows version %d", m.Version, markVersion)
	}
	if err != nil {
		return Mark{}, true, fmt.Errorf("reading the open mark %s: %w", path, err)
	}
	return m, true, nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
