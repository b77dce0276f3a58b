// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"
	"github.com/google/uuid"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// exchangeBench is a bench behind a proxy, with a container that is to be exchanged.
type exchangeBench struct {
	*bench
	proxy *enginetest.Proxy
	dir   string
	spec  container.Spec
	// network is the user's own.
	network string
	old     *container.Container
}

func startExchange(t *testing.T, change func(*exchangeBench)) *exchangeBench {
	t.Helper()
	docker := enginetest.New(t)
	x := &exchangeBench{proxy: enginetest.NewProxy(t, docker), dir: t.TempDir()}
	x.bench = &bench{Engine: docker, Conductor: conductor.New(conductor.Options{Engine: conductor.EngineOptions{Connection: engine.Connection{Host: x.proxy.Host}}, StateDir: x.dir}), t: t}
	t.Cleanup(func() { _ = x.Conductor.Close() })
	x.network = docker.Network("net")
	x.spec = x.bench.spec("web", docker.Image(enginetest.ImageOptions{Volumes: []string{"/data"}}), "serve")
	x.spec.Networks = map[string]container.NetworkAttachment{"net": {Network: x.network}}
	x.spec.Environment = map[string]string{"V": "1"}
	if change != nil {
		change(x)
	}
	out, err := x.Call(t.Context(), conductor.CreateRequest{Spec: x.spec})
	if err != nil {
		t.Fatal(err)
	}
	x.old = out.Container
	x.spec.Environment = map[string]string{"V": "2"}
	return x
}

func (x *exchangeBench) exchange(ctx context.Context, order container.Order) (conductor.Outcome, error) {
	return x.Call(ctx, conductor.ExchangeRequest{Spec: x.spec, ContainerID: x.old.ID, PriorName: x.old.Name, Order: order, RemoveVolumes: true})
}

// clear removes the one container that is to be there.
func (x *exchangeBench) clear(ref string) {
	x.t.Helper()
	found := x.Engine.Inspect(ref)
	_, err := x.Call(context.WithoutCancel(x.t.Context()), conductor.RemoveRequest{Name: strings.TrimPrefix(found.Name, "/"), ContainerID: found.ID, RemoveVolumes: true, Exchanged: true})
	if err != nil {
		x.t.Error(err)
	}
}

// oldRuns asserts that the old container is the only one, and as it was.
func (x *exchangeBench) oldRuns() {
	x.t.Helper()
	if names := x.Containers(); !slices.Equal(names, []string{x.old.Name}) {
		x.t.Errorf("containers %v, want %s alone", names, x.old.Name)
	}
	now := x.Engine.Inspect(x.old.Name)
	if now.ID != x.old.ID || !now.State.Running || now.NetworkSettings.Networks[x.network] == nil {
		x.t.Errorf("%s is %s, %+v", now.ID, now.State.Status, now.NetworkSettings.Networks)
	}
}

// isNew asserts that the new container is the only one, in the old one's place.
func (x *exchangeBench) isNew() containertypes.InspectResponse {
	x.t.Helper()
	if names := x.Containers(); !slices.Equal(names, []string{x.spec.Name}) {
		x.t.Fatalf("containers %v, want %s alone", names, x.spec.Name)
	}
	now := x.Engine.Inspect(x.spec.Name)
	if now.ID == x.old.ID || !now.State.Running || !slices.Contains(now.Config.Env, "V=2") {
		x.t.Errorf("it is %s, %s, %v", now.ID, now.State.Status, now.Config.Env)
	}
	return now
}

func volumeOf(c containertypes.InspectResponse, target string) string {
	for _, m := range c.Mounts {
		if m.Destination == target {
			return m.Name
		}
	}
	return ""
}

func TestExchange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		order  container.Order
		change func(*exchangeBench)
		beside bool
	}{
		{"start-first", container.StartFirst, nil, true},
		{"stop-first", container.StopFirst, nil, false},
		{"fixed port", container.StartFirst, func(x *exchangeBench) {
			x.spec.Ports = []container.Port{{Target: 8080, Published: x.FreePort(), Protocol: "tcp"}}
		}, false},
		{"no network of its own", container.StartFirst, func(x *exchangeBench) { x.spec.Networks = nil }, true},
		{"with aliases", container.StartFirst, func(x *exchangeBench) {
			x.spec.Networks = map[string]container.NetworkAttachment{"net": {Network: x.network, EndpointOptions: container.EndpointOptions{Aliases: []string{"api"}}}}
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			x := startExchange(t, test.change)
			volume := volumeOf(x.Engine.Inspect(x.old.ID), "/data")
			out, err := x.exchange(t.Context(), test.order)
			if err != nil {
				t.Fatal(err)
			}
			now := x.isNew()
			if out.Container.ID != now.ID || out.Container.Name != x.spec.Name {
				t.Errorf("the outcome is %s %s", out.Container.Name, out.Container.ID)
			}
			if got := volumeOf(now, "/data"); got != volume {
				t.Errorf("the anonymous volume is %s, was %s", got, volume)
			}
			order := []string{}
			for _, c := range x.proxy.Calls("POST", "/containers/*/*") {
				switch {
				case strings.HasSuffix(c.Path, "/stop"):
					order = append(order, "stop")
				case strings.HasSuffix(c.Path, "/start"):
					order = append(order, "start")
				}
			}
			if stop := slices.Index(order, "stop"); (stop > 1) != test.beside {
				t.Errorf("started and stopped in the order %v", order)
			}
			if n := out.Container.Attached[x.network]; x.spec.Networks != nil && !slices.Equal(n.Aliases, x.spec.Networks["net"].Aliases) {
				t.Errorf("aliases %v", n.Aliases)
			}
			// Once more: the new one is an old one like any other.
			x.old = out.Container
			if _, err := x.exchange(t.Context(), test.order); err != nil {
				t.Fatal(err)
			}
			x.clear(x.spec.Name)
			if x.VolumeExists(volume) {
				t.Error("the anonymous volume is left over")
			}
		})
	}
}

