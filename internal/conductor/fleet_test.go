// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// fleetOf makes a fleet of fakes by their addresses, which are also the names of the engines. It is closed with the test.
func fleetOf(t *testing.T, dir string, fakes map[string]*fakeEngine) *Fleet {
	engines := make(map[string]EngineOptions)
	for name := range fakes {
		engines[name] = EngineOptions{Connection: engine.Connection{Host: "unix:///" + name}}
	}
	f := newFleet(Options{StateDir: dir, Scope: scopeHere}, func(one EngineOptions) func() (engine.API, engine.Address, error) {
		return func() (engine.API, engine.Address, error) {
			where, err := one.address()
			fake := fakes[strings.TrimPrefix(one.Connection.Host, "unix:///")]
			if fake == nil {
				return fakes["a"], where, errors.New("nobody is there")
			}
			return fake, where, err
		}
	})
	for name, one := range engines {
		f.open(name, one)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// Engines that report one host name are two all the same: a slow one holds up nobody on the other.
func TestEnginesOfAFleetAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newFake(), newFake()
		b.id = "OTHER"
		f := fleetOf(t, t.TempDir(), map[string]*fakeEngine{"a": a, "b": b})
		starting, started := a.holdStart()
		ended := make(chan error, 1)
		go func() {
			_, err := f.Engine("a").Call(t.Context(), create("web"))
			ended <- err
		}()
		<-starting
		if _, err := f.Engine("b").Call(t.Context(), create("web")); err != nil {
			t.Error(err)
		}
		close(started)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if len(a.containers) != 1 || len(b.containers) != 1 || len(f.everyConnection()) != 2 {
			t.Errorf("%d and %d containers, %d connections", len(a.containers), len(b.containers), len(f.everyConnection()))
		}
	})
}

// One engine under two names has one pool and one space of lanes, and is reported once.
func TestOneEngineUnderTwoNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, dir := newFake(), t.TempDir()
		f := fleetOf(t, dir, map[string]*fakeEngine{"a": fake, "b": fake})
		starting, started := fake.holdStart()
		order := make(chan string, 2)
		first, second := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := f.Engine("a").Call(t.Context(), create("web"))
			order <- "a"
			first <- err
		}()
		<-starting
		go func() {
			_, err := f.Engine("b").Call(t.Context(), create("web"))
			order <- "b"
			second <- err
		}()
		synctest.Wait()
		close(started)
		if err := <-first; err != nil {
			t.Error(err)
		}
		if failed := (*fault.Fault)(nil); !errors.As(<-second, &failed) || failed.Kind != fault.NameConflict {
			t.Errorf("%v", failed)
		}
		if earlier := <-order; earlier != "a" {
			t.Errorf("%s was first", earlier)
		}
		if len(f.everyConnection()) != 1 || f.Engine("a").current() != f.Engine("b").current() {
			t.Errorf("%d connections", len(f.everyConnection()))
		}
		died(t, dir, journal.Record{Kind: string(KindRemove), Container: "web", ContainerID: "gone", Cast: true})
		if late := f.LateFaults(); late.Count != 1 || len(late.Newest) != 1 {
			t.Errorf("%d late faults, of which %d are told of", late.Count, len(late.Newest))
		}
	})
}

// An operation is found on its engine in a later process, which has not connected to any.
func TestConductorOfAnOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, dir := newFake(), newFake(), t.TempDir()
		b.id = "OTHER"
		fakes := map[string]*fakeEngine{"a": a, "b": b}
		ids := make(map[string]string)
		before := fleetOf(t, dir, fakes)
		for _, name := range before.Names() {
			out, err := before.Engine(name).Call(t.Context(), create("web"))
			if err != nil {
				t.Fatal(err)
			}
			ids[name] = out.OperationID
		}
		after := fleetOf(t, dir, fakes)
		for name, id := range ids {
			if got := after.ConductorOf(id); got != after.Engine(name) {
				t.Errorf("the operation on %q is looked for on %q", name, got.name)
			}
		}
		if n := len(after.everyConnection()); n != 0 {
			t.Errorf("%d engines were connected to", n)
		}
	})
}

// An engine that is away takes none of the others' time.
func TestEngineThatIsAwayHarmsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newFake()
		f := fleetOf(t, t.TempDir(), map[string]*fakeEngine{"a": a, "gone": nil})
		began := time.Now()
		_, err := f.Engine("gone").Call(t.Context(), create("web"))
		if failed := (*fault.Fault)(nil); !errors.As(err, &failed) || failed.Kind != fault.EngineUnreachable {
			t.Errorf("%v", err)
		}
		if _, err := f.Engine("a").Call(t.Context(), create("web")); err != nil || time.Since(began) > time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
