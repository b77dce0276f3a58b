// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// The configuration of the containers of several engines imports them as they are, with the engines that it says
// the provider needs.
func TestAccImportConfigOfFleet(t *testing.T) {
	f := newFleet(t, "edge1", "edge-2.west")
	var flags []string
	for key, own := range f.others {
		own.Run(f.Name("web"), enginetest.RunOptions{Image: f.images[key], Env: []string{"EDGE=" + key}})
		flags = append(flags, "--engine", key+"="+own.Host)
	}
	written := importConfig(t, f.rig, f.cli, flags)
	// What it says of the provider is taken word for word.
	var engines []string
	lines := strings.Split(written, "\n")
	for _, line := range lines {
		if entry, ok := strings.CutPrefix(line, "#   "); ok {
			engines = append(engines, entry)
		}
	}
	f.cli.configure(f.provider(engines...) + written)
	imported(t, f.cli, 2)
	f.cli.must("destroy", "-auto-approve")
	for key, own := range f.others {
		if left := own.Containers(); len(left) != 0 {
			t.Errorf("left on %s: %v", key, left)
		}
	}
}
