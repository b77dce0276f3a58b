// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/google/uuid"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// scopeHere is the workspace of the tests.
const scopeHere = "here"

// died writes a record whose owner is dead, as a killed process leaves it.
func died(t *testing.T, dir string, r journal.Record) journal.Record {
	t.Helper()
	j, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	e, err := j.Engine("FAKE", "edge1")
	if err != nil {
		t.Fatal(err)
	}
	r.ID, r.Engine, r.Accepted, r.Step = newOperationID("edge1", r.Container), "edge1", time.Now(), fault.StepStarting
	if Kind(r.Kind) == KindCreate && !r.Cast {
		if err := e.PutMark(r.ID, journal.Mark{Scope: scopeHere, EngineID: "FAKE", Accepted: r.Accepted}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Begin(r); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return r
}

// recorded reads a record back.
func recorded(t *testing.T, c *Conductor, id string) journal.Record {
	t.Helper()
	r, err := c.engine.journal.Find(id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// left is what an interrupted create left on the engine.
func left(f *fakeEngine, name, operation string) string {
	id := strings.Repeat("e", 64)
	f.containers[id] = &fakeContainer{
		id: id, name: name, status: "created", labels: map[string]string{container.LabelOperation: operation}, created: time.Now(),
		config: containertypes.Config{Image: "img", Env: []string{"TOKEN=s3cret-value"}},
	}
	return id
}

func TestWhatAnInterruptedCreateLeftIsAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := newFake(), t.TempDir()
		dead := died(t, dir, journal.Record{Kind: string(KindCreate), Container: "web"})
		id := left(f, "web", dead.ID)
		c := f.conductor(t, Options{StateDir: dir})
		out, err := c.Call(t.Context(), create("web"))
		if err != nil || out.Container.ID != id || len(f.containers) != 1 {
			t.Fatalf("%v, container %+v of %d", err, out.Container, len(f.containers))
		}
		if r := recorded(t, c, dead.ID); r.Outcome != journal.Interrupted || !r.Settled {
			t.Errorf("the record of the interrupted create: %+v", r)
		}
		// The label names the old operation: the container is found all the same.
		standing, err := c.Observe(t.Context(), "web", "", out.OperationID)
		if err != nil || standing.Container == nil || standing.InProgress || standing.Fault != nil {
			t.Errorf("standing %+v, %v", standing, err)
		}
		if _, err := c.Call(t.Context(), RemoveRequest{Name: "web", OperationID: out.OperationID}); err != nil || len(f.containers) != 0 {
			t.Errorf("%v, %d containers", err, len(f.containers))
		}
	})
}

func TestWhatIsNotAsAskedForIsMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := newFake(), t.TempDir()
		id := left(f, "web", died(t, dir, journal.Record{Kind: string(KindCreate), Container: "web"}).ID)
		req := create("web")
		req.Spec.Memory = 64 << 20
		out, err := f.conductor(t, Options{StateDir: dir}).Call(t.Context(), req)
		if err != nil || out.Container.ID == id || len(f.containers) != 1 {
			t.Fatalf("%v, container %+v of %d", err, out.Container, len(f.containers))
		}
	})
}

func TestContainerOfAFinishedCreateIsAConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		if _, err := c.Call(t.Context(), create("web")); err != nil {
			t.Fatal(err)
		}
		_, err := c.Call(t.Context(), create("web"))
		got := faultOf(t, err, fault.NameConflict)
		if !strings.Contains(got.Message, "another Terraform state") || len(f.containers) != 1 {
			t.Errorf("%v, %d containers", got, len(f.containers))
		}
	})
}

// crashed says that the process that carried an operation out, and was to give its answer, crashed.
func crashed(t *testing.T, dir string, r journal.Record) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "owners", r.Owner+".lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A create was answered, and its process crashed, perhaps before Terraform saved the state: the container is
// delivered all the same, and the next create of the name is a conflict, also in the same workspace.
func TestContainerOfAnAnsweredCreateIsAConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := newFake(), t.TempDir()
		first := newConductor(Options{StateDir: dir, Scope: scopeHere}, func() (engine.API, engine.Address, error) { return f, engine.Address{Host: "fake"}, nil })
		out, err := first.Call(t.Context(), create("web"))
		if err != nil {
			t.Fatal(err)
		}
		record := recorded(t, first, out.OperationID)
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		crashed(t, dir, record)
		_, err = f.conductor(t, Options{StateDir: dir}).Call(t.Context(), create("web"))
		got := faultOf(t, err, fault.NameConflict)
		if !strings.Contains(got.Hint, "edge1/web") || len(f.containers) != 1 {
			t.Errorf("%v, %d containers", got, len(f.containers))
		}
	})
}

