// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// MaskOf is Spec.MaskWith with what the container's image has; nil is no container. Of an image that can't be read,
// all variables count as secret.
func (e *Engine) MaskOf(ctx context.Context, s container.Spec, c *container.Container) fault.Mask {
	if c == nil {
		return s.Mask()
	}
	ctx, cancel := ContextForLook(ctx)
	defer cancel()
	var image map[string]string
	r, err := e.API.ImageInspect(ctx, c.ImageID)
	if err == nil {
		image = container.ObserveImage(r).Environment
	} else {
		e.Logger.Debug("the image of a container can't be read", "container", c.Name, "error", err)
	}
	return s.MaskWith(c, image)
}
