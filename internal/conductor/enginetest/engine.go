// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package enginetest is what the tests need around a real Docker engine: names and a clean-up of
// their own, an image that behaves as told, a registry, and a proxy that records and disturbs the
// calls to the engine. Only tests import it.
//
// Everything here waits for signals (events, requests that arrive, gates that a test opens),
// never for a time to pass. Each wait ends at [Patience] with a failure of the test.
package enginetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/docker/go-connections/nat"
)

// Patience bounds each wait of a test. It is no expectation of speed: it only turns a hang into
// a failure that says what was waited for.
const Patience = 2 * time.Minute

// Prefix begins the names of everything that tests make on an engine.
const Prefix = "gantry-test-"

// Engine is the real engine, as one test sees it. What the test makes there has names from
// [Engine.Name], and is removed when the test ends.
type Engine struct {
	// Docker is a plain client of the engine: for what others do there, and for asserts. Its
	// calls do not go through a [Proxy].
	Docker *client.Client
	// Host is the engine's address, as DOCKER_HOST has it.
	Host string

	t      testing.TB
	prefix string

	mu sync.Mutex
	// own are the containers that the test itself made, or said it leaves behind.
	own map[string]bool
}

// Acceptance skips a test that needs an engine or Terraform unless TF_ACC is set, as the acceptance tests
// of all providers do: `go test ./...` needs Go alone. With TF_ACC nothing is skipped, and what such a test
// lacks then fails it.
func Acceptance(tb testing.TB) {
	tb.Helper()
	if os.Getenv("TF_ACC") == "" {
		tb.Skip("An acceptance test: `make test` runs it (TF_ACC is not set).")
	}
}

// New connects an acceptance test to the engine at DOCKER_HOST, else at the default socket. Without an
// engine the test fails.
//
// When the test ends, everything with its prefix is removed; a container that the test did not
// make with [Engine.Run] and did not announce with [Engine.Leaves] is then a failure.
func New(tb testing.TB) *Engine {
	tb.Helper()
	Acceptance(tb)
	return connect(tb, client.FromEnv)
}

func connect(tb testing.TB, to client.Opt) *Engine {
	tb.Helper()
	docker, err := client.NewClientWithOpts(to, client.WithAPIVersionNegotiation())
	if err != nil {
		tb.Fatalf("no client for the Docker engine: %v", err)
	}
	e := &Engine{
		Docker: docker,
		Host:   docker.DaemonHost(),
		t:      tb,
		prefix: Prefix + unique() + "-",
		own:    map[string]bool{},
	}
	if _, err := docker.Ping(e.context()); err != nil {
		tb.Fatalf("These tests need a Docker engine and found none at %s: %v\n"+
			"Start one, or name one with DOCKER_HOST; `make test` does it by itself.", e.Host, err)
	}
	tb.Cleanup(e.clean)
	return e
}

func unique() string {
	b := make([]byte, 5)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// context bounds one call. It does not end with the test, so that the clean-up can use it.
func (e *Engine) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	e.t.Cleanup(cancel)
	return ctx
}

// Name makes a name for a container, network, volume or repository that no other test has.
func (e *Engine) Name(suffix string) string { return e.prefix + suffix }

// HostName is what the engine calls itself: the first part of gantry's IDs.
func (e *Engine) HostName() string {
	e.t.Helper()
	info, err := e.Docker.Info(e.context())
	e.must(err, "info")
	return info.Name
}

// Network makes a bridge network and returns its name.
func (e *Engine) Network(suffix string) string {
	e.t.Helper()
	name := e.Name(suffix)
	_, err := e.Docker.NetworkCreate(e.context(), name, network.CreateOptions{})
	e.must(err, "create the network "+name)
	return name
}

// Volume makes a volume and returns its name.
func (e *Engine) Volume(suffix string) string {
	e.t.Helper()
	name := e.Name(suffix)
	_, err := e.Docker.VolumeCreate(e.context(), volume.CreateOptions{Name: name})
	e.must(err, "create the volume "+name)
	return name
}

// VolumeExists reports whether there is a volume of this name.
func (e *Engine) VolumeExists(name string) bool {
	e.t.Helper()
	_, err := e.Docker.VolumeInspect(e.context(), name)
	if errdefs.IsNotFound(err) {
		return false
	}
	e.must(err, "inspect the volume "+name)
	return true
}

// RemoveVolume removes a volume that has no name of the test's.
func (e *Engine) RemoveVolume(name string) {
	e.t.Helper()
	e.must(e.Docker.VolumeRemove(e.context(), name, false), "remove the volume "+name)
}

