// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
)

// Engine is the journal of one engine. It is safe for use by many goroutines and processes.
type Engine struct {
	journal *Journal
	dir     string
	// id is the engine's; empty where it is not known.
	id string

	listing sync.Mutex
	// index is the last listing of the open operations.
	index *index
}

// Dir is the directory of the engine's part.
func (e *Engine) Dir() string { return e.dir }

// StateDir is the state directory that the journal is in.
func (e *Engine) StateDir() string { return e.journal.dir }

func (e *Engine) operations() string { return filepath.Join(e.dir, "operations") }
func (e *Engine) lanes() string      { return filepath.Join(e.dir, "lanes") }
func (e *Engine) progress() string   { return filepath.Join(e.dir, "progress") }
func (e *Engine) late() string       { return filepath.Join(e.dir, "late") }
func (e *Engine) unsettled() string  { return filepath.Join(e.dir, "unsettled") }
func (e *Engine) history() string    { return filepath.Join(e.dir, "history") }

// pastOf is where the history of a lane is kept.
func (e *Engine) pastOf(lane string) string { return filepath.Join(e.history(), lane) }

func (e *Engine) folders() []string {
	return []string{e.operations(), e.lanes(), e.progress(), e.late(), e.unsettled(), e.history(), e.claimed()}
}

// fileName is the name of a record's file.
func (r Record) fileName() string {
	name := r.ticket()
	for _, lane := range r.Lanes() {
		name += "." + short(lane)
	}
	return name + ".json"
}

// Find returns one record. A missing one is fs.ErrNotExist.
func (e *Engine) Find(id string) (Record, error) {
	_, r, _, err := e.load(id)
	return r, err
}

// load returns a record, and where and what its file is. One that moves into the history meanwhile is
// found there.
func (e *Engine) load(id string) (where located, r Record, content []byte, err error) {
	for range 2 {
		var found bool
		where, found, err = e.find(id)
		if err == nil && !found {
			err = fmt.Errorf("operation %s: %w", id, fs.ErrNotExist)
		}
		if err != nil {
			return located{}, Record{}, nil, err
		}
		r, content, err = e.read(where.path())
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return where, r, content, err
}

// Open returns the records of what has not ended, and of what has just ended, oldest first, and apart from them what
// can't be read: torn files, and files of a newer gantry. Late failures are left out: see Late.
func (e *Engine) Open() ([]Record, []error) {
	x, err := e.opened()
	if err != nil {
		return nil, []error{err}
	}
	marked, err := e.names(e.late())
	if err != nil {
		return nil, []error{err}
	}
	late := ticketsOf(marked)
	open := slices.DeleteFunc(slices.Clone(x.names), func(n name) bool { return late[n.ticket] })
	return e.readAll(locatedIn(open, e.operations()), "")
}

// Records returns all records, the history with them.
func (e *Engine) Records() ([]Record, []error) {
	x, err := e.opened()
	if err != nil {
		return nil, []error{err}
	}
	lanes, err := e.journal.disk.list(e.history())
	if err != nil {
		return nil, []error{err}
	}
	all := locatedIn(x.names, e.operations())
	for _, lane := range lanes {
		if !lane.IsDir() {
			continue
		}
		past, err := e.names(e.pastOf(lane.Name()))
		if err != nil {
			return nil, []error{err}
		}
		all = append(all, locatedIn(past, e.pastOf(lane.Name()))...)
	}
	slices.SortStableFunc(all, func(a, b located) int { return byTicket(a.name, b.name) })
	// A rename is in the history of both its lanes.
	return e.readAll(slices.CompactFunc(all, func(a, b located) bool { return a.file == b.file }), "")
}

// Lane returns the records of one lane, oldest first, and what can't be read of it.
func (e *Engine) Lane(name string) ([]Record, []error) {
	all, err := e.inLane(short(name))
	if err != nil {
		return nil, []error{err}
	}
	return e.readAll(all, name)
}

// openInLane is Lane without the history.
func (e *Engine) openInLane(name string) ([]Record, []error) {
	x, err := e.opened()
	if err != nil {
		return nil, []error{err}
	}
	return e.readAll(locatedIn(x.lanes[short(name)], e.operations()), name)
}

func locatedIn(names []name, folder string) []located {
	all := make([]located, 0, len(names))
	for _, n := range names {
		all = append(all, located{n, folder})
	}
	return all
}

// readAll reads records, of a lane if one is named: two can have the same short name.
func (e *Engine) readAll(all []located, lane string) ([]Record, []error) {
	var records []Record
	var problems []error
	for _, l := range all {
		r, _, err := e.read(l.path())
		if errors.Is(err, fs.ErrNotExist) && l.folder == e.operations() && len(l.lanes) > 0 {
			r, _, err = e.read(filepath.Join(e.pastOf(l.lanes[0]), l.file)) // It moved meanwhile.
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // Pruned meanwhile.
		case err != nil:
			problems = append(problems, err)
		case lane == "" || slices.Contains(r.Lanes(), lane):
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

// Gone reports whether the process that carries an operation out has ended, and the one that was to answer.
func (e *Engine) Gone(r Record) bool {
	for _, owner := range []string{r.Owner, cmp.Or(r.Caller, r.Owner)} {
		if alive, _ := e.journal.alive(owner); alive {
			return false
		}
	}
	return true
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
