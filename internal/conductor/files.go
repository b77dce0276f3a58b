// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	containertypes "github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// putFiles puts files of the specification into the container: all with one request, or with one for each mount where
// the root is read-only. The caller holds a slot of the pool.
func (o *containerJob) putFiles(ctx context.Context, paths []string) error {
	parts := map[string][]string{"/": paths}
	if o.spec.ReadOnly {
		c, err := o.engine.Inspect(ctx, o.containerID)
		if err != nil {
			return err
		}
		parts = container.ByMount(paths, c.Writable())
	}
	for _, into := range slices.Sorted(maps.Keys(parts)) {
		packed, err := container.Archive(o.spec.Files, into, parts[into], o.intent.Accepted)
		if err != nil {
			return err
		}
		err = o.engine.API.CopyToContainer(ctx, o.containerID, into, bytes.NewReader(packed), containertypes.CopyToContainerOptions{})
		if err != nil {
			return fmt.Errorf("uploading files %s: %w", strings.Join(parts[into], ", "), err)
		}
	}
	return nil
}

// uploadAll puts all files of the specification into a container that was just created.
func (o *createJob) uploadAll(ctx context.Context) error {
	if len(o.spec.Files) == 0 {
		return nil
	}
	return o.change(ctx, func(ctx context.Context) error { return o.putFiles(ctx, slices.Sorted(maps.Keys(o.spec.Files))) })
}
