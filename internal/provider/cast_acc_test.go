// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// A cast returns while its image is being pulled, nobody waits for the rest, and plans have nothing
// to do at any time.
func TestAccCastDuringPull(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	r.cli.configure(r.config(r.cast("web", attr("image", pushed.Reference), `ports = [{ target = 8080 }]`)))

	r.cli.must("apply", "-auto-approve") // It ends with the gate closed.
	gate.Await()
	state := r.cli.attributes(web)
	operation, _ := state["operation_id"].(string)
	if id := r.HostName() + "/" + r.Name("web"); state["id"] != id || !strings.HasPrefix(operation, id+"/") {
		t.Errorf("the state has the id %v and the operation %v, want %s", state["id"], operation, id)
	}
	if state["status"] != "create_in_progress" {
		t.Errorf("the state has the status %v", state["status"])
	}
	for _, name := range []string{"container_id", "image_id", "image_digest", "health", "exit_code", "addresses", "ipv6_addresses", "published_ports", "fault"} {
		if value, ok := state[name]; !ok || value != nil {
			t.Errorf("the state has %s = %v, want null", name, value)
		}
	}
	if providers := r.cli.providers(); len(providers) != 0 {
		t.Errorf("providers are left: %v", providers)
	}
	if background := r.cli.background(); len(background) != 1 {
		t.Errorf("background conductors: %v, want one", background)
	}
	r.emptyPlan()
	if state := r.refreshed(); state["status"] != "create_in_progress" || state["container_id"] != nil {
		t.Errorf("after a refresh the state has %v", state)
	}

	gate.Open()
	r.idle()
	made := r.Inspect(r.Name("web"))
	if !made.State.Running {
		t.Errorf("the container is %s", made.State.Status)
	}
	r.emptyPlan()
	state = r.refreshed()
	addresses, _ := state["addresses"].(map[string]any)
	ports, _ := state["published_ports"].(map[string]any)
	if state["status"] != "running" || state["container_id"] != made.ID || state["image_id"] != made.Image || len(addresses) != 1 || ports["8080/tcp"] == nil {
		t.Errorf("after a refresh the state has %v", state)
	}
	if state["operation_id"] != operation {
		t.Errorf("the refresh changed the operation to %v", state["operation_id"])
	}
	r.emptyPlan()
	r.nothingUnsettled()
	r.destroyed(r.cli)
}

// A destroy in the middle of a pull cancels the create: it does not wait for the pull.
func TestAccCastDestroyedDuringPull(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	r.cli.configure(r.config(r.cast("web", attr("image", pushed.Reference))))
	r.cli.must("apply", "-auto-approve")
	gate.Await()

	r.cli.must("destroy", "-auto-approve")
	r.Proxy.AwaitEnded("POST", "/images/create")
	r.idle() // The gate is still closed.
	if names := r.Containers(); len(names) != 0 {
		t.Errorf("containers after the destroy: %v", names)
	}
	if made := r.Proxy.Count("POST", "/containers/*/start"); made != 0 {
		t.Errorf("%d containers were started", made)
	}
	r.nothingUnsettled()
	if state := r.cli.attributes(web); state != nil {
		t.Errorf("the state still has %v", state)
	}
	gate.Open()
	r.settled()
	r.destroyed(r.cli)
}

// A container that is being waited for in the background can be destroyed as well.
func TestAccCastDestroyedWhileWaiting(t *testing.T) {
	r := newCastRig(t)
	r.cli.configure(r.config(r.cast("web", healthcheck("health-fail", `start_period = "10m"`))))
	r.cli.must("apply", "-auto-approve")
	r.Proxy.Await("POST", "/containers/*/start", 1)
	r.Proxy.AwaitEnded("POST", "/containers/*/start")
	r.cli.must("destroy", "-auto-approve")
	r.idle()
	if names := r.Containers(); len(names) != 0 {
		t.Errorf("containers after the destroy: %v", names)
	}
	r.nothingUnsettled()
}

// Casts that fail in the background are told at every plan until they are mended, each with its
// container and its reason; the plan has the repair; what is a stranger's survives.
func TestAccCastFailures(t *testing.T) {
	r := newCastRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	port := r.FreePort()
	r.Run(r.Name("holder"), enginetest.RunOptions{Image: r.Image, Publish: []string{port + ":8080"}})
	stranger := r.watch(r.Run(r.Name("named"), enginetest.RunOptions{Image: r.Image}))
	address := func(label string) string { return "gantry_container." + label }

	broken := []struct{ label, line, says, status string }{
		{"missing", attr("image", registry.Host+"/"+r.Name("missing")+":1"), "name unknown", "create_failed"},
		{"port", `ports = [{ target = 8080, published = ` + port + ` }]`, "port " + port + "/tcp is taken", "created"},
		{"crash", command("exit", "3", "100ms", "out of cheese"), "out of cheese", "exited"},
		{"sick", healthcheck("health-fail", `start_period = "0s"`), "is unhealthy", "running"},
		{"named", "", "already in use", "create_failed"},
	}
	var resources []string
	for _, b := range broken {
		resources = append(resources, r.cast(b.label, b.line))
	}
	r.cli.configure(r.config(resources...))
	for range 2 { // A repair that fails is told again.
		r.cli.must("apply", "-auto-approve")
		r.idle()
		for range 2 { // A plan does not settle it.
			for _, b := range broken {
				r.warns(r.plansChange("must be replaced", address(b.label)), r.Name(b.label), b.says)
			}
		}
		if plan := r.cli.run("plan", "-detailed-exitcode", "-refresh=false"); plan.code != 0 {
			t.Errorf("a plan without a refresh decides by the state alone, and is not empty (%d):\n%s", plan.code, plan.output)
		}
		r.cli.must("apply", "-refresh-only", "-auto-approve")
		for _, b := range broken {
			state := r.cli.attributes(address(b.label))
			if f, _ := state["fault"].(map[string]any); state["status"] != b.status || f["operation"] != "create" {
				t.Errorf("%s has the status %v and the fault %v", b.label, state["status"], state["fault"])
			}
		}
		if err := stranger.untouched(); err != nil {
			t.Error(err)
		}
	}

	r.Remove(r.Name("named"))
	r.cli.configure(r.config(r.cast("missing"), r.cast("port"), r.cast("crash"), r.cast("sick"), r.cast("named")))
	r.settled()
	for _, b := range broken {
		if c := r.Inspect(r.Name(b.label)); !c.State.Running {
			t.Errorf("%s is %s", b.label, c.State.Status)
		}
	}
	r.cli.must("destroy", "-auto-approve")
	r.nothingUnsettled()
}
