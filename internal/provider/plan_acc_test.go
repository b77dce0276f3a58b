// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/network"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// Bad input fails at the plan, on the attribute that is wrong, before the engine hears of it.
func TestAccBadInput(t *testing.T) {
	r := newRig(t)
	var steps []resource.TestStep
	for _, tt := range []struct {
		line string
		// says is part of the message; empty is any message.
		says string
		// at is what the error's place shows, if it is not the line itself.
		at string
		// path is where Terraform can't find the line of what is nested in a map or an object:
		// it shows the resource, and the text has the path.
		path string
	}{
		{line: `memory = "512x"`},
		{line: `memory = "512"`, says: `did you mean "512m"?`},
		{line: `memory = 512`, says: `did you mean "512m"?`},
		{line: `memory = "-1m"`},
		{line: `cpus = -1`},
		{line: `ports = [{ target = 0 }]`},
		{line: `ports = [{ target = 70000 }]`},
		{line: `ports = [{ target = 80, published = "http" }]`},
		{line: `ports = [{ target = 80, published = "70000" }]`},
		{line: `ports = [{ target = 80, published = "90-80" }]`},
		{line: `ports = [{ target = 80, protocol = "icmp" }]`},
		{line: `ports = [{ target = 80, host_ip = "localhost" }]`},
		{line: `image = "Not A Reference"`},
		{line: `image = ""`},
		{line: `name = "x"`},
		{line: `name = "no/slash"`},
		{line: `wait_for = "sometimes"`},
		{line: `desired_state = "sleeping"`},
		{line: "desired_state = \"stopped\"\nwait_for = \"healthy\"", at: `wait_for = "healthy"`},
		{line: "desired_state = \"completed\"\nwait_for = \"running\"", at: `wait_for = "running"`},
		{line: "desired_state = \"paused\"\nwait_for = \"healthy\"", at: `wait_for = "healthy"`},
		{line: `restart = "sometimes"`},
		{line: `restart = "on-failure:x"`},
		{line: `restart = "always:3"`},
		{line: `pull_policy = "daily"`},
		{line: `platform = "linux"`},
		{line: `stop_grace_period = "5"`},
		{line: `stop_grace_period = "-5s"`},
		{line: `mounts = { "data" = { type = "volume" } }`},
		{line: `mounts = { "/data" = { type = "floppy" } }`, path: `mounts["/data"].type`},
		{line: `mounts = { "/data" = { type = "bind" } }`},
		{line: `mounts = { "/data" = { type = "bind", source = "relative" } }`},
		{line: `mounts = { "/data" = { type = "tmpfs", source = "/somewhere" } }`},
		{line: `healthcheck = { test = ["true"] }`},
		{line: `healthcheck = { test = ["CMD", "true"], interval = "often" }`, path: "healthcheck.interval"},
		{line: `healthcheck = { test = ["CMD", "true"], retries = -1 }`, path: "healthcheck.retries"},
		{line: `environment = { "A=B" = "C" }`},
		{line: `labels = { "io.github.gantry-provider.operation" = "mine" }`},
	} {
		place := `\n\s+\d+:\s+` + strings.ReplaceAll(regexp.QuoteMeta(cmp.Or(tt.at, tt.line)), ` = `, `\s+=\s+`) + `\n`
		pattern := `(?s)` + place + `.*` + spaced(tt.says)
		if tt.path != "" {
			pattern = `Error: (?s).*` + spaced(tt.path)
		}
		steps = append(steps, resource.TestStep{
			Config: r.container(tt.line), PlanOnly: true, ExpectError: regexp.MustCompile(pattern),
		})
	}
	r.run(steps...)
	if calls := r.Proxy.Calls("", ""); len(calls) != 0 {
		t.Errorf("the engine was called: %v", calls)
	}
}

