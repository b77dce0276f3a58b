// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// nameLinked finds the containers that c is linked to. An engine keeps a link to the very container that
// had the name at the create: it follows a rename, but it leads nowhere once that container is removed,
// though another one has the name by now. Such a link is left out.
func (e *daemon) nameLinked(ctx context.Context, c *container.Container) error {
	var live []string
	for _, link := range c.Links {
		name, _ := container.ParseLink(link)
		r, err := e.api.ContainerInspect(ctx, name)
		if ignoreNotFound(err) != nil {
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
