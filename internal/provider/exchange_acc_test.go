// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// exchanged is a container that serves, and that is exchanged for another value of its environment.
func (r *castRig) exchanged(order, value string, lines ...string) string {
	return r.resource("web", append(lines, attr("update_order", order), command("serve"), fmt.Sprintf("environment = { V = %q }", value))...)
}

// onlyNew asserts that there is one container of the name web, with this value, and that the plan is
// empty.
func (r *castRig) onlyNew(value string) container.InspectResponse {
	r.t.Helper()
	now := r.Inspect(r.Name("web"))
	if names := r.Containers(); !slices.Equal(names, []string{r.Name("web")}) || !now.State.Running || !slices.Contains(now.Config.Env, "V="+value) {
		r.t.Errorf("containers %v, web is %s with %v", names, now.State.Status, now.Config.Env)
	}
	r.emptyPlan()
	return now
}

// A client that asks for the service by its name all the time sees no failed request while the
// container is exchanged. Where the old container has the name as an alias, too, the engine takes its
// address away a moment before its name: there a client may have to try the next address.
func TestAccExchangeUnderLoad(t *testing.T) {
	r := newCastRig(t)
	net := r.Network("net")
	lines := []string{
		fmt.Sprintf("networks = { net = { network = %q, aliases = [\"service\"] } }", net),
		healthcheck("health"),
	}
	r.cli.configure(r.config(r.exchanged("start-first", "1", lines...)))
	r.cli.must("apply", "-auto-approve")
	first := r.Inspect(r.Name("web"))
	for _, round := range []struct {
		value, name string
		// lossless says that no request may fail.
		lossless bool
	}{{"2", r.Name("web"), true}, {"3", "service", false}, {"4", r.Name("web"), false}} {
		client := r.requests(net, "http://"+round.name+":8080/")
		r.cli.configure(r.config(r.exchanged("start-first", round.value, lines...)))
		r.plansChange("will be updated in-place", web)
		r.cli.must("apply", "-auto-approve")
		r.Stop(client)
		log := r.Logs(client)
		said := log[len(log)-1]
		t.Logf("by %s: %s", round.name, said)
		if round.lossless && !strings.HasSuffix(said, " requests, 0 failed") {
			t.Errorf("the client saw failures:\n%s", strings.Join(log, "\n"))
		}
		r.Remove(client)
	}
	if now := r.onlyNew("4"); now.ID == first.ID {
		t.Error("it is still the first container")
	}
	r.cli.must("destroy", "-auto-approve")
}

// requests starts a client in a network that asks for a URL all the time, and has had an answer.
func (r *castRig) requests(net, url string) string {
	r.t.Helper()
	id := r.Run(r.Name("client"), enginetest.RunOptions{Image: r.Image, Command: []string{"request", url}, CreateOnly: true})
	if err := r.Docker.NetworkConnect(r.t.Context(), net, id, &network.EndpointSettings{}); err != nil {
		r.t.Fatal(err)
	}
	if err := r.Docker.ContainerStart(r.t.Context(), id, container.StartOptions{}); err != nil {
		r.t.Fatal(err)
	}
	return id
}

// What the new container can't do leaves the old one as it was, and the plan shows the update again;
// a fixed port has a gap, which the plan tells of; anonymous volumes go along.
func TestAccExchangeFails(t *testing.T) {
	r := newCastRig(t)
	image := r.Engine.Image(enginetest.ImageOptions{Volumes: []string{"/data"}})
	lines := []string{attr("image", image), fmt.Sprintf("ports = [{ target = 8080, published = %q }]", r.FreePort())}
	r.cli.configure(r.config(r.exchanged("start-first", "1", lines...)))
	r.cli.must("apply", "-auto-approve")
	first := r.Inspect(r.Name("web"))

	r.cli.configure(r.config(r.exchanged("start-first", "2", append(lines,
		fmt.Sprintf("healthcheck = { test = [\"CMD\", %q, \"health-fail\", \"no database\"], interval = \"200ms\", retries = 1 }", enginetest.Program))...)))
	output := r.plansChange("will be updated in-place", web)
	if !strings.Contains(output, "has a short gap") {
		t.Errorf("the plan does not tell of the gap:\n%s", output)
	}
	apply := r.cli.run("apply", "-auto-approve")
	said := strings.Join(strings.Fields(strings.ReplaceAll(apply.output, "│", "")), " ")
	for _, text := range []string{"is unhealthy", "no database", "the old container is as it was before"} {
		if apply.code == 0 || !strings.Contains(said, text) {
			t.Errorf("the apply does not say %q (%d):\n%s", text, apply.code, apply.output)
		}
	}
	if now := r.Inspect(r.Name("web")); now.ID != first.ID || !now.State.Running || len(r.Containers()) != 1 {
		t.Errorf("%s is %s; containers %v", now.ID, now.State.Status, r.Containers())
	}
	r.plansChange("will be updated in-place", web)

	r.cli.configure(r.config(r.exchanged("start-first", "2", lines...)))
	r.cli.must("apply", "-auto-approve")
	now := r.onlyNew("2")
	if volume := first.Mounts[0].Name; now.Mounts[0].Name != volume {
		t.Errorf("the anonymous volume is %s, was %s", now.Mounts[0].Name, volume)
	}
	r.cli.must("destroy", "-auto-approve")
	if r.VolumeExists(first.Mounts[0].Name) {
		t.Error("the anonymous volume is left over")
	}
}

