// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/docker/api/types/events"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// The names of operations that begin with a vowel have their own article.
func TestArticle(t *testing.T) {
	for kind, want := range map[Kind]string{
		KindCreate: "a create", KindRemove: "a delete", KindUpdate: "an update", KindExchange: "an update", KindRestart: "a restart", KindUnpause: "an unpause",
	} {
		if got := kind.Article(); got != want {
			t.Errorf("%s: %q", kind, got)
		}
	}
}

func TestPlanPowerOf(t *testing.T) {
	for _, test := range []struct {
		kind   Kind
		status string
		want   []container.Verb
	}{
		{kind: KindStart, status: "exited", want: []container.Verb{container.DoStart}},
		{kind: KindStart, status: "created", want: []container.Verb{container.DoStart}},
		{kind: KindStart, status: "paused", want: []container.Verb{container.DoUnpause, container.DoStart}},
		{kind: KindStart, status: "running", want: []container.Verb{container.DoStart}},
		{kind: KindStop, status: "running", want: []container.Verb{container.DoStop}},
		{kind: KindStop, status: "paused", want: []container.Verb{container.DoStop}},
		{kind: KindStop, status: "restarting", want: []container.Verb{container.DoStop}},
		{kind: KindStop, status: "exited"},
		{kind: KindStop, status: "created"},
		{kind: KindRestart, status: "running", want: []container.Verb{container.DoStop, container.DoStart}},
		{kind: KindRestart, status: "paused", want: []container.Verb{container.DoStop, container.DoStart}},
		{kind: KindRestart, status: "exited", want: []container.Verb{container.DoStart}},
		{kind: KindPause, status: "running", want: []container.Verb{container.DoPause}},
		{kind: KindPause, status: "paused"},
		{kind: KindPause, status: "exited", want: []container.Verb{container.DoPause}},
		{kind: KindUnpause, status: "paused", want: []container.Verb{container.DoUnpause}},
		{kind: KindUnpause, status: "running"},
		{kind: KindKill, status: "running", want: []container.Verb{container.DoKill}},
		{kind: KindKill, status: "exited", want: []container.Verb{container.DoKill}},
	} {
		var got []container.Verb
		for _, a := range planPowerOf(test.kind, container.State{Status: test.status}) {
			got = append(got, a.Do)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s of a container that is %s: got %v, want %v", test.kind, test.status, got, test.want)
		}
	}
}

func (f *fakeEngine) ContainerKill(ctx context.Context, id, signal string) error {
	return f.request(ctx, "kill "+signal, func() error {
		c := f.find(id)
		if c == nil {
			return noSuch(id)
		}
		if signal == "KILL" {
			c.status, c.exitCode = "exited", 137
		}
		return nil
	})
}

// An operation on the power state waits for its turn in the container's lane, or is refused, as asked
// for. It finds what a create before it made.
func TestPowerKeepsTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		starting, started := f.holdStart()
		created, stopped := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := c.Call(t.Context(), create("web"))
			created <- err
		}()
		<-starting

		_, err := c.Power(t.Context(), PowerSpec{Kind: KindStop, Container: "web", Reject: true})
		if got := faultOf(t, err, fault.Refused); !slices.Equal(got.Field, []string{"on_busy"}) {
			t.Errorf("the fault concerns %q", got.Field)
		}
		go func() {
			out, err := c.Power(t.Context(), PowerSpec{Kind: KindStop, Container: "web"})
			if err == nil && out.Container.State.Status != "exited" {
				err = errors.New("it is " + out.Container.State.Status)
			}
			stopped <- err
		}()
		synctest.Wait()
		if f.count("stop") != 0 {
			t.Error("the stop did not wait")
		}
		close(started)
		if err := errors.Join(<-created, <-stopped); err != nil {
			t.Error(err)
		}
		records, _ := c.engine.journal.Lane("web")
		if len(records) != 2 || Kind(records[1].Kind) != KindStop || records[1].InProgress() {
			t.Errorf("the journal has %+v", records)
		}
	})
}