// Whatever step fails: the old container is there alone, runs, and has its name, and the fault says so.
func TestExchangeFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method, pattern string
		order           container.Order
		what            string
	}{
		{"POST", "/containers/create", container.StartFirst, "create"},
		{"POST", "/containers/*/start", container.StartFirst, "start"},
		{"POST", "/networks/*/disconnect", container.StartFirst, "hand-over, first half"},
		{"POST", "/networks/*/connect", container.StartFirst, "hand-over, second half"},
		{"POST", "/containers/*/rename", container.StartFirst, "rename"},
		{"POST", "/containers/*/stop", container.StartFirst, "stop"},
		{"DELETE", "/containers/*", container.StartFirst, "remove"},
		{"POST", "/containers/create", container.StopFirst, "create"},
		{"POST", "/containers/*/stop", container.StopFirst, "stop"},
		{"POST", "/containers/*/rename", container.StopFirst, "rename"},
		{"POST", "/containers/*/start", container.StopFirst, "start"},
		{"DELETE", "/containers/*", container.StopFirst, "remove"},
	} {
		t.Run(string(test.order)+"/"+test.what, func(t *testing.T) {
			t.Parallel()
			x := startExchange(t, nil)
			x.proxy.Fail(test.method, test.pattern, 1, 500, "the engine has no heart")
			_, err := x.exchange(t.Context(), test.order)
			var f *fault.Fault
			if !errors.As(err, &f) || f.Left != fault.OldKept || !strings.Contains(f.Error(), "no heart") ||
				f.Facts.Order != string(test.order) {
				t.Errorf("the fault is %v", err)
			}
			x.oldRuns()
			if _, err := x.exchange(t.Context(), test.order); err != nil {
				t.Fatal(err)
			}
			x.isNew()
			x.clear(x.spec.Name)
		})
	}
}

// An answer that gets lost is asked for again: the exchange goes on.
func TestExchangeLostAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range [][2]string{
		{"POST", "/containers/create"}, {"POST", "/containers/*/start"}, {"POST", "/networks/*/disconnect"}, {"POST", "/networks/*/connect"},
		{"POST", "/containers/*/rename"}, {"POST", "/containers/*/stop"}, {"DELETE", "/containers/*"},
	} {
		t.Run(test[1], func(t *testing.T) {
			t.Parallel()
			x := startExchange(t, nil)
			x.proxy.DropAnswer(test[0], test[1], 1)
			if _, err := x.exchange(t.Context(), container.StartFirst); err != nil {
				t.Fatal(err)
			}
			x.isNew()
			x.clear(x.spec.Name)
		})
	}
}

func TestExchangeOfWhatIsNotReady(t *testing.T) {
	t.Parallel()
	for _, order := range []container.Order{container.StartFirst, container.StopFirst} {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			x := startExchange(t, nil)
			x.spec.Healthcheck = &container.Healthcheck{Test: []string{"CMD", enginetest.Program, "health-fail", "no database"}, Interval: 200 * time.Millisecond, Retries: 1}
			out, err := x.exchange(t.Context(), order)
			f := wantFault(t, err, fault.Unhealthy, "healthcheck")
			if !strings.Contains(f.Detail(), "no database") || out.Container == nil || out.Container.ID != x.old.ID {
				t.Errorf("container %v, fault %v", out.Container, f)
			}
			x.oldRuns()
			x.spec.Healthcheck, x.spec.Image = nil, "gantry-test-nope:1"
			x.spec.PullPolicy = container.PullNever
			_, err = x.exchange(t.Context(), order)
			wantFault(t, err, fault.ImageNotFound, "image")
			x.oldRuns()
			x.clear(x.old.Name)
		})
	}
}

// Cancelled in the middle, the old container is back.
func TestExchangeCancelled(t *testing.T) {
	t.Parallel()
	for _, order := range []container.Order{container.StartFirst, container.StopFirst} {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			x := startExchange(t, nil)
			x.spec.Healthcheck = &container.Healthcheck{Test: []string{"CMD", enginetest.Program, "health-file", "/nope"}, Interval: time.Second, StartPeriod: time.Hour}
			ctx, cancel := context.WithCancel(t.Context())
			x.proxy.Reset()
			done := make(chan error, 1)
			go func() { _, err := x.exchange(ctx, order); done <- err }()
			x.proxy.Await("POST", "/containers/*/start", 1)
			x.proxy.AwaitEnded("POST", "/containers/*/start")
			cancel()
			wantFault(t, <-done, fault.Cancelled, "")
			x.oldRuns()
			x.clear(x.old.Name)
		})
	}
}

