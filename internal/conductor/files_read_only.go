// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

// An engine puts no file into a read-only root, not even before the container was started, but it does so into a
// volume or a bind that is mounted there. Where the specification mounts none, the directory of the file becomes an
// anonymous volume: it begins with what the image has in the directory, and is removed with its container.

// neededFolders returns what FileFolders does, with what the engine's image says. One that is not there yet is the
// create's to complain of.
func (o *createJob) neededFolders(ctx context.Context) ([]string, error) {
	if len(container.FileFolders(o.spec, nil)) == 0 {
		return nil, nil
	}
	r, err := engine.Retrying(ctx, func() (image.InspectResponse, error) { return o.engine.API.ImageInspect(ctx, o.spec.Image) })
	if errdefs.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return container.FileFolders(o.spec, container.ObserveImage(r).Volumes), nil
}
