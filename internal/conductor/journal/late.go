// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// keepLate is how many late failures stay among the open operations, the newest: there an older gantry looks
	// for them. The others are in the history.
	keepLate = 100
	// mostCounted is how many of those in the history are counted.
	mostCounted = 1000
)

// Late are the failures of casts that nothing has settled since.
type Late struct {
	// Records are the newest of them, oldest first.
	Records []Record
	// More says that there are more than Count tells.
	More bool
	// Unread says how many records of an older gantry have not been looked at yet: that is done bit by bit.
	Unread int
	// Problems are why records can't be read, a few of them; Unreadable is how many there are.
	Problems   []error
	Unreadable int

	// tickets are those that were counted, and parts where all are.
	tickets map[string]bool
	parts   []*Engine
}

// Count is how many there are, as far as they were counted.
func (l *Late) Count() int { return len(l.tickets) }

// Has reports whether an operation is one of them.
func (l *Late) Has(operationID string) bool {
	return l.tickets[Ticket(operationID)] || l.More && slices.ContainsFunc(l.parts, func(e *Engine) bool {
		_, err := os.Stat(e.unsettledMark(operationID))
		return err == nil
	})
}

// Late returns the newest failures of casts that nothing has settled, at most so many, and counts the
// others. Those are known by their marks: only what has none is opened, and that for a bounded time.
func (e *Engine) Late(most int, takes time.Duration) (Late, error) {
	late, err := e.ownLate(most, takes)
	if err != nil {
		return Late{}, err
	}
	for _, before := range e.former() {
		old, err := before.ownLate(most, takes)
		if err != nil {
			return Late{}, err
		}
		late.add(old, most)
	}
	return late, nil
}

// ownLate is Late without what the engine had under other host names.
func (e *Engine) ownLate(most int, takes time.Duration) (Late, error) {
	x, err := e.opened()
	if err != nil {
		return Late{}, err
	}
	marked, shelved, more, err := e.lateNames()
	if err != nil {
		return Late{}, err
	}
	known := ticketsOf(marked)
	late := Late{More: more, tickets: ticketsOf(shelved), parts: []*Engine{e}}
	all := shelved
	giveUp := time.Now().Add(takes)
	for _, n := range slices.Backward(x.names) {
		isLate := known[n.ticket]
		if !isLate && time.Now().After(giveUp) {
			late.Unread++
			continue
		}
		if !isLate {
			isLate, err = e.examine(n)
		}
		if err != nil {
			late.problem(err, most)
			err = nil
		}
		if isLate && !late.tickets[n.ticket] {
			late.tickets[n.ticket] = true
			all = append(all, n)
		}
	}
	slices.SortStableFunc(all, func(a, b name) int { return byTicket(b, a) })
	for _, n := range all {
		if len(late.Records) == most {
			break
		}
		r, err := e.readLate(n)
		switch {
		case err == nil && e.isLate(r):
			late.Records = append(late.Records, r)
		case err == nil || errors.Is(err, fs.ErrNotExist): // It was settled, by an older gantry perhaps.
			delete(late.tickets, n.ticket)
			e.unmark(n)
		default:
			late.problem(err, most)
		}
	}
	slices.Reverse(late.Records)
	return late, nil
}

// lateNames names the records of late failures: those that have a mark, and those in the history of their lanes, of
// which there may be more.
func (e *Engine) lateNames() (marked, shelved []name, more bool, err error) {
	if marked, err = e.names(e.late()); err != nil {
		return nil, nil, false, err
	}
	shelved, more, err = e.unsettledNames(mostCounted)
	return marked, shelved, more, err
}

// LateSince returns the late failures of operations that were accepted since a time, oldest first, and apart from them
// what can't be read. It opens no others.
func (e *Engine) LateSince(since time.Time) (records []Record, problems []error) {
	marked, shelved, _, err := e.lateNames()
	if err != nil {
		return nil, []error{err}
	}
	known := ticketsOf(marked)
	for _, n := range shelved {
		if !known[n.ticket] {
			marked = append(marked, n)
		}
	}
	slices.SortStableFunc(marked, byTicket)
	for _, n := range marked {
		if acceptedAt(n.ticket).Before(since) {
			continue
		}
		r, err := e.readLate(n)
		switch {
		case err == nil:
			records = append(records, r)
		case !errors.Is(err, fs.ErrNotExist): // Its mark is left behind.
			problems = append(problems, err)
		}
	}
	return records, problems
}

func ticketsOf(names []name) map[string]bool {
	tickets := make(map[string]bool, len(names))
	for _, n := range names {
		tickets[n.ticket] = true
	}
	return tickets
}

// readLate reads the record of a late failure: among the open operations, or in the history of its first lane.
func (e *Engine) readLate(n name) (Record, error) {
	r, _, err := e.read(filepath.Join(e.operations(), n.stem()+".json"))
	if !errors.Is(err, fs.ErrNotExist) || len(n.lanes) == 0 {
		return r, err
	}
	where, found, err := e.inPast(n.lanes[0], n.ticket)
	if err == nil && !found {
		err = fs.ErrNotExist
	}
	if err == nil {
		r, _, err = e.read(where.path())
	}
	return r, err
}

// add adds those of another part of the journal.
func (l *Late) add(other Late, most int) {
	maps.Copy(l.tickets, other.tickets)
	l.parts = append(l.parts, other.parts...)
	l.More = l.More || other.More
	l.Records = append(l.Records, other.Records...)
	slices.SortStableFunc(l.Records, func(a, b Record) int { return cmp.Compare(a.ticket(), b.ticket()) })
	l.Records = l.Records[max(0, len(l.Records)-most):]
	l.Unread += other.Unread
	l.Unreadable += other.Unreadable
	l.Problems = append(l.Problems, other.Problems...)
	l.Problems = l.Problems[:min(len(l.Problems), most)]
}

func (l *Late) problem(err error, most int) {
	l.Unreadable++
	if len(l.Problems) < most {
		l.Problems = append(l.Problems, err)
	}
}

// isLate reports whether a record is of a cast that failed, or whose process died, and that nothing has
// settled.
func (e *Engine) isLate(r Record) bool {
	return r.Cast && (r.Unsettled() || r.InProgress() && !e.Alive(r))
}

// markLate marks a record that isLate, and takes the mark from any other. The mark only says what to open.
func (e *Engine) markLate(r Record, where located) {
	mark := filepath.Join(e.late(), where.stem()+".json")
	if where.folder != e.operations() {
		mark = e.unsettledMark(r.ID)
	}
	if !e.isLate(r) {
		e.unmark(where.name)
		return
	}
	_ = touch(mark)
}

// unmark takes the marks of a late failure away.
func (e *Engine) unmark(n name) {
	_ = remove(filepath.Join(e.late(), n.stem()+".json"))
	if len(n.lanes) > 0 {
		_ = remove(filepath.Join(e.unsettled(), n.ticket+"."+n.lanes[0]))
	}
}

// unsettledMark is the mark of a late failure in the history.
func (e *Engine) unsettledMark(id string) string {
	_, lane, ticket, _ := SplitID(id)
	return filepath.Join(e.unsettled(), ticket+"."+short(lane))
}

// unsettledNames returns what the marks of late failures in the history name, some of them if there are more.
func (e *Engine) unsettledNames(most int) (names []name, more bool, err error) {
	files, more, err := e.journal.disk.some(e.unsettled(), most)
	for _, file := range files {
		if n, ok := parseStem(file); ok && len(n.lanes) == 1 {
			names = append(names, n)
		}
	}
	return names, more, err
}

func touch(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	return file.Close()
}
