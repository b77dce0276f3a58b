// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package pool bounds how many operations occupy an engine at once.
package pool

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/count"
)

// Pool carries out work in at most a fixed number of slots. Who asks first is admitted first,
// and who stops waiting leaves the queue. A Pool must be closed.
type Pool struct {
	// The group carries the work, but its Go blocks without looking at a context; so the
	// semaphore, which does look, decides who may call it.
	admission *semaphore.Weighted
	group     errgroup.Group
	waits     count.Meter
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
	if err := p.admit(ctx); err != nil {
		return err
	}
	done := make(chan error, 1)
	// The group's slot becomes free an instant after the admission was released; Go can
	// block for that instant, and no longer.
	p.group.Go(func() error {
		// The slot is free before anybody hears of the end: who asks again then has it at once.
		done <- p.holding(ctx, work)
		return nil
	})
	return <-done
}

// holding carries out work, and gives the slot back.
func (p *Pool) holding(ctx context.Context, work func(context.Context) error) error {
	defer p.admission.Release(1)
	return work(ctx)
}

// admit waits for a slot.
func (p *Pool) admit(ctx context.Context) error {
	if p.admission.TryAcquire(1) {
		p.waits.AtOnce()
		return nil
	}
	began := time.Now()
	err := p.admission.Acquire(ctx, 1)
	p.waits.Waited(time.Since(began))
	return err
}

// Waits says how often a slot was asked for, and how it was waited for.
func (p *Pool) Waits() count.Waits { return p.waits.Waits() }

// Close waits for the work in flight. No Do may be called any more.
func (p *Pool) Close() { _ = p.group.Wait() }
