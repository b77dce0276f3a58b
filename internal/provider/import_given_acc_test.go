// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	units "github.com/docker/go-units"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// An import can't tell what was asked for from what the engine's own configuration gives. A plan that takes away what
// the configuration leaves out names it. What is written down stays, and so does all in an exchange.
func TestAccReplacementLosesWhatAnImportFound(t *testing.T) {
	t.Parallel()
	found := []string{`shm_size = "1g"`, `ulimits = { nofile = "512" }`, `logging = { options = { "max-size" = "10m" } }`}
	for _, tt := range []struct {
		name          string
		written, lost []string
	}{
		{"nothing written down", nil, found},
		{"a part written down", []string{found[0], `logging = { driver = "json-file" }`}, found[1:]},
		{"all written down", found, nil},
		{"exchange", []string{`update_order = "start-first"`}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			web := r.Name("web")
			r.Leaves(web)
			if _, err := r.Docker.ContainerCreate(t.Context(), &container.Config{Image: r.Image}, &container.HostConfig{
				ShmSize:   1 << 30,
				Resources: container.Resources{Ulimits: []*units.Ulimit{{Name: "nofile", Soft: 512, Hard: 512}}},
				LogConfig: container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m"}},
			}, nil, nil, web); err != nil {
				t.Fatal(err)
			}
			if err := r.Docker.ContainerStart(t.Context(), web, container.StartOptions{}); err != nil {
				t.Fatal(err)
			}
			imported := r.Inspect(web)
			c := newCLI(t)
			empty := func() {
				t.Helper()
				if p := c.must("plan").output; !strings.Contains(p, "No changes.") || strings.Contains(p, "may lose settings") {
					t.Errorf("the plan is to be empty, without a warning:\n%s", p)
				}
			}
			c.configure(r.container(slices.DeleteFunc(slices.Clone(tt.written), func(line string) bool { return strings.HasPrefix(line, "update_order") })...))
			c.must("import", "gantry_container.web", web)
			empty()
			c.configure(r.container(append(tt.written, attr("image", r.Engine.Image(enginetest.ImageOptions{})))...))
			output := flat(c.must("apply", "-auto-approve").output)
			_, detail, warned := strings.Cut(output, fmt.Sprintf("The replacement of container %q may lose settings", web))
			for _, setting := range found {
				if lost := slices.Contains(tt.lost, setting); strings.Contains(detail, setting) != lost {
					t.Errorf("that %s is lost is to be said: %t:\n%s", setting, lost, output)
				}
			}
			if made := r.Inspect(web); made.ID == imported.ID || warned == (made.HostConfig.ShmSize == 1<<30 && len(made.HostConfig.Ulimits) == 1 && len(made.HostConfig.LogConfig.Config) == 1) {
				t.Errorf("warned %t, and the new container has shm_size %d, ulimits %v, log options %v", warned, made.HostConfig.ShmSize, made.HostConfig.Ulimits, made.HostConfig.LogConfig.Config)
			}
			empty()
			c.must("destroy", "-auto-approve")
		})
	}
}