// RunOptions are the options of `docker run` that the tests need.
type RunOptions struct {
	Image   string
	Command []string
	Env     []string
	Labels  map[string]string
	// Publish has "8080:80/tcp" or "80/tcp", as -p has.
	Publish []string
	// Volumes has "name:/path" or "/path", as -v has.
	Volumes []string
	// Memory is a limit in bytes. The engine then limits memory and swap together to twice as
	// much, as it does for `docker run --memory`.
	Memory int64
	// CreateOnly leaves the container created, not started.
	CreateOnly bool
}

// Run makes and starts a container as `docker run -d` would, and returns its ID. It is somebody
// else's container for gantry, and the test's own for the clean-up.
func (e *Engine) Run(name string, opts RunOptions) string {
	e.t.Helper()
	exposed, bindings, err := nat.ParsePortSpecs(opts.Publish)
	e.must(err, "read the published ports")
	config := &container.Config{
		Image: opts.Image, Cmd: opts.Command, Env: opts.Env, Labels: opts.Labels,
		ExposedPorts: exposed, Volumes: map[string]struct{}{},
	}
	host := &container.HostConfig{
		PortBindings:  bindings,
		NetworkMode:   "default",
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyDisabled},
		Resources:     container.Resources{Memory: opts.Memory},
	}
	for _, v := range opts.Volumes {
		if strings.Contains(v, ":") {
			host.Binds = append(host.Binds, v)
		} else {
			config.Volumes[v] = struct{}{}
		}
	}
	created, err := e.Docker.ContainerCreate(e.context(), config, host, nil, nil, name)
	e.must(err, "create the container "+name)
	e.Leaves(created.ID)
	if !opts.CreateOnly {
		e.must(e.Docker.ContainerStart(e.context(), created.ID, container.StartOptions{}), "start the container "+name)
	}
	return created.ID
}

// Leaves announces that the test leaves this container (its name or its ID) behind on purpose.
func (e *Engine) Leaves(ref string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.own[ref] = true
}

// Inspect reads a container by its name or its ID. The test fails if there is none.
func (e *Engine) Inspect(ref string) container.InspectResponse {
	e.t.Helper()
	found, err := e.Docker.ContainerInspect(e.context(), ref)
	e.must(err, "inspect the container "+ref)
	return found
}

// Exists reports whether there is a container of this name or ID.
func (e *Engine) Exists(ref string) bool {
	e.t.Helper()
	_, err := e.Docker.ContainerInspect(e.context(), ref)
	if errdefs.IsNotFound(err) {
		return false
	}
	e.must(err, "inspect the container "+ref)
	return true
}

// Containers lists the names of the containers that have the test's prefix, running or not.
func (e *Engine) Containers() []string {
	e.t.Helper()
	found, err := e.list()
	e.must(err, "list the containers")
	var names []string
	for _, c := range found {
		names = append(names, strings.TrimPrefix(c.Names[0], "/"))
	}
	return names
}

func (e *Engine) list() ([]container.Summary, error) {
	return e.Docker.ContainerList(e.context(), container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("name", "^/"+e.prefix)),
	})
}

// Logs are the lines that the container wrote, on standard output and standard error.
func (e *Engine) Logs(ref string) []string {
	e.t.Helper()
	stream, err := e.Docker.ContainerLogs(e.context(), ref, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	e.must(err, "read the log of "+ref)
	defer stream.Close()
	var text bytes.Buffer
	_, err = stdcopy.StdCopy(&text, &text, stream)
	e.must(err, "read the log of "+ref)
	return strings.Split(strings.TrimSpace(text.String()), "\n")
}

// AwaitLog waits until the container has written anything.
func (e *Engine) AwaitLog(ref string) {
	e.t.Helper()
	stream, err := e.Docker.ContainerLogs(e.context(), ref, container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: true})
	e.must(err, "follow the log of "+ref)
	defer stream.Close()
	_, err = stream.Read(make([]byte, 1))
	e.must(err, "wait for the log of "+ref)
}

// Commit makes an image from a container, as `docker commit` would.
func (e *Engine) Commit(ref, repository string) {
	e.t.Helper()
	_, err := e.Docker.ContainerCommit(e.context(), ref, container.CommitOptions{Reference: repository})
	e.must(err, "commit the container "+ref)
}

// Stop stops a container as `docker stop` would.
func (e *Engine) Stop(ref string) {
	e.t.Helper()
	e.must(e.Docker.ContainerStop(e.context(), ref, container.StopOptions{}), "stop the container "+ref)
}

