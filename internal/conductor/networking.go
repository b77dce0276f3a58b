// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// nameShared finds the containers that c shares name spaces with: their present names, and whether c
// still shares them.
func (e *daemon) nameShared(ctx context.Context, c *container.Container) error {
	found := make(map[string]containertypes.InspectResponse)
	for _, share := range []struct{ attribute, mode string }{{"network_mode", c.NetworkMode}, {"ipc", c.IPC}, {"pid", c.PID}} {
		id, ok := container.SharedContainer(share.mode)
		if !ok {
			continue
		}
		r, known := found[id]
		if !known {
			var err error
			r, err = e.api.ContainerInspect(ctx, id)
			if ignoreNotFound(err) != nil {
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
	return runs(other) && runs(own) && other.StartedAt.After(own.StartedAt) && !other.StartedAt.After(now.Add(clockSkew))
}

// checkJoined is a *fault.Fault if actions would stop the container and could not start it again, because
// what it shares a name space with does not run.
func (o *operation) checkJoined(c *container.Container, actions []container.Action) error {
	if !slices.ContainsFunc(actions, func(a container.Action) bool { return a.Do == container.DoStop }) || !slices.ContainsFunc(actions, func(a container.Action) bool { return a.Do == container.DoStart }) {
		return nil
	}
	for _, j := range c.Joined {
		if !j.Running {
			return o.scope().UnusableReference(fault.StepUpdating, "restart", j.Attribute, j.Name, o.exists(), fmt.Errorf("container %q does not run", j.Name))
		}
	}
	return nil
}
