// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"slices"
	"time"

	"github.com/docker/docker/api/types/system"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// List lists containers, running or not, by name.
func (c *Conductor) List(ctx context.Context, f engine.Filter) ([]engine.Listed, error) {
	t, err := c.begin(ctx, "containers", "all", "list", "read", fault.StepReading)
	if err != nil {
		return nil, err
	}
	list, err := engine.Retrying(ctx, func() ([]engine.Listed, error) { return t.List(ctx, f) })
	return list, t.explain(ctx, err)
}

// EngineInfo asks the engine what it is.
func (c *Conductor) EngineInfo(ctx context.Context) (*engine.Info, error) {
	t, err := c.begin(ctx, "facts of the engine", "", "read", "read", fault.StepReading)
	if err != nil {
		return nil, err
	}
	r, err := engine.Retrying(ctx, func() (system.Info, error) { return t.API.Info(ctx) })
	if err != nil {
		return nil, t.explain(ctx, err)
	}
	info := &engine.Info{
		Name: r.Name, ID: r.ID, Version: r.ServerVersion, APIVersion: t.API.ClientVersion(), OperatingSystem: r.OperatingSystem, OSType: r.OSType,
		Architecture: r.Architecture, KernelVersion: r.KernelVersion, RootDir: r.DockerRootDir, StorageDriver: r.Driver, LoggingDriver: r.LoggingDriver,
		CgroupDriver: r.CgroupDriver, CgroupVersion: r.CgroupVersion, SwarmState: string(r.Swarm.LocalNodeState), CPUs: r.NCPU, Memory: r.MemTotal, Containers: r.Containers, Running: r.ContainersRunning,
		SecurityOptions: r.SecurityOptions, NetworkDrivers: r.Plugins.Network, VolumeDrivers: r.Plugins.Volume, LiveRestore: r.LiveRestoreEnabled,
	}
	for name := range r.Runtimes {
		info.Runtimes = append(info.Runtimes, name)
	}
	slices.Sort(info.Runtimes)
	return info, nil
}

// Latency returns how long the engine takes to answer a ping.
func (c *Conductor) Latency(ctx context.Context) (time.Duration, error) {
	t, err := c.begin(ctx, "the engine", "", "ping", "read", fault.StepReading)
	if err != nil {
		return 0, err
	}
	asked := time.Now()
	_, err = t.API.Ping(ctx)
	return time.Since(asked), t.explain(ctx, err)
}
