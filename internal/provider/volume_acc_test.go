// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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
				r.Proxy.Fail(http.MethodGet, "/volumes/*", 1, http.StatusForbidden, "something broke")
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

// Somebody made the volume anew: what it held is gone, and the new one is theirs.
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
			Config: config, ConfigPlanChecks: plannedFor(data, plancheck.ResourceActionCreate),
			ExpectError: failure{
				summary: fmt.Sprintf("The name of volume %q is already in use", r.Name("data")), line: "name", says: []string{"it was not touched", "import it as"},
			}.regexp(),
		},
	)
	if !r.VolumeExists(r.Name("data")) {
		t.Error("the volume that somebody made in the place of gantry's was removed")
	}
	r.RemoveVolume(r.Name("data"))
}

// An imported volume has no label of gantry's. Made anew with other settings it is another one all the same: neither
// a plan nor a destroy without a refresh removes it.
func TestAccImportedVolumeRecreated(t *testing.T) {
	r := newRig(t)
	c := newCLI(t)
	c.configure(r.provider() + r.volume())
	r.Volume("data")
	c.must("import", data, r.Name("data"))
	c.converges()
	r.RemoveVolume(r.Name("data"))
	other := volume.CreateOptions{Name: r.Name("data"), Labels: map[string]string{"of": "somebody"}}
	if _, err := r.Docker.VolumeCreate(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if got := c.run("apply", "-auto-approve"); got.code == 0 || !strings.Contains(flat(got.output), "already in use") {
		t.Errorf("the apply ended with %d:\n%s", got.code, got.output)
	}
	if !r.VolumeExists(r.Name("data")) {
		t.Fatal("the apply removed the volume that somebody made")
	}
	r.RemoveVolume(r.Name("data"))

	// And without a refresh.
	r.Volume("data")
	c.must("import", data, r.Name("data"))
	c.converges()
	r.RemoveVolume(r.Name("data"))
	if _, err := r.Docker.VolumeCreate(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if got := c.must("destroy", "-auto-approve", "-refresh=false").output; !strings.Contains(flat(got), "was gone already, and another one has its name") {
		t.Errorf("the destroy says:\n%s", got)
	}
	if !r.VolumeExists(r.Name("data")) {
		t.Error("the destroy removed the volume that somebody made")
	}
	r.RemoveVolume(r.Name("data"))
}

// Somebody makes the volume anew while gantry is about to remove it: what has the name then is left alone.
func TestAccVolumeRecreatedDuringRemoval(t *testing.T) {
	r := newRig(t)
	recreate := func() {
		r.RemoveVolume(r.Name("data"))
		r.Volume("data")
	}
	for _, moment := range []string{"/volumes/*", "/images/create"} {
		c := newCLI(t)
		c.configure(r.provider() + r.volume())
		c.must("apply", "-auto-approve")
		r.Proxy.Clear()
		gate := r.Proxy.Hold("", moment)
		destroy := c.start("destroy", "-auto-approve", "-refresh=false")
		gate.Await()
		recreate()
		gate.Open()
		got := destroy.wait()
		if got.code != 0 || !strings.Contains(flat(got.output), "was gone already, and another one has its name") {
			t.Errorf("at %s the destroy ended with %d:\n%s", moment, got.code, got.output)
		}
		if !r.VolumeExists(r.Name("data")) {
			t.Errorf("at %s the volume that somebody made was removed", moment)
		}
		r.RemoveVolume(r.Name("data"))
	}
}

// The engine's own time of a volume moves with every file in it (before Docker 23.0). That is no volume
// made anew, and what is computed settles.
func TestAccVolumeInUseSettles(t *testing.T) {
	r := newRig(t)
	config := r.provider() + r.volume(`force_destroy = true`) + "output \"created\" {\n  value = gantry_volume.data.created\n}\n"
	r.run(
		resource.TestStep{Config: config},
		resource.TestStep{PreConfig: func() { r.fill(r.Name("data")) }, Config: config, ConfigPlanChecks: plannedNothing()},
		// An imported one, which gantry did not make.
		resource.TestStep{Config: r.provider()},
		resource.TestStep{
			PreConfig: func() { r.Volume("data") },
			Config:    config, ResourceName: data, ImportState: true, ImportStateId: r.Name("data"), ImportStatePersist: true,
		},
		resource.TestStep{Config: config},
		resource.TestStep{PreConfig: func() { r.fill(r.Name("data")) }, Config: config, ConfigPlanChecks: plannedNothing()},
	)
}

// Nothing orders the removals of a volume and of a container that has it by its mere name: the volume
// waits, also when it is asked for first. A stranger ends the wait.
func TestAccVolumeWaitsForRemovals(t *testing.T) {
	r := newRig(t)
	config := r.provider() + r.volume()
	member := r.resource("web", command("ignore-term"), `stop_grace_period = "1s"`, fmt.Sprintf(`mounts = { "/data" = { type = "volume", source = %q } }`, r.Name("data")))
	r.run(
		resource.TestStep{Config: config},
		resource.TestStep{Config: config + member},
		resource.TestStep{
			PreConfig: func() {
				// The container is stopped when the volume's removal has looked around.
				gate := r.Proxy.Hold(http.MethodPost, "/containers/*/stop")
				go func() {
					r.Proxy.Await(http.MethodGet, "/containers/json", 2)
					gate.Open()
				}()
			},
			Config: r.provider(),
		},
	)
	if r.VolumeExists(r.Name("data")) || len(r.Containers()) > 0 {
		t.Error("something is left")
	}
}

// A volume that only mounts something else holds nothing itself.
func TestAccVolumeOfAnotherPlace(t *testing.T) {
	r := newRig(t)
	folder := t.TempDir()
	precious := filepath.Join(folder, "precious")
	if err := os.WriteFile(precious, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.run(
		resource.TestStep{Config: r.provider() + r.volume(fmt.Sprintf(`driver_opts = { type = "none", o = "bind", device = %q }`, folder))},
		resource.TestStep{Config: r.provider()},
		resource.TestStep{Config: r.provider() + r.volume(`driver_opts = { type = "nfs", o = "addr=192.0.2.1,ro", device = ":/nobody" }`)},
	)
	if _, err := os.Stat(precious); err != nil || r.VolumeExists(r.Name("data")) {
		t.Errorf("the volume exists: %v; what it mounted: %v", r.VolumeExists(r.Name("data")), err)
	}
}
