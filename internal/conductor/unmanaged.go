// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"github.com/docker/docker/api/types/volume"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// unmanagedOfVolume is UnmanagedOfContainer for volumes.
func unmanagedOfVolume(r volume.Volume) []container.Unmanaged {
	var u container.UnmanagedSettings
	if r.ClusterVolume != nil {
		u.Text("--type", "cluster") // A volume of a swarm.
	}
	return u
}
