// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

const data = "gantry_volume.data"

func (r *rig) volume(lines ...string) string {
	return fmt.Sprintf("resource \"gantry_volume\" \"data\" {\n  name = %q\n%s}\n", r.Name("data"), indent(lines))
}

// fill puts an empty file into a volume, as a container would.
func (r *rig) fill(name string) {
	r.t.Helper()
	id := r.Run(r.Name("filler"), enginetest.RunOptions{Image: r.Image, Volumes: []string{name + ":/data"}, CreateOnly: true})
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: "precious", Mode: 0o600}); err != nil {
		r.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		r.t.Fatal(err)
	}
	if err := r.Docker.CopyToContainer(context.Background(), id, "/data", &archive, container.CopyToContainerOptions{}); err != nil {
		r.t.Fatal(err)
	}
	r.Remove(id)
}

// probes lists what a look into a volume may have left.
func (r *rig) probes() []string {
	r.t.Helper()
	list, err := r.Docker.ContainerList(context.Background(), container.ListOptions{All: true})
	if err != nil {
		r.t.Fatal(err)
	}
	var found []string
	for _, c := range list {
		for _, m := range c.Mounts {
			if strings.HasPrefix(c.Names[0], "/gantry-probe-") && m.Name == r.Name("data") {
				found = append(found, c.Names[0])
			}
		}
	}
	return found
}

func TestAccVolume(t *testing.T) {
	r := newRig(t)
	name := r.Name("data")
	plain := r.provider() + r.volume(`labels = { keep = "yes" }`)
	imports := func(id resource.ImportStateIdFunc) resource.TestStep {
		return resource.TestStep{Config: plain, ResourceName: data, ImportState: true, ImportStateIdFunc: id, ImportStateVerify: true}
	}
	r.run(
		// Whose name it is.
		resource.TestStep{
			PreConfig: func() { r.Volume("data") },
			Config:    plain,
			ExpectError: failure{
				summary: fmt.Sprintf("The name of volume %q is already in use", name), line: "name", says: []string{"it was not touched"},
			}.regexp(),
		},
		// A lost answer is no conflict with oneself.
		resource.TestStep{
			PreConfig: func() {
				r.RemoveVolume(name)
				r.Proxy.DropAnswer(http.MethodPost, "/volumes/create", 1)
			},
			Config: plain,
			ConfigStateChecks: []statecheck.StateCheck{
				in(data, "id", text(r.HostName()+"/"+name)), in(data, "driver", text("local")), in(data, "scope", text("local")),
			},
		},
		imports(func(*terraform.State) (string, error) { return name, nil }),
		imports(idOf(data, "id", 0)),
		// An empty one is replaced; one failure of the engine drops nothing.
		resource.TestStep{
			Config:           r.provider() + r.volume(`driver_opts = { type = "tmpfs", device = "tmpfs", o = "size=1m" }`),
			ConfigPlanChecks: plannedFor(data, plancheck.ResourceActionReplace),
		},
		resource.TestStep{Config: plain},
		resource.TestStep{
			PreConfig: func() {
				r.Proxy.Fail(http.MethodGet, "/volumes/*", 1, http.StatusInternalServerError, "something broke")
			},
			Config:      plain,
			ExpectError: regexp.MustCompile(`something broke`),
		},
		// Removed outside.
		resource.TestStep{
			PreConfig:        func() { r.RemoveVolume(name) },
			Config:           plain,
			ConfigPlanChecks: plannedFor(data, plancheck.ResourceActionCreate),
		},
		// In use, by a container that does not even run.
		resource.TestStep{
			PreConfig: func() {
				r.Run(r.Name("user"), enginetest.RunOptions{Image: r.Image, Volumes: []string{name + ":/data"}, CreateOnly: true})
			},
			Config:      r.provider(),
			ExpectError: regexp.MustCompile(`(?s)Unable to remove volume.*it is in use.*` + r.Name("user")),
		},
		// With something in it, though it has no bytes.
		resource.TestStep{
			PreConfig: func() {
				r.Remove(r.Name("user"))
				r.fill(name)
			},
			Config:      r.provider(),
			ExpectError: regexp.MustCompile(`(?s)Unable to remove volume.*it may hold data.*precious`),
		},
		resource.TestStep{
			Config:           r.provider() + r.volume(`labels = { keep = "yes" }`, `force_destroy = true`),
			ConfigPlanChecks: plannedFor(data, plancheck.ResourceActionUpdate),
		},
	)
	if r.VolumeExists(name) {
		t.Error("the volume was not destroyed")
	}
	if left := r.probes(); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// What a look into the volume left whose process was killed does not keep it; one that is under way does.
func TestAccVolumeWithProbes(t *testing.T) {
	r := newRig(t)
	past := time.Now().Add(-time.Second)
	label := func(until time.Time) map[string]string {
		return map[string]string{"io.github.gantry-provider.probe": until.UTC().Format(time.RFC3339)}
	}
	image := r.Engine.Image(enginetest.ImageOptions{Env: map[string]string{"PROBE": "yes"}, Labels: label(past)})
	id := r.imageID(image)
	probe := func(name string, until time.Time) func() {
		return func() {
			r.Run(r.Name(name), enginetest.RunOptions{
				Image: image, Volumes: []string{r.Name("data") + ":/volume"}, CreateOnly: true,
				Labels: label(until),
			})
		}
	}
	r.run(
		resource.TestStep{Config: r.provider() + r.volume()},
		resource.TestStep{
			PreConfig:   probe("under-way", time.Now().Add(time.Hour)),
			Config:      r.provider(),
			ExpectError: regexp.MustCompile(`(?s)Unable to remove volume.*it is in use.*` + r.Name("under-way")),
		},
		resource.TestStep{
			PreConfig: func() {
				r.Remove(r.Name("under-way"))
				probe("left", past)()
				r.rmi(image) // Such an image has no name.
			},
			Config: r.provider(),
		},
	)
	if left := r.Containers(); len(left) > 0 || r.VolumeExists(r.Name("data")) {
		t.Errorf("left over: %v", left)
	}
	if r.imageID(id) != "" {
		t.Error("the probe's image is left over")
	}
}

// Somebody made the volume anew: what it held is gone, and that is said.
func TestAccVolumeRecreated(t *testing.T) {
	r := newRig(t)
	config := r.provider() + r.volume(`labels = { keep = "yes" }`)
	r.run(
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				r.RemoveVolume(r.Name("data"))
				if _, err := r.Docker.VolumeCreate(t.Context(), volume.CreateOptions{Name: r.Name("data")}); err != nil {
					t.Fatal(err)
				}
			},
			Config: config, ConfigPlanChecks: plannedFor(data, plancheck.ResourceActionReplace),
		},
	)
}
