// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package watch_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is an engine whose stream breaks and loses events on demand: a real one can't be made to.
type source struct {
	mu         sync.Mutex
	streams    []chan watch.Event
	since      []int64
	refuse     bool
	lists      [][]string
	noteworthy []string
}

func (s *source) Events(ctx context.Context, since int64) (<-chan watch.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = append(s.since, since)
	if s.refuse {
		return nil, errors.ErrUnsupported
	}
	in, out := make(chan watch.Event), make(chan watch.Event)
	s.streams = append(s.streams, in)
	go func() {
		defer close(out)
		for {
			select {
			case e, ok := <-in:
				if !ok {
					return
				}
				out <- e
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

func (s *source) Noteworthy(_ context.Context, ids []string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(ids)
	s.lists = append(s.lists, ids)
	return s.noteworthy, nil
}

func (s *source) newest() chan watch.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams[len(s.streams)-1]
}

// asked returns how often the stream was opened, and the lists that were asked for.
func (s *source) asked() ([]int64, [][]string) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since, s.lists
}

func watcher(t *testing.T, s *source) *watch.Watcher {
	w := watch.New(s, watch.Options{Sweep: 10 * time.Second, Reopen: time.Second, Logger: hclog.NewNullLogger()})
	t.Cleanup(w.Close)
	return w
}

func subscribe(t *testing.T, w *watch.Watcher, id string) *watch.Subscription {
	t.Helper()
	sub, err := w.Watch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sub.Close)
	return sub
}

func woken(sub *watch.Subscription) bool {
	synctest.Wait()
	select {
	case <-sub.Wake():
		return true
	default:
		return false
	}
}

func TestEventWakesWhoWaitsForThatContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		w := watcher(t, s)
		a, b := subscribe(t, w, "a"), subscribe(t, w, "b")
		for range 2000 { // Nobody reads: the reader must not block.
			s.newest() <- watch.Event{ID: "a", TimeNano: 7}
		}
		if !woken(a) || woken(b) {
			t.Error("wrong one woken")
		}
		if woken(a) {
			t.Error("many events must leave one wake")
		}
		if since, _ := s.asked(); len(since) != 1 {
			t.Errorf("%d streams for two who wait", len(since))
		}
	})
}

func TestBrokenStreamIsReopenedWhereItEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		w := watcher(t, s)
		a := subscribe(t, w, "a")
		s.newest() <- watch.Event{ID: "other", TimeNano: 42}
		close(s.newest())
		time.Sleep(time.Second)
		if !woken(a) {
			t.Error("what happened in between may be lost: who waits has to look")
		}
		s.newest() <- watch.Event{ID: "a"}
		if !woken(a) {
			t.Error("the new stream is not read")
		}
		if since, _ := s.asked(); !slices.Equal(since, []int64{0, 42}) {
			t.Errorf("since %v, want where the stream ended", since)
		}
	})
}

func TestSweepFindsWhatEventsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{refuse: true, noteworthy: []string{"b"}}
		w := watcher(t, s)
		a, b, twin := subscribe(t, w, "a"), subscribe(t, w, "b"), subscribe(t, w, "b")
		time.Sleep(10 * time.Second)
		if woken(a) || !woken(b) || !woken(twin) {
			t.Error("wrong one woken")
		}
		if _, lists := s.asked(); len(lists) != 1 || !slices.Equal(lists[0], []string{"a", "b"}) {
			t.Errorf("lists %v, want one for all", lists)
		}
		a.Close()
		b.Close()
		twin.Close()
		time.Sleep(time.Minute)
		if _, lists := s.asked(); len(lists) != 1 {
			t.Errorf("%d lists, though nobody waits", len(lists))
		}
		subscribe(t, w, "c")
		time.Sleep(10*time.Second + time.Millisecond)
		if _, lists := s.asked(); len(lists) != 2 {
			t.Errorf("%d lists after somebody waits again", len(lists))
		}
	})
}

func TestNoStreamBeforeSomebodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		watcher(t, s)
		time.Sleep(time.Hour)
		if since, lists := s.asked(); len(since) != 0 || len(lists) != 0 {
			t.Error("the engine was asked, though nobody waits")
		}
	})
}
