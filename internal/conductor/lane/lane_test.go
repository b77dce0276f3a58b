// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package lane_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/lane"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func enter(t *testing.T, s *lane.Set[string], lanes ...string) *lane.Pass[string] {
	t.Helper()
	p := s.Queue(lanes...)
	if err := p.Wait(t.Context()); err != nil {
		t.Fatalf("%q: %v", lanes, err)
	}
	return p
}

func TestOneAtATimeInOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var set lane.Set[string]
		first := enter(t, &set, "web")
		var order []int
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				p := enter(t, &set, "web")
				order = append(order, i) // The lane is the lock.
				time.Sleep(time.Second)
				p.Leave()
			})
			synctest.Wait() // Who asked is in the queue now.
		}
		enter(t, &set, "db").Leave() // Another lane is free.
		first.Leave()
		all.Wait()
		if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
	})
}

func TestWhoseContextEndsLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var set lane.Set[string]
		first := enter(t, &set, "web")
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error)
		go func() {
			left <- set.Queue("web").Wait(ctx)
		}()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		first.Leave()
		enter(t, &set, "web").Leave()
	})
}

// Who leaves before it was let in takes nobody's place, and stands in nobody's way.
func TestLeavingTheQueueLetsTheNextOneIn(t *testing.T) {
	var set lane.Set[string]
	first, second := enter(t, &set, "web"), set.Queue("web", "db")
	third := set.Queue("db")
	if second.Behind() != true || third.Behind() != true {
		t.Error("a pass behind another one does not know it")
	}
	second.Leave()
	if err := third.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	third.Leave()
	first.Leave()
	enter(t, &set, "web", "db").Leave()
}

func TestRenameStandsInBothLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var set lane.Set[string]
		a, b := enter(t, &set, "a"), enter(t, &set, "b")
		entered := make(chan *lane.Pass[string], 1)
		go func() { entered <- enter(t, &set, "a", "b", "a") }()
		synctest.Wait()
		a.Leave()
		synctest.Wait()
		if len(entered) != 0 {
			t.Fatal("the rename entered while lane b was taken")
		}
		b.Leave()
		(<-entered).Leave()
	})
}

// TestManyLanesNeverOverlapOrDeadlock lets many operations in one or two lanes run against each other.
func TestManyLanesNeverOverlapOrDeadlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var set lane.Set[string]
		var mu sync.Mutex
		inside := make(map[string]int)
		var all sync.WaitGroup
		random := rand.New(rand.NewPCG(1, 2))
		for range 500 {
			lanes := []string{strconv.Itoa(random.IntN(5)), strconv.Itoa(random.IntN(5))}
			wait, hold := time.Duration(random.IntN(100)), time.Duration(random.IntN(10))
			impatient := random.IntN(4) == 0
			all.Go(func() {
				time.Sleep(wait)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if impatient {
					time.AfterFunc(hold, cancel)
				}
				p := set.Queue(lanes...)
				if err := p.Wait(ctx); err != nil {
					return
				}
				count := func(by int) {
					mu.Lock()
					defer mu.Unlock()
					for _, lane := range slices.Compact(slices.Sorted(slices.Values(lanes))) {
						if inside[lane] += by; inside[lane] > 1 {
							t.Errorf("lane %s holds %d", lane, inside[lane])
						}
					}
				}
				count(1)
				time.Sleep(hold)
				count(-1)
				p.Leave()
			})
		}
		all.Wait()
	})
}
