// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package pull_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/metrics"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/pull"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// taking is a pull that takes a time and reports every second.
func taking(d time.Duration, count *atomic.Int64) pull.Func {
	return func(ctx context.Context, report func(pull.Progress)) (pull.Result, error) {
		count.Add(1)
		for done := time.Duration(0); done < d; done += time.Second {
			report(pull.Progress{Done: int64(done), Total: int64(d)})
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return pull.Result{}, context.Cause(ctx)
			}
		}
		return pull.Result{Digest: "sha256:abc"}, nil
	}
}

func TestManyShareOnePull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := pull.New(3, time.Minute)
		defer g.Close()
		var pulls, reports atomic.Int64
		mark := g.Mark()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				got, err := g.Do(t.Context(), "img", mark, func(pull.Progress) { reports.Add(1) }, taking(10*time.Second, &pulls))
				if err != nil || got.Digest != "sha256:abc" || got.Others != 4 {
					t.Errorf("got %+v, %v", got, err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		if pulls.Load() != 1 || g.Coalesced() != 4 {
			t.Errorf("%d pulls, %d coalesced", pulls.Load(), g.Coalesced())
		}
		if reports.Load() < 5*9 {
			t.Errorf("%d reports for five callers", reports.Load())
		}
		// One who asked before the pull ended, but comes late, takes its outcome.
		if _, err := g.Do(t.Context(), "img", mark, nil, taking(0, &pulls)); err != nil || pulls.Load() != 1 {
			t.Errorf("the late one pulled again: %d, %v", pulls.Load(), err)
		}
		// One who asks after it pulls anew, and so does one of another key.
		_, _ = g.Do(t.Context(), "img", g.Mark(), nil, taking(0, &pulls))
		_, _ = g.Do(t.Context(), "other", mark, nil, taking(0, &pulls))
		if pulls.Load() != 3 {
			t.Errorf("%d pulls, want 3", pulls.Load())
		}
	})
}

func TestEachCanLeaveAndTheLastCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := pull.New(1, time.Minute)
		defer g.Close()
		var pulls atomic.Int64
		leave := make([]context.CancelFunc, 2)
		results := make(chan error, 2)
		for i := range leave {
			ctx, cancel := context.WithCancel(t.Context())
			leave[i] = cancel
			go func() {
				_, err := g.Do(ctx, "img", g.Mark(), nil, taking(time.Hour, &pulls))
				results <- err
			}()
		}
		synctest.Wait()
		leave[0]()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if got, err := g.Do(expired(t, time.Second), "img", 0, nil, taking(0, &pulls)); pulls.Load() != 1 {
			t.Errorf("the pull ended with its first caller: %+v, %v", got, err)
		}
		leave[1]()
		<-results
		// The pull's slot (the only one) is free again: the pull was cancelled.
		if _, err := g.Do(t.Context(), "img", 0, nil, taking(time.Second, &pulls)); err != nil {
			t.Error(err)
		}
		if pulls.Load() != 2 {
			t.Errorf("%d pulls, want 2: a cancelled pull is nobody's outcome", pulls.Load())
		}
	})
}

func expired(t *testing.T, after time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), after)
	t.Cleanup(cancel)
	return ctx
}

func TestBoundAndFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := pull.New(2, time.Minute)
		defer g.Close()
		var now, most atomic.Int64
		var all sync.WaitGroup
		for _, key := range strings.Split("abcdefgh", "") {
			all.Go(func() {
				_, err := g.Do(t.Context(), key, g.Mark(), nil, func(context.Context, func(pull.Progress)) (pull.Result, error) {
					most.Store(max(most.Load(), now.Add(1)))
					time.Sleep(time.Second)
					now.Add(-1)
					return pull.Result{}, errors.ErrUnsupported
				})
				if !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		if most.Load() != 2 {
			t.Errorf("%d pulls at once, want 2", most.Load())
		}
		// Eight in four turns of a second.
		if got, want := g.Waits(), (metrics.Waits{Asked: 8, Waited: 6, Time: 12 * time.Second, Longest: 3 * time.Second}); got != want {
			t.Errorf("waits %+v, want %+v", got, want)
		}
	})
}

func TestStallEndsThePull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := pull.New(1, time.Minute)
		defer g.Close()
		start := time.Now()
		_, err := g.Do(t.Context(), "img", g.Mark(), nil, func(ctx context.Context, report func(pull.Progress)) (pull.Result, error) {
			time.Sleep(50 * time.Second)
			report(pull.Progress{Done: 1})
			<-ctx.Done()
			return pull.Result{}, ctx.Err()
		})
		if !errors.Is(err, pull.ErrStalled) || time.Since(start) != 110*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

func TestPanicIsAFailureOfItsPull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := pull.New(1, time.Minute)
		defer g.Close()
		_, err := g.Do(t.Context(), "img", g.Mark(), nil, func(context.Context, func(pull.Progress)) (pull.Result, error) { panic("oops") })
		if err == nil || !strings.Contains(err.Error(), "oops") {
			t.Errorf("got %v", err)
		}
	})
}