// A container that merely has the name is touched only by its ID.
func TestPowerLeavesStrangersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		id := strings.Repeat("ab", 32)
		// Made from an image that was committed from gantry's own container.
		made, err := c.Call(t.Context(), create("web"))
		if err != nil {
			t.Fatal(err)
		}
		f.mu.Lock()
		old := f.find("web")
		old.name = "old"
		f.containers[id] = &fakeContainer{id: id, name: "web", status: "running", labels: old.labels, created: time.Now()}
		f.mu.Unlock()

		_, err = c.Power(t.Context(), PowerSpec{Kind: KindKill, Container: "web"})
		if got := faultOf(t, err, fault.NameConflict); !strings.Contains(got.Hint, id) {
			t.Errorf("the hint does not name the ID: %s", got.Hint)
		}
		if f.count("kill") != 0 {
			t.Error("a stranger was killed")
		}
		// By their IDs both can be meant.
		for _, ref := range []string{id, made.Container.ID} {
			if out, err := c.Power(t.Context(), PowerSpec{Kind: KindKill, Container: ref}); err != nil || out.Container.ID != ref {
				t.Errorf("got %v, %v", out.Container, err)
			}
		}
	})
}

// What is sent to a program is sent once; all else is repeated when its answer is lost.
func TestPowerWhenAnswersAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		if _, err := c.Call(t.Context(), create("web")); err != nil {
			t.Fatal(err)
		}
		lost := make(map[string]bool)
		f.after = func(_ context.Context, call string) error {
			if (call == "start" || strings.HasPrefix(call, "kill")) && !lost[call] {
				lost[call] = true
				return errLost
			}
			return nil
		}
		_, err := c.Power(t.Context(), PowerSpec{Kind: KindKill, Container: "web", Signal: "HUP"})
		if got := faultOf(t, err, fault.EngineUnreachable); got.Left != fault.PerhapsSignalled || f.count("kill HUP") != 1 {
			t.Errorf("%d signals were sent:\n%v", f.count("kill HUP"), got)
		}
		if _, err := c.Power(t.Context(), PowerSpec{Kind: KindStop, Container: "web"}); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if _, err := c.Power(t.Context(), PowerSpec{Kind: KindStart, Container: "web"}); err != nil {
			t.Fatal(err)
		}
		if !lost["start"] || time.Since(begun) < container.SettleTime {
			t.Error("the start did not wait until the container ran for a while")
		}
	})
}

// A start of a running container waits for it all the same.
func TestPowerWaitsForARunningContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		if _, err := c.Call(t.Context(), create("web")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.Power(ctx, PowerSpec{Kind: KindStart, Container: "web", Wait: container.WaitCompleted})
		faultOf(t, err, fault.Timeout)
	})
}

// Who restarts a container has not mended what failed before; what failed now was told at once.
func TestPowerSettlesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		if _, err := c.Call(t.Context(), create("web")); err != nil {
			t.Fatal(err)
		}
		e, err := c.connect(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		failing := UpdateRequest{Spec: create("web").Spec, ContainerID: "missing"}
		o := failing.accept(c, e, true, time.Time{})
		if _, err := o.perform(t.Context()); err == nil {
			t.Fatal("the update of a missing container went well")
		}
		if _, err := c.Power(t.Context(), PowerSpec{Kind: KindRestart, Container: "web"}); err != nil {
			t.Fatal(err)
		}
		if r, err := e.journal.Find(o.id); err != nil || !r.Unsettled() {
			t.Errorf("the failed update counts as dealt with: %+v, %v", r, err)
		}
		_, err = c.Power(t.Context(), PowerSpec{Kind: KindPause, Container: "nobody"})
		if got := faultOf(t, err, fault.NotFound); !slices.Equal(got.Field, []string{"container"}) {
			t.Errorf("the fault concerns %q", got.Field)
		}
	})
}

// While a container is being restarted, a refresh does not take it for one that somebody stopped.
func TestLookWhileARestartIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		made, err := c.Call(t.Context(), create("web"))
		if err != nil {
			t.Fatal(err)
		}
		starting, started := f.holdStart()
		restarted := make(chan error, 1)
		go func() {
			_, err := c.Power(t.Context(), PowerSpec{Kind: KindRestart, Container: "web"})
			restarted <- err
		}()
		<-starting
		standing, err := c.Observe(t.Context(), "web", made.Container.ID, made.OperationID)
		if err != nil || !standing.InProgress || standing.Kind != KindUpdate {
			t.Errorf("got %+v, %v", standing, err)
		}
		close(started)
		f.emit(made.Container.ID, events.ActionStart)
		if err := <-restarted; err != nil {
			t.Error(err)
		}
		if standing, err = c.Observe(t.Context(), "web", made.Container.ID, made.OperationID); err != nil || standing.InProgress {
			t.Errorf("got %+v, %v", standing, err)
		}
	})
}
