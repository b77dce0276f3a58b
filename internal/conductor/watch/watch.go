// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package watch wakes those who wait for a container, from one event stream per engine.
//
// An event only says that it is worth while to look: who is woken inspects the container and
// judges by that. So a lost, late or doubled event does no harm but for the delay, and that is
// bounded by a regular look at all containers that somebody waits for.
package watch

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Event says that something happened to a container.
type Event struct {
	// ID is the container's ID.
	ID string
	// TimeNano is the engine's clock, in nanoseconds since 1970.
	TimeNano int64
}

// Source is the engine as a watcher needs it.
type Source interface {
	// Events opens the stream of events that can end a wait. It returns when the stream is
	// open. With since (the TimeNano of an event) the engine repeats what came after it. The
	// stream's end closes the channel; ctx ends the stream.
	Events(ctx context.Context, since int64) (<-chan Event, error)
	// Noteworthy lists which of these containers are worth a look: gone, not running, or
	// running with a health that is decided. One call for all.
	Noteworthy(ctx context.Context, ids []string) ([]string, error)
}

// Options of a watcher.
type Options struct {
	// Sweep is the time between two looks at all containers that somebody waits for.
	Sweep time.Duration
	// Reopen is the pause before a broken stream is opened again.
	Reopen time.Duration
	Logger hclog.Logger
}

// Watcher reads the event stream. It opens it when somebody first waits. A Watcher must be closed.
type Watcher struct {
	source Source
	opts   Options

	start   sync.Once
	opened  chan struct{}
	ctx     context.Context // Ends with Close; the reader and the sweeper run in it.
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	waiting  map[*Subscription]struct{}
	occupied chan struct{} // Has a value when the first one came to wait.
}

// Subscription is somebody who waits for a container.
type Subscription struct {
	watcher *Watcher
	id      string
	wake    chan struct{}
}

// New makes a watcher of an engine.
func New(source Source, opts Options) *Watcher {
	ctx, cancel := context.WithCancel(context.Background())
	return &Watcher{
		source: source, opts: opts, opened: make(chan struct{}), ctx: ctx, cancel: cancel,
		waiting: make(map[*Subscription]struct{}), occupied: make(chan struct{}, 1),
	}
}

// Watch subscribes to a container's events. When it returns, the stream is open (or broken, and
// the sweep stands in): nothing that happens from now on is missed. The subscription must be
// closed.
func (w *Watcher) Watch(ctx context.Context, id string) (*Subscription, error) {
	s := &Subscription{watcher: w, id: id, wake: make(chan struct{}, 1)}
	w.mu.Lock()
	w.waiting[s] = struct{}{}
	w.mu.Unlock()
	select {
	case w.occupied <- struct{}{}:
	default:
	}
	w.start.Do(func() {
		w.running.Go(w.read)
		w.running.Go(w.sweep)
	})
	select {
	case <-w.opened:
		return s, nil
	case <-ctx.Done():
		s.Close()
		return nil, context.Cause(ctx)
	}
}

// Wake has a value when something may have happened since it was last read.
func (s *Subscription) Wake() <-chan struct{} { return s.wake }

// Close ends the subscription.
func (s *Subscription) Close() {
	s.watcher.mu.Lock()
	defer s.watcher.mu.Unlock()
	delete(s.watcher.waiting, s)
}

// Close ends the stream and waits for the reader's end. No Watch may be called any more.
func (w *Watcher) Close() {
	w.cancel()
	w.running.Wait()
}

// read holds the stream open for the watcher's life.
func (w *Watcher) read() {
	opened := sync.OnceFunc(func() { close(w.opened) })
	var since int64
	for again := false; w.ctx.Err() == nil; again = true {
		events, err := w.source.Events(w.ctx, since)
		opened()
		if err == nil {
			if again {
				// What happened while the stream was broken may be past the
				// engine's memory of events.
				w.wakeAll()
			}
			// The engine drops events for slow readers: nothing in this loop blocks.
			for event := range events {
				since = max(since, event.TimeNano)
				w.wakeOne(event.ID)
			}
		}
		if w.ctx.Err() != nil {
			return
		}
		w.opts.Logger.Debug("the event stream broke", "error", err, "reopen_in", w.opts.Reopen)
		pause(w.ctx, w.opts.Reopen)
	}
}

// sweep looks at all containers that somebody waits for, as long as anybody does.
func (w *Watcher) sweep() {
	for {
		select {
		case <-w.occupied:
		case <-w.ctx.Done():
			return
		}
		for {
			pause(w.ctx, w.opts.Sweep)
			ids := w.ids()
			if len(ids) == 0 || w.ctx.Err() != nil {
				break
			}
			noteworthy, err := w.source.Noteworthy(w.ctx, ids)
			if err != nil {
				w.opts.Logger.Debug("a look at the waiting containers failed", "error", err)
				continue
			}
			for _, id := range noteworthy {
				w.wakeOne(id)
			}
		}
	}
}

func (w *Watcher) ids() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := make(map[string]bool, len(w.waiting))
	var ids []string
	for s := range w.waiting {
		if !seen[s.id] {
			seen[s.id] = true
			ids = append(ids, s.id)
		}
	}
	return ids
}

func (w *Watcher) wakeOne(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.waiting {
		if s.id == id {
			s.notify()
		}
	}
}

func (w *Watcher) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.waiting {
		s.notify()
	}
}

// notify never blocks: one value in the channel stands for any number of events.
func (s *Subscription) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
