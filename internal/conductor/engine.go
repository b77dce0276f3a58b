// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/client"
	"github.com/hashicorp/go-hclog"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/pool"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/pull"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/watch"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// engineAPI is what the conductor needs of the Docker client, and all that a fake has to be.
type engineAPI interface {
	ClientVersion() string
	Info(ctx context.Context) (system.Info, error)
	Events(ctx context.Context, options events.ListOptions) (<-chan events.Message, <-chan error)
	ImagePull(ctx context.Context, ref string, options image.PullOptions) (io.ReadCloser, error)
	ImageInspect(ctx context.Context, imageID string, opts ...client.ImageInspectOption) (image.InspectResponse, error)
	NetworkConnect(ctx context.Context, network, container string, config *network.EndpointSettings) error
	NetworkInspect(ctx context.Context, network string, options network.InspectOptions) (network.Inspect, error)
	NetworkList(ctx context.Context, options network.ListOptions) ([]network.Summary, error)
	NetworkDisconnect(ctx context.Context, network, container string, force bool) error
	objectAPI
	ContainerCreate(ctx context.Context, config *containertypes.Config, hostConfig *containertypes.HostConfig,
		networkingConfig *network.NetworkingConfig, platform *ocispec.Platform, containerName string) (containertypes.CreateResponse, error)
	ContainerInspect(ctx context.Context, container string) (containertypes.InspectResponse, error)
	ContainerList(ctx context.Context, options containertypes.ListOptions) ([]containertypes.Summary, error)
	ContainerKill(ctx context.Context, container, signal string) error
	ContainerLogs(ctx context.Context, container string, options containertypes.LogsOptions) (io.ReadCloser, error)
	ContainerPause(ctx context.Context, container string) error
	ContainerRemove(ctx context.Context, container string, options containertypes.RemoveOptions) error
	ContainerRename(ctx context.Context, container, newContainerName string) error
	ContainerStart(ctx context.Context, container string, options containertypes.StartOptions) error
	ContainerStop(ctx context.Context, container string, options containertypes.StopOptions) error
	ContainerUnpause(ctx context.Context, container string) error
	ContainerUpdate(ctx context.Context, container string, updateConfig containertypes.UpdateConfig) (containertypes.UpdateResponse, error)
	CopyToContainer(ctx context.Context, container, path string, content io.Reader, options containertypes.CopyToContainerOptions) error
	Close() error
}

// engine is one Docker daemon that answered, with what bounds and watches the work on it.
type engine struct {
	api    engineAPI
	logger hclog.Logger
	// where is how it was found.
	where address
	// journal is nil where no state folder can be written; unkept says why.
	journal *journal.Engine
	unkept  error
	// credentials by registry, as configured.
	credentials map[string]Credential
	// id and name are the ID and the host name that the engine reports.
	id   string
	name string
	// windows reports that the engine runs on Windows.
	windows bool
	// defaults are what the engine gives to a container that asks for nothing.
	defaults container.EngineDefaults
	pool     *pool.Pool
	pulls    *pull.Group
	watcher  *watch.Watcher
	tally    *tally
	removals removals
	// claimed are the containers that this process saw its state name.
	claimed claimed
	// resolutions are what registries were asked for.
	resolutions resolutions
	// settling is what settles late removals, and stopSettling ends it.
	settling     sync.WaitGroup
	stopSettling context.CancelFunc
}

// Defaults, and times that nobody configures.
const (
	defaultParallelPulls = 3
	// startsPerCPU is where more starts at once gain nothing: 60 containers on two CPUs took 10.0 s
	// with 8 at once, 13.9 s with 4.
	startsPerCPU = 4
	// pullStall is long: between its messages an engine verifies and unpacks whole layers.
	pullStall   = 5 * time.Minute
	sweepEvery  = 10 * time.Second
	reopenAfter = time.Second
)

