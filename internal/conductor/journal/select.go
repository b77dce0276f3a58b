// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"io/fs"
	"slices"
	"strings"
	"time"
)

// Newest returns the records of the newest operations, at most so many, oldest first, apart from them what can't be
// read, and reports whether there are older ones. It opens no others: a lane whose history has not changed since the
// oldest of them was accepted has no newer ones.
func (e *Engine) Newest(most int) (records []Record, more bool, problems []error) {
	x, err := e.opened()
	if err != nil {
		return nil, false, []error{err}
	}
	lanes, err := e.lanesOfHistory()
	if err != nil {
		return nil, false, []error{err}
	}
	newest := locatedIn(x.names, e.operations())
	keep := func() {
		slices.SortStableFunc(newest, func(a, b located) int { return byTicket(b.name, a.name) })
		newest = slices.CompactFunc(newest, func(a, b located) bool { return a.file == b.file }) // A rename is in two lanes.
		more = more || len(newest) > most
		newest = newest[:min(len(newest), most)]
	}
	keep()
	for _, lane := range lanes {
		if len(newest) == most && lane.changed.Add(racy).Before(acceptedAt(newest[most-1].ticket)) {
			more = true
			break
		}
		past, err := e.names(e.pastOf(lane.name))
		if err != nil {
			return nil, false, []error{err}
		}
		newest = append(newest, locatedIn(past, e.pastOf(lane.name))...)
		keep()
	}
	slices.Reverse(newest)
	records, problems = e.readAll(newest, "")
	return records, more, problems
}

// changedLane is a lane with a history, and when that last got or lost a record.
type changedLane struct {
	name    string
	changed time.Time
}

// lanesOfHistory returns the lanes that have a history, the last one changed first.
func (e *Engine) lanesOfHistory() ([]changedLane, error) {
	entries, err := e.journal.disk.list(e.history())
	lanes := make([]changedLane, 0, len(entries))
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode()&fs.ModeDir != 0 {
			lanes = append(lanes, changedLane{entry.Name(), info.ModTime()})
		}
	}
	slices.SortFunc(lanes, func(a, b changedLane) int { return b.changed.Compare(a.changed) })
	return lanes, err
}

// ByTicket returns the records whose tickets begin or end so, oldest first, and apart from them what can't be read.
// It opens no others.
func (e *Engine) ByTicket(part string) ([]Record, []error) {
	x, err := e.opened()
	if err != nil {
		return nil, []error{err}
	}
	lanes, err := e.lanesOfHistory()
	if err != nil {
		return nil, []error{err}
	}
	all := locatedIn(x.names, e.operations())
	for _, lane := range lanes {
		past, err := e.names(e.pastOf(lane.name))
		if err != nil {
			return nil, []error{err}
		}
		all = append(all, locatedIn(past, e.pastOf(lane.name))...)
	}
	all = slices.DeleteFunc(all, func(l located) bool { return !strings.HasPrefix(l.ticket, part) && !strings.HasSuffix(l.ticket, part) })
	slices.SortStableFunc(all, func(a, b located) int { return byTicket(a.name, b.name) })
	return e.readAll(slices.CompactFunc(all, func(a, b located) bool { return a.file == b.file }), "")
}
