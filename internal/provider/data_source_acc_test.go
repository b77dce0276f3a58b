// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// One look at everything that is there, also at a container that has ended.
func TestAccDataSources(t *testing.T) {
	r := newRig(t)
	id := r.Run(r.Name("job"), enginetest.RunOptions{Image: r.Image, Command: []string{"exit", "3", "0s", "last", "words"}, Labels: map[string]string{"role": r.Name("role")}})
	r.AwaitExit(id)
	r.Network("net")
	r.Volume("vol")
	data := func(kind string, lines ...string) string {
		return fmt.Sprintf("data \"gantry_%s\" \"it\" {\n%s}\n", kind, indent(lines))
	}
	r.run(resource.TestStep{
		Config: r.provider("max_parallel = 1") + data("engine") + data("container", attr("name", r.Name("job"))) +
			data("containers", fmt.Sprintf("labels = { role = %q }", r.Name("role")), `status = ["exited"]`) +
			data("image", attr("name", r.Image)) + data("network", attr("name", r.Name("net"))) + data("volume", attr("name", r.Name("vol"))) +
			data("logs", attr("container", id), `tail = 2`, `since = "1h"`),
		ConfigStateChecks: []statecheck.StateCheck{
			in("data.gantry_engine.it", "name", text(r.HostName())), in("data.gantry_engine.it", "cpus", knownvalue.NotNull()),
			in("data.gantry_container.it", "container_id", text(id)), in("data.gantry_container.it", "exit_code", knownvalue.Int64Exact(3)),
			in("data.gantry_container.it", "status", text("exited")),
			in("data.gantry_containers.it", "containers", knownvalue.MapExact(map[string]knownvalue.Check{
				r.Name("job"): knownvalue.ObjectPartial(map[string]knownvalue.Check{"container_id": text(id), "status": text("exited")}),
			})),
			in("data.gantry_image.it", "image_id", text(r.imageID(r.Image))),
			in("data.gantry_network.it", "driver", text("bridge")), in("data.gantry_network.it", "subnets", knownvalue.ListSizeExact(1)),
			in("data.gantry_volume.it", "driver", text("local")), in("data.gantry_volume.it", "mountpoint", knownvalue.NotNull()),
			in("data.gantry_logs.it", "stdout", text("last words\n")), in("data.gantry_logs.it", "stderr", text("last words\n")),
			in("data.gantry_logs.it", "truncated", knownvalue.Bool(false)),
		},
	})
	var missing []resource.TestStep
	for kind, name := range map[string]string{"container": "name", "image": "name", "network": "name", "volume": "name", "logs": "container"} {
		missing = append(missing, resource.TestStep{
			Config:      r.provider() + data(kind, attr(name, r.Name("nothing"))),
			ExpectError: regexp.MustCompile(`(?s)(There is no ` + kind + `|does\s+not\s+exist|There is no container).*` + r.Name("nothing") + `|` + r.Name("nothing") + `.*does\s+not\s+exist`),
		})
	}
	r.run(missing...)
}

// A container that another one links to has further names on the engine ("/app/db"), perhaps before its own.
func TestAccNamesOfLinkedContainers(t *testing.T) {
	r := newRig(t)
	port := r.FreePort()
	labels := map[string]string{"role": r.Name("linked")}
	r.Run(r.Name("z-db"), enginetest.RunOptions{Image: r.Image, Labels: labels, Publish: []string{port + ":80"}, Volumes: []string{r.Volume("held") + ":/data"}})
	app, err := r.Docker.ContainerCreate(t.Context(), &container.Config{Image: r.Image, Labels: labels},
		&container.HostConfig{Links: []string{r.Name("z-db") + ":db"}}, nil, nil, r.Name("app"))
	if err != nil {
		t.Fatal(err)
	}
	r.Leaves(app.ID)
	if err := r.Docker.ContainerStart(t.Context(), app.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	r.run(
		resource.TestStep{
			Config: r.provider() + fmt.Sprintf("data \"gantry_containers\" \"it\" {\n  labels = { role = %q }\n}\n", r.Name("linked")),
			ConfigStateChecks: []statecheck.StateCheck{
				in("data.gantry_containers.it", "containers", knownvalue.MapExact(map[string]knownvalue.Check{
					r.Name("app"): knownvalue.NotNull(), r.Name("z-db"): knownvalue.NotNull(),
				})),
			},
		},
		resource.TestStep{
			Config:      r.container(fmt.Sprintf("ports = [{ target = 80, published = %q }]", port)),
			ExpectError: regexp.MustCompile(`container\s+"` + r.Name("z-db") + `"`),
		},
	)
	r.Remove(app.ID)
}

// What a registry says, and the four ways in which it doesn't. No password shows anywhere.
func TestAccRegistryImage(t *testing.T) {
	const password = "registry-s3cret"
	r := newRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 10})
	registry.RequireAuth("reader", password)
	auth := func(password string) string {
		return fmt.Sprintf("registry_auth = { %q = { username = \"reader\", password = %q } }", registry.Host, password)
	}
	config := func(name, password string) string {
		return r.provider(auth(password)) + fmt.Sprintf("data \"gantry_registry_image\" \"it\" {\n  name = %q\n}\n", name)
	}
	fails := func(name, says string) resource.TestStep {
		return resource.TestStep{Config: config(name, password), ExpectError: regexp.MustCompile(`(?s)Unable to read image.*` + strings.ReplaceAll(says, " ", `\s+`))}
	}
	limited, broken := fails(pushed.Reference, "rate limit is reached"), fails(pushed.Reference, "answered with status 500")
	limited.PreConfig = func() { registry.FailManifest(pushed, 1, http.StatusTooManyRequests) }
	broken.PreConfig = func() { registry.FailManifest(pushed, 10, http.StatusInternalServerError) }
	denied := fails(pushed.Reference, `no access.*credentials: registry_auth`)
	denied.Config = config(pushed.Reference, "wrong-password")
	r.run(
		resource.TestStep{
			Config: config(pushed.Reference, password),
			ConfigStateChecks: []statecheck.StateCheck{
				in("data.gantry_registry_image.it", "digest", text(pushed.Digest)),
				in("data.gantry_registry_image.it", "platforms", knownvalue.MapSizeExact(1)),
			},
		},
		denied,
		fails(pushed.Reference+"-missing", "no such image"),
		fails("127.0.0.1:1/acme/app:1", "check the registry's name"),
		limited,
		broken,
	)
	if n := r.Proxy.Count(http.MethodPost, "/images/create"); n != 0 {
		t.Errorf("%d pulls", n)
	}
	if strings.Contains(r.log.String(), password) {
		t.Error("the password is in the log")
	}
}