// What an interrupted create left belongs to its workspace: another one's create is a conflict.
func TestWhatAnotherWorkspaceLeftIsAConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, scope := range []string{"elsewhere", ""} {
			f, dir := newFake(), t.TempDir()
			left(f, "web", died(t, dir, journal.Record{Kind: string(KindCreate), Container: "web"}).ID)
			c := newConductor(Options{StateDir: dir, Scope: scope}, func() (engine.API, engine.Address, error) { return f, engine.Address{Host: "fake"}, nil })
			req := create("web")
			req.Spec.Memory = 64 << 20
			_, err := c.Call(t.Context(), req)
			faultOf(t, err, fault.NameConflict)
			if f.count("remove") != 0 || len(f.containers) != 1 {
				t.Errorf("%q: %d containers", scope, len(f.containers))
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// Where the mark of a create can't be removed its answer carries no state, and the next one takes over.
func TestUndeliveredCreateHasNoState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := newFake(), t.TempDir()
		first := newConductor(Options{StateDir: dir, Scope: scopeHere}, func() (engine.API, engine.Address, error) { return f, engine.Address{Host: "fake"}, nil })
		f.before = func(_ context.Context, call string) error {
			if call != "start" {
				return nil
			}
			marks, err := filepath.Glob(filepath.Join(dir, "engines", "*", "operations", "*.open"))
			if err != nil || len(marks) != 1 {
				t.Errorf("marks %v, %v", marks, err)
				return nil
			}
			// A directory with something in it can't be removed as a file is.
			if err := errors.Join(os.Remove(marks[0]), os.MkdirAll(filepath.Join(marks[0], "full"), 0o700)); err != nil {
				t.Error(err)
			}
			return nil
		}
		out, err := first.Call(t.Context(), create("web"))
		if err == nil || out.Container != nil || len(f.containers) != 1 {
			t.Fatalf("%v, container %+v of %d", err, out.Container, len(f.containers))
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRemoveCancelsTheCreateInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		e, err := c.connect(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		cast := checked("web").accept(c, e, true, time.Now().Add(time.Hour))
		ended := make(chan error)
		go func() {
			_, err := cast.perform(t.Context())
			ended <- err
		}()
		synctest.Wait() // It waits for health, which never comes.
		if s, err := c.Observe(t.Context(), "web", "", cast.id); err != nil || !s.InProgress || s.Container == nil {
			t.Errorf("standing %+v, %v", s, err)
		}
		if _, err := c.Call(t.Context(), RemoveRequest{Name: "web", OperationID: cast.id}); err != nil {
			t.Fatal(err)
		}
		faultOf(t, <-ended, fault.Cancelled)
		if len(f.containers) != 0 {
			t.Error("something is left")
		}
		if r := recorded(t, c, cast.id); r.Unsettled() {
			t.Errorf("the remove did not settle the create: %+v", r)
		}
	})
}

func TestFailureOfACastIsToldUntilItIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		e, err := c.connect(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		cast := checked("web").accept(c, e, true, time.Now().Add(time.Hour))
		time.AfterFunc(time.Second, func() {
			f.setHealth("web", "unhealthy")
		})
		_, err = cast.perform(t.Context())
		faultOf(t, err, fault.Unhealthy)
		for range 2 { // Looking settles nothing.
			s, err := c.Observe(t.Context(), "web", "", cast.id)
			if err != nil || s.Fault == nil || s.Fault.Kind != fault.Unhealthy || s.Container == nil {
				t.Fatalf("standing %+v, %v", s, err)
			}
		}
		_, err = c.Await(t.Context(), cast.id, "")
		faultOf(t, err, fault.Unhealthy)
		if _, err := c.Call(t.Context(), RemoveRequest{Name: "web", OperationID: cast.id}); err != nil {
			t.Fatal(err)
		}
		if r := recorded(t, c, cast.id); r.Unsettled() {
			t.Errorf("still unsettled: %+v", r)
		}
	})
}

func TestUnfinishedRemovalIsReportedAndResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "unix:///fake.sock")
		f, dir := newFake(), t.TempDir()
		c := f.conductor(t, Options{StateDir: dir})
		c.dial = func() (engine.API, engine.Address, error) { return f, engine.Address{Host: "unix:///fake.sock"}, nil }
		first, err := c.Call(t.Context(), create("web"))
		if err != nil {
			t.Fatal(err)
		}
		if late := c.LateFaults(); late.Count != 0 {
			t.Errorf("late removals: %v", late)
		}
		died(t, dir, journal.Record{Kind: string(KindRemove), Container: "web", ContainerID: first.Container.ID, Cast: true})
		if late := c.LateFaults().Newest; len(late) != 1 || late[0].Kind != KindRemove || !late[0].Stray || late[0].Fault.Kind != fault.Interrupted {
			t.Errorf("late removals: %v", late)
		}
		again, err := c.Call(t.Context(), create("web"))
		if err != nil || again.Container.ID == first.Container.ID && f.count("remove") != 1 || len(f.containers) != 1 {
			t.Fatalf("%v, container %+v of %d", err, again.Container, len(f.containers))
		}
		if late := c.LateFaults(); late.Count != 0 {
			t.Errorf("late removals after it was resumed: %v", late)
		}
	})
}

// Whoever ends an unfinished removal ends what failed on the container before: no state tells of that any more.
func TestEndOfAnUnfinishedRemovalSettlesWhatFailedBefore(t *testing.T) {
	for _, tt := range []struct {
		name string
		ends func(t *testing.T, f *fakeEngine, c *Conductor, removal journal.Record)
	}{
		{"somebody removed the container", func(t *testing.T, f *fakeEngine, c *Conductor, removal journal.Record) {
			if err := f.ContainerRemove(t.Context(), removal.ContainerID, containertypes.RemoveOptions{}); err != nil {
				t.Error(err)
			}
			c.engine.settleRemovals(t.Context(), []journal.Record{removal})
		}},
		{"a background takes it up", func(t *testing.T, _ *fakeEngine, c *Conductor, _ journal.Record) { c.takeUp(t.Context(), c.engine) }},
		{"an operation that fails resumes it", func(t *testing.T, f *fakeEngine, c *Conductor, _ journal.Record) {
			f.before = func(_ context.Context, call string) error {
				if strings.HasPrefix(call, "create") {
					return errHeartless
				}
				return nil
			}
			_, err := c.Call(t.Context(), create("web"))
			faultOf(t, err, fault.EngineError)
		}},
		{"a person settles it", func(t *testing.T, _ *fakeEngine, c *Conductor, removal journal.Record) {
			if err := Settle(c.engine.journal, removal.ID); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, dir := newFake(), t.TempDir()
				c := f.conductor(t, Options{StateDir: dir})
				made, err := c.Call(t.Context(), create("web"))
				if err != nil {
					t.Fatal(err)
				}
				update := died(t, dir, journal.Record{Kind: string(KindUpdate), Container: "web", ContainerID: made.Container.ID, Cast: true})
				removal := died(t, dir, journal.Record{Kind: string(KindRemove), Container: "web", ContainerID: made.Container.ID, Cast: true})
				tt.ends(t, f, c, removal)
				for _, id := range []string{update.ID, removal.ID} {
					if r := recorded(t, c, id); !r.Settled || r.InProgress() {
						t.Errorf("%s: %q, settled: %t", r.Kind, r.Outcome, r.Settled)
					}
				}
			})
		})
	}
}

