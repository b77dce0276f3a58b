// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package pull lets many callers who need the same image share one pull, and bounds how many
// images are pulled at once.
package pull

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/metrics"
)

// ErrStalled ends a pull that made no progress for too long.
var ErrStalled = errors.New("the pull made no progress for too long")

// Progress is how far a pull is.
type Progress struct {
	// Done and Total are bytes of the layers known so far; they grow as layers turn up.
	Done, Total int64
	// Layers are those known so far, Complete those that the engine has.
	Layers, Complete int
}

// Result is what a pull brought.
type Result struct {
	// Digest is the image's digest at its registry ("sha256:…"), if the registry said it.
	Digest string
}

// Func pulls one image. It reports whatever shows that the pull goes on, and honours ctx.
type Func func(ctx context.Context, report func(Progress)) (Result, error)

// Group shares pulls by key. A Group must be closed.
type Group struct {
	slots *semaphore.Weighted
	stall time.Duration

	mu      sync.Mutex
	clock   Mark
	flights map[string]*flight
	ended   map[string]*flight
	running sync.WaitGroup

	coalesced atomic.Int64
	waits     metrics.Meter
}

// Mark is a point in the order of a group's pulls.
type Mark uint64

// flight is one pull in progress. Its fields but the channels and cancel belong to Group.mu.
type flight struct {
	callers   int
	most      int
	observers map[int]func(Progress)
	// last is what was reported last, for those who join later.
	last   Progress
	cancel context.CancelCauseFunc
	done   chan struct{}
	// result and err are set before done is closed; mark is when that was.
	result Result
	err    error
	mark   Mark
}

// New makes a group that pulls at most n images at once, and gives up a pull that reports nothing
// for the time of stall.
func New(n int, stall time.Duration) *Group {
	return &Group{
		slots: semaphore.NewWeighted(int64(max(n, 1))), stall: stall,
		flights: make(map[string]*flight), ended: make(map[string]*flight),
	}
}

// Mark returns the present point in the order: a pull that ends later counts for whoever took it.
func (g *Group) Mark() Mark {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.clock
}

// Outcome says how a caller of Do was served.
type Outcome struct {
	Result
	// Others is how many other callers shared the pull at most.
	Others int
	// Last is how far the pull had come when it ended, or when this caller left.
	Last Progress
}

// Do pulls what key names, joins the pull of it that is in progress, or takes the outcome of one
// that ended after since. Each caller can leave by its context; the last one to leave cancels
// the pull. Observe, if not nil, is called with the progress, first with what is known of it already;
// it must not block.
func (g *Group) Do(ctx context.Context, key string, since Mark, observe func(Progress), pull Func) (Outcome, error) {
	g.mu.Lock()
	if f := g.ended[key]; f != nil && f.mark > since {
		g.mu.Unlock()
		g.coalesced.Add(1)
		return Outcome{Result: f.result, Others: f.most, Last: f.last}, f.err
	}
	f := g.flights[key]
	if f == nil {
		f = g.start(ctx, key, pull)
	} else {
		g.coalesced.Add(1)
	}
	seat := f.most
	f.callers++
	f.most++
	if observe != nil {
		f.observers[seat] = observe
		observe(f.last)
	}
	g.mu.Unlock()

	select {
	case <-f.done:
		return Outcome{Result: f.result, Others: f.most - 1, Last: f.last}, f.err
	case <-ctx.Done():
		g.mu.Lock()
		delete(f.observers, seat)
		f.callers--
		if last := f.callers == 0; last {
			// Whoever comes now starts a pull of its own.
			if g.flights[key] == f {
				delete(g.flights, key)
			}
			f.cancel(context.Cause(ctx))
		}
		left := Outcome{Last: f.last}
		g.mu.Unlock()
		return left, context.Cause(ctx)
	}
}

// start begins a flight. The caller holds mu.
func (g *Group) start(ctx context.Context, key string, pull Func) *flight {
	// The flight outlives the caller who began it, as long as anybody waits.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	f := &flight{observers: make(map[int]func(Progress)), cancel: cancel, done: make(chan struct{})}
	g.flights[key] = f
	g.running.Go(func() {
		defer cancel(nil)
		result, err := g.carry(ctx, f, pull)
		g.mu.Lock()
		defer g.mu.Unlock()
		f.result, f.err = result, err
		if g.flights[key] == f {
			// It ended by itself: its outcome counts for all who took their mark before.
			g.clock++
			f.mark = g.clock
			g.ended[key] = f
			delete(g.flights, key)
		}
		close(f.done)
	})
	return f
}

// carry waits for a slot, pulls, and watches that the pull goes on.
func (g *Group) carry(ctx context.Context, f *flight, pull Func) (result Result, err error) {
	if err := g.admit(ctx); err != nil {
		return Result{}, context.Cause(ctx)
	}
	defer g.slots.Release(1)
	// A panic must not take the other containers' operations along.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the pull failed by a defect of gantry: %v", r)
		}
	}()
	stalled := time.AfterFunc(g.stall, func() { f.cancel(ErrStalled) })
	defer stalled.Stop()
	result, err = pull(ctx, func(p Progress) {
		stalled.Reset(g.stall)
		g.mu.Lock()
		defer g.mu.Unlock()
		f.last = p
		for _, observe := range f.observers {
			observe(p)
		}
	})
	if err != nil && errors.Is(context.Cause(ctx), ErrStalled) {
		err = fmt.Errorf("%w (%s)", ErrStalled, g.stall)
	}
	return result, err
}

// admit waits for a slot.
func (g *Group) admit(ctx context.Context) error {
	if g.slots.TryAcquire(1) {
		g.waits.AtOnce()
		return nil
	}
	began := time.Now()
	err := g.slots.Acquire(ctx, 1)
	g.waits.Waited(time.Since(began))
	return err
}

// Waits says how many pulls there were, and how they waited for others to end.
func (g *Group) Waits() metrics.Waits { return g.waits.Waits() }

// Coalesced counts the callers who needed no pull of their own.
func (g *Group) Coalesced() int64 { return g.coalesced.Load() }

// Close cancels the pulls in progress and waits for their end.
func (g *Group) Close() {
	g.mu.Lock()
	for _, f := range g.flights {
		f.cancel(context.Canceled)
	}
	g.mu.Unlock()
	g.running.Wait()
}
