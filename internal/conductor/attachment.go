// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// findGone finds the networks whose ID leads nowhere, if the container is to be started: with them it
// can't be, even if there is another network of the same name by now. The engine lets nobody remove a
// network of a running container, and finds those that it always has by name.
func (o *updateJob) findGone(ctx context.Context, c *container.Container) error {
	starts := o.restart || slices.ContainsFunc(container.PlanPower(o.spec, c.State), func(a container.Action) bool { return a.Do == container.DoStart })
	if !starts || !slices.Contains([]string{"created", "exited", "dead"}, c.State.Status) {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(c.Attached)) {
		if container.IsDefaultMode(name) || name == "host" || name == "none" {
			continue
		}
		_, err := o.engine.API.NetworkInspect(ctx, cmp.Or(c.Attached[name].ID, name), network.InspectOptions{})
		switch {
		case errdefs.IsNotFound(err):
			delete(c.Attached, name)
			c.Gone = append(c.Gone, name)
		case err != nil:
			return err
		}
	}
	return nil
}