// The process that exchanges is killed at every step: after the next apply there is one container, as
// configured. Calls die with the provider, casts with the background conductor.
func TestAccExchangeKilled(t *testing.T) {
	t.Parallel()
	const call, cast = "ready", "none"
	for _, tt := range []struct {
		order, method, pattern string
		waits                  []string
	}{
		{"start-first", "POST", "/containers/create", []string{call}},
		{"start-first", "POST", "/containers/*/start", []string{call}},
		{"start-first", "POST", "/networks/*/disconnect", []string{call}},
		{"start-first", "POST", "/networks/*/connect", []string{call}},
		{"start-first", "POST", "/containers/*/rename", []string{call, cast}},
		{"start-first", "POST", "/containers/*/stop", []string{call}},
		{"start-first", "DELETE", "/containers/*", []string{call, cast}},
		{"stop-first", "POST", "/containers/*/stop", []string{call}},
		{"stop-first", "POST", "/containers/*/rename", []string{call}},
		{"stop-first", "POST", "/containers/*/start", []string{call, cast}},
		{"stop-first", "DELETE", "/containers/*", []string{call}},
	} {
		for _, wait := range tt.waits {
			t.Run(strings.Trim(tt.order+tt.pattern+"/"+wait, "/*"), func(t *testing.T) {
				r := newCastRig(t)
				lines := []string{attr("wait_for", wait), fmt.Sprintf("networks = { %q = {} }", r.Network("net"))}
				r.cli.configure(r.config(r.exchanged(tt.order, "1", lines...)))
				r.cli.must("apply", "-auto-approve")
				r.idle()
				r.cli.must("apply", "-auto-approve", "-refresh-only")

				r.cli.configure(r.config(r.exchanged(tt.order, "2", lines...)))
				gate := r.Proxy.Hold(tt.method, tt.pattern)
				apply := r.cli.start("apply", "-auto-approve")
				gate.Await()
				if wait == call {
					kill("provider", r.cli.providers())
				} else {
					apply.wait()
					kill("background", r.cli.background())
				}
				// What was asked for before the kill may or may not be carried out.
				gate.Open()
				if wait == call {
					apply.wait()
				}
				r.idle()
				r.Proxy.Clear()
				r.cli.must("apply", "-auto-approve")
				r.idle()
				r.onlyNew("2")
				r.cli.must("destroy", "-auto-approve")
				r.idle()
				if names := r.Containers(); len(names) != 0 {
					t.Errorf("containers after the destroy: %v", names)
				}
			})
		}
	}
}

// Ctrl-C in the middle of an exchange: the old container is back when Terraform ends.
func TestAccExchangeInterrupted(t *testing.T) {
	r := newCastRig(t)
	r.cli.configure(r.config(r.exchanged("stop-first", "1")))
	r.cli.must("apply", "-auto-approve")
	first := r.Inspect(r.Name("web"))
	r.cli.configure(r.config(r.exchanged("stop-first", "2",
		fmt.Sprintf("healthcheck = { test = [\"CMD\", %q, \"health-file\", \"/nope\"], interval = \"500ms\", start_period = \"10m\" }", enginetest.Program))))
	r.Proxy.Reset()
	apply := r.cli.start("apply", "-auto-approve")
	r.Proxy.Await("POST", "/containers/*/start", 1)
	apply.interrupt()
	if ended := apply.wait(); ended.code == 0 {
		t.Errorf("the interrupted apply succeeded:\n%s", ended.output)
	}
	if now := r.Inspect(r.Name("web")); now.ID != first.ID || !now.State.Running || len(r.Containers()) != 1 {
		t.Errorf("%s is %s; containers %v", now.ID, now.State.Status, r.Containers())
	}
	r.cli.configure(r.config(r.exchanged("stop-first", "1")))
	r.cli.must("apply", "-auto-approve", "-refresh-only")
	r.emptyPlan()
	r.cli.must("destroy", "-auto-approve")
}