func TestBehind(t *testing.T) {
	t.Parallel()
	removal := journal.Record{ID: "edge1/web/5", Kind: string(KindRemove), Container: "web", ContainerID: "c1", Scope: "here", Cast: true}
	for _, tt := range []struct {
		name   string
		record journal.Record
		want   bool
	}{
		{"a failed update of the container", journal.Record{ID: "edge1/web/1", ContainerID: "c1", Cast: true, Outcome: journal.Failed}, true},
		{"one whose process died", journal.Record{ID: "edge1/web/1", ContainerID: "c1", Cast: true, Owner: "dead"}, true},
		{"one of another workspace", journal.Record{ID: "edge1/web/1", ContainerID: "c1", Cast: true, Outcome: journal.Failed, Scope: "there"}, true},
		{"one that never had a container", journal.Record{ID: "edge1/web/1", Cast: true, Outcome: journal.Failed, Scope: "here"}, true},
		{"one that is under way", journal.Record{ID: "edge1/web/1", ContainerID: "c1", Cast: true, Owner: "alive"}, false},
		{"one that is done", journal.Record{ID: "edge1/web/1", ContainerID: "c1", Cast: true, Outcome: journal.Done}, false},
		{"a call", journal.Record{ID: "edge1/web/1", ContainerID: "c1", Outcome: journal.Failed}, false},
		{"one of another container", journal.Record{ID: "edge1/web/1", ContainerID: "c2", Cast: true, Outcome: journal.Failed, Scope: "here"}, false},
		{"one of another workspace, without a container", journal.Record{ID: "edge1/web/1", Cast: true, Outcome: journal.Failed, Scope: "there"}, false},
		{"a removal that never found its container", journal.Record{ID: "edge1/web/1", Kind: string(KindRemove), Cast: true, Outcome: journal.Failed, Scope: "here"}, false},
		{"an exchange that was left in the middle", journal.Record{ID: "edge1/web/1", ContainerID: "c1", Cast: true, Outcome: journal.Interrupted, Exchange: &journal.Exchange{Predecessor: "c1"}}, false},
		{"a later one", journal.Record{ID: "edge1/web/6", ContainerID: "c1", Cast: true, Outcome: journal.Failed}, false},
		{"the removal itself", removal, false},
	} {
		got := behind([]journal.Record{tt.record}, removal, func(r journal.Record) bool { return r.Owner == "alive" })
		if (len(got) == 1) != tt.want {
			t.Errorf("%s: %t", tt.name, !tt.want)
		}
	}
}

// What a process cast that crashed before a state named the operation is told of without a state.
func TestFailureOfALostCastIsStray(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "unix:///fake.sock")
		f, dir := newFake(), t.TempDir()
		c := f.conductor(t, Options{StateDir: dir})
		c.dial = func() (engine.API, engine.Address, error) { return f, engine.Address{Host: "unix:///fake.sock"}, nil }
		if _, err := c.Engine(t.Context()); err != nil {
			t.Fatal(err)
		}
		// A crash leaves the lock's file, an orderly end does not.
		if err := os.WriteFile(filepath.Join(dir, "owners", "crashed.lock"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		r := died(t, dir, journal.Record{Kind: string(KindCreate), Container: "web", Cast: true, Caller: "crashed"})
		stray := func() bool {
			t.Helper()
			late := c.LateFaults().Newest
			if len(late) != 1 || late[0].Fault.Operation != r.ID || late[0].Fault.Kind != fault.Interrupted {
				t.Fatalf("late faults: %+v", late)
			}
			return late[0].Stray
		}
		if !stray() {
			t.Error("a state is said to tell of it")
		}
		if _, err := c.Observe(t.Context(), "web", "", r.ID); err != nil {
			t.Fatal(err)
		}
		if stray() {
			t.Error("a state that names it tells of it")
		}
		if _, err := c.Call(t.Context(), create("web")); err != nil {
			t.Fatal(err)
		}
		if late := c.LateFaults(); late.Count != 0 {
			t.Errorf("late faults after a create dealt with it: %+v", late)
		}
	})
}

