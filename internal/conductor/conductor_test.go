// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/docker/api/types/events"
	"go.uber.org/goleak"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func create(name string) CreateRequest {
	return CreateRequest{Spec: container.Spec{
		Name: name, Settings: container.Settings{Image: "img", Environment: map[string]string{"TOKEN": "s3cret-value"}}, DesiredState: container.DesiredRunning, PullPolicy: container.PullNever,
	}}
}

func checked(name string) CreateRequest {
	r := create(name)
	r.Spec.Healthcheck = &container.Healthcheck{Test: []string{"CMD", "probe"}}
	return r
}

// faultOf fails the test unless err is a fault of this kind.
func faultOf(t *testing.T, err error, kind fault.Kind) *fault.Fault {
	t.Helper()
	var f *fault.Fault
	if !errors.As(err, &f) || f.Kind != kind {
		t.Fatalf("got %v, want a fault of kind %s", err, kind)
	}
	return faulttext.Of(f)
}

func TestCreateAndRemoveTakeFiveRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		out, err := c.Call(t.Context(), create("web"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(out.OperationID, "edge1/web/") || out.Container.Labels[container.LabelOperation] != out.OperationID {
			t.Errorf("operation %q, label %q", out.OperationID, out.Container.Labels[container.LabelOperation])
		}
		if _, err := c.Call(t.Context(), RemoveRequest{Name: "web", ContainerID: out.Container.ID, RemoveVolumes: true}); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(f.calls, ", "), "info, create web, start, inspect, stop, remove"; got != want {
			t.Errorf("calls %s, want %s", got, want)
		}
	})
}

func TestEngineThatStaysSilentIsAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.before = func(_ context.Context, call string) error {
			if call == "info" {
				return nil
			}
			return errLost
		}
		out, err := f.conductor(t, Options{}).Call(t.Context(), create("web"))
		got := faultOf(t, err, fault.EngineUnreachable)
		if got.Left != fault.PerhapsCreated || out.Container != nil {
			t.Errorf("says %q, container %v", got.Exists, out.Container)
		}
	})
}

func TestNameThatIsTakenButNotSeenIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.containers["ghost"] = &fakeContainer{id: "ghost", name: "web"}
		f.before = func(_ context.Context, call string) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			if call == "inspect" && f.containers["ghost"] != nil {
				return noSuch("web")
			}
			return nil
		}
		time.AfterFunc(3*time.Second, func() { // The one who began to make it gave up.
			f.mu.Lock()
			defer f.mu.Unlock()
			delete(f.containers, "ghost")
		})
		if _, err := f.conductor(t, Options{}).Call(t.Context(), create("web")); err != nil {
			t.Fatal(err)
		}
	})
}

func TestNameOfAStrangerIsAConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		stranger := strings.Repeat("a", 64)
		f.containers[stranger] = &fakeContainer{id: stranger, name: "web", status: "running"}
		out, err := f.conductor(t, Options{}).Call(t.Context(), create("web"))
		got := faultOf(t, err, fault.NameConflict)
		if out.Container != nil || f.containers[stranger].status != "running" || !strings.Contains(got.Detail(), "edge1/web") {
			t.Errorf("container %v, detail %q", out.Container, got.Detail())
		}
	})
}

func TestHealthEndsTheWait(t *testing.T) {
	for _, test := range []struct {
		health string
		mute   bool // The event gets lost, and the sweep has to find it.
		kind   fault.Kind
		after  time.Duration
	}{
		{health: "healthy", after: 30 * time.Second},
		{health: "unhealthy", kind: fault.Unhealthy, after: 30 * time.Second},
		{health: "healthy", mute: true, after: 40 * time.Second},
		{health: "unhealthy", mute: true, kind: fault.Unhealthy, after: 40 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.mute = test.mute
			c := f.conductor(t, Options{})
			start := time.Now()
			time.AfterFunc(30*time.Second+time.Millisecond, func() {
				f.setHealth("web", test.health)
			})
			_, err := c.Call(t.Context(), checked("web"))
			if test.kind == "" && err != nil {
				t.Fatal(err)
			}
			if test.kind != "" {
				if got := faultOf(t, err, test.kind); !strings.Contains(got.Detail(), "no route") {
					t.Errorf("the output of the check is missing: %s", got.Detail())
				}
			}
			if got := time.Since(start).Truncate(time.Second); got != test.after {
				t.Errorf("%+v: took %s", test, got)
			}
			if n := f.count("inspect"); !test.mute && err == nil && n != 1 {
				t.Errorf("%d inspections, want 1", n)
			}
		})
	}
}

