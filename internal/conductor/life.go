// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"sync"
)

// errOrphaned ends the operations of a process whose Terraform is gone.
var errOrphaned = errors.New("the Terraform that asked for it is gone")

// life knows the operations that a conductor carries out, and can end them all.
type life struct {
	mu      sync.Mutex
	running map[*context.CancelCauseFunc]bool
	// ended says why no operation is carried out any more; nil as long as they are.
	ended error
	// idle is closed when nothing runs after the end.
	idle chan struct{}
}

// join has an operation end together with the life. The caller must call leave.
func (l *life) join(ctx context.Context) (joined context.Context, leave func()) {
	joined, cancel := context.WithCancelCause(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running == nil {
		l.running = make(map[*context.CancelCauseFunc]bool)
	}
	l.running[&cancel] = true
	if l.ended != nil {
		cancel(l.ended)
	}
	return joined, func() {
		cancel(nil)
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.running, &cancel)
		if l.idle != nil && len(l.running) == 0 {
			close(l.idle)
			l.idle = nil
		}
	}
}

// end cancels all operations, and returns what is closed when they have ended. It is called once.
func (l *life) end(cause error) (idle <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = cause
	ended := make(chan struct{})
	if len(l.running) == 0 {
		close(ended)
		return ended
	}
	l.idle = ended
	for cancel := range l.running {
		(*cancel)(cause)
	}
	return ended
}

// Orphan ends all operations, since nobody takes their answers any more, as Ctrl-C does, and waits for that
// as long as ctx lasts. What the background conductor has begun goes on. Only Close may follow.
func (s *shared) Orphan(ctx context.Context) {
	select {
	case <-s.life.end(errOrphaned):
	case <-ctx.Done():
		s.opts.Logger.Warn("operations are left in the middle: the Terraform that asked for them is gone")
	}
}
