// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

var errHeartless = fmt.Errorf("the engine has no heart: %w", errdefs.ErrInternal)

func TestCanPass(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{errHeartless, true},
		{errors.New("unexpected EOF"), true},
		{fmt.Errorf("device is busy: %w", errdefs.ErrConflict), true},
		{errdefs.ErrUnavailable, true},
		{errLost, true},
		{&fault.Fault{Kind: fault.EngineError}, true},
		{&fault.Fault{Kind: fault.EngineUnreachable}, true},
		{&fault.Fault{Kind: fault.Invalid}, false},
		{&fault.Fault{Kind: fault.Refused}, false},
		{errdefs.ErrPermissionDenied, false},
		{errdefs.ErrUnauthenticated, false},
		{errdefs.ErrInvalidArgument, false},
		{errdefs.ErrNotImplemented, false},
		{context.Canceled, false},
		{context.DeadlineExceeded, false},
	} {
		if got := canPass(tt.err); got != tt.want {
			t.Errorf("%v: %t", tt.err, got)
		}
	}
}

// failRemovals has the engine fail a number of removals; negative is all.
func (f *fakeEngine) failRemovals(times int, err error) {
	f.before = func(_ context.Context, call string) error {
		if call != "remove" || times == 0 {
			return nil
		}
		times--
		return err
	}
}

// castRemoval has a container made, and its removal cast.
func castRemoval(t *testing.T, c *Conductor, limit time.Duration) (operationID string) {
	t.Helper()
	made, err := c.Call(t.Context(), create("web"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Cast(t.Context(), RemoveRequest{Name: "web", ContainerID: made.Container.ID}, limit)
	if err != nil || got.Completed {
		t.Fatalf("%+v, %v", got, err)
	}
	return got.OperationID
}

// A removal that was cast is repeated, unless its failure stays: then, or when its time is up, it has failed.
func TestCastRemovalIsRepeated(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fails   int
		err     error
		outcome journal.Outcome
		tries   func(int) bool
		// within is when it has ended.
		within time.Duration
	}{
		{"fails thrice", 3, errHeartless, journal.Done, func(n int) bool { return n == 4 }, 10 * time.Second},
		{"fails for ever", -1, errHeartless, journal.Failed, func(n int) bool { return n > 10 }, 10 * time.Minute},
		{"is forbidden", -1, fmt.Errorf("the engine has no heart for you: %w", errdefs.ErrPermissionDenied), journal.Failed, func(n int) bool { return n == 1 }, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.failRemovals(tt.fails, tt.err)
				c := f.casting(t, Options{Engine: EngineOptions{MaxParallel: 4}})
				id := castRemoval(t, c, 10*time.Minute)
				time.Sleep(tt.within)
				r := recorded(t, c, id)
				if r.Outcome != tt.outcome || !tt.tries(f.count("remove")) {
					t.Fatalf("%q after %d tries", r.Outcome, f.count("remove"))
				}
				if tt.outcome == journal.Failed && (r.Fault == nil || r.Settled || !strings.Contains(r.Fault.Message, "no heart")) {
					t.Errorf("the record is %+v", r)
				}
			})
		})
	}
}

// Whoever waits for the name resumes the removal, and is told if it fails again.
func TestCastRemovalGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.failRemovals(-1, errHeartless)
		c := f.casting(t, Options{Engine: EngineOptions{MaxParallel: 4}})
		castRemoval(t, c, time.Hour)
		time.Sleep(10 * time.Minute)
		began := time.Now()
		_, err := c.Call(t.Context(), create("web"))
		if got := faultOf(t, err, fault.EngineError); !strings.Contains(got.Message, "no heart") || time.Since(began) > time.Minute {
			t.Errorf("%v after %s", got, time.Since(began))
		}
	})
}

// A background conductor takes up what dead ones left, and nothing else: not what a call left, nor what a
// state names.
func TestUnfinishedRemovalsAreTakenUp(t *testing.T) {
	for _, tt := range []struct {
		name    string
		record  journal.Record
		named   bool
		removed bool
	}{
		{"interrupted", journal.Record{Cast: true}, false, true},
		{"failed", journal.Record{Cast: true, Outcome: journal.Failed}, false, true},
		{"a call", journal.Record{}, false, false},
		{"a state has the container again", journal.Record{Cast: true}, true, false},
		{"another name has the container", journal.Record{Cast: true, Container: "old"}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, dir := newFake(), t.TempDir()
				c := f.casting(t, Options{Engine: EngineOptions{MaxParallel: 4}, StateDir: dir})
				made, err := c.Call(t.Context(), create("web"))
				if err != nil {
					t.Fatal(err)
				}
				r := tt.record
				if r.Container == "" {
					r.Container = "web"
				}
				r.Kind, r.ContainerID = string(KindRemove), made.Container.ID
				r = died(t, dir, r)
				if tt.named {
					if _, err := c.Observe(t.Context(), "web", made.Container.ID, made.OperationID); err != nil {
						t.Fatal(err)
					}
				}
				mustCast(t, c, "other")
				time.Sleep(time.Minute)
				f.mu.Lock()
				removed := f.find("web") == nil
				f.mu.Unlock()
				if removed != tt.removed {
					t.Errorf("removed: %t", removed)
				}
				if got := recorded(t, c, r.ID); removed && (!got.Settled || got.InProgress()) {
					t.Errorf("the record is %+v", got)
				}
			})
		})
	}
}