// A start that takes long is no proof that the container runs: it has to last after the start.
func TestSlowStartIsNoProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.after = func(_ context.Context, call string) error {
			if call != "start" {
				return nil
			}
			time.Sleep(2 * container.SettleTime)
			time.AfterFunc(container.SettleTime/2, func() {
				f.set("web", func(c *fakeContainer) { c.status, c.exitCode = "exited", 3 }, events.ActionDie)
			})
			return nil
		}
		c := f.conductor(t, Options{})
		request := create("web")
		request.Spec.DesiredState = container.DesiredStopped
		out, err := c.Call(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		request.Spec.DesiredState = container.DesiredRunning
		_, err = c.Call(t.Context(), UpdateRequest{Spec: request.Spec, ContainerID: out.Container.ID})
		faultOf(t, err, fault.Exited)
	})
}

func TestWaitingHoldsNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{Engine: EngineOptions{MaxParallel: 1}})
		var all sync.WaitGroup
		for _, name := range []string{"a1", "a2", "a3"} {
			all.Go(func() {
				if _, err := c.Call(t.Context(), checked(name)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if n := f.count("start"); n != 3 {
			t.Errorf("%d started while the others wait for health, want 3", n)
		}
		for _, name := range []string{"a1", "a2", "a3"} {
			f.setHealth(name, "healthy")
		}
		all.Wait()
	})
}

func TestSlowStopsDontStarveACreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.grace = time.Hour
		c := f.conductor(t, Options{Engine: EngineOptions{MaxParallel: 1}})
		var all sync.WaitGroup
		for _, name := range strings.Split("s0 s1 s2 s3 s4 s5 s6 s7 s8 s9 sa sb", " ") {
			out, err := c.Call(t.Context(), create(name))
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				if _, err := c.Call(t.Context(), RemoveRequest{Name: name, ContainerID: out.Container.ID}); err != nil {
					t.Error(err)
				}
			})
		}
		start := time.Now()
		if _, err := c.Call(t.Context(), create("web")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 12*stopHolds+container.SettleTime {
			t.Errorf("the create took %s", took)
		}
		all.Wait()
	})
}

func TestCancelWhileTheEngineCreatesKeepsWhatWasMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		ctx, cancel := context.WithCancel(t.Context())
		f.before = func(ctx context.Context, call string) error {
			if strings.HasPrefix(call, "create") {
				cancel()
				select {
				case <-time.After(2 * time.Second): // The engine takes its time.
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		}
		out, err := f.conductor(t, Options{}).Call(ctx, create("web"))
		got := faultOf(t, err, fault.Cancelled)
		if out.Container == nil || got.Left != fault.CreatedNotStarted {
			t.Errorf("container %v, says %q", out.Container, got.Exists)
		}
	})
}

func TestTimeUpIsAFaultOnItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		out, err := f.conductor(t, Options{}).Call(ctx, checked("web"))
		got := faultOf(t, err, fault.Timeout)
		if strings.Join(got.Field, ".") != "timeouts.create" || got.Step != fault.StepWaiting || out.Container == nil {
			t.Errorf("fault %+v, container %v", got, out.Container)
		}
	})
}

func TestLaneKeepsOperationsOfOneContainerApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		var all sync.WaitGroup
		all.Go(func() {
			_, err := c.Call(t.Context(), checked("web"))
			faultOf(t, err, fault.Unhealthy)
		})
		synctest.Wait()
		all.Go(func() {
			_, err := c.Call(t.Context(), create("web"))
			faultOf(t, err, fault.NameConflict) // The failed call left the container, and refuses nothing.
		})
		synctest.Wait()
		if n := f.count("create web"); n != 1 {
			t.Errorf("%d creates at once in one lane", n)
		}
		f.setHealth("web", "unhealthy")
		all.Wait()
	})
}

func TestUnreachableEngineIsExplainedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		c := newConductor(Options{}, func() (engine.API, engine.Address, error) {
			dials++
			return nil, engine.Address{Host: "tcp://edge1:2375", From: "DOCKER_HOST"}, errors.New("connection refused")
		})
		_, first := c.Call(t.Context(), create("one"))
		_, second := c.Call(t.Context(), create("two"))
		if got := faultOf(t, first, fault.EngineUnreachable); !strings.Contains(got.Detail(), "DOCKER_HOST") {
			t.Errorf("first: %s", got.Detail())
		}
		if got := faultOf(t, second, fault.EngineUnreachable); !strings.Contains(got.Detail(), `container "one"`) || strings.Contains(got.Detail(), "refused") {
			t.Errorf("second: %s", got.Detail())
		}
		if dials != 1 {
			t.Errorf("%d dials, want 1", dials)
		}
	})
}
