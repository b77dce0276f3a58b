// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// Inherited reports whether a container may have its label from its image, and not from the create that the
// label names: an image committed from one of gantry's containers has it. What can't be found out counts.
func (e *Engine) Inherited(ctx context.Context, imageID, operation string) bool {
	inherits, err := e.Inherits(ctx, imageID, operation)
	if err != nil {
		e.Logger.Debug("the image of a container can't be read", "image", imageID, "error", err)
	}
	return inherits
}

// Inherits is inherited where an image that can't be read is an error. One that is gone can't be asked any more:
// that counts, too.
func (e *Engine) Inherits(ctx context.Context, imageID, operation string) (bool, error) {
	image, err := e.API.ImageInspect(ctx, imageID)
	if err != nil {
		return true, IgnoreNotFound(err)
	}
	return image.Config != nil && image.Config.Labels[container.LabelOperation] == operation, nil
}
