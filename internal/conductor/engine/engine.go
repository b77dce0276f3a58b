// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package engine is one Docker engine: how it is found and spoken to, with credentials, retries, a bounded pool and
// watched waits, and what its errors mean. It is the one package that speaks to the Docker client.
package engine

import (
	"cmp"
	"context"
	"fmt"
	"time"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/hashicorp/go-hclog"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/pool"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/pull"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/watch"
)

// Engine is one Docker daemon that answered, with what bounds and watches the work on it.
type Engine struct {
	API    API
	Logger hclog.Logger
	// Where is how it was found.
	Where Address
	// Credentials by registry, as configured.
	Credentials map[string]Credential
	// ID and name are the ID and the host name that the engine reports.
	ID   string
	Name string
	// Windows reports that the engine runs on Windows.
	Windows bool
	// defaults are what the engine gives to a container that asks for nothing.
	defaults container.EngineDefaults
	Pool     *pool.Pool
	Pulls    *pull.Group
	Watcher  *watch.Watcher
	// Resolutions are what registries were asked for.
	Resolutions resolutions
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

// Limits bound the work on an engine.
type Limits struct {
	// Parallel is how many operations may occupy the engine at once; 0 means four times the CPUs that it reports.
	Parallel int
	// Pulls is how many images are pulled at once; 0 means 3.
	Pulls int
}

// New asks the engine at an address who it is: one ping, with which the client negotiates the version of the
// API, and one info. It returns the limits that hold.
func New(ctx context.Context, api API, where Address, limits Limits, credentials map[string]Credential, logger hclog.Logger) (*Engine, Limits, error) {
	info, err := api.Info(ctx)
	if err != nil {
		return nil, limits, Reached(ctx, where, err)
	}
	limits.Parallel = cmp.Or(limits.Parallel, startsPerCPU*info.NCPU)
	limits.Pulls = cmp.Or(limits.Pulls, defaultParallelPulls)
	info.Name = fault.Name(info.Name) // It gets into every message.
	logger = logger.With("engine", info.Name)
	logger.Info("connected", "engine_id", info.ID, "engine_version", info.ServerVersion, "api_version", api.ClientVersion(),
		"max_parallel", limits.Parallel, "max_parallel_pulls", limits.Pulls)
	return &Engine{
		ID: info.ID, API: api, Logger: logger, Where: where, Name: info.Name, Windows: info.OSType == "windows",
		defaults: container.ObserveDefaults(info), Credentials: credentials,
		Pool:    pool.New(limits.Parallel),
		Pulls:   pull.New(limits.Pulls, pullStall),
		Watcher: watch.New(eventSource{api, logger}, watch.Options{Sweep: sweepEvery, Reopen: reopenAfter, Logger: logger}),
	}, limits, nil
}

// Key tells engines apart: cloned machines can share an ID, and machines a host name.
func (e *Engine) Key() string { return e.ID + "@" + e.Name }

// Close ends the work on the engine, and waits for it. finish runs before the client is closed.
func (e *Engine) Close(finish func()) error {
	e.Pulls.Close()
	e.Watcher.Close()
	e.Pool.Close()
	finish()
	return e.API.Close()
}

// eventSource is the engine as a watcher needs it.
type eventSource struct {
	api    API
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
