// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types"
	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/client"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

// fakeEngine shows what a real engine can't be made to show, in virtual time: answers that get
// lost, events that get lost, requests that hang. Its containers run until they are told to end.
type fakeEngine struct {
	engine.API // What a test does not expect to be called is nil, and panics.

	mu         sync.Mutex
	containers map[string]*fakeContainer // By ID.
	made       int                       // How many there were: no ID comes twice.
	calls      []string
	streams    []chan events.Message
	mute       bool // Events get lost.
	// before is called, if set, before each request; its error is the answer, and nothing
	// was done. after is called when the request was carried out; its error is the answer.
	before, after func(ctx context.Context, call string) error
	// grace is how long containers take to stop.
	grace time.Duration
	// id and host are the ID and the name that it reports.
	id, host string
	// imageLabel is the operation that the labels of all images name.
	imageLabel string
}

type fakeContainer struct {
	id, name, status, health string
	labels                   map[string]string
	exitCode                 int
	check                    bool
	config                   containertypes.Config
	memory                   int64
	created                  time.Time
	// started is when it was started last; empty is long ago.
	started string
}

// errLost is what the client says when an answer does not arrive.
var errLost = func() error {
	nobody, err := client.NewClientWithOpts(client.WithHost("unix:///nonexistent/docker.sock"))
	if err != nil {
		return err
	}
	_, err = nobody.Ping(context.Background())
	return err
}()

func newFake() *fakeEngine {
	return &fakeEngine{containers: make(map[string]*fakeContainer), id: "FAKE", host: "edge1"}
}

// holdStart has the engine's one start wait: starting is closed when it has begun, and started is to be
// closed to let it end.
func (f *fakeEngine) holdStart() (starting, started chan struct{}) {
	starting, started = make(chan struct{}), make(chan struct{})
	f.before = func(_ context.Context, call string) error {
		if call == "start" {
			close(starting)
			<-started
		}
		return nil
	}
	return starting, started
}

