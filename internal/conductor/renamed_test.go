// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// A failure of before the engine's host was renamed is told until an operation deals with it, and not after.
func TestFailureOfBeforeTheHostWasRenamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := newFake(), t.TempDir()
		before := f.conductor(t, Options{StateDir: dir})
		e, err := before.connect(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		cast := checked("web").accept(before, e, true, time.Now().Add(time.Hour))
		time.AfterFunc(time.Second, func() { f.setHealth("web", "unhealthy") })
		_, err = cast.perform(t.Context())
		faultOf(t, err, fault.Unhealthy)

		f.host = "edge2"
		c := f.conductor(t, Options{StateDir: dir})
		look := func() Status {
			t.Helper()
			s, err := c.Observe(t.Context(), "web", "", cast.id)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		for range 2 { // Looking settles nothing.
			if s := look(); !s.Known || s.Fault == nil || s.Fault.Kind != fault.Unhealthy || s.Container == nil {
				t.Fatalf("the failure stands, and a refresh sees %+v", s)
			}
		}
		f.setHealth("web", "healthy")
		if s := look(); s.Fault == nil || !s.Recovered {
			t.Errorf("it has recovered, and a refresh sees %+v", s)
		}
		if _, err := c.Call(t.Context(), RemoveRequest{Name: "web", OperationID: cast.id}); err != nil {
			t.Fatal(err)
		}
		if s := look(); s.Fault != nil || !s.Settled || s.Container != nil {
			t.Errorf("it is removed, and a refresh sees %+v", s)
		}
	})
}

// A removal that failed before the engine's host was renamed has nobody but the journal to tell of it: it is told
// until the container is gone, and no operation of the new name takes it up.
func TestRemovalOfBeforeTheHostWasRenamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "unix:///fake.sock")
		f, dir := newFake(), t.TempDir()
		at := func() *Conductor {
			c := f.conductor(t, Options{StateDir: dir})
			c.dial = func() (engine.API, engine.Address, error) { return f, engine.Address{Host: "unix:///fake.sock"}, nil }
			return c
		}
		first := at()
		made, err := first.Call(t.Context(), create("web"))
		if err != nil {
			t.Fatal(err)
		}
		removal := died(t, dir, journal.Record{Kind: string(KindRemove), Container: "web", ContainerID: made.Container.ID, Cast: true})

		f.host = "edge2"
		for range 2 { // The second one knows the new name from the first.
			c := at()
			if late := c.LateFaults().Newest; len(late) != 1 || late[0].Kind != KindRemove || !late[0].Stray {
				t.Fatalf("late faults: %+v", late)
			}
			if _, err := c.connect(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			c.takeUp(t.Context(), c.engine)
			c.engine.endSettling()
			if len(f.containers) != 1 {
				t.Fatal("what another name's part of the journal has was carried out")
			}
		}
		delete(f.containers, made.Container.ID)
		c := at()
		if late := c.LateFaults(); late.Count != 1 {
			t.Fatalf("late faults: %+v", late)
		}
		if _, err := c.connect(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		c.engine.endSettling()
		if late := at().LateFaults(); late.Count != 0 {
			t.Errorf("the container is gone, and %s is told: %+v", removal.ID, late.Newest)
		}
	})
}
