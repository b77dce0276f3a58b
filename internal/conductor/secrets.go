// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"slices"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// maskOf is Spec.maskWith with what the container's image has; nil is no container. Of an image that can't be read,
// all variables count as secret.
func (e *daemon) maskOf(ctx context.Context, s container.Spec, c *container.Container) fault.Mask {
	if c == nil {
		return s.Mask()
	}
	ctx, cancel := contextForLook(ctx)
	defer cancel()
	var image map[string]string
	r, err := e.api.ImageInspect(ctx, c.ImageID)
	if err == nil {
		image = container.ObserveImage(r).Environment
	} else {
		e.logger.Debug("the image of a container can't be read", "container", c.Name, "error", err)
	}
	return s.MaskWith(c, image)
}

// hides reports whether a container can have been given files: what is secret in them is in none of its settings, so
// that whoever has only those can't mask it in what the container writes. What gantry made, and the journal does not
// know, can have been.
func (e *connection) hides(c *container.Container) bool {
	operation := c.Labels[container.LabelOperation]
	lanes := []string{c.Name}
	_, lane, _, err := journal.SplitID(operation)
	made := err == nil
	if made && lane != c.Name {
		lanes = append(lanes, lane)
	}
	if e.journal == nil {
		return made
	}
	if made {
		if r, err := e.journal.Knower(operation).Find(operation); err != nil || r.Uploads || Kind(r.Kind) != KindCreate {
			return true // An exchange does not note whether it uploads.
		}
	}
	for i := 0; i < len(lanes); i++ { // A rename leads to the lane of the name before.
		records, problems := e.journal.Lane(lanes[i])
		if len(problems) > 0 {
			return true
		}
		for _, r := range records {
			if r.ContainerID != c.ID {
				continue
			}
			if r.Uploads {
				return true
			}
			if r.PriorName != "" && !slices.Contains(lanes, r.PriorName) {
				lanes = append(lanes, r.PriorName)
			}
		}
	}
	return false
}
