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

// Late are the failures of casts that nothing has settled since.
type Late struct {
	// Records are the newest of them, oldest first.
	Records []Record
	// tickets are those of all.
	tickets map[string]bool
	// Unread says how many records of an older gantry have not been looked at yet: that is done bit by bit.
	Unread int
	// Problems are why records can't be read, a few of them; Unreadable is how many there are.
	Problems   []error
	Unreadable int
}

// Count is how many there are.
func (l *Late) Count() int { return len(l.tickets) }

// Has reports whether an operation is one of them.
func (l *Late) Has(operationID string) bool { return l.tickets[Ticket(operationID)] }

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
	marked, err := e.names(e.late())
	if err != nil {
		return Late{}, err
	}
	known := make(map[string]bool, len(marked))
	for _, n := range marked {
		known[n.ticket] = true
	}
	late := Late{tickets: make(map[string]bool)}
	var names []name
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
		if isLate {
			late.tickets[n.ticket] = true
			names = append(names, n)
		}
	}
	for _, n := range names {
		if len(late.Records) == most {
			break
		}
		r, _, err := e.read(filepath.Join(e.operations(), n.file))
		switch {
		case err == nil && e.isLate(r):
			late.Records = append(late.Records, r)
		case err == nil || errors.Is(err, fs.ErrNotExist): // It was settled, by an older gantry perhaps.
			delete(late.tickets, n.ticket)
			_ = remove(filepath.Join(e.late(), n.file))
		default:
			late.problem(err, most)
		}
	}
	slices.Reverse(late.Records)
	return late, nil
}

// add adds those of another part of the journal.
func (l *Late) add(other Late, most int) {
	maps.Copy(l.tickets, other.tickets)
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

// justEnded is how long a record stays where whoever watches looks for what is open.
const justEnded = time.Minute

// examine looks at a record among the open ones, and puts it where it belongs: a late failure gets its
// mark, what is over goes into the history.
func (e *Engine) examine(n name) (isLate bool, err error) {
	r, _, err := e.read(filepath.Join(e.operations(), n.file))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch {
	case e.isLate(r):
		e.markLate(r)
		return true, nil
	case len(n.lanes) > 0 && e.over(r) && time.Since(r.Ended).Abs() > justEnded:
		return false, e.shelve(n)
	}
	return false, nil
}

// over reports whether nothing follows from a record any more. A call that was interrupted concerns
// nobody but the next operation of its lane, which finds it in the history, unless what it made is open.
func (e *Engine) over(r Record) bool {
	if r.stays() {
		return false
	}
	_, open, _ := e.Mark(r.ID)
	return !open
}

// markLate marks a record that isLate, and takes the mark from any other. The mark only says what to open.
func (e *Engine) markLate(r Record) {
	mark := filepath.Join(e.late(), r.fileName())
	if !e.isLate(r) {
		_ = remove(mark)
		return
	}
	if file, err := os.OpenFile(mark, os.O_CREATE|os.O_WRONLY, fileMode); err == nil {
		_ = file.Close()
	}
}

// shelve moves a record into the history of its lanes. It is a rename within one file system: after a crash
// of the machine it is in one place or the other, and whoever looks, looks at both.
func (e *Engine) shelve(n name) error {
	lock, held, err := e.lockChange(n.lanes[0])
	if err != nil {
		return err
	}
	defer func() { _ = lock.Unlock() }()
	from := filepath.Join(e.operations(), n.file)
	r, content, err := e.read(from)
	if err != nil || !held || !e.over(r) {
		return ignoreMissing(err)
	}
	for _, lane := range n.lanes {
		err = errors.Join(err, os.MkdirAll(e.pastOf(lane), folderMode))
	}
	for _, lane := range n.lanes[1:] {
		err = errors.Join(err, replace(filepath.Join(e.pastOf(lane), n.file), content, true))
	}
	if err != nil {
		return err
	}
	return rename(from, filepath.Join(e.pastOf(n.lanes[0]), n.file))
}
