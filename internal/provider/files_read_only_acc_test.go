// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// volumesOfFiles returns the volumes that are there for files, by the directory where a container has them.
func (r *rig) volumesOfFiles(ref string) map[string]string {
	r.t.Helper()
	c, found := r.Inspect(ref), make(map[string]string)
	for _, m := range c.Mounts {
		if m.Name == "" {
			continue
		}
		v, err := r.Docker.VolumeInspect(r.t.Context(), m.Name)
		if err != nil {
			r.t.Fatal(err)
		}
		if v.Labels[container.LabelFiles] == c.Config.Labels[container.LabelOperation] {
			found[m.Destination] = m.Name
		}
	}
	return found
}

// noneOf asserts that none of these volumes is left.
func (r *rig) noneOf(volumes []string) {
	r.t.Helper()
	answer, err := r.Docker.VolumeList(r.t.Context(), volume.ListOptions{Filters: filters.NewArgs(filters.Arg("label", container.LabelFiles))})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, v := range answer.Volumes {
		if slices.Contains(volumes, v.Name) {
			r.t.Errorf("the volume %s is left", v.Name)
		}
	}
}

// A container whose root is read-only has its files before it starts, and gets them as they change; their directories keep
// what the image has in them, and leave nothing behind.
func TestAccFilesInAReadOnlyRoot(t *testing.T) {
	r := newRig(t)
	image := r.Engine.Image(enginetest.ImageOptions{Volumes: []string{"/image"}})
	config := func(content string, more ...string) string {
		return r.container(attr("image", image), "read_only = true", fmt.Sprintf(`mounts = { "/own" = { type = "volume" } }
files = {
  "/etc/app/main.conf" = { content = %[1]q, mode = "0600", uid = 1000, gid = 100 }
  "/etc/app/d/x.conf"  = { content = %[1]q }
  "/own/made/for/it"   = { content = %[1]q }
  "/image/file"        = { content = %[1]q }
  "/run/secrets/one"   = { content_wo = %[1]q, content_wo_version = %[2]d }
  %[3]s
}
healthcheck = { test = ["CMD", %[4]q, "health-file", "/etc/app/main.conf"], interval = "500ms", retries = 1 }`,
			content, len(content), strings.Join(more, "\n"), enginetest.Program))
	}
	contents := func(content string) stateCheck {
		plain := uploaded{content, 0o644, 0, 0}
		return r.hasFiles(map[string]uploaded{
			"/etc/app/main.conf": {content, 0o600, 1000, 100}, "/etc/app/d/x.conf": plain, "/own/made/for/it": plain, "/image/file": plain, "/run/secrets/one": plain,
		})
	}
	kept, all := sameContainer{rig: r}, []string(nil)
	folders := func(want ...string) stateCheck {
		return func() error {
			volumes := r.volumesOfFiles(r.Name("web"))
			for folder, name := range volumes {
				all = append(all, name)
				if !slices.Contains(want, folder) {
					return fmt.Errorf("%s is a volume, too", folder)
				}
			}
			if len(volumes) != len(want) {
				return fmt.Errorf("volumes at %v, want %q", volumes, want)
			}
			return nil
		}
	}
	r.run(
		resource.TestStep{Config: config("a"), ConfigStateChecks: []statecheck.StateCheck{
			kept.is(r.Name("web")), contents("a"), folders("/etc/app", "/run/secrets"),
		}},
		resource.TestStep{
			Config: config("ab", `"/etc/app/more.conf" = { content = "more" }`), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				kept.is(r.Name("web")), contents("ab"), r.hasFiles(map[string]uploaded{"/etc/app/more.conf": {"more", 0o644, 0, 0}}),
			},
		},
		resource.TestStep{
			Config: config("ab", `"/srv/more.conf" = { content = "more" }`), ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: []statecheck.StateCheck{
				contents("ab"), r.hasFiles(map[string]uploaded{"/srv/more.conf": {"more", 0o644, 0, 0}}), folders("/etc/app", "/run/secrets", "/srv"),
			},
		},
		resource.TestStep{
			ResourceName: web, ImportState: true, ImportStateId: r.Name("web"), ImportStateVerify: true,
			ImportStateVerifyIgnore: append(leftOut(t, config("ab")), "files"),
		},
	)
	r.noneOf(all)
}

// An exchange gives the new container directories of its own: they have what its image has, and the old one's go.
func TestAccExchangeOfReadOnlyFiles(t *testing.T) {
	r := newCastRig(t)
	lines := func(content string) []string {
		return []string{"read_only = true", fmt.Sprintf(`files = { "/etc/app/main.conf" = { content = %q } }`, content)}
	}
	r.cli.configure(r.config(r.exchanged("start-first", "1", lines("one")...)))
	r.cli.must("apply", "-auto-approve")
	first := r.volumesOfFiles(r.Name("web"))
	r.cli.configure(r.config(r.exchanged("start-first", "2", lines("two")...)))
	r.plansChange("will be updated in-place", web)
	r.cli.must("apply", "-auto-approve")
	r.onlyNew("2")
	if got, err := r.file(r.Name("web"), "/etc/app/main.conf"); err != nil || got.content != "two" {
		t.Errorf("the file is %+v: %v", got, err)
	}
	second := r.volumesOfFiles(r.Name("web"))
	if len(first) != 1 || len(second) != 1 || first["/etc/app"] == second["/etc/app"] {
		t.Errorf("the volumes are %v, were %v", second, first)
	}
	r.noneOf([]string{first["/etc/app"]})

	// They go where other anonymous volumes are to stay, too.
	r.cli.configure(r.config(r.exchanged("start-first", "3", "remove_volumes = false")))
	r.cli.must("apply", "-auto-approve")
	r.onlyNew("3")
	r.noneOf([]string{second["/etc/app"]})
	r.cli.must("destroy", "-auto-approve")
}