// A create that this machine's journal does not know may be under way on another one: a remove waits
// for the container, but no longer than that can be.
func TestRemoveWaitsForAnotherMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		elsewhere, here := f.conductor(t, Options{}), f.conductor(t, Options{})
		e, err := elsewhere.connect(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		cast := create("web").accept(elsewhere, e, true, time.Now().Add(time.Hour))
		var made sync.WaitGroup
		made.Go(func() {
			_ = pause(t.Context(), 10*time.Second)
			_, _ = cast.perform(t.Context()) // It may be removed while it settles.
		})
		remove := RemoveRequest{Name: "web", OperationID: cast.id, Expected: time.Now().Add(time.Hour)}
		if _, err := here.Call(t.Context(), remove); err != nil {
			t.Fatal(err)
		}
		made.Wait()
		if left := len(f.containers); left != 0 || f.count("start") != 1 {
			t.Errorf("%d containers are left, %d were started", left, f.count("start"))
		}

		began := time.Now()
		remove.OperationID, remove.Expected = newOperationID("edge1", "never"), began.Add(time.Minute)
		remove.Name = "never"
		if _, err := here.Call(t.Context(), remove); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < time.Minute || took > time.Minute+appearLook {
			t.Errorf("a container that never appears was waited for %s", took)
		}

		// It is told that what pulls for longer may still come.
		now := uuid.Must(uuid.NewV7()) // Its clock never goes back, and that of the test may be behind those of others.
		var milliseconds [8]byte
		binary.BigEndian.PutUint64(milliseconds[:], uint64(time.Now().UnixMilli()))
		copy(now[:6], milliseconds[2:])
		remove.OperationID, remove.Expected = journal.ID("edge1", "never", now.String()), time.Now().Add(time.Hour)
		if out, err := here.Call(t.Context(), remove); err != nil || !out.Elsewhere.Equal(remove.Expected) {
			t.Errorf("it may come until %s, and the answer is %+v, %v", remove.Expected, out, err)
		}
		// What the journal knows does not come any more.
		if out, err := elsewhere.Call(t.Context(), RemoveRequest{Name: "web", OperationID: cast.id, Expected: time.Now().Add(time.Hour)}); err != nil || !out.Elsewhere.IsZero() {
			t.Errorf("it has ended, and the answer is %+v, %v", out, err)
		}
	})
}

func TestAwaitOfAnEarlierRunsCast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		out, err := c.Call(t.Context(), create("web"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Await(t.Context(), out.OperationID, "")
		if err != nil || got.ContainerID != out.Container.ID || got.Duration <= 0 {
			t.Errorf("gathered %+v, %v", got, err)
		}
		// A journal that does not know the operation: the engine is asked.
		other := f.conductor(t, Options{})
		if got, err := other.Await(t.Context(), out.OperationID, ""); err != nil || got.ContainerID != out.Container.ID {
			t.Errorf("gathered elsewhere %+v, %v", got, err)
		}
		// A container of the name that can't be the operation's, as its label tells, is not.
		for _, label := range []string{"", "nonsense", newOperationID("edge1", "web")} {
			f.containers[out.Container.ID].labels = map[string]string{container.LabelOperation: label}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			got, err := other.Await(ctx, out.OperationID, "")
			cancel()
			if err == nil || got.ContainerID != "" {
				t.Errorf("with the label %q it is taken for the operation's: %+v, %v", label, got, err)
			}
		}
		_, err = other.Await(t.Context(), "nonsense", "")
		faultOf(t, err, fault.Invalid)
	})
}

// A wait that is over before the operation says how far that was, and that it goes on.
func TestAwaitIsOverBeforeTheOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		var calling sync.WaitGroup
		calling.Go(func() {
			if _, err := c.Call(t.Context(), checked("web")); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		records, _ := c.engine.journal.Records()
		if len(records) != 1 {
			t.Fatalf("the journal has %+v", records)
		}
		for _, stranger := range []bool{false, true} { // Who has a journal of its own sees the container alone.
			waiting, says := c, "its create was waiting"
			if stranger {
				waiting, says = f.conductor(t, Options{}), "its health check says starting"
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			_, err := waiting.Await(ctx, records[0].ID, "")
			cancel()
			got := faultOf(t, err, fault.Timeout)
			if detail := got.Detail(); !strings.HasPrefix(got.Summary, "The wait for container") || !strings.Contains(detail, says) || !strings.Contains(detail, "goes on") {
				t.Errorf("%s\n%s", got.Summary, detail)
			}
		}
		f.setHealth("web", "healthy")
		calling.Wait()
	})
}

// A job that has ended as it should is ready, whoever asks for that by name.
func TestAwaitOfAJobThatIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		job := create("job")
		job.Spec.DesiredState = container.DesiredCompleted
		time.AfterFunc(time.Second, func() {
			f.set("job", func(c *fakeContainer) { c.status = "exited" }, events.ActionDie)
		})
		out, err := c.Call(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Await(t.Context(), out.OperationID, container.WaitReady); err != nil || !got.Container.State.Ended() {
			t.Errorf("gathered %+v, %v", got, err)
		}
		_, err = c.Await(t.Context(), out.OperationID, container.WaitRunning)
		faultOf(t, err, fault.Exited)
	})
}
