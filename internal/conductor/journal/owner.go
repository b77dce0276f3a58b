// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// errClosed is what a journal says that has given up its ownership.
var errClosed = errors.New("the journal is closed")

// Register takes the owner's lock, which says that this process lives, and returns the owner's name.
func (j *Journal) Register() (string, error) {
	j.own.Lock()
	defer j.own.Unlock()
	if j.lock != nil {
		return j.owner, nil
	}
	if j.closed {
		return "", errClosed
	}
	lock := flock.New(j.ownerLock(j.owner), flock.SetPermissions(fileMode))
	if ok, err := lock.TryLock(); err != nil || !ok {
		return "", &UnusableError{j.dir, fmt.Errorf("taking the owner's lock: %w", cmpErr(err, errors.New("it is held")))}
	}
	j.lock = lock
	return j.owner, nil
}

func (j *Journal) ownerLock(owner string) string {
	return filepath.Join(j.owners(), owner+".lock")
}

// Close gives up ownership: records that have not ended are then dead. The end is told in the lock
// file before the lock is released, since not every system lets go of the name of a file that is
// open: whoever finds the file later knows that nobody crashed.
func (j *Journal) Close() error {
	j.own.Lock()
	defer j.own.Unlock()
	j.closed = true
	if j.lock == nil {
		return nil
	}
	path := j.lock.Path()
	told := tellEnd(path)
	removed := j.disk.remove(path)
	unlocked := j.lock.Unlock()
	j.lock = nil
	if removed != nil {
		removed = j.disk.remove(path)
	}
	if told == nil { // Then it need not be gone.
		return unlocked
	}
	return errors.Join(unlocked, removed)
}

// endOffset is behind the byte that the lock covers where locks are mandatory.
const endOffset = 1

func tellEnd(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	_, err = file.WriteAt([]byte("ended\n"), endOffset)
	return errors.Join(err, file.Close())
}

// alive reports whether an owner's process lives, and crashed whether its end was not an orderly one.
// Both "not alive" and "crashed" are final.
func (j *Journal) alive(owner string) (alive, crashed bool) {
	if owner == j.owner {
		return true, false
	}
	if known, ok := j.dead.Load(owner); ok {
		return false, known == true
	}
	path := j.ownerLock(owner)
	// Shared, so that two who look at the same time don't take each other for the owner.
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	ok, err := lock.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil || !ok:
		// What can't be found out counts as alive: nothing is taken from the living.
		return true, false
	default:
		info, err := lock.Stat()
		crashed = err == nil && info.Size() == 0
		_ = lock.Unlock()
	}
	j.dead.Store(owner, crashed)
	return false, crashed
}

// pruneOwners drops what owners left that crashed before a time, or that ended in order.
func (j *Journal) pruneOwners(before time.Time) error {
	entries, err := j.disk.list(j.owners())
	if err != nil {
		return err
	}
	var failures []error
	for _, entry := range entries {
		owner, isLock := strings.CutSuffix(entry.Name(), ".lock")
		info, err := entry.Info()
		if !isLock || err != nil || info.Size() == 0 && info.ModTime().After(before) {
			continue
		}
		if alive, _ := j.alive(owner); alive {
			continue
		}
		if err := j.disk.remove(j.ownerLock(owner)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}
