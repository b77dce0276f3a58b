// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider"
)

// A container that somebody made with `docker run` is imported, and the plan is empty with the
// configuration that means the same.
func TestAccImport(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		by string
		id func(r *rig, id string) string
	}{
		{"name", func(r *rig, _ string) string { return r.Name("web") }},
		{"ID", func(_ *rig, id string) string { return id }},
		{"short ID", func(_ *rig, id string) string { return id[:12] }},
		{"engine and name", func(r *rig, _ string) string { return r.HostName() + "/" + r.Name("web") }},
	} {
		t.Run(tt.by, func(t *testing.T) {
			r := newRig(t)
			image := r.Engine.Image(enginetest.ImageOptions{
				Command: []string{"serve"}, Env: map[string]string{"FROM_IMAGE": "yes"}, Labels: map[string]string{"from": "image"},
				Expose: []string{"9000/tcp"},
			})
			port, data := r.FreePort(), r.Volume("data")
			id := r.Run(r.Name("web"), enginetest.RunOptions{
				Image:   image,
				Env:     []string{"A=1", "B=two words"},
				Labels:  map[string]string{"com.example.role": "web"},
				Publish: []string{port + ":8080"},
				Volumes: []string{data + ":/data"},
				Memory:  64 << 20,
			})
			imported := r.watch(id)
			config := r.container(
				attr("image", image),
				`environment = { A = "1", B = "two words" }`,
				`labels = { "com.example.role" = "web" }`,
				fmt.Sprintf("ports = [{ target = 8080, published = %q, protocol = \"tcp\" }]", port),
				fmt.Sprintf(`mounts = { "/data" = { type = "volume", source = %q, read_only = false } }`, data),
				`memory = "64m"`,
			)
			r.run(
				resource.TestStep{
					Config: config, ResourceName: web, ImportState: true, ImportStatePersist: true,
					ImportStateId: tt.id(r, id),
				},
				resource.TestStep{
					Config:           config,
					ConfigPlanChecks: plannedNothing(),
					ConfigStateChecks: []statecheck.StateCheck{
						stateCheck(imported.untouched),
						has("container_id", text(id)),
						has("id", text(r.HostName()+"/"+r.Name("web"))),
					},
				},
			)
			if r.Exists(id) {
				t.Error("the imported container was not destroyed")
			}
		})
	}
}

// What gantry made itself is imported with all that was asked for.
func TestAccImportOfOwn(t *testing.T) {
	r := newRig(t)
	config := r.container(
		command("serve"),
		`environment = { A = "1" }`,
		`labels = { b = "2" }`,
		"ports = [{ target = 8080 }]",
		`mounts = { "/tmp" = { type = "tmpfs" } }`,
		healthcheck("health"),
		`restart = "on-failure:3"`,
		`cpus = 0.5`,
		`hostname = "somewhere"`,
		`stop_grace_period = "5s"`,
	)
	r.run(
		resource.TestStep{Config: config},
		resource.TestStep{
			ResourceName: web, ImportState: true, ImportStateId: r.Name("web"), ImportStateVerify: true,
			ImportStateVerifyIgnore: leftOut(t, config),
		},
	)
}

// An import ID that names nothing, and one of what is not there: the error says what an ID is, and nothing of
// plans.
func TestAccImportOfNothing(t *testing.T) {
	r := newRig(t)
	c := newCLI(t)
	c.configure(r.container() + r.network() + r.volume() + r.image(r.Name("app")+":1"))
	other := map[string]string{"network": r.Run(r.Name("other"), enginetest.RunOptions{Image: r.Image})}
	for kind, address := range map[string]string{"container": web, "network": front, "volume": data, "image": app} {
		of := cmp.Or(other[kind], r.inspectNetwork("bridge").ID) // The ID of another kind of object.
		for id, says := range map[string]string{
			"":                                "The import ID is empty: it names no " + kind,
			" ":                               "The import ID is empty: it names no " + kind,
			r.HostName() + "/":                `The import ID "` + r.HostName() + `/" names no ` + kind,
			r.Name("nothing"):                 r.Name("nothing"),
			r.HostName() + "/" + r.Name("no"): r.Name("no"),
			of:                                of,
		} {
			got := c.run("import", address, id)
			text := flat(got.output)
			if got.code == 0 || !strings.Contains(text, says) || !strings.Contains(text, "mport ID") || !strings.Contains(text, "engine/name") ||
				strings.Contains(text, "apply again") || strings.Contains(text, "error in the provider") {
				t.Errorf("the import of %q as %s ended with %d:\n%s", id, address, got.code, got.output)
			}
		}
	}
}

// leftOut are the attributes that differ between a create and an import: what only the operation that made
// a container knows, and what nobody asked for, which has its zero after an import.
func leftOut(t *testing.T, config string) []string {
	t.Helper()
	return append(slices.DeleteFunc(provider.AttributesWithZero(t.Context()), func(name string) bool {
		return regexp.MustCompile(`\b` + name + `\s+=`).MatchString(config)
	}), "operation_id")
}
