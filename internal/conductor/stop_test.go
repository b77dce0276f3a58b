// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/docker/api/types/events"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// A stop that was left to the engine counts until the engine has killed the container.
func TestLeftStopping(t *testing.T) {
	asked := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	five, never := 5, -1
	minute := time.Minute
	tests := map[string]struct {
		grace  *int
		own    *time.Duration
		status string
		other  bool
		// underWay and alive are those of the record.
		underWay, alive bool
		after           time.Duration
		// ran and runs are the starts of the container that was to be stopped, and of the one that is there.
		ran, runs time.Time
		left      bool
	}{
		"of an operation that was cancelled":           {status: "running", after: 8 * time.Second, left: true},
		"over with the engine's own grace period":      {status: "running", after: 16 * time.Second},
		"the container's grace period":                 {own: &minute, status: "running", after: 50 * time.Second, left: true},
		"the stop's grace period goes first":           {own: &minute, grace: &five, status: "running", after: 50 * time.Second},
		"an engine that waits without killing":         {grace: &never, status: "running", after: time.Second},
		"the container has ended":                      {status: "exited", after: time.Second},
		"the container is paused":                      {status: "paused", after: time.Second, left: true},
		"the container is between two restarts":        {status: "restarting", after: time.Second, left: true},
		"another container":                            {status: "running", other: true, after: time.Second},
		"somebody is at it":                            {status: "running", underWay: true, alive: true, after: time.Second},
		"somebody has started it since":                {status: "running", ran: asked.Add(-time.Hour), runs: asked.Add(time.Second), after: 2 * time.Second},
		"the same run":                                 {status: "running", ran: asked.Add(-time.Hour), runs: asked.Add(-time.Hour), after: 2 * time.Second, left: true},
		"a run that nobody noted":                      {status: "running", runs: asked.Add(time.Second), after: 2 * time.Second, left: true},
		"of an operation whose process is dead by now": {status: "running", underWay: true, after: time.Second, left: true},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			r := journal.Record{ID: "one", Outcome: journal.Failed, Stopping: &journal.Stopping{ContainerID: "c", Since: asked, Grace: test.grace, StartedAt: test.ran}}
			if test.underWay {
				r.Outcome = ""
			}
			if test.other {
				r.Stopping.ContainerID = "d"
			}
			c := &container.Container{ID: "c", State: container.State{Status: test.status, StartedAt: test.runs}}
			c.StopGracePeriod = test.own
			got, left := leftStopping([]journal.Record{{ID: "none"}, r}, c, func(journal.Record) bool { return test.alive }, asked.Add(test.after))
			if left != test.left || left && got.ID != "one" {
				t.Errorf("got %v, %v", got.ID, left)
			}
		})
	}
}

// An operation whose time is up ends then, however long the grace period of the container is: the engine goes on
// with the stop, and what was running is left to the next plan. What is slow in the engine itself is waited for a moment.
func TestStopKeepsTheTime(t *testing.T) {
	const limit = 2 * time.Second
	call := func(req func(id string) Request) func(context.Context, *Conductor, string) error {
		return func(ctx context.Context, c *Conductor, id string) error {
			_, err := c.Call(ctx, req(id))
			return err
		}
	}
	removal := call(func(id string) Request { return RemoveRequest{Name: "web", ContainerID: id} })
	update := func(desired container.DesiredState, restart bool) func(context.Context, *Conductor, string) error {
		return call(func(id string) Request {
			return UpdateRequest{Spec: container.Spec{Name: "web", DesiredState: desired}, ContainerID: id, PriorName: "web", Restart: restart}
		})
	}
	power := func(kind Kind) func(context.Context, *Conductor, string) error {
		return func(ctx context.Context, c *Conductor, _ string) error {
			_, err := c.Power(ctx, PowerSpec{Kind: kind, Container: "web"})
			return err
		}
	}
	for name, tt := range map[string]struct {
		// ask asks for something with the container of this ID.
		ask func(ctx context.Context, c *Conductor, id string) error
		// slow is the call that the engine does not answer.
		slow string
		late time.Duration
	}{
		"remove":          {ask: removal},
		"stop":            {ask: update(container.DesiredStopped, false)},
		"restart":         {ask: update(container.DesiredRunning, true), late: changeLate},
		"stop by hand":    {ask: power(KindStop)},
		"restart by hand": {ask: power(KindRestart), late: changeLate},
		"exchange": {ask: call(func(id string) Request {
			return ExchangeRequest{Spec: create("web").Spec, ContainerID: id, PriorName: "web", Order: container.StopFirst}
		}), late: changeLate},
		"a removal that hangs": {ask: removal, slow: "remove", late: changeLate},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				if tt.slow == "" {
					f.grace = time.Hour
				}
				f.before = func(ctx context.Context, call string) error {
					if tt.slow != "" && strings.HasPrefix(call, tt.slow) {
						<-ctx.Done()
						return ctx.Err()
					}
					return nil
				}
				c := f.conductor(t, Options{})
				out, err := c.Call(t.Context(), create("web"))
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				began := time.Now()
				got := faultOf(t, tt.ask(ctx, c, out.Container.ID), fault.Timeout)
				if took := time.Since(began); took < limit || took > limit+tt.late {
					t.Errorf("it took %s of %s", took, limit)
				}
				if goesOn := strings.Contains(got.Exists, "the engine goes on stopping"); goesOn != (tt.slow == "") || strings.Contains(got.Exists, "started again") {
					t.Errorf("what is there now: %s", got.Exists)
				}
			})
		})
	}
}

