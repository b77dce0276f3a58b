// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package pool bounds how many operations occupy an engine at once.
package pool

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/metrics"
)

// Pool carries out work in at most a fixed number of slots. Who asks first is admitted first,
// and who stops waiting leaves the queue. A Pool must be closed.
//
// The limit of the group is the only bound. Its Go blocks without looking at a context, and keeps no
// order: so callers wait in a queue, and one goroutine calls Go for them. What Go starts has a slot, and
// takes whoever is first in the queue by then.
type Pool struct {
	slots   int
	group   errgroup.Group
	askers  sync.WaitGroup // At most one: it calls the group's Go.
	waiting metrics.Meter

	mu    sync.Mutex
	queue []*job
	// owed is how often Go is still to be called, asking whether somebody does.
	owed   int
	asking bool
	// busy is how much work is in progress. It bounds nothing: it tells who has to wait from who has not.
	busy int
}

// job is work that waits for a slot, or has one.
type job struct {
	work    func() error
	done    chan error
	entered time.Time
	// late reports whether there was no slot when the job came.
	late bool
}

// New returns a pool of n slots, at least one.
func New(n int) *Pool {
	p := &Pool{slots: max(n, 1)}
	p.group.SetLimit(p.slots)
	return p
}

// Do waits for a slot, carries out work in it, and returns what work returned. If ctx ends
// before there is a slot, Do returns the context's error and work was not called. Once called,
// work is waited for: it honours ctx itself.
func (p *Pool) Do(ctx context.Context, work func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := p.enter(func() error { return work(ctx) })
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
	}
	if p.leave(j) {
		return ctx.Err()
	}
	return <-j.done
}

// enter puts work at the end of the queue, and sees to it that a slot is asked for.
func (p *Pool) enter(work func() error) *job {
	p.mu.Lock()
	defer p.mu.Unlock()
	j := &job{work: work, done: make(chan error, 1), entered: time.Now(), late: p.busy+len(p.queue) >= p.slots}
	p.queue = append(p.queue, j)
	p.owed++
	if !p.asking {
		p.asking = true
		p.askers.Go(p.ask)
	}
	return j
}

// leave takes a job out of the queue, and reports whether it was still there.
func (p *Pool) leave(j *job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.queue, j)
	if i < 0 {
		return false
	}
	p.queue = slices.Delete(p.queue, i, i+1)
	p.count(j)
	return true
}

// ask asks the group for a slot as often as somebody entered the queue.
func (p *Pool) ask() {
	for p.owes() {
		p.group.Go(p.turn)
	}
}

func (p *Pool) owes() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking = p.owed > 0
	if p.asking {
		p.owed--
	}
	return p.asking
}

// turn carries out the first job of the queue in the slot that the group gave. There is none for the
// turn of a job that has left.
func (p *Pool) turn() error {
	j := p.begin()
	if j == nil {
		return nil
	}
	err := j.work()
	p.end()
	j.done <- err
	return nil
}

func (p *Pool) begin() *job {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return nil
	}
	j := p.queue[0]
	p.queue = slices.Delete(p.queue, 0, 1)
	p.busy++
	p.count(j)
	return j
}

// end is called before anybody hears of the end of the work: who asks again then did not wait for it.
func (p *Pool) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
}

// count counts how a job that leaves the queue waited.
func (p *Pool) count(j *job) {
	if j.late {
		p.waiting.Waited(time.Since(j.entered))
	} else {
		p.waiting.AtOnce()
	}
}

// Waits returns how often a slot was asked for, and how it was waited for.
func (p *Pool) Waits() metrics.Waits { return p.waiting.Waits() }

// Close waits for the work in flight. No Do may be called any more.
func (p *Pool) Close() {
	p.askers.Wait()
	_ = p.group.Wait()
}