// A cast of an exchange that fails leaves the old container, and the next plan tells why and does it
// again.
func TestAccExchangeCastFails(t *testing.T) {
	r := newCastRig(t)
	r.cli.configure(r.config(r.exchanged("start-first", "1", attr("wait_for", "none"))))
	r.settled()
	first := r.Inspect(r.Name("web"))
	bad := fmt.Sprintf("healthcheck = { test = [\"CMD\", %q, \"health-fail\"], interval = \"200ms\", retries = 1 }", enginetest.Program)
	r.cli.configure(r.config(r.exchanged("start-first", "2", attr("wait_for", "none"), bad)))
	r.cli.must("apply", "-auto-approve")
	r.idle()
	if now := r.Inspect(r.Name("web")); now.ID != first.ID || !now.State.Running || len(r.Containers()) != 1 {
		t.Errorf("%s is %s; containers %v", now.ID, now.State.Status, r.Containers())
	}
	r.warns(r.plansChange("will be updated in-place", web), r.Name("web"), "unhealthy", "the old container is as it was before")
	r.cli.configure(r.config(r.exchanged("start-first", "2", attr("wait_for", "none"))))
	r.settled()
	r.onlyNew("2")
	r.cli.must("destroy", "-auto-approve")
	r.idle()
}

// A tag that moved at its registry: the plan says so, replaces or exchanges, and is empty then. One
// question for each image, and none where nobody wants to know.
func TestAccMovedTag(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"", "start-first"} {
		t.Run("order "+order, func(t *testing.T) {
			r := newCastRig(t)
			registry := enginetest.NewRegistry(t, r.Engine)
			pushed := registry.Push("app", enginetest.ImageOptions{Random: 1000, Env: map[string]string{"FROM_IMAGE": "1"}})
			lines := []string{attr("image", pushed.Reference), attr("pull_policy", "always")}
			how := "must be replaced"
			if order != "" {
				lines, how = append(lines, attr("update_order", order)), "will be updated in-place"
			}
			r.cli.configure(r.config(r.resource("web", lines...), r.resource("twin", lines...)))
			r.cli.must("apply", "-auto-approve")
			r.emptyPlan()
			moved := registry.PushAgain(pushed, enginetest.ImageOptions{Random: 1000, Env: map[string]string{"FROM_IMAGE": "2"}})
			r.Proxy.Reset()
			output := r.plansChange(how, web, "gantry_container.twin")
			asked := slices.DeleteFunc(r.Proxy.Calls("GET", ""), func(c enginetest.Call) bool { return !strings.HasPrefix(c.Path, "/distribution/") })
			if n := len(asked); n != 1 || !strings.Contains(output, moved.Digest) {
				t.Errorf("%d questions to the registry; the plan says\n%s", n, output)
			}
			// What is applied is what was planned, though the tag moves on.
			r.cli.must("plan", "-out=plan")
			newest := registry.PushAgain(pushed, enginetest.ImageOptions{Random: 1000, Env: map[string]string{"FROM_IMAGE": "3"}})
			runs := func(digest, environment string) {
				t.Helper()
				if state := r.cli.attributes(web); state["image_digest"] != digest || state["available_digest"] != digest {
					t.Errorf("the state has %v and %v, want %s", state["image_digest"], state["available_digest"], digest)
				}
				if env := r.Inspect(r.Name("web")).Config.Env; !slices.Contains(env, environment) {
					t.Errorf("the environment is %v", env)
				}
			}
			r.cli.must("apply", "plan")
			runs(moved.Digest, "FROM_IMAGE=2")
			r.plansChange(how, web, "gantry_container.twin")
			r.cli.must("apply", "-auto-approve")
			r.emptyPlan()
			runs(newest.Digest, "FROM_IMAGE=3")
			// A registry that does not answer changes nothing.
			registry.FailManifest(pushed, -1, 503)
			plan := r.cli.run("plan", "-detailed-exitcode")
			if plan.code != 0 || strings.Count(plan.output, "Unable to find out whether there is a newer image") != 1 {
				t.Errorf("the plan ended with %d:\n%s", plan.code, plan.output)
			}
			r.cli.must("destroy", "-auto-approve")
		})
	}
}

// The digest of what a cast pulled, and of an imported container, is known after a refresh.
func TestAccDigestOfCast(t *testing.T) {
	r := newCastRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1000})
	r.cli.configure(r.config(r.cast("web", attr("image", pushed.Reference), attr("pull_policy", "always"))))
	r.settled()
	if state := r.refreshed(); state["image_digest"] != pushed.Digest || state["available_digest"] != pushed.Digest {
		t.Errorf("the state has %v and %v, want %s", state["image_digest"], state["available_digest"], pushed.Digest)
	}
	r.cli.must("destroy", "-auto-approve")
	r.idle()
}
