// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
)

// Filter says which containers to list. What is empty does not restrict.
type Filter struct {
	// Name is a part of the name.
	Name string
	// Labels must all be there; an empty value means any.
	Labels map[string]string
	// Status is the engine's word: created, running, …
	Status []string
	// Network, Volume and Image are the name or the ID of what the container uses.
	Network, Volume, Image string
	// Health is starting, healthy, unhealthy or none.
	Health string
}

// Listed is a container in a list.
type Listed struct {
	ID, Name, Image, ImageID, Status string
	Labels                           map[string]string
	Created                          time.Time
}

// List lists containers, running or not, by name.
func (e *Engine) List(ctx context.Context, f Filter) ([]Listed, error) {
	args := filters.NewArgs()
	for key, value := range map[string]string{"network": f.Network, "volume": f.Volume, "ancestor": f.Image, "health": f.Health} {
		if value != "" {
			args.Add(key, value)
		}
	}
	for key, value := range f.Labels {
		label := key
		if value != "" {
			label += "=" + value
		}
		args.Add("label", label)
	}
	for _, status := range f.Status {
		args.Add("status", status)
	}
	found, err := e.API.ContainerList(ctx, containertypes.ListOptions{All: true, Filters: args})
	if err != nil {
		return nil, err
	}
	list := make([]Listed, 0, len(found))
	for _, s := range found {
		// The engine takes a name for a regular expression.
		name := OwnName(s)
		if name == "" || !strings.Contains(name, f.Name) {
			continue
		}
		// It has a health for what it does not watch, too: see observeHealth.
		if f.Health != "" && f.Health != containertypes.NoHealthcheck && s.State != containertypes.StateRunning {
			continue
		}
		list = append(list, Listed{
			ID: s.ID, Name: name, Image: s.Image, ImageID: s.ImageID, Status: s.State, Labels: s.Labels,
			Created: time.Unix(s.Created, 0).UTC(),
		})
	}
	slices.SortFunc(list, func(a, b Listed) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// OwnName returns the name of a container in a list; empty where it has none, as while it is being removed. Beside it
// the engine lists the names by which other containers link to it ("/app/db").
func OwnName(s containertypes.Summary) string {
	for _, name := range s.Names {
		if own := strings.TrimPrefix(name, "/"); !strings.Contains(own, "/") {
			return own
		}
	}
	return ""
}

// Info is what an engine says of itself.
type Info struct {
	Name, ID, Version, APIVersion           string
	OperatingSystem, OSType, Architecture   string
	KernelVersion, RootDir                  string
	StorageDriver, LoggingDriver            string
	CgroupDriver, CgroupVersion, SwarmState string
	CPUs                                    int
	Memory                                  int64
	// Containers is how many there are, and Running how many of them run.
	Containers, Running                       int
	SecurityOptions, Runtimes, NetworkDrivers []string
	VolumeDrivers                             []string
	// LiveRestore says that containers keep running while the engine restarts.
	LiveRestore bool
}
