// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
)

const (
	// changeTakes bounds the wait for somebody else who changes a record of the lane, which
	// takes a few milliseconds: a process that was stopped in the middle must not stop all others.
	changeTakes = 10 * time.Second
	changePoll  = time.Millisecond
)

// lockChanges keeps others from accepting and changing operations of these lanes. Two who need the same
// lanes take them in one order.
func (e *Engine) lockChanges(lanes ...string) (release func(), err error) {
	var locks []*flock.Flock
	release = func() {
		for _, lock := range locks {
			_ = lock.Unlock()
		}
	}
	for _, lane := range shorts(lanes) {
		lock, held, err := e.lockChange(lane)
		if err == nil && !held {
			err = fmt.Errorf("another process has been changing a record of the same name for %s: is it stopped?", changeTakes)
		}
		if err != nil {
			release()
			return nil, err
		}
		locks = append(locks, lock)
	}
	return release, nil
}

// lockRecord keeps others from changing a record. Where somebody has been at it for long, the change is
// made all the same: what happened must be told.
func (e *Engine) lockRecord(id string) (release func(), err error) {
	_, lane, _, err := SplitID(id)
	if err != nil {
		return nil, err
	}
	lock, _, err := e.lockChange(short(lane))
	if err != nil {
		return nil, err
	}
	return func() { _ = lock.Unlock() }, nil
}

// lockChange takes the lock for changes in a lane; it is not held if that took too long.
func (e *Engine) lockChange(lane string) (lock *flock.Flock, held bool, err error) {
	lock = flock.New(filepath.Join(e.lanes(), lane+".change"), flock.SetPermissions(fileMode))
	for giveUp := time.Now().Add(changeTakes); ; time.Sleep(changePoll) {
		held, err := tryLock(lock)
		if err != nil {
			return nil, false, &UnusableError{e.journal.dir, fmt.Errorf("locking the records of a name: %w", err)}
		}
		if held || time.Now().After(giveUp) {
			return lock, held, nil
		}
	}
}

// tryLock takes a lock, if it is free and still the one that others find: the lock files of a lane that is
// long unused are deleted by whoever holds them.
func tryLock(lock *flock.Flock) (bool, error) {
	for {
		held, err := lock.TryLock()
		if err != nil || !held || current(lock) {
			return held, err
		}
		if err := lock.Unlock(); err != nil {
			return false, err
		}
	}
}

// current reports whether the file that a lock holds is still the one at its path.
func current(lock *flock.Flock) bool {
	held, err := lock.Stat()
	if err != nil {
		return false
	}
	found, err := os.Stat(lock.Path())
	return err == nil && os.SameFile(held, found)
}

// dropLock deletes a lock file that nobody needs, as unused tells while it is held. Where the name of a file
// stays as long as it is open, it goes only if nobody else has it open.
func (e *Engine) dropLock(path string, unused func() bool) error {
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	held, err := lock.TryLock()
	if errors.Is(err, fs.ErrNotExist) || err == nil && !held {
		return nil
	}
	if err != nil {
		return err
	}
	if !current(lock) || !unused() {
		return lock.Unlock()
	}
	removed := e.journal.disk.remove(path)
	if err := lock.Unlock(); err != nil || removed == nil {
		return err
	}
	_ = e.journal.disk.remove(path)
	return nil
}

// shorts are the short names of lanes, each once, in the order in which they are locked.
func shorts(lanes []string) []string {
	var all []string
	for _, lane := range lanes {
		all = append(all, short(lane))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
