// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"encoding/json"
	"fmt"
)

// read reads a record, and returns also the file's content.
func (e *Engine) read(path string) (Record, []byte, error) {
	var r Record
	content, err := e.journal.disk.read(path, &r)
	if err == nil {
		e.follow(&r)
	}
	return r, content, err
}

// read reads a file of the journal into v.
func (d *disk) read(path string, v any) ([]byte, error) {
	content, err := d.open(path)
	if err != nil {
		return nil, err
	}
	// A newer version may have other types: its number is all that can be relied on.
	var format struct {
		Version int `json:"version"`
	}
	if json.Unmarshal(content, &format) == nil && format.Version > recordVersion {
		return nil, fmt.Errorf("the record %s is of version %d, from a newer gantry: this one knows version %d", path, format.Version, recordVersion)
	}
	if err := json.Unmarshal(content, v); err != nil {
		return nil, fmt.Errorf("the record %s can't be read: %w", path, err)
	}
	return content, nil
}

// write makes a record durable, in the place of one with this content.
func (e *Engine) write(path string, r Record, _ []byte) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := replace(path, append(content, '\n'), true); err != nil {
		return fmt.Errorf("writing the record %s: %w", path, err)
	}
	return nil
}
