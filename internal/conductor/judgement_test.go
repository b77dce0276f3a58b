// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/docker/api/types/events"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

func TestRecovered(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	long, short := now.Add(-time.Hour), now.Add(-time.Second)
	running := container.State{Status: "running", StartedAt: long}
	of := func(kind Kind, spec container.Spec, wait container.Wait, change func(*journal.Record)) journal.Record {
		spec.Name = "web"
		r := journal.Record{Kind: string(kind), Container: "web", Step: fault.StepWaiting, Goal: goalFor(spec, wait)}
		if change != nil {
			change(&r)
		}
		return r
	}
	up := container.Spec{DesiredState: container.DesiredRunning}
	at := func(step fault.Step) func(*journal.Record) { return func(r *journal.Record) { r.Step = step } }
	for _, test := range []struct {
		name  string
		r     journal.Record
		c     *container.Container
		wants bool
	}{
		{"it runs", of(KindCreate, up, container.WaitReady, nil), &container.Container{Name: "web", State: running}, true},
		{"there is none", of(KindCreate, up, container.WaitReady, nil), nil, false},
		{"it is healthy", of(KindCreate, up, container.WaitReady, nil), &container.Container{Name: "web", State: container.State{Status: "running", Checked: true, Health: "healthy"}}, true},
		{"it is not healthy yet", of(KindCreate, up, container.WaitReady, nil), &container.Container{Name: "web", State: container.State{Status: "running", Checked: true, Health: "starting"}}, false},
		{"it only has to run", of(KindCreate, up, container.WaitRunning, nil), &container.Container{Name: "web", State: container.State{Status: "running", Checked: true, Health: "unhealthy"}}, true},
		{"it ended", of(KindCreate, up, container.WaitReady, nil), &container.Container{Name: "web", State: container.State{Status: "exited", StartedAt: long}}, false},
		{"it came up at a later try", of(KindCreate, up, container.WaitReady, nil), &container.Container{Name: "web", State: container.State{Status: "running", RestartCount: 7, StartedAt: long}}, true},
		{"it has only just been restarted", of(KindCreate, up, container.WaitReady, nil), &container.Container{Name: "web", State: container.State{Status: "running", RestartCount: 7, StartedAt: short}}, false},
		{"a job ended well", of(KindCreate, container.Spec{DesiredState: container.DesiredCompleted, ExpectedExitCodes: []int{3}}, container.WaitReady, nil), &container.Container{Name: "web", State: container.State{Status: "exited", ExitCode: 3, StartedAt: long}}, true},
		{"a job ended badly", of(KindCreate, container.Spec{DesiredState: container.DesiredCompleted}, container.WaitReady, nil), &container.Container{Name: "web", State: container.State{Status: "exited", ExitCode: 3, StartedAt: long}}, false},
		{"it is stopped, as it should be", of(KindUpdate, container.Spec{DesiredState: container.DesiredStopped}, container.WaitReady, at(fault.StepStopping)), &container.Container{Name: "web", State: container.State{Status: "exited", ExitCode: 137, StartedAt: long}}, true},
		{"it has another name", of(KindUpdate, up, container.WaitReady, at(fault.StepUpdating)), &container.Container{Name: "web2", State: running}, false},
		{"a limit is missing", of(KindUpdate, container.Spec{DesiredState: container.DesiredRunning, Settings: container.Settings{Limits: container.Limits{Memory: 64 << 20}}}, container.WaitReady, at(fault.StepUpdating)), &container.Container{Name: "web", State: running}, false},
		{"a network is missing", of(KindUpdate, container.Spec{DesiredState: container.DesiredRunning, Settings: container.Settings{Networks: map[string]container.NetworkAttachment{"a": {Network: "a"}}}}, container.WaitReady, at(fault.StepUpdating)), &container.Container{Name: "web", State: running}, false},
		{"a restart may be missing", of(KindUpdate, up, container.WaitReady, func(r *journal.Record) { r.Restart, r.Step = true, fault.StepStopping }), &container.Container{Name: "web", State: running}, false},
		{"a restart is done once it is waited for", of(KindUpdate, up, container.WaitReady, func(r *journal.Record) { r.Restart = true }), &container.Container{Name: "web", State: running}, true},
		{"files may be missing", of(KindCreate, up, container.WaitReady, func(r *journal.Record) { r.Uploads, r.Step = true, fault.StepCreating }), &container.Container{Name: "web", State: running}, false},
		{"files are there before the start", of(KindCreate, up, container.WaitReady, func(r *journal.Record) { r.Uploads, r.Step = true, fault.StepStarting }), &container.Container{Name: "web", State: running}, true},
		{"an exchange is not for a look to judge", of(KindExchange, up, container.WaitReady, nil), &container.Container{Name: "web", State: running}, false},
		{"an older gantry noted no goal", journal.Record{Kind: "create", Container: "web", Step: fault.StepWaiting}, &container.Container{Name: "web", State: running}, false},
	} {
		if test.c != nil {
			test.c.Restart = container.RestartPolicy{Name: "no"}
		}
		if got := recovered(test.r, test.c, now); got != test.wants {
			t.Errorf("%s: recovered %v, want %v", test.name, got, test.wants)
		}
	}
}