// conductor makes a conductor of the fake, which is closed with the test.
func (f *fakeEngine) conductor(t *testing.T, opts Options) *Conductor {
	if opts.StateDir == "" {
		opts.StateDir = t.TempDir()
	}
	opts.Scope, opts.Text = cmp.Or(opts.Scope, scopeHere), faulttext.Of
	c := newConductor(opts, func() (engine.API, engine.Address, error) { return f, engine.Address{Host: "fake"}, nil })
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (f *fakeEngine) request(ctx context.Context, call string, do func() error) error {
	f.mu.Lock()
	f.calls = append(f.calls, call)
	f.mu.Unlock()
	if f.before != nil {
		if err := f.before(ctx, call); err != nil {
			return err
		}
	}
	f.mu.Lock()
	err := do()
	f.mu.Unlock()
	if err == nil && f.after != nil {
		err = f.after(ctx, call)
	}
	return err
}

// count says how many calls begin with a prefix.
func (f *fakeEngine) count(prefix string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, call := range f.calls {
		if strings.HasPrefix(call, prefix) {
			n++
		}
	}
	return n
}

// set changes a container as the engine would, and sends the event.
func (f *fakeEngine) set(name string, change func(*fakeContainer), action events.Action) {
	f.mu.Lock()
	c := f.find(name)
	change(c)
	f.mu.Unlock()
	f.emit(c.id, action)
}

func (f *fakeEngine) setHealth(name, health string) {
	f.set(name, func(c *fakeContainer) { c.health = health }, events.ActionHealthStatus)
}

func (f *fakeEngine) setStatus(name, status string) {
	f.set(name, func(c *fakeContainer) { c.status = status }, events.ActionDie)
}

func (f *fakeEngine) emit(id string, action events.Action) {
	f.mu.Lock()
	streams := f.streams
	if f.mute {
		streams = nil
	}
	f.mu.Unlock()
	for _, s := range streams {
		s <- events.Message{Action: action, Actor: events.Actor{ID: id}, TimeNano: time.Now().UnixNano()}
	}
}

// find returns a container by ID or name. The caller holds mu.
func (f *fakeEngine) find(ref string) *fakeContainer {
	if c := f.containers[ref]; c != nil {
		return c
	}
	for _, c := range f.containers {
		if c.name == ref {
			return c
		}
	}
	return nil
}

func noSuch(ref string) error {
	return fmt.Errorf("No such container: %s: %w", ref, errdefs.ErrNotFound)
}

func (f *fakeEngine) ClientVersion() string { return "1.41" }
func (f *fakeEngine) Close() error          { return nil }

// ImageInspect says of every image that it has no labels, or that of an operation.
func (f *fakeEngine) ImageInspect(context.Context, string, ...client.ImageInspectOption) (image.InspectResponse, error) {
	if f.imageLabel == "" {
		return image.InspectResponse{}, nil
	}
	return image.InspectResponse{Config: &dockerspec.DockerOCIImageConfig{ImageConfig: ocispec.ImageConfig{Labels: map[string]string{container.LabelOperation: f.imageLabel}}}}, nil
}

func (f *fakeEngine) Info(ctx context.Context) (system.Info, error) {
	return system.Info{ID: f.id, Name: f.host, NCPU: 1}, f.request(ctx, "info", func() error { return nil })
}

func (f *fakeEngine) Ping(ctx context.Context) (types.Ping, error) {
	return types.Ping{}, f.request(ctx, "ping", func() error { return nil })
}

func (f *fakeEngine) Events(ctx context.Context, _ events.ListOptions) (<-chan events.Message, <-chan error) {
	in, out, failures := make(chan events.Message), make(chan events.Message), make(chan error, 1)
	f.mu.Lock()
	f.streams = append(f.streams, in)
	f.mu.Unlock()
	go func() {
		defer close(failures)
		for {
			select {
			case m := <-in:
				select {
				case out <- m:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				failures <- ctx.Err()
				return
			}
		}
	}()
	return out, failures
}

func (f *fakeEngine) ContainerCreate(ctx context.Context, config *containertypes.Config, host *containertypes.HostConfig, _ *network.NetworkingConfig, _ *ocispec.Platform, name string) (containertypes.CreateResponse, error) {
	var id string
	err := f.request(ctx, "create "+name, func() error {
		if taken := f.find(name); taken != nil {
			return fmt.Errorf("Conflict. The container name %q is already in use by container %q: %w", "/"+name, taken.id, errdefs.ErrConflict)
		}
		f.made++
		id = fmt.Sprintf("%064d", f.made)
		f.containers[id] = &fakeContainer{id: id, name: name, status: "created", labels: config.Labels, check: config.Healthcheck != nil,
			config: *config, memory: host.Memory, created: time.Now()}
		return nil
	})
	if err != nil {
		return containertypes.CreateResponse{}, err
	}
	return containertypes.CreateResponse{ID: id}, nil
}

func (f *fakeEngine) ContainerStart(ctx context.Context, id string, _ containertypes.StartOptions) error {
	return f.request(ctx, "start", func() error {
		c := f.find(id)
		if c == nil {
			return noSuch(id)
		}
		c.status = "running"
		if c.check {
			c.health = "starting"
		}
		return nil
	})
}

func (f *fakeEngine) ContainerStop(ctx context.Context, id string, _ containertypes.StopOptions) error {
	if err := f.request(ctx, "stop", func() error { return nil }); err != nil {
		return err
	}
	over := make(chan error, 1)
	end := func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		c := f.find(id)
		if c == nil {
			over <- noSuch(id)
			return
		}
		c.status = "exited"
		over <- nil
	}
	if f.grace == 0 {
		end()
		return <-over
	}
	time.AfterFunc(f.grace, end) // An engine goes on with it when whoever asked leaves.
	select {
	case err := <-over:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fakeEngine) ContainerRemove(ctx context.Context, id string, _ containertypes.RemoveOptions) error {
	return f.request(ctx, "remove", func() error {
		if f.find(id) == nil {
			return noSuch(id)
		}
		delete(f.containers, id)
		return nil
	})
}

func (f *fakeEngine) ContainerRename(ctx context.Context, id, name string) error {
	return f.request(ctx, "rename", func() error {
		c := f.find(id)
		if c == nil {
			return noSuch(id)
		}
		c.name = name
		return nil
	})
}

func (f *fakeEngine) ContainerInspect(ctx context.Context, ref string) (containertypes.InspectResponse, error) {
	var r containertypes.InspectResponse
	err := f.request(ctx, "inspect", func() error {
		c := f.find(ref)
		if c == nil {
			return noSuch(ref)
		}
		s := &containertypes.State{Status: c.status, ExitCode: c.exitCode, StartedAt: cmp.Or(c.started, "2026-01-01T00:00:00Z"), FinishedAt: "2026-01-01T00:00:01Z"}
		if c.health != "" {
			s.Health = &containertypes.Health{Status: c.health, FailingStreak: container.DefaultRetries, Log: []*containertypes.HealthcheckResult{{ExitCode: 1, Output: "no route"}}}
		}
		config := c.config
		config.Labels = c.labels
		r = containertypes.InspectResponse{
			ContainerJSONBase: &containertypes.ContainerJSONBase{ID: c.id, Name: "/" + c.name, State: s, Created: c.created.Format(time.RFC3339Nano),
				HostConfig: &containertypes.HostConfig{Resources: containertypes.Resources{Memory: c.memory}}},
			Config:          &config,
			NetworkSettings: &containertypes.NetworkSettings{},
		}
		return nil
	})
	return r, err
}

func (f *fakeEngine) ContainerList(ctx context.Context, _ containertypes.ListOptions) ([]containertypes.Summary, error) {
	var list []containertypes.Summary
	err := f.request(ctx, "list", func() error {
		for _, c := range f.containers {
			list = append(list, containertypes.Summary{ID: c.id, Names: []string{"/" + c.name}, State: c.status, Status: "Up 1 second (" + c.health + ")"})
		}
		return nil
	})
	return list, err
}

func (f *fakeEngine) ContainerLogs(context.Context, string, containertypes.LogsOptions) (io.ReadCloser, error) {
	return nil, errors.New("the fake has no logs")
}

func (f *fakeEngine) ImagePull(context.Context, string, image.PullOptions) (io.ReadCloser, error) {
	return nil, errors.New("the fake has no registry")
}

// newConductor makes a conductor of an engine that is dialled by dial.
func newConductor(opts Options, dial func() (engine.API, engine.Address, error)) *Conductor {
	return newFleet(opts, dialledBy(dial)).open("", opts.Engine)
}

// dialledBy is the dialler of one engine, whatever the options.
func dialledBy(dial func() (engine.API, engine.Address, error)) dialler {
	return func(EngineOptions) func() (engine.API, engine.Address, error) { return dial }
}