// One background conductor takes up no more than a few.
func TestFewRemovalsAreTakenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := newFake(), t.TempDir()
		c := f.casting(t, Options{Engine: EngineOptions{MaxParallel: 4}, StateDir: dir})
		for n := range manyTakenUp + 3 {
			name := fmt.Sprintf("web-%d", n)
			made, err := c.Call(t.Context(), create(name))
			if err != nil {
				t.Fatal(err)
			}
			died(t, dir, journal.Record{Kind: string(KindRemove), Cast: true, Container: name, ContainerID: made.Container.ID})
		}
		mustCast(t, c, "other")
		time.Sleep(time.Minute)
		if n := f.count("remove"); n != manyTakenUp {
			t.Errorf("%d removals", n)
		}
	})
}

// Who removes an object carries out the unfinished removal of its user first, or says why that fails.
func TestUnfinishedRemovalOfAUser(t *testing.T) {
	for _, fails := range []bool{false, true} {
		t.Run(fmt.Sprintf("fails %t", fails), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, dir := newFake(), t.TempDir()
				c := f.conductor(t, Options{StateDir: dir})
				made, err := c.Call(t.Context(), create("web"))
				if err != nil {
					t.Fatal(err)
				}
				r := died(t, dir, journal.Record{Kind: string(KindRemove), Cast: true, Container: "web", ContainerID: made.Container.ID})
				if fails {
					f.failRemovals(-1, errHeartless)
				}
				task, err := c.begin(t.Context(), "volume", "data", "remove", "delete", fault.StepRemoving)
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				stay, err := task.remaining(t.Context(), task.anybodys(t.Context()), func(ctx context.Context) ([]user, error) {
					return task.users(ctx, filters.NewArgs(), func(containertypes.Summary) bool { return true })
				})
				if err != nil || time.Since(began) > time.Second {
					t.Fatalf("%v after %s", err, time.Since(began))
				}
				got := recorded(t, c, r.ID)
				switch {
				case !fails && (len(stay) != 0 || !got.Settled || len(f.containers) != 0):
					t.Errorf("%v stay, the record is %+v", stay, got)
				case fails && (len(stay) != 1 || !strings.Contains(describeUsers(stay), "no heart") || f.count("remove") != 1):
					t.Errorf("%v stay after %d tries", stay, f.count("remove"))
				case fails && (got.Settled || got.Fault == nil):
					t.Errorf("the record is %+v", got)
				}
			})
		})
	}
}

// volumesEngine is a fake that has every volume.
type volumesEngine struct{ *fakeEngine }

func (f volumesEngine) VolumeRemove(ctx context.Context, name string, _ bool) error {
	return f.request(ctx, "volume remove "+name, func() error { return nil })
}

// A record of a removal whose container is gone has those volumes removed that went with it, and none that somebody
// can have named.
func TestVolumesOfAnUnfinishedRemoval(t *testing.T) {
	anonymous := strings.Repeat("ab", 32)
	for _, by := range []string{"the next operation", "whoever takes it up"} {
		for volume, removed := range map[string]bool{anonymous: true, "data": false} {
			t.Run(by+" meets "+volume, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, dir := volumesEngine{newFake()}, t.TempDir()
					r := died(t, dir, journal.Record{
						Kind: string(KindRemove), Cast: true, Container: "web", ContainerID: strings.Repeat("e", 64), Scope: scopeHere, Volumes: []string{volume},
					})
					c := newConductor(Options{StateDir: dir, Scope: scopeHere}, func() (engine.API, engine.Address, error) {
						return f, engine.Address{Host: "fake"}, nil
					})
					defer func() {
						if err := c.Close(); err != nil {
							t.Error(err)
						}
					}()
					var err error
					if by == "the next operation" {
						_, err = c.Call(t.Context(), create("web"))
					} else {
						var e *connection
						if e, err = c.connect(t.Context(), "web"); err == nil {
							err = c.finishRemovals(t.Context(), e, "web", false)
						}
					}
					if err != nil {
						t.Fatal(err)
					}
					if n := f.count("volume remove " + volume); (n > 0) != removed {
						t.Errorf("the volume was removed %d times", n)
					}
					if got := recorded(t, c, r.ID); !got.Settled || len(got.Volumes) > 0 {
						t.Errorf("the record is %+v", got)
					}
				})
			})
		}
	}
}
