// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"

	"github.com/docker/docker/api/types/image"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

// checkInherited is a *fault.Fault if the health check is to have the image's test, and the image has
// none: the engine would drop the check without a word.
func (o *createJob) checkInherited(ctx context.Context) error {
	if !o.spec.Healthcheck.Inherits() {
		return nil
	}
	r, err := engine.Retrying(ctx, func() (image.InspectResponse, error) { return o.engine.API.ImageInspect(ctx, o.spec.Image) })
	if err != nil {
		return err
	}
	if check := container.ObserveImage(r).Healthcheck; check == nil || check.Disabled() {
		return o.scope().NoTestToInherit(o.spec.Image, o.leftover())
	}
	return nil
}
