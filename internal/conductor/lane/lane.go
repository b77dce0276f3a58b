// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package lane keeps the operations of each container in order: one at a time, first come first
// served.
package lane

import (
	"context"
	"slices"
	"sync"
)

// Set holds lanes by key. A lane exists while somebody is in it. The zero value is ready.
type Set[K comparable] struct {
	mu sync.Mutex
	// queues holds for each lane who came, in order; the first one may be inside.
	// Invariant: a Pass stands in the queues of all its lanes or of none, and any two Passes
	// stand in the same order wherever they meet. So there is always one that can go on.
	queues map[K][]*Pass[K]
}

// Pass is the right to be in one or more lanes alone.
type Pass[K comparable] struct {
	set   *Set[K]
	lanes []K
	// turn is closed when the pass is let in.
	turn   chan struct{}
	inside bool
	behind bool
}

// Queue takes a place in all the lanes at once, behind whoever came before. Who queued must Wait, and
// who was let in must Leave. How the operations before it ended is nothing to a lane.
func (s *Set[K]) Queue(lanes ...K) *Pass[K] {
	p := &Pass[K]{set: s, lanes: unique(lanes), turn: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues == nil {
		s.queues = make(map[K][]*Pass[K])
	}
	for _, lane := range p.lanes {
		s.queues[lane] = append(s.queues[lane], p)
	}
	s.admit(p)
	p.behind = !p.inside
	return p
}

// Behind reports whether others were in the pass's lanes when it queued.
func (p *Pass[K]) Behind() bool { return p.behind }

// Wait waits until it is the pass's turn in all its lanes. It fails with the context's error if ctx
// ends first; the pass has left the queue then.
func (p *Pass[K]) Wait(ctx context.Context) error {
	select {
	case <-p.turn:
		return nil
	case <-ctx.Done():
		p.Leave()
		return context.Cause(ctx)
	}
}

// Leave ends the pass, also one that was not let in yet. The next one of each of its lanes is let in.
func (p *Pass[K]) Leave() {
	p.set.mu.Lock()
	defer p.set.mu.Unlock()
	p.set.drop(p)
}

// Again takes a new place in the lanes of a pass that has left.
func (p *Pass[K]) Again() *Pass[K] { return p.set.Queue(p.lanes...) }

// drop takes p out of its lanes and lets in whoever can go on. The caller holds mu.
func (s *Set[K]) drop(p *Pass[K]) {
	var next []*Pass[K]
	for _, lane := range p.lanes {
		queue := slices.DeleteFunc(s.queues[lane], func(q *Pass[K]) bool { return q == p })
		if len(queue) == 0 {
			delete(s.queues, lane)
			continue
		}
		s.queues[lane] = queue
		next = append(next, queue[0])
	}
	for _, q := range next {
		s.admit(q)
	}
}

// admit lets p in if it is first in all its lanes. The caller holds mu.
func (s *Set[K]) admit(p *Pass[K]) {
	if p.inside {
		return
	}
	for _, lane := range p.lanes {
		if s.queues[lane][0] != p {
			return
		}
	}
	p.inside = true
	close(p.turn)
}

func unique[K comparable](lanes []K) []K {
	var kept []K
	for _, lane := range lanes {
		if !slices.Contains(kept, lane) {
			kept = append(kept, lane)
		}
	}
	return kept
}
