// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"
)

// UnreadableError is a file of the journal that can't be read: it is torn, or a newer gantry's.
type UnreadableError struct {
	Path string
	// Version is that of a newer gantry's file; 0 is a torn one.
	Version int
	// owner and outcome are what could be read all the same.
	owner   string
	outcome Outcome
	// written is when the file was last written.
	written time.Time
	err     error
}

func (e *UnreadableError) Error() string {
	if e.Version > 0 {
		return fmt.Sprintf("the record %s is of version %d, from a newer gantry: this one knows version %d", e.Path, e.Version, recordVersion)
	}
	return fmt.Sprintf("the record %s can't be read: %v", e.Path, e.err)
}

func (e *UnreadableError) Unwrap() error { return e.err }

// read reads a record, and returns also the file's content.
func (e *Engine) read(path string) (Record, []byte, error) {
	var r Record
	content, err := e.journal.disk.read(path, &r)
	if err == nil {
		e.follow(&r)
	}
	return r, content, err
}

// read reads a file of the journal into v. The error is of the file system, or an *UnreadableError.
func (d *disk) read(path string, v any) ([]byte, error) {
	content, err := d.open(path)
	if err != nil {
		return nil, err
	}
	// A newer version may have other types: what can be read of it is read one by one.
	var format map[string]json.RawMessage
	var version int
	if json.Unmarshal(content, &format) == nil {
		_ = json.Unmarshal(format["version"], &version)
	}
	if version <= recordVersion {
		version, err = 0, json.Unmarshal(content, v)
	}
	if version == 0 && err == nil {
		return content, nil
	}
	unreadable := &UnreadableError{Path: path, Version: version, err: err}
	_ = json.Unmarshal(format["owner"], &unreadable.owner)
	_ = json.Unmarshal(format["outcome"], &unreadable.outcome)
	if info, err := os.Stat(path); err == nil {
		unreadable.written = info.ModTime()
	}
	return nil, unreadable
}

// mayLive reports whether the process that wrote an unreadable record may be at its operation. Any doubt
// is a yes: where the owner can't be read, it may be any that lives and was there before the file.
func (e *Engine) mayLive(r *UnreadableError) bool {
	if r.outcome != "" {
		return false
	}
	if r.owner != "" {
		alive, _ := e.journal.alive(r.owner)
		return alive && r.owner != e.journal.owner
	}
	owners, err := e.journal.disk.list(e.journal.owners())
	if err != nil {
		return true
	}
	for _, entry := range owners {
		owner, isLock := strings.CutSuffix(entry.Name(), ".lock")
		if !isLock || owner == e.journal.owner {
			continue
		}
		if info, err := entry.Info(); err == nil && info.ModTime().After(r.written) {
			continue
		}
		if alive, _ := e.journal.alive(owner); alive {
			return true
		}
	}
	return false
}

// write makes a record durable, in the place of one with this content. What that has and this gantry does
// not know stays: another one may need it.
func (e *Engine) write(path string, r Record, before []byte) error {
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	var indented any = json.RawMessage(content)
	if before != nil {
		indented = keepUnknown(before, content, reflect.TypeFor[Record]())
	}
	content, err = json.MarshalIndent(indented, "", "  ")
	if err != nil {
		return err
	}
	if err := e.journal.disk.replace(path, append(content, '\n'), true); err != nil {
		return fmt.Errorf("writing the record %s: %w", filepath.Base(path), err)
	}
	return nil
}

// keepUnknown adds to an object of this type what another one had that the type does not know, also in the
// objects inside. It is pure.
func keepUnknown(before, now json.RawMessage, of reflect.Type) json.RawMessage {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	var old, merged map[string]json.RawMessage
	if of.Kind() != reflect.Struct || json.Unmarshal(before, &old) != nil || json.Unmarshal(now, &merged) != nil || old == nil || merged == nil {
		return now
	}
	known := make(map[string]reflect.Type)
	for i := range of.NumField() {
		field := of.Field(i)
		if key, _, _ := strings.Cut(field.Tag.Get("json"), ","); key != "" {
			known[key] = field.Type
		}
	}
	for key, value := range old {
		inside, isKnown := known[key]
		switch fresh, there := merged[key]; {
		case !isKnown:
			merged[key] = value
		case there:
			merged[key] = keepUnknown(value, fresh, inside)
		}
	}
	content, err := json.Marshal(merged)
	if err != nil {
		return now
	}
	return content
}