// Remove removes a container and its anonymous volumes as `docker rm -fv` would.
func (e *Engine) Remove(ref string) {
	e.t.Helper()
	e.must(e.Docker.ContainerRemove(e.context(), ref, container.RemoveOptions{Force: true, RemoveVolumes: true}), "remove the container "+ref)
}

// Await waits until a container is as the condition wants it. It inspects again with every event
// of the container, and returns what the condition accepted.
func (e *Engine) Await(ref, what string, condition func(container.InspectResponse) bool) container.InspectResponse {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.context(), Patience)
	defer cancel()
	messages, failed := e.Docker.Events(ctx, events.ListOptions{
		Filters: filters.NewArgs(filters.Arg("type", string(events.ContainerEventType)), filters.Arg("container", ref)),
	})
	for {
		found, err := e.Docker.ContainerInspect(ctx, ref)
		e.must(err, fmt.Sprintf("wait until %s is %s", ref, what))
		if condition(found) {
			return found
		}
		select {
		case <-messages:
		case err := <-failed:
			e.t.Fatalf("%s did not become %s (it is %s): %v", ref, what, found.State.Status, err)
		}
	}
}

// AwaitExit waits until a container does not run, and returns its exit code.
func (e *Engine) AwaitExit(ref string) int {
	e.t.Helper()
	answers, failed := e.Docker.ContainerWait(e.context(), ref, container.WaitConditionNotRunning)
	select {
	case answer := <-answers:
		return int(answer.StatusCode)
	case err := <-failed:
		e.t.Fatalf("wait for the end of %s: %v", ref, err)
		return 0
	}
}

// FreePort finds a TCP port of this machine that nobody listens on. It stays below the ports from
// which the kernel picks for outgoing connections and for port 0.
func (e *Engine) FreePort() string {
	e.t.Helper()
	b := make([]byte, 2)
	for range 100 {
		rand.Read(b)
		port := 20000 + (int(b[0])<<8|int(b[1]))%12000
		listener, err := (&net.ListenConfig{}).Listen(e.context(), "tcp", net.JoinHostPort("", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		e.must(listener.Close(), "close the port again")
		return strconv.Itoa(port)
	}
	e.t.Fatal("no free port found")
	return ""
}

func (e *Engine) must(err error, what string) {
	e.t.Helper()
	if err != nil {
		e.t.Fatalf("Unable to %s: %v", what, err)
	}
}

// clean removes everything that has the test's prefix. It goes on after a failure, so that one
// thing that resists does not leave the rest behind.
func (e *Engine) clean() {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	var failures []error
	try := func(what string, err error) {
		if err != nil && !errdefs.IsNotFound(err) {
			failures = append(failures, fmt.Errorf("%s: %w", what, err))
		}
	}

	containers, err := e.list()
	try("containers", err)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range containers {
		name := strings.TrimPrefix(c.Names[0], "/")
		if !e.own[c.ID] && !e.own[name] {
			e.t.Errorf("The container %s (%s, %s) was left over.", name, c.ID[:12], c.Status)
		}
	}
	for ref := range e.own {
		try("container "+ref, e.Docker.ContainerRemove(ctx, ref, container.RemoveOptions{Force: true, RemoveVolumes: true}))
	}
	for _, c := range containers {
		try("container "+c.ID, e.Docker.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true}))
	}

	networks, err := e.Docker.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("name", "^"+e.prefix))})
	try("networks", err)
	for _, n := range networks {
		try("network "+n.Name, e.Docker.NetworkRemove(ctx, n.ID))
	}
	volumes, err := e.Docker.VolumeList(ctx, volume.ListOptions{Filters: filters.NewArgs(filters.Arg("name", "^"+e.prefix))})
	try("volumes", err)
	for _, v := range volumes.Volumes {
		try("volume "+v.Name, e.Docker.VolumeRemove(ctx, v.Name, true))
	}
	images, err := e.Docker.ImageList(ctx, image.ListOptions{})
	try("images", err)
	for _, i := range images {
		for _, ref := range append(i.RepoTags, i.RepoDigests...) {
			if strings.Contains(ref, e.prefix) {
				_, err := e.Docker.ImageRemove(ctx, ref, image.RemoveOptions{Force: true})
				try("image "+ref, err)
			}
		}
	}
	try("the client's connections", e.Docker.Close())
	if err := errors.Join(failures...); err != nil {
		e.t.Errorf("The clean-up is not complete: %v", err)
	}
}