// A refresh and a barrier judge a failed cast alike: as long as it stands, once its container is as it
// should be, and once whoever waited has been told.
func TestBarrierJudgesAsARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		e, err := c.connect(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		cast := checked("web").accept(c, e, true, time.Now().Add(time.Hour))
		time.AfterFunc(time.Second, func() { f.setHealth("web", "unhealthy") })
		_, err = cast.perform(t.Context())
		faultOf(t, err, fault.Unhealthy)

		look := func() Status {
			t.Helper()
			s, err := c.Observe(t.Context(), "web", "", cast.id)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		if s := look(); s.Fault == nil || s.Recovered {
			t.Errorf("the failure stands, and a refresh sees %+v", s)
		}
		_, err = c.Await(t.Context(), cast.id, "")
		faultOf(t, err, fault.Unhealthy)

		f.setHealth("web", "healthy")
		if s := look(); s.Fault == nil || !s.Recovered || !s.Fault.Over {
			t.Errorf("it has recovered, and a refresh sees %+v", s)
		}
		got, err := c.Await(t.Context(), cast.id, "")
		if err != nil || got.Recovered == nil || !got.Recovered.Over || got.Container == nil || got.ContainerID == "" {
			t.Errorf("it has recovered, and a barrier gathers %+v, %v", got, err)
		}

		c.Heard(cast.id)
		if s := look(); s.Fault != nil || !s.Settled {
			t.Errorf("it is settled, and a refresh sees %+v", s)
		}
		if got, err := c.Await(t.Context(), cast.id, ""); err != nil || got.Recovered != nil || got.Container == nil {
			t.Errorf("it is settled, and a barrier gathers %+v, %v", got, err)
		}
		// What is settled is no failure; that the container is not ready is one all the same.
		f.setHealth("web", "unhealthy")
		_, err = c.Await(t.Context(), cast.id, "")
		faultOf(t, err, fault.Unhealthy)
	})
}

func TestAwaitOfAnInterruptedCast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := newFake(), t.TempDir()
		r := died(t, dir, journal.Record{Kind: string(KindCreate), Container: "web", Cast: true, Goal: goalFor(create("web").Spec, container.WaitReady)})
		id := left(f, "web", r.ID)
		c := f.conductor(t, Options{StateDir: dir})
		_, err := c.Await(t.Context(), r.ID, "")
		faultOf(t, err, fault.Interrupted)
		f.set("web", func(c *fakeContainer) { c.status = "running" }, events.ActionStart)
		if got, err := c.Await(t.Context(), r.ID, ""); err != nil || got.ContainerID != id || got.Recovered == nil {
			t.Errorf("gathered %+v, %v", got, err)
		}
	})
}

