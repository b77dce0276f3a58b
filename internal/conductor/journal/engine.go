// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Engine is the journal of one engine. It is safe for use by many goroutines and processes.
type Engine struct {
	journal *Journal
	dir     string
}

func (e *Engine) operations() string { return filepath.Join(e.dir, "operations") }
func (e *Engine) lanes() string      { return filepath.Join(e.dir, "lanes") }
func (e *Engine) progress() string   { return filepath.Join(e.dir, "progress") }

func (e *Engine) folders() []string { return []string{e.operations(), e.lanes(), e.progress()} }

// path is where a record is kept.
func (e *Engine) path(r Record) string {
	name := r.ticket()
	for _, lane := range r.Lanes() {
		name += "." + short(lane)
	}
	return filepath.Join(e.operations(), name+".json")
}

// find returns the paths of the records whose file name has this part between dots, oldest first.
func (e *Engine) find(part string) ([]string, error) {
	entries, err := e.journal.disk.list(e.operations())
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, entry := range entries {
		parts := strings.Split(entry.Name(), ".")
		if parts[len(parts)-1] == "json" && (part == "" || slices.Contains(parts, part)) {
			paths = append(paths, filepath.Join(e.operations(), entry.Name()))
		}
	}
	return paths, nil
}

// Find returns one record. A missing one is fs.ErrNotExist.
func (e *Engine) Find(id string) (Record, error) {
	r, _, err := e.locate(id)
	return r, err
}

// locate returns a record and the content of its file.
func (e *Engine) locate(id string) (Record, []byte, error) {
	paths, err := e.find(Ticket(id))
	if err != nil {
		return Record{}, nil, err
	}
	if len(paths) == 0 {
		return Record{}, nil, fmt.Errorf("operation %s: %w", id, fs.ErrNotExist)
	}
	return e.read(paths[0])
}

// Records returns all records, oldest first, and apart from them what can't be read: torn files, and
// files of a newer gantry.
func (e *Engine) Records() ([]Record, []error) { return e.load("") }

// Lane returns the records of one lane, oldest first, and what can't be read of it.
func (e *Engine) Lane(name string) ([]Record, []error) { return e.load(short(name)) }

func (e *Engine) load(part string) ([]Record, []error) {
	paths, err := e.find(part)
	if err != nil {
		return nil, []error{err}
	}
	var records []Record
	var problems []error
	for _, path := range paths {
		r, _, err := e.read(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // Pruned meanwhile.
		case err != nil:
			problems = append(problems, err)
		default:
			records = append(records, r)
		}
	}
	return records, problems
}

// Alive reports whether the process that owns a record lives.
func (e *Engine) Alive(r Record) bool {
	alive, _ := e.journal.alive(r.Owner)
	return alive
}

// Lost reports whether the operation's answer may never have reached Terraform's state: the process
// that was to give it crashed, and no state has named the operation since.
func (e *Engine) Lost(r Record) bool {
	if r.Claimed {
		return false
	}
	_, crashed := e.journal.alive(cmp.Or(r.Caller, r.Owner))
	return crashed
}

// Own reports whether this process owns a record.
func (e *Engine) Own(r Record) bool { return r.Owner == e.journal.owner }

// Prune drops settled and successful records that ended before a time, and the oldest of them
// beyond a number; counters likewise. Unsettled faults are never dropped.
func (e *Engine) Prune(before time.Time, most int) error {
	records, _ := e.Records()
	settled := slices.DeleteFunc(records, func(r Record) bool { return r.InProgress() || r.Unsettled() })
	var failures []error
	for i, r := range settled {
		if r.Ended.Before(before) || i < len(settled)-most {
			for _, path := range []string{e.path(r), e.cancel(r.ID)} {
				if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					failures = append(failures, err)
				}
			}
		}
	}
	return errors.Join(append(failures, e.pruneCounters(before, most), e.journal.pruneOwners(before))...)
}
