// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// A process that dies between a container and the volumes that go with it leaves volumes that nothing on the engine
// explains. Whatever the next run is, it removes them, and tells of it before.
func TestAccKilledBetweenContainerAndVolumes(t *testing.T) {
	t.Parallel()
	const readOnly, file = "read_only = true", `files = { "/etc/app/main.conf" = { content = "one" } }`
	for _, tt := range []struct {
		name     string
		settings []string
		// exchanged is an exchange before, by which the container has another one's volumes.
		exchanged bool
		// change is the setting that the killed apply brings; empty is a destroy. Cast is one that nobody waits for.
		change string
		cast   bool
		next   []string
		// told is what the plan before says.
		told string
	}{
		{
			name: "destroy, and destroy again", settings: []string{readOnly, file, "remove_volumes = false"},
			next: []string{"destroy", "-auto-approve"}, told: "was not completed",
		},
		{
			name: "destroy, and apply", settings: []string{readOnly, file, "remove_volumes = false"},
			next: []string{"apply", "-auto-approve"}, told: "was not completed",
		},
		{
			name: "destroy, and destroy without a refresh", settings: []string{readOnly, file, "remove_volumes = false"},
			next: []string{"destroy", "-auto-approve", "-refresh=false"}, told: "was not completed",
		},
		{
			name: "replacement", settings: []string{readOnly, file, "remove_volumes = false"}, change: `hostname = "other"`,
			next: []string{"apply", "-auto-approve"}, told: "was not completed",
		},
		{
			name: "exchange", settings: []string{readOnly, file, "remove_volumes = false", `update_order = "stop-first"`}, change: `hostname = "other"`,
			next: []string{"apply", "-auto-approve"}, told: "was interrupted",
		},
		{
			name: "volumes of an exchange", settings: []string{`update_order = "start-first"`}, exchanged: true,
			next: []string{"destroy", "-auto-approve"}, told: "was not completed",
		},
		{
			name: "cast removal", settings: []string{readOnly, file, "remove_volumes = false", "wait_for_removal = false"}, cast: true,
			next: []string{"apply", "-auto-approve"}, told: "was interrupted",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newCastRig(t)
			image := r.Engine.Image(enginetest.ImageOptions{Volumes: []string{"/data"}})
			configure := func(more ...string) {
				r.cli.configure(r.config(r.resource("web", append(append([]string{attr("image", image)}, tt.settings...), more...)...)))
			}
			configure()
			r.cli.must("apply", "-auto-approve")
			if tt.exchanged {
				configure(`hostname = "first"`)
				r.cli.must("apply", "-auto-approve")
			}
			var goes []string
			if tt.exchanged {
				goes = r.dataOf(r.Name("web"))
			} else {
				goes = slices.Collect(maps.Values(r.volumesOfFiles(r.Name("web"))))
			}
			stays := r.dataOf(r.Name("web"))
			if len(goes) != 1 || len(stays) != 1 {
				t.Fatalf("%q go with the container, and it has %q", goes, stays)
			}
			change := []string{"destroy", "-auto-approve"}
			if tt.change != "" {
				configure(tt.change)
				change[0] = "apply"
			}
			gate := r.Proxy.Hold(http.MethodDelete, "/volumes/*")
			killed := r.cli.start(change...)
			gate.Await()
			if tt.cast {
				kill("background", r.cli.background())
			} else {
				kill("provider", r.cli.providers())
			}
			killed.wait()
			r.Proxy.Clear()
			if !r.Engine.VolumeExists(goes[0]) {
				t.Fatal("the volume went before the kill")
			}

			if plan := r.cli.must("plan").output; !strings.Contains(flat(plan), tt.told) {
				t.Errorf("the plan does not tell that something %s:\n%s", tt.told, plan)
			}
			r.cli.must(tt.next...)
			r.idle()
			r.noneOf(goes)
			if !tt.exchanged && !r.Engine.VolumeExists(stays[0]) {
				t.Errorf("the volume %s went, which was to stay", stays[0])
			}
			if tt.next[0] == "apply" {
				r.emptyPlan()
				stays = append(stays, r.dataOf(r.Name("web"))...)
				r.cli.must("destroy", "-auto-approve")
				r.idle()
			}
			r.nothingUnsettled()
			slices.Sort(stays)
			for _, name := range slices.Compact(stays) {
				if r.Engine.VolumeExists(name) {
					r.Engine.RemoveVolume(name)
				}
			}
		})
	}
}

// dataOf returns the volumes that a container has at /data.
func (r *rig) dataOf(name string) (volumes []string) {
	r.t.Helper()
	c, err := r.Docker.ContainerInspect(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range c.Mounts {
		if m.Destination == "/data" {
			volumes = append(volumes, m.Name)
		}
	}
	return volumes
}
