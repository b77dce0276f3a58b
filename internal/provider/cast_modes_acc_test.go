// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// Without a background conductor a cast completes before it returns, and says so once; its failure is
// the apply's.
func TestAccBackgroundOff(t *testing.T) {
	r := newCastRig(t)
	config := func(resources ...string) string {
		return r.provider(attr("state_dir", r.dir), `background = "off"`) + strings.Join(resources, "")
	}
	r.cli.configure(config(r.cast("web", `wait_for_removal = false`), r.cast("other"), r.cast("crash", command("exit", "3", "100ms", "out of cheese"))))
	apply := r.cli.run("apply", "-auto-approve")
	if n := strings.Count(apply.output, "Casts complete before they return"); n != 1 || !strings.Contains(flat(apply.output), `background is "off"`) {
		t.Errorf("the apply says %d times that casts complete before they return:\n%s", n, apply.output)
	}
	if says := "Container \"" + r.Name("crash") + "\" exited with code 3"; apply.code == 0 || strings.Count(flat(apply.output), "Error: "+says) != 1 {
		t.Errorf("the apply ended with code %d, and does not say %q:\n%s", apply.code, says, apply.output)
	}
	if background := r.cli.background(); len(background) != 0 {
		t.Errorf("background conductors: %v", background)
	}
	made := r.Inspect(r.Name("web"))
	if state := r.cli.attributes(web); !made.State.Running || state["container_id"] != made.ID || state["status"] != "running" {
		t.Errorf("the container is %s, and the state has %v", made.State.Status, state)
	}
	r.cli.configure(config(r.cast("web", `wait_for_removal = false`), r.cast("other"), r.cast("crash")))
	r.settled()
	r.destroysAll()
	r.nothingUnsettled()
}

// The provider's wait_for makes casts of all containers that say nothing else. With one slot and
// back-pressure, casts are accepted when they have it; a plan starts no process.
func TestAccCastByDefault(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	r.cli.configure(r.provider(attr("state_dir", r.dir), `wait_for = "none"`, "max_parallel = 1", `when_saturated = "inline"`) +
		r.resource("web", attr("image", pushed.Reference)) + r.resource("other") + r.resource("waited", `wait_for = "ready"`))
	r.cli.must("plan")
	if background := r.cli.background(); len(background) != 0 {
		t.Errorf("a plan started %v", background)
	}
	r.cli.must("apply", "-auto-approve") // It ends with the gate closed: a pull holds no slot.
	gate.Await()
	if state := r.cli.attributes(web); state["status"] != "create_in_progress" {
		t.Errorf("the state has %v", state)
	}
	if state := r.cli.attributes("gantry_container.waited"); state["status"] != "running" {
		t.Errorf("the state of the container that was waited for has %v", state)
	}
	gate.Open()
	r.idle()
	r.emptyPlan()
	r.nothingUnsettled()
	r.destroysAll()
}

// A container that is being created is renamed after that, in its old lane and its new one.
func TestAccCastRenameDuringCreate(t *testing.T) {
	r := newCastRig(t)
	gate := r.Proxy.Hold("POST", "/containers/*/start")
	r.cli.configure(r.config(r.cast("web")))
	r.cli.must("apply", "-auto-approve")
	gate.Await()
	made := r.Inspect(r.Name("web"))
	r.cli.configure(r.config(r.cast("web", attr("name", r.Name("renamed")))))
	r.cli.must("apply", "-auto-approve")
	if state := r.cli.attributes(web); state["status"] != "update_in_progress" || state["id"] != r.HostName()+"/"+r.Name("renamed") {
		t.Errorf("the state has %v", state)
	}
	r.emptyPlan()
	gate.Open()
	r.idle()
	if now := r.Inspect(r.Name("renamed")); now.ID != made.ID || !now.State.Running {
		t.Errorf("the container %s is now %s, and %s", made.ID, now.ID, now.State.Status)
	}
	r.emptyPlan()
	r.nothingUnsettled()
	r.destroyed(r.cli)
}

// What another machine was to make, and has not made by the deadline that the state knows, is made
// anew; what it made is not.
func TestAccAnotherMachineDeadline(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	resources := []string{
		r.cast("web", attr("image", pushed.Reference), `timeouts = { create = "1s" }`),
		r.cast("other", `timeouts = { create = "10m" }`),
	}
	r.cli.configure(r.config(resources...))
	r.cli.must("apply", "-auto-approve")
	gate.Await()
	r.idle() // Its time is up, and the gate still closed.
	made := r.watch(r.Name("other"))

	// The other machine has the state, and a state directory of its own.
	there := &castRig{rig: r.rig, cli: r.cli, dir: t.TempDir()}
	there.cli.configure(there.config(resources...))
	if plan := there.plansChange("will be created", web); strings.Contains(plan, "gantry_container.other ") {
		t.Errorf("the plan changes what the other machine made:\n%s", plan)
	}
	there.cli.configure(there.config(r.cast("web"), r.cast("other")))
	gate.Open()
	there.settled()
	if err := made.untouched(); err != nil {
		t.Error(err)
	}
	r.destroysAll()
}

// A cast that needs another cast's container waits for it, also when it could begin at once; and it
// fails with it.
func TestAccCastsReferToEachOther(t *testing.T) {
	r := newCastRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 16})
	gate := registry.HoldBlob(pushed)
	side := `network_mode = "container:${gantry_container.web.name}"`
	r.cli.configure(r.config(r.cast("web", attr("image", pushed.Reference)), r.cast("side", side)))
	r.cli.must("apply", "-auto-approve")
	gate.Await()
	if left := r.Containers(); len(left) != 0 {
		t.Errorf("made before what they need: %v", left)
	}
	gate.Open()
	r.idle()
	made, beside := r.Inspect(r.Name("web")), r.Inspect(r.Name("side"))
	if !made.State.Running || !beside.State.Running || beside.HostConfig.NetworkMode.ConnectedContainer() != made.ID {
		t.Errorf("%s is %s; %s is %s, in the network of %s", made.ID, made.State.Status, beside.ID, beside.State.Status, beside.HostConfig.NetworkMode)
	}
	r.emptyPlan()

	broken := r.cast("web", attr("image", registry.Host+"/nowhere:1"))
	r.cli.configure(r.config(broken, r.cast("side", side)))
	r.cli.must("apply", "-auto-approve")
	r.idle()
	plan := flat(r.cli.must("plan").output)
	for _, says := range []string{"Container \"" + r.Name("web") + "\" on engine", "gantry_container.web must be replaced", "gantry_container.side"} {
		if !strings.Contains(plan, says) {
			t.Errorf("the plan does not say %q:\n%s", says, plan)
		}
	}
	r.cli.configure(r.config(r.cast("web"), r.cast("side", side)))
	r.settled()
	r.destroysAll()
	r.nothingUnsettled()
}