// A restart that is cancelled in the middle of its stop brings the container back, and says just that.
func TestCancelledRestartStartsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.grace = 9 * time.Second
		c := f.conductor(t, Options{})
		out, err := c.Call(t.Context(), create("web"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = c.Call(ctx, UpdateRequest{Spec: create("web").Spec, ContainerID: out.Container.ID, PriorName: "web", Restart: true})
		got := faultOf(t, err, fault.Cancelled)
		if strings.Contains(got.Exists, "goes on stopping") || !strings.Contains(got.Exists, "it was started again") {
			t.Errorf("what is there now: %s", got.Exists)
		}
	})
}

// Who starts a container while an engine goes on with a stop that nobody waits for has ended the stop.
func TestStartedDuringAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		startedDuring(t, func(ctx context.Context, c *Conductor, _ string) error {
			_, err := c.Power(ctx, PowerSpec{Kind: KindStop, Container: "web"})
			return err
		})
	})
	synctest.Test(t, func(t *testing.T) {
		startedDuring(t, func(ctx context.Context, c *Conductor, id string) error {
			_, err := c.Call(ctx, RemoveRequest{Name: "web", ContainerID: id})
			return err
		})
	})
}

func startedDuring(t *testing.T, stop func(ctx context.Context, c *Conductor, id string) error) {
	f := newFake()
	f.grace = time.Hour
	c := f.conductor(t, Options{})
	made, err := c.Call(t.Context(), create("web"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	faultOf(t, stop(ctx, c, made.Container.ID), fault.Timeout)
	look := func() Status {
		s, err := c.Observe(t.Context(), "web", made.Container.ID, made.OperationID)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if look().Stop == nil {
		t.Error("a look tells of no stop")
	}
	f.set("web", func(c *fakeContainer) { c.started = "2026-01-02T00:00:00Z" }, events.ActionRestart)
	if s := look(); s.Stop != nil || s.Container.State.Stopping {
		t.Errorf("a look tells of a stop that has ended: %+v", s.Stop)
	}
	began := time.Now()
	if _, err := c.Power(t.Context(), PowerSpec{Kind: KindStart, Container: "web"}); err != nil || time.Since(began) > time.Minute {
		t.Errorf("the next operation took %s: %v", time.Since(began), err)
	}
}

// Who stops or restarts a container by hand leaves the stop to the engine, too, when it is cancelled or dies in the
// middle: whoever looks hears of it, and what starts the container waits for its end.
func TestInterruptedPower(t *testing.T) {
	const grace = 9 * time.Second
	for title, test := range map[string]struct {
		kind Kind
		// killed has the process die in the middle; otherwise it is cancelled.
		killed bool
		// back reports whether the operation itself brings back what it took.
		back bool
	}{
		"stop":                          {kind: KindStop},
		"stop whose process is dead":    {kind: KindStop, killed: true},
		"restart":                       {kind: KindRestart, back: true},
		"restart whose process is dead": {kind: KindRestart, killed: true},
	} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, dir := newFake(), t.TempDir()
				f.grace = grace
				c := f.conductor(t, Options{StateDir: dir})
				made, err := c.Call(t.Context(), create("web"))
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				if test.killed {
					r := died(t, dir, journal.Record{Kind: string(test.kind), Container: "web", ContainerID: made.Container.ID})
					err := c.engine.journal.Progress(r.ID, func(r *journal.Record) {
						r.Stopping = &journal.Stopping{ContainerID: made.Container.ID, Since: began}
					})
					if err != nil {
						t.Fatal(err)
					}
					time.AfterFunc(grace, func() { f.setStatus("web", "exited") })
				} else {
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(time.Second, cancel)
					if _, err := c.Power(ctx, PowerSpec{Kind: test.kind, Container: "web"}); err == nil {
						t.Fatal("it was not cancelled")
					}
				}
				s, err := c.Observe(t.Context(), "web", made.Container.ID, made.OperationID)
				if err != nil || s.Container == nil {
					t.Fatalf("%+v, %v", s, err)
				}
				if test.back {
					if s.Stop != nil || s.Container.State.Status != "running" || time.Since(began) < grace {
						t.Errorf("after %s it is %s, stop left: %+v", time.Since(began), s.Container.State.Status, s.Stop)
					}
					return
				}
				if s.Stop == nil || s.Stop.Kind != test.kind || !s.Container.State.Stopping {
					t.Errorf("a look tells of no stop: %+v, %+v", s.Stop, s.Container.State)
				}
				started, err := c.Power(t.Context(), PowerSpec{Kind: KindStart, Container: "web"})
				if err != nil || started.Container.State.Status != "running" || time.Since(began) < grace {
					t.Errorf("%v: it was started after %s", err, time.Since(began))
				}
				s, err = c.Observe(t.Context(), "web", made.Container.ID, made.OperationID)
				if err != nil || s.Stop != nil || s.Container.State.Status != "running" {
					t.Errorf("%v, %+v", err, s)
				}
			})
		})
	}
}