// The same meaning in another spelling is no change, and keeps the state as it is.
func TestAccOtherSpelling(t *testing.T) {
	r := newRig(t)
	// Without a tag a reference means the tag "latest".
	untagged := r.Name("spelled")
	r.Load(untagged+":latest", enginetest.ImageOptions{})
	spelled := func(image, memory, period, interval string, restart string) string {
		return r.container(
			attr("image", image), attr("memory", memory), attr("stop_grace_period", period),
			fmt.Sprintf("healthcheck = { test = [\"CMD\", %q, \"health\"], interval = %q, start_period = %q, retries = 3 }",
				enginetest.Program, "500ms", interval),
			attr("restart", restart),
		)
	}
	same := &sameContainer{rig: r}
	r.run(
		resource.TestStep{
			Config:            spelled(untagged, "64m", "60s", "90s", "on-failure"),
			ConfigStateChecks: []statecheck.StateCheck{same.is(r.Name("web"))},
		},
		resource.TestStep{
			Config:            spelled(untagged+":latest", "65536k", "1m", "1m30s", "on-failure:0"),
			ConfigPlanChecks:  plannedNothing(),
			ConfigStateChecks: []statecheck.StateCheck{same.is(r.Name("web"))},
		},
		resource.TestStep{
			Config:            spelled("docker.io/library/"+untagged, "64MiB", "1m0s", "1.5m", "on-failure"),
			ConfigPlanChecks:  plannedNothing(),
			ConfigStateChecks: []statecheck.StateCheck{same.is(r.Name("web"))},
		},
	)
}

// The same goes for what is nested, and for the short ID of a network. Terraform itself has to
// agree with a plan that keeps the state's spelling of a whole collection.
func TestAccOtherSpellingNested(t *testing.T) {
	r := newRig(t)
	front, port := r.Network("front"), r.FreePort()
	back, err := r.Docker.NetworkInspect(t.Context(), r.Network("back"), network.InspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	data := r.Volume("data")
	other := []string{
		fmt.Sprintf("ports = [{ target = 81, protocol = \"tcp\" }, { target = 80, published = \"%s-%[1]s\", host_ip = \"127.0.0.1\" }]", port),
		fmt.Sprintf(`mounts = { "/data" = { type = "volume", source = %q, read_only = false }, "/srv" = { type = "bind", source = "/tmp/" } }`, data),
		fmt.Sprintf("networks = { (%q) = { network = %[1]q }, back = { network = %q } }", front, back.ID[:12]),
	}
	same := &sameContainer{rig: r}
	r.run(
		resource.TestStep{
			Config: r.container(
				fmt.Sprintf("ports = [{ target = 80, published = %q, host_ip = \"127.0.0.1\" }, { target = 81 }]", port),
				fmt.Sprintf(`mounts = { "/data" = { type = "volume", source = %q }, "/srv" = { type = "bind", source = "/tmp" } }`, data),
				fmt.Sprintf("networks = { (%q) = {}, back = { network = %q } }", front, back.ID[:12]),
			),
			ConfigStateChecks: []statecheck.StateCheck{same.is(r.Name("web"))},
		},
		resource.TestStep{
			Config:            r.container(other...),
			ConfigPlanChecks:  plannedNothing(),
			ConfigStateChecks: []statecheck.StateCheck{same.is(r.Name("web"))},
		},
		resource.TestStep{
			// A change in place keeps the spelling, too.
			Config:            r.container(append(other, attr("memory", "64m"))...),
			ConfigStateChecks: []statecheck.StateCheck{same.is(r.Name("web"))},
		},
	)
}

// A network's ID is what other resources hand out. A container that was never started is
// connected to it all the same.
func TestAccNetworkByIDBeforeTheStart(t *testing.T) {
	r := newRig(t)
	front, err := r.Docker.NetworkInspect(t.Context(), r.Network("front"), network.InspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.run(resource.TestStep{
		Config: r.container(`desired_state = "stopped"`, fmt.Sprintf("networks = { front = { network = %q } }", front.ID)),
	})
}
