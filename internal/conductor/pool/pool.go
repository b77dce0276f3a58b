// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package pool bounds how many operations occupy an engine at once.
package pool

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// Pool carries out work in at most a fixed number of slots. Who asks first is admitted first,
// and who stops waiting leaves the queue. A Pool must be closed.
type Pool struct {
	// The group carries the work, but its Go blocks without looking at a context; so the
	// semaphore, which does look, decides who may call it.
	admission *semaphore.Weighted
	group     errgroup.Group

	admitted  atomic.Int64
	saturated atomic.Int64
}

// New makes a pool of n slots, at least one.
func New(n int) *Pool {
	n = max(n, 1)
	p := &Pool{admission: semaphore.NewWeighted(int64(n))}
	p.group.SetLimit(n)
	return p
}

// Do waits for a slot, carries out work in it, and returns what work returned. If ctx ends
// before there is a slot, Do returns the context's error and work was not called. Once called,
// work is waited for: it honours ctx itself.
func (p *Pool) Do(ctx context.Context, work func(context.Context) error) error {
	if !p.admission.TryAcquire(1) {
		p.saturated.Add(1)
		if err := p.admission.Acquire(ctx, 1); err != nil {
			return err
		}
	}
	p.admitted.Add(1)
	done := make(chan error, 1)
	// The group's slot becomes free an instant after the admission was released; Go can
	// block for that instant, and no longer.
	p.group.Go(func() error {
		defer p.admission.Release(1)
		done <- work(ctx)
		return nil
	})
	return <-done
}

// Stats counts since the pool was made.
type Stats struct {
	// Admitted is how many pieces of work got a slot.
	Admitted int64
	// Saturated is how many of those who asked found no free slot.
	Saturated int64
}

// Stats says how often the pool was used, and how often it was full.
func (p *Pool) Stats() Stats {
	return Stats{Admitted: p.admitted.Load(), Saturated: p.saturated.Load()}
}

// Close waits for the work in flight. No Do may be called any more.
func (p *Pool) Close() { _ = p.group.Wait() }