// A stranger has the new name: the old container is back under its own.
func TestExchangeIntoATakenName(t *testing.T) {
	t.Parallel()
	x := startExchange(t, nil)
	stranger := x.Run(x.Name("www"), enginetest.RunOptions{Image: x.spec.Image})
	x.spec.Name = x.Name("www")
	_, err := x.exchange(t.Context(), container.StartFirst)
	wantFault(t, err, fault.NameConflict, "name")
	if now := x.Engine.Inspect(x.old.ID); now.Name != "/"+x.old.Name || !now.State.Running || !x.Engine.Inspect(stranger).State.Running {
		t.Errorf("%s is %s", now.Name, now.State.Status)
	}
	if len(x.Containers()) != 2 {
		t.Errorf("containers %v", x.Containers())
	}
	x.clear(x.old.Name)
}

// A volume that somebody named as engines name anonymous ones, and the anonymous volume of another container, are
// mounted by their names: they are not the container's own, the next one does not get them, and they outlive both.
func TestExchangeLeavesVolumesOfOthers(t *testing.T) {
	t.Parallel()
	var named, theirs string
	x := startExchange(t, func(x *exchangeBench) {
		ctx := context.WithoutCancel(t.Context())
		named = strings.Repeat("0", 32) + strings.ReplaceAll(uuid.NewString(), "-", "")
		if _, err := x.Docker.VolumeCreate(ctx, volume.CreateOptions{Name: named}); err != nil {
			t.Fatal(err)
		}
		other := x.Run(x.Name("other"), enginetest.RunOptions{Image: x.spec.Image, Volumes: []string{"/theirs"}, CreateOnly: true})
		theirs = volumeOf(x.Engine.Inspect(other), "/theirs")
		ofImage := volumeOf(x.Engine.Inspect(other), "/data")
		if err := x.Docker.ContainerRemove(ctx, other, containertypes.RemoveOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			for _, name := range []string{named, theirs, ofImage} {
				if err := x.Docker.VolumeRemove(ctx, name, true); err != nil {
					t.Errorf("removing the volume %s: %v", name, err)
				}
			}
		})
		x.spec.Mounts = map[string]container.Mount{
			"/own": {Type: container.MountVolume}, "/kept": {Type: container.MountVolume, Source: named},
			"/dropped": {Type: container.MountVolume, Source: theirs}, "/anonymous": {Type: container.MountVolume, Source: named},
		}
	})
	before := x.Engine.Inspect(x.old.ID)
	x.spec.Mounts = map[string]container.Mount{
		"/own": {Type: container.MountVolume}, "/kept": {Type: container.MountVolume, Source: named}, "/anonymous": {Type: container.MountVolume},
	}
	out, err := x.exchange(t.Context(), container.StopFirst)
	if err != nil {
		t.Fatal(err)
	}
	now := x.isNew()
	own := volumeOf(now, "/own")
	if own != volumeOf(before, "/own") || volumeOf(now, "/data") != volumeOf(before, "/data") {
		t.Errorf("the anonymous volumes are not the old one's: %+v", now.Mounts)
	}
	if got := volumeOf(now, "/anonymous"); got == named || got == "" {
		t.Errorf("the anonymous volume is %q, the one that somebody named %q", got, named)
	}
	if got := out.Container.AnonymousVolumes(); !slices.Equal(got, []string{"/anonymous", "/data", "/own"}) {
		t.Errorf("anonymous are %v", got)
	}
	x.clear(x.spec.Name)
	for name, want := range map[string]bool{named: true, theirs: true, own: false, volumeOf(now, "/data"): false, volumeOf(now, "/anonymous"): false} {
		if x.VolumeExists(name) != want {
			t.Errorf("the volume %s is there: %t", name, !want)
		}
	}
}

// What was committed from a container that an exchange made has its label: nothing is carried by that.
func TestCommittedExchangeCarriesNothing(t *testing.T) {
	t.Parallel()
	x := startExchange(t, nil)
	if _, err := x.exchange(t.Context(), container.StopFirst); err != nil {
		t.Fatal(err)
	}
	now := x.isNew()
	data := volumeOf(now, "/data")
	image := x.Name("committed")
	x.Commit(now.ID, image)
	x.Engine.Remove(now.ID) // With the volumes that the engine takes for its own.
	t.Cleanup(func() { x.Engine.RemoveVolume(data) })
	copied := x.Run(x.Name("copy"), enginetest.RunOptions{Image: image, Volumes: []string{data + ":/mine"}, CreateOnly: true})
	x.clear(copied)
	if !x.VolumeExists(data) {
		t.Error("the volume that somebody mounted by its name is gone")
	}
}
