// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
)

// poll is the pause between two looks at a lane that is taken. The kernel's locks keep no order
// and can't be waited for together with a context.
const poll = 50 * time.Millisecond

// Hold is the right of one operation to be in its lanes alone, among all processes that share the
// state directory. It must be released.
type Hold struct {
	// Waited says that other processes were before it.
	Waited bool

	locks []*flock.Flock
}

// Hold waits until the operation of this record is the first in all its lanes. The kernel's lock
// decides who is alone; the tickets decide who is first: whoever gets the lock yields to a living
// operation with a lower ticket. So no process starves behind another's operations.
func (e *Engine) Hold(ctx context.Context, r Record) (*Hold, error) {
	names := r.Lanes()
	slices.Sort(names) // Two operations in the same two lanes take them in one order.
	names = slices.CompactFunc(names, func(a, b string) bool { return short(a) == short(b) })
	waited := false
	for {
		hold := &Hold{Waited: waited}
		for _, name := range names {
			lock := flock.New(filepath.Join(e.lanes(), short(name)+".lock"), flock.SetPermissions(fileMode))
			taken, err := tryLock(lock)
			for ; err == nil && !taken; taken, err = tryLock(lock) {
				hold.Waited = true
				if err = rest(ctx); err != nil {
					break
				}
			}
			if err != nil {
				return nil, errors.Join(err, hold.Release())
			}
			hold.locks = append(hold.locks, lock)
		}
		if !e.behind(r) {
			return hold, nil
		}
		waited = true
		if err := hold.Release(); err != nil {
			return nil, err
		}
		if err := rest(ctx); err != nil {
			return nil, err
		}
	}
}

// rest is the pause before the next look; it fails when ctx ends.
func rest(ctx context.Context) error {
	select {
	case <-time.After(poll):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Release lets the next one in.
func (h *Hold) Release() error {
	var failures []error
	for _, lock := range h.locks {
		failures = append(failures, lock.Unlock())
	}
	h.locks = nil
	return errors.Join(failures...)
}

// behind reports whether another process's living operation in one of r's lanes was accepted before
// r, or may have been. The caller holds the lanes, so such an operation waits for its turn. Within a process its own
// lanes decide: to yield to an operation that waits for this one there would be a deadlock.
func (e *Engine) behind(r Record) bool {
	for _, name := range r.Lanes() {
		others, problems := e.openInLane(name)
		for _, problem := range problems {
			if unreadable := (*UnreadableError)(nil); errors.As(problem, &unreadable) && filepath.Base(unreadable.Path) < r.fileName() && e.mayLive(unreadable) {
				return true
			}
		}
		for _, other := range others {
			if other.InProgress() && other.Awaits == "" && other.Owner != e.journal.owner && other.ticket() < r.ticket() && e.Alive(other) {
				return true
			}
		}
	}
	return false
}
