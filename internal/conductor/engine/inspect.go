// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

const (
	// ClockSkew is how far the clock of an engine may differ from this machine's.
	ClockSkew = 5 * time.Minute
)

// nameLinked finds the containers that c is linked to. An engine keeps a link to the very container that
// had the name at the create: it follows a rename, but it leads nowhere once that container is removed,
// though another one has the name by now. Such a link is left out.
func (e *Engine) nameLinked(ctx context.Context, c *container.Container) error {
	var live []string
	for _, link := range c.Links {
		name, _ := container.ParseLink(link)
		r, err := e.API.ContainerInspect(ctx, name)
		if IgnoreNotFound(err) != nil {
			return fmt.Errorf("reading container %q, which container %q is linked to: %w", name, c.Name, err)
		}
		if err != nil || container.Instant(r.Created).After(c.Created) {
			continue
		}
		c.Linked = container.Put(c.Linked, name, r.ID)
		live = append(live, link)
	}
	c.Links = live
	return nil
}

// nameShared finds the containers that c shares name spaces with: their present names, and whether c
// still shares them.
func (e *Engine) nameShared(ctx context.Context, c *container.Container) error {
	found := make(map[string]containertypes.InspectResponse)
	for _, share := range []struct{ attribute, mode string }{{"network_mode", c.NetworkMode}, {"ipc", c.IPC}, {"pid", c.PID}} {
		id, ok := container.SharedContainer(share.mode)
		if !ok {
			continue
		}
		r, known := found[id]
		if !known {
			var err error
			r, err = e.API.ContainerInspect(ctx, id)
			if IgnoreNotFound(err) != nil {
				return fmt.Errorf("reading container %s, whose namespace container %q shares: %w", id, c.Name, err)
			}
			if err != nil {
				continue // It is gone: no name means it.
			}
			found[id] = r
		}
		name, other := strings.TrimPrefix(r.Name, "/"), container.ObserveState(r.State, 0, r.Config)
		c.Shared = container.Put(c.Shared, id, name)
		c.Joined = append(c.Joined, container.Joined{
			Attribute: share.attribute, Name: name, Running: container.Active(other), Restarted: startedAfter(other, c.State, time.Now()),
		})
	}
	return nil
}

// startedAfter reports whether a container that runs was started after another one that runs. A start that
// is to come says that the engine's clock was set back: then nothing is known.
func startedAfter(other, own container.State, now time.Time) bool {
	runs := func(s container.State) bool { return s.Status == "running" || s.Status == "paused" }
	return runs(other) && runs(own) && other.StartedAt.After(own.StartedAt) && !other.StartedAt.After(now.Add(ClockSkew))
}

// Inspect reads a container by ID or name.
func (e *Engine) Inspect(ctx context.Context, ref string) (*container.Container, error) {
	r, err := Looking(ctx, func() (containertypes.InspectResponse, error) { return e.API.ContainerInspect(ctx, ref) })
	if err != nil {
		return nil, err
	}
	c := container.Observe(e.Name, r)
	c.Defaults, c.Unmanaged = e.defaults, container.UnmanagedOfContainer(r, e.defaults)
	e.nameNetworks(ctx, c)
	if err := e.nameLinked(ctx, c); err != nil {
		return nil, err
	}
	if err := e.nameShared(ctx, c); err != nil {
		return nil, err
	}
	return c, nil
}

// nameNetworks completes what an engine reports of the networks of a container that it never
// started: there they have no ID yet, and perhaps the short ID of the create as their name. What a
// connect that failed left has none either.
func (e *Engine) nameNetworks(ctx context.Context, c *container.Container) {
	for _, networks := range []map[string]container.AttachedNetwork{c.Attached, c.Unconnected} {
		for key, n := range networks {
			if n.ID != "" {
				continue
			}
			found, err := e.API.NetworkInspect(ctx, key, network.InspectOptions{})
			if err != nil {
				// It may be gone by now: then the start says so.
				e.Logger.Debug("the network can't be read", "network", key, "container", c.Name, "error", err)
				continue
			}
			delete(networks, key)
			n.ID = found.ID
			networks[found.Name] = n
		}
	}
}
