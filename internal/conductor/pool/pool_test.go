// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package pool_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/metrics"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/pool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBound(t *testing.T) {
	for _, limit := range []int{0, 1, 4, 64} {
		synctest.Test(t, func(t *testing.T) {
			p := pool.New(limit)
			defer p.Close()
			var now, most atomic.Int64
			var all sync.WaitGroup
			for range 200 {
				all.Go(func() {
					err := p.Do(t.Context(), func(context.Context) error {
						most.Store(max(most.Load(), now.Add(1)))
						time.Sleep(time.Second)
						now.Add(-1)
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			start := time.Now()
			all.Wait()
			if want := int64(max(limit, 1)); most.Load() != want {
				t.Errorf("limit %d: %d at once", limit, most.Load())
			}
			// Full all the time: nobody waits for a slot that is free.
			if got, want := time.Since(start), time.Duration((200+max(limit, 1)-1)/max(limit, 1))*time.Second; got != want {
				t.Errorf("limit %d: took %s, want %s", limit, got, want)
			}
			// All came at the same moment: the last ones waited for all turns but their own.
			turns, first := (200+max(limit, 1)-1)/max(limit, 1), int64(max(limit, 1))
			if got := p.Waits(); got.Asked != 200 || got.Waited != 200-first || got.Longest != time.Duration(turns-1)*time.Second {
				t.Errorf("limit %d: waits %+v", limit, got)
			}
		})
	}
}

func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pool.New(1)
		defer p.Close()
		release := make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			_ = p.Do(t.Context(), func(context.Context) error { <-release; return nil })
		})
		synctest.Wait()
		var order []int
		for i := range 8 {
			all.Go(func() {
				_ = p.Do(t.Context(), func(context.Context) error { order = append(order, i); return nil })
			})
			synctest.Wait()
		}
		close(release)
		all.Wait()
		if !slices.IsSorted(order) || len(order) != 8 {
			t.Errorf("order %v", order)
		}
	})
}

func TestWhoStopsWaitingIsNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pool.New(1)
		defer p.Close()
		release, held := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(held)
			_ = p.Do(t.Context(), func(context.Context) error { <-release; return nil })
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := p.Do(ctx, func(context.Context) error { t.Error("was called"); return nil })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if got, want := p.Waits(), (metrics.Waits{Asked: 2, Waited: 1, Time: time.Second, Longest: time.Second}); got != want {
			t.Errorf("waits %+v, want %+v", got, want)
		}
		close(release)
		<-held
		if err := p.Do(t.Context(), func(context.Context) error { return errors.ErrUnsupported }); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("the error of the work got lost: %v", err)
		}
	})
}

// Who asks again right after the end of its work has the slot at once: it waited for nobody.
func TestSlotIsFreeWhenTheWorkIsDone(t *testing.T) {
	p := pool.New(1)
	for range 1000 {
		if err := p.Do(t.Context(), func(context.Context) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	p.Close()
	if w := p.Waits(); w.Asked != 1000 || w.Waited != 0 {
		t.Errorf("%+v", w)
	}
}

func TestEndedContextIsNotAdmitted(t *testing.T) {
	p := pool.New(1)
	defer p.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := p.Do(ctx, func(context.Context) error { t.Error("was called"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Who leaves takes no turn from those behind: they keep their order, and the pool can be closed.
func TestLeavingTheMiddleOfTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pool.New(1)
		release := make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() { _ = p.Do(t.Context(), func(context.Context) error { <-release; return nil }) })
		synctest.Wait()
		var order []int
		for i := range 9 {
			patience := time.Hour
			if i%3 == 1 {
				patience = time.Second
			}
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_ = p.Do(ctx, func(context.Context) error { order = append(order, i); return nil })
			})
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		close(release)
		all.Wait()
		p.Close()
		if !slices.Equal(order, []int{0, 2, 3, 5, 6, 8}) {
			t.Errorf("order %v", order)
		}
		if w := p.Waits(); w.Asked != 10 || w.Waited != 9 {
			t.Errorf("waits %+v", w)
		}
	})
}
