// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// justEnded is how long a record stays where whoever watches looks for what is open.
const justEnded = time.Minute

// examine looks at a record among the open ones, and puts it where it belongs: a late failure gets its
// mark, what has ended goes into the history.
func (e *Engine) examine(n name) (isLate bool, err error) {
	where := located{n, e.operations()}
	r, _, err := e.read(where.path())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch {
	case e.isLate(r):
		e.markLate(r, where)
		return true, nil
	case len(n.lanes) > 0 && e.rests(r):
		return false, e.shelve(n, e.rests)
	}
	return false, nil
}

// rests reports whether a record concerns nobody but the next operation of its lanes, which finds it in the history:
// it has ended, though it may have left something, and whoever may still answer for it is gone.
func (e *Engine) rests(r Record) bool {
	if r.InProgress() || e.isLate(r) || r.Outcome != Interrupted && time.Since(r.Ended).Abs() <= justEnded {
		return false // When its process died, nobody knows.
	}
	return e.over(r) || e.Gone(r)
}

// over reports whether nothing follows from a record any more.
func (e *Engine) over(r Record) bool {
	if r.stays() {
		return false
	}
	_, open, _ := e.Mark(r.ID)
	return !open
}

// shelve moves a record into the history of its lanes, if it still may, and its open mark with it. It is a rename
// within one file system: after a crash of the machine it is in one place or the other, and whoever looks, looks at
// both.
func (e *Engine) shelve(n name, may func(Record) bool) error {
	lock, held, err := e.lockChange(n.lanes[0])
	if err != nil {
		return err
	}
	defer func() { _ = lock.Unlock() }()
	from := filepath.Join(e.operations(), n.file)
	r, content, err := e.read(from)
	if err != nil || !held || !may(r) {
		return ignoreMissing(err)
	}
	for _, lane := range n.lanes {
		err = errors.Join(err, os.MkdirAll(e.pastOf(lane), folderMode))
	}
	for _, lane := range n.lanes[1:] {
		err = errors.Join(err, e.journal.disk.replace(filepath.Join(e.pastOf(lane), n.file), content, true))
	}
	if err != nil {
		return err
	}
	open := n.ticket + "." + n.lanes[0] + markSuffix
	err = ignoreMissing(e.journal.disk.rename(filepath.Join(e.operations(), open), filepath.Join(e.pastOf(n.lanes[0]), open)))
	if err != nil {
		return err
	}
	return e.journal.disk.rename(from, filepath.Join(e.pastOf(n.lanes[0]), n.file))
}

// shelveLate moves late failures into the history of their lanes. Their marks there are durable before: nothing else
// would tell of them.
func (e *Engine) shelveLate(names []name) error {
	var failures []error
	var marked []name
	for _, n := range names {
		if len(n.lanes) == 0 {
			continue
		}
		err := touch(filepath.Join(e.unsettled(), n.ticket+"."+n.lanes[0]))
		if err == nil {
			marked = append(marked, n)
		}
		failures = append(failures, err)
	}
	if err := syncFolder(e.unsettled()); err != nil {
		return errors.Join(append(failures, err)...)
	}
	for _, n := range marked {
		err := e.shelve(n, func(r Record) bool { return e.isLate(r) && !r.InProgress() })
		if err == nil {
			err = remove(filepath.Join(e.late(), n.file))
		}
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}
