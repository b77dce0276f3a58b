// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package enginetest_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// through returns a client whose calls go through the proxy. Its version is fixed, so that it does
// not ask for one.
func through(t *testing.T, p *enginetest.Proxy) *client.Client {
	t.Helper()
	docker, err := client.NewClientWithOpts(client.WithHost(p.Host), client.WithVersion("1.41"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := docker.Close(); err != nil {
			t.Error(err)
		}
	})
	return docker
}

func TestProxyRecords(t *testing.T) {
	t.Parallel()
	engine := enginetest.New(t)
	proxy := enginetest.NewProxy(t, engine)
	docker := through(t, proxy)
	image := engine.Image(enginetest.ImageOptions{})
	name := engine.Name("recorded")
	engine.Leaves(name)

	created, err := docker.ContainerCreate(t.Context(), &container.Config{Image: image}, nil, nil, nil, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := docker.ContainerStart(t.Context(), created.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := docker.ContainerInspect(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := docker.ImageInspect(t.Context(), image); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{
		"POST /containers/create":  1,
		"POST /containers/*/start": 1,
		"GET /containers/*/json":   2,
		"GET /images/*/json":       1,
	}
	if got := proxy.Tally(); !maps.Equal(got, want) {
		t.Errorf("tally %v, want %v", got, want)
	}
	if got := proxy.Calls("POST", "/containers/create"); got[0].Query.Get("name") != name {
		t.Errorf("query %v", got[0].Query)
	}
	if got := proxy.AwaitEnded("POST", "/containers/create"); got[0].Status != http.StatusCreated {
		t.Errorf("status %d", got[0].Status)
	}
	if got := proxy.Count("", "/containers/*/*"); got != 3 {
		t.Errorf("%d calls below containers, want 3", got)
	}
	proxy.Reset()
	if got := proxy.Calls("", ""); len(got) != 0 {
		t.Errorf("calls after a reset: %v", got)
	}
}

func TestProxyPassesStreamsAndCancellations(t *testing.T) {
	t.Parallel()
	engine := enginetest.New(t)
	proxy := enginetest.NewProxy(t, engine)
	docker := through(t, proxy)
	image := engine.Image(enginetest.ImageOptions{})
	name := engine.Name("streamed")

	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	messages, failed := docker.Events(ctx, events.ListOptions{Filters: filters.NewArgs(filters.Arg("container", name))})
	// The answer's status shows that the engine has subscribed the client.
	proxy.Await("GET", "/events", 1)
	engine.Run(name, enginetest.RunOptions{Image: image})
	for want := range strings.SplitSeq("create start", " ") {
		for got := events.Action(""); got != events.Action(want); {
			select {
			case m := <-messages:
				got = m.Action
			case err := <-failed:
				t.Fatal(err)
			}
		}
	}
	leave()
	proxy.AwaitEnded("GET", "/events")
}

func TestProxyDisturbs(t *testing.T) {
	t.Parallel()
	engine := enginetest.New(t)
	image := engine.Image(enginetest.ImageOptions{})

	t.Run("fails a number of calls", func(t *testing.T) {
		t.Parallel()
		engine := enginetest.New(t)
		proxy := enginetest.NewProxy(t, engine)
		docker := through(t, proxy)
		id := engine.Run(engine.Name("failed"), enginetest.RunOptions{Image: image, CreateOnly: true})
		proxy.Fail("GET", "/containers/*/json", 1, http.StatusInternalServerError, "a \"bad\" day")
		if _, err := docker.ContainerInspect(t.Context(), id); !errdefs.IsInternal(err) || !strings.Contains(err.Error(), `a "bad" day`) {
			t.Errorf("got %v", err)
		}
		if _, err := docker.ContainerInspect(t.Context(), id); err != nil {
			t.Errorf("the second call: %v", err)
		}
	})

	t.Run("drops the answer of a call that the engine carries out", func(t *testing.T) {
		t.Parallel()
		engine := enginetest.New(t)
		proxy := enginetest.NewProxy(t, engine)
		docker := through(t, proxy)
		id := engine.Run(engine.Name("dropped"), enginetest.RunOptions{Image: image, CreateOnly: true})
		proxy.DropAnswer("POST", "/containers/*/start", 1)
		if err := docker.ContainerStart(t.Context(), id, container.StartOptions{}); err == nil {
			t.Error("the client got an answer")
		}
		if !engine.Inspect(id).State.Running {
			t.Error("the engine didn't start the container")
		}
		if call := proxy.AwaitEnded("POST", "/containers/*/start")[0]; call.Status != 0 {
			t.Errorf("status %d for the client", call.Status)
		}
	})

	t.Run("drops a request", func(t *testing.T) {
		t.Parallel()
		engine := enginetest.New(t)
		proxy := enginetest.NewProxy(t, engine)
		docker := through(t, proxy)
		id := engine.Run(engine.Name("lost"), enginetest.RunOptions{Image: image, CreateOnly: true})
		proxy.DropRequest("POST", "/containers/*/start", -1)
		if err := docker.ContainerStart(t.Context(), id, container.StartOptions{}); err == nil {
			t.Error("the client got an answer")
		}
		if engine.Inspect(id).State.Running {
			t.Error("the engine got the call")
		}
		proxy.Clear()
		if err := docker.ContainerStart(t.Context(), id, container.StartOptions{}); err != nil {
			t.Errorf("after Clear: %v", err)
		}
	})

	t.Run("holds a call until the gate opens", func(t *testing.T) {
		t.Parallel()
		engine := enginetest.New(t)
		proxy := enginetest.NewProxy(t, engine)
		docker := through(t, proxy)
		id := engine.Run(engine.Name("held"), enginetest.RunOptions{Image: image, CreateOnly: true})
		gate := proxy.Hold("POST", "/containers/*/start")

		left, leave := context.WithCancel(t.Context())
		abandoned := make(chan error, 1)
		go func() { abandoned <- docker.ContainerStart(left, id, container.StartOptions{}) }()
		gate.Await()
		leave()
		if err := <-abandoned; !errors.Is(err, context.Canceled) {
			t.Errorf("the caller that left got %v", err)
		}
		proxy.AwaitEnded("POST", "/containers/*/start")

		patient := make(chan error, 1)
		go func() { patient <- docker.ContainerStart(t.Context(), id, container.StartOptions{}) }()
		proxy.Await("POST", "/containers/*/start", 2)
		if engine.Inspect(id).State.Running {
			t.Error("the engine got a call that is held")
		}
		gate.Open()
		if err := <-patient; err != nil {
			t.Errorf("the caller that waited got %v", err)
		}
		if !engine.Inspect(id).State.Running {
			t.Error("the container doesn't run")
		}
	})

	t.Run("delays a call", func(t *testing.T) {
		t.Parallel()
		engine := enginetest.New(t)
		proxy := enginetest.NewProxy(t, engine)
		docker := through(t, proxy)
		proxy.Delay("GET", "/info", 50*time.Millisecond)
		if _, err := docker.Info(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// An engine that is gone breaks what is under way, and answers nothing until it is back.
func TestProxyGone(t *testing.T) {
	t.Parallel()
	engine := enginetest.New(t)
	proxy := enginetest.NewProxy(t, engine)
	docker := through(t, proxy)
	_, failed := docker.Events(t.Context(), events.ListOptions{Filters: filters.NewArgs(filters.Arg("container", engine.Name("none")))})
	proxy.Await("GET", "/events", 1)
	nth := proxy.DisturbNth(1, enginetest.Gone)
	if _, err := docker.Info(t.Context()); err != nil || nth.Hit() != nil {
		t.Errorf("the call before: %v, hit %v", err, nth.Hit())
	}
	for range 2 {
		if _, err := docker.Info(t.Context()); !client.IsErrConnectionFailed(err) {
			t.Errorf("got %v", err)
		}
	}
	if err := <-failed; err == nil {
		t.Error("the stream of events ended as if nothing had happened")
	}
	if hit := nth.Hit(); hit == nil || hit.Path != "/info" {
		t.Errorf("hit %v", hit)
	}
	proxy.Clear()
	if _, err := docker.Info(t.Context()); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}