// newEngine asks the engine who it is: one ping, with which the client negotiates the version of
// the API, and one info.
func newEngine(ctx context.Context, api engineAPI, opts Options) (*engine, error) {
	info, err := api.Info(ctx)
	if err != nil {
		return nil, err
	}
	parallel, pulls := opts.MaxParallel, opts.MaxParallelPulls
	if parallel == 0 {
		parallel = startsPerCPU * info.NCPU
	}
	if pulls == 0 {
		pulls = defaultParallelPulls
	}
	info.Name = fault.Name(info.Name) // It gets into every message.
	logger := opts.Logger.With("engine", info.Name)
	logger.Info("connected", "engine_id", info.ID, "engine_version", info.ServerVersion, "api_version", api.ClientVersion(),
		"max_parallel", parallel, "max_parallel_pulls", pulls)
	return &engine{
		id: info.ID, api: api, logger: logger, name: info.Name, windows: info.OSType == "windows", defaults: container.ObserveDefaults(info), credentials: opts.Credentials,
		pool:    pool.New(parallel),
		pulls:   pull.New(pulls, pullStall),
		watcher: watch.New(eventSource{api, logger}, watch.Options{Sweep: sweepEvery, Reopen: reopenAfter, Logger: logger}),
		tally:   newTally(parallel, pulls),
	}, nil
}

func (e *engine) close(logger hclog.Logger) error {
	e.endSettling()
	e.pulls.Close()
	e.watcher.Close()
	e.pool.Close()
	e.keepCounters()
	counters := e.counters()
	logger.Info("disconnected", "engine", e.name, "requests", counters.Slots.Asked, "saturated", counters.Slots.Waited,
		"pulls", counters.PullSlots.Asked, "pulls_coalesced", counters.PullsCoalesced)
	return e.api.Close()
}

// eventSource is the engine as a watcher needs it.
type eventSource struct {
	api    engineAPI
	logger hclog.Logger
}

// Events subscribes to what can end a wait: the end of a container, its health, its removal.
func (s eventSource) Events(ctx context.Context, since int64) (<-chan watch.Event, error) {
	options := events.ListOptions{Filters: filters.NewArgs(
		filters.Arg("type", string(events.ContainerEventType)),
		filters.Arg("event", string(events.ActionDie)),
		filters.Arg("event", string(events.ActionHealthStatus)),
		filters.Arg("event", string(events.ActionDestroy)),
	)}
	if since != 0 {
		options.Since = fmt.Sprintf("%d.%09d", since/1e9, since%1e9)
	}
	ctx, cancel := context.WithCancel(ctx)
	messages, failures := s.api.Events(ctx, options)
	select {
	case err := <-failures:
		cancel()
		return nil, err
	default:
	}
	out := make(chan watch.Event)
	go func() {
		// Owned by the receiver: it reads until out is closed, and ends ctx to end it.
		defer close(out)
		defer cancel()
		for {
			select {
			case m := <-messages:
				out <- watch.Event{ID: m.Actor.ID, TimeNano: m.TimeNano}
			case err := <-failures:
				s.logger.Debug("the event stream ended", "error", err)
				return
			}
		}
	}()
	return out, nil
}

// Noteworthy lists the containers and leaves out those that run without a decided health.
func (s eventSource) Noteworthy(ctx context.Context, ids []string) ([]string, error) {
	args := filters.NewArgs()
	missing := make(map[string]bool, len(ids))
	for _, id := range ids {
		args.Add("id", id)
		missing[id] = true
	}
	list, err := s.api.ContainerList(ctx, containertypes.ListOptions{All: true, Filters: args})
	if err != nil {
		return nil, err
	}
	var noteworthy []string
	for _, c := range list {
		delete(missing, c.ID)
		if c.State != containertypes.StateRunning || container.HealthDecided(c.Status) {
			noteworthy = append(noteworthy, c.ID)
		}
	}
	for id := range missing {
		noteworthy = append(noteworthy, id)
	}
	return noteworthy, nil
}
