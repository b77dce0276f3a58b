// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"maps"
	"slices"

	"github.com/docker/docker/api/types/versions"
)

// Need is a setting that older engines don't know.
type Need struct {
	// Attribute is the path of the attribute: its name, and the keys below it.
	Attribute []string
	// API is the first version of the Engine API that knows the setting, Docker the first engine
	// that speaks it.
	API, Docker string
}

// Needs is the one table of a container's settings that not every engine knows, and of the first that does.
func (s Spec) Needs() []Need {
	var needs []Need
	add := func(used bool, api, docker string, attribute ...string) {
		if used {
			needs = append(needs, Need{attribute, api, docker})
		}
	}
	add(len(s.Annotations) > 0, "1.43", "24.0", "annotations")
	add(s.Healthcheck != nil && s.Healthcheck.StartInterval != 0, "1.44", "25.0", "healthcheck", "start_interval")
	for _, target := range slices.Sorted(maps.Keys(s.Mounts)) {
		m := s.Mounts[target]
		add(m.Bind.CreateHostPath && m.Bind.Recursive != "", apiCreateHostPath, "23.0", "mounts", target, "bind", "create_host_path")
		add(m.Bind.Recursive == RecursiveWritable || m.Bind.Recursive == RecursiveReadOnly, "1.44", "25.0", "mounts", target, "bind", "recursive")
		add(m.Type == MountImage, "1.48", "28.0", "mounts", target, "type")
		add(m.Volume.Subpath != "", "1.45", "26.0", "mounts", target, "volume", "subpath")
	}
	for i, key := range attachOrder(s.Networks) {
		n := s.Networks[key]
		add(n.MACAddress != "" && i > 0, apiMAC, dockerMAC, "networks", key, "mac_address")
		add(n.GatewayPriority != 0, "1.48", "28.0", "networks", key, "gw_priority")
	}
	return needs
}

// Unmet returns the first need that an engine that speaks this version of the API is too old for.
func Unmet(needs []Need, apiVersion string) (Need, bool) {
	for _, n := range needs {
		if versions.LessThan(apiVersion, n.API) {
			return n, true
		}
	}
	return Need{}, false
}