// A stranger's container that has the name does not make up for a create that failed.
func TestStrangersContainerDoesNotRecoverACast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := newFake(), t.TempDir()
		r := died(t, dir, journal.Record{Kind: string(KindCreate), Container: "db", Cast: true, Goal: goalFor(create("db").Spec, container.WaitReady)})
		left(f, "db", "edge1/db/another")
		f.set("db", func(c *fakeContainer) { c.status = "running" }, events.ActionStart)
		_, err := f.conductor(t, Options{StateDir: dir}).Await(t.Context(), r.ID, "")
		faultOf(t, err, fault.Interrupted)
	})
}

// A barrier that names an operation whose container was made anew since follows it there, and one that
// failed waits for what is under way to make up for it.
func TestAwaitOfASupersededCast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		e, err := c.connect(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		first := checked("web").accept(c, e, true, time.Now().Add(time.Hour))
		time.AfterFunc(time.Second, func() { f.setHealth("web", "unhealthy") })
		_, err = first.perform(t.Context())
		faultOf(t, err, fault.Unhealthy)
		if _, err := c.Call(t.Context(), RemoveRequest{Name: "web", OperationID: first.id}); err != nil {
			t.Fatal(err)
		}
		second := create("web").accept(c, e, true, time.Now().Add(time.Hour))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = second.perform(t.Context())
		}()
		<-ended
		made, err := c.Inspect(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Await(t.Context(), first.id, ""); err != nil || got.ContainerID != made.ID || got.Recovered != nil {
			t.Errorf("gathered %+v, %v", got, err)
		}
	})
}

func TestAwaitWaitsForWhatMayMendAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		e, err := c.connect(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		first := checked("web").accept(c, e, true, time.Now().Add(time.Hour))
		time.AfterFunc(time.Second, func() { f.setHealth("web", "unhealthy") })
		out, err := first.perform(t.Context())
		faultOf(t, err, fault.Unhealthy)
		update := UpdateRequest{Spec: checked("web").Spec, ContainerID: out.Container.ID, Restart: true}
		second := update.accept(c, e, true, time.Now().Add(time.Hour))
		f.before = func(_ context.Context, call string) error {
			if call == "stop" {
				time.Sleep(time.Minute)
				f.setHealth("web", "")
			}
			return nil
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = second.perform(t.Context())
		}()
		time.AfterFunc(2*time.Minute, func() { f.setHealth("web", "healthy") })
		got, err := c.Await(t.Context(), first.id, "")
		<-ended
		if err != nil || got.ContainerID != out.Container.ID || got.Recovered != nil {
			t.Errorf("gathered %+v, %v", got, err)
		}
	})
}

// A rename that succeeds settles what failed under the old name with the same container, and nothing that
// failed there with another one.
func TestRenameSettlesInBothLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := newFake(), t.TempDir()
		c := f.conductor(t, Options{StateDir: dir})
		made, err := c.Call(t.Context(), create("web"))
		if err != nil {
			t.Fatal(err)
		}
		failed := func(id string) string {
			r := died(t, dir, journal.Record{Kind: string(KindUpdate), Container: "web", ContainerID: id, Cast: true})
			err := c.engine.journal.Change(r.ID, func(r *journal.Record) {
				r.Outcome, r.Fault = journal.Failed, &fault.Fault{Kind: fault.EngineError, Operation: r.ID}
			})
			if err != nil {
				t.Fatal(err)
			}
			return r.ID
		}
		own, others := failed(made.Container.ID), failed("another")
		rename := UpdateRequest{Spec: create("web2").Spec, ContainerID: made.Container.ID, PriorName: "web"}
		if _, err := c.Call(t.Context(), rename); err != nil {
			t.Fatal(err)
		}
		if recorded(t, c, own).Unsettled() {
			t.Error("the rename did not settle the update of the same container")
		}
		if !recorded(t, c, others).Unsettled() {
			t.Error("the rename settled an update of another container")
		}
	})
}
