// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"testing"

	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
)

// Networks and volumes that somebody made are imported without a change, whether the configuration has
// what the engine does by itself, or nothing of it, or empty maps.
func TestAccImportOfObjectsWithDefaults(t *testing.T) {
	r := newRig(t)
	subnet, prefix := r.subnet("own")
	labels := map[string]string{"com.docker.compose.project": "shop"}
	if _, err := r.Docker.NetworkCreate(t.Context(), r.Name("chosen"), network.CreateOptions{Labels: labels}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Docker.VolumeCreate(t.Context(), volume.CreateOptions{Name: r.Name("data"), Labels: labels}); err != nil {
		t.Fatal(err)
	}
	for name, lines := range map[string][3]string{
		"nothing": {fmt.Sprintf("ipam = { config = [{ subnet = %q }] }", prefix+"0/24"), "", ""},
		"defaults": {
			fmt.Sprintf("ipam = { driver = \"default\", config = [{ subnet = %q, gateway = %q }] }\nlabels = {}\noptions = {}", prefix+"0/24", prefix+"1"),
			"ipam = { driver = \"default\" }\ndriver = \"bridge\"\ninternal = false", "labels = {}\ndriver_opts = {}\ndriver = \"local\"",
		},
		"labels of another tool": {
			fmt.Sprintf("ipam = { config = [{ gateway = %q, subnet = %q }], options = {} }", prefix+"1", prefix+"0/24"), "ipam = {}", "driver_opts = {}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCLI(t)
			block := func(kind, label, name, lines string) string {
				return fmt.Sprintf("import {\n  to = %[1]s.%[2]s\n  id = %[3]q\n}\nresource %[1]q %[2]q {\n  name = %[3]q\n%[4]s\n}\n", kind, label, name, lines)
			}
			c.configure(r.provider(attr("state_dir", t.TempDir())) + block("gantry_network", "own", subnet, lines[0]) +
				block("gantry_network", "chosen", r.Name("chosen"), lines[1]) + block("gantry_volume", "data", r.Name("data"), lines[2]))
			imported(t, c, 3)
		})
	}
}
