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
)

// inProgress asserts what Terraform shows of a cast that is under way: no plan has anything to do.
func (r *castRig) inProgress(status string) {
	r.t.Helper()
	if state := r.cli.attributes(web); state["status"] != status {
		r.t.Errorf("the state has the status %v, want %s", state["status"], status)
	}
	r.emptyPlan()
	if state := r.refreshed(); state["status"] != status {
		r.t.Errorf("after a refresh the state has the status %v, want %s", state["status"], status)
	}
}

// An update can be cast: it keeps the container, and plans have nothing to do during and after it.
func TestAccCastUpdate(t *testing.T) {
	r := newCastRig(t)
	r.cli.configure(r.config(r.cast("web", `memory = "32m"`)))
	r.settled()
	first := r.Inspect(r.Name("web"))

	gate := r.Proxy.Hold("POST", "/containers/*/update")
	r.cli.configure(r.config(r.cast("web", `memory = "64m"`, `desired_state = "paused"`)))
	r.cli.must("apply", "-auto-approve")
	gate.Await()
	r.inProgress("update_in_progress")
	gate.Open()
	r.idle()
	now := r.Inspect(r.Name("web"))
	if now.ID != first.ID || now.HostConfig.Memory != 64<<20 || !now.State.Paused {
		t.Errorf("the container %s is now %s with %d bytes of memory, and %s", first.ID, now.ID, now.HostConfig.Memory, now.State.Status)
	}
	r.emptyPlan()
	if state := r.refreshed(); state["status"] != "paused" || state["container_id"] != first.ID {
		t.Errorf("after a refresh the state has %v", state)
	}

	r.cli.configure(r.config(r.cast("web", `memory = "64m"`, `desired_state = "stopped"`)))
	r.settled()
	if now := r.Inspect(r.Name("web")); now.ID != first.ID || now.State.Running {
		t.Errorf("the container %s is now %s, and %s", first.ID, now.ID, now.State.Status)
	}
	r.destroyed(r.cli)
}

// An update that fails in the background is told of and planned again, until it succeeds.
func TestAccCastUpdateFails(t *testing.T) {
	r := newCastRig(t)
	r.cli.configure(r.config(r.cast("web", `memory = "32m"`)))
	r.settled()
	first := r.Inspect(r.Name("web"))

	r.Proxy.Fail("POST", "/containers/*/update", -1, 500, "the engine has no heart")
	r.cli.configure(r.config(r.cast("web", `memory = "64m"`)))
	for range 2 {
		r.cli.must("apply", "-auto-approve")
		r.idle()
		r.warns(r.plansChange("will be updated in-place", web), r.Name("web"), "the engine has no heart", "An apply of a configuration that has it does it again, or replaces it.")
		r.cli.must("apply", "-refresh-only", "-auto-approve")
		r.warns(r.plansChange("will be updated in-place", web), r.Name("web"), "the engine has no heart", "An apply of a configuration that has it does it again, or replaces it.")
	}
	r.Proxy.Clear()
	r.settled()
	if now := r.Inspect(r.Name("web")); now.ID != first.ID || now.HostConfig.Memory != 64<<20 {
		t.Errorf("the container %s is now %s with %d bytes of memory", first.ID, now.ID, now.HostConfig.Memory)
	}
	r.destroyed(r.cli)
}

// A restart that fails can't be read back from the engine: it is planned again all the same.
func TestAccCastRestartFails(t *testing.T) {
	r := newCastRig(t)
	r.cli.configure(r.config(r.cast("web", `restart_triggers = { v = "1" }`)))
	r.settled()
	first := r.Inspect(r.Name("web"))

	r.Proxy.Fail("POST", "/containers/*/stop", -1, 500, "the engine has no heart")
	r.cli.configure(r.config(r.cast("web", `restart_triggers = { v = "2" }`)))
	r.cli.must("apply", "-auto-approve")
	r.idle()
	r.warns(r.plansChange("will be updated in-place", web), r.Name("web"), "the engine has no heart", "An apply of a configuration that has it does it again, or replaces it.")
	r.Proxy.Clear()
	r.settled()
	if now := r.Inspect(r.Name("web")); now.ID != first.ID || now.State.StartedAt == first.State.StartedAt {
		t.Errorf("the container was not restarted")
	}
	r.destroyed(r.cli)
}

// A container that is being pulled is updated after its create, by another background conductor.
func TestAccCastUpdateDuringPull(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	image := attr("image", pushed.Reference)
	for i, lines := range [][]string{{`memory = "32m"`}, {`memory = "64m"`}, {`memory = "64m"`, `desired_state = "paused"`}} {
		r.cli.configure(r.config(r.cast("web", append(lines, image)...)))
		r.cli.must("apply", "-auto-approve")
		if background := r.cli.background(); len(background) != i+1 {
			t.Errorf("%d background conductors, want %d", len(background), i+1)
		}
	}
	gate.Await()
	r.inProgress("update_in_progress")
	gate.Open()
	r.idle()
	now := r.Inspect(r.Name("web"))
	if now.HostConfig.Memory != 64<<20 || !now.State.Paused {
		t.Errorf("the container is %s with %d bytes of memory", now.State.Status, now.HostConfig.Memory)
	}
	var order []string
	for _, call := range r.Proxy.Calls("POST", "/containers/*/*") {
		order = append(order, call.Path[strings.LastIndexByte(call.Path, '/')+1:])
	}
	if want := []string{"start", "update", "pause"}; !slices.Equal(order, want) {
		t.Errorf("the engine was asked for %v, want %v", order, want)
	}
	r.emptyPlan()
	if state := r.refreshed(); state["container_id"] != now.ID || state["status"] != "paused" {
		t.Errorf("after a refresh the state has %v", state)
	}
	r.nothingUnsettled()
	r.destroyed(r.cli)
}

// An update that was queued behind a create that fails is not carried out; the create's failure is
// what is told, and the create is what is repeated.
func TestAccCastUpdateBehindAFailure(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	image := attr("image", pushed.Reference)
	crash := command("exit", "3", "100ms", "out of cheese")
	for _, memory := range []string{"32m", "64m"} {
		r.cli.configure(r.config(r.cast("web", image, crash, attr("memory", memory))))
		r.cli.must("apply", "-auto-approve")
	}
	gate.Open()
	r.idle()
	r.warns(r.plansChange("must be replaced", web), r.Name("web"), "exited with code 3", "out of cheese")
	r.cli.must("apply", "-refresh-only", "-auto-approve")
	r.warns(r.plansChange("must be replaced", web), r.Name("web"), "exited with code 3", "out of cheese")
	r.cli.configure(r.config(r.cast("web", image, `memory = "64m"`)))
	r.settled()
	r.destroyed(r.cli)
}

// A destroy cancels the create and the update that is queued behind it, and leaves nothing.
func TestAccCastDestroyedWithUpdateQueued(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	for _, memory := range []string{"32m", "64m"} {
		r.cli.configure(r.config(r.cast("web", attr("image", pushed.Reference), attr("memory", memory), healthcheck("health-fail", `start_period = "10m"`))))
		r.cli.must("apply", "-auto-approve")
	}
	gate.Open()
	r.Proxy.Await("POST", "/containers/*/start", 1)
	r.Proxy.AwaitEnded("POST", "/containers/*/start")
	r.cli.must("destroy", "-auto-approve")
	r.idle()
	if names := r.Containers(); len(names) != 0 {
		t.Errorf("containers after the destroy: %v", names)
	}
	r.nothingUnsettled()
}

// A removal can be cast: destroy returns before the container is gone.
func TestAccCastRemoval(t *testing.T) {
	r := newCastRig(t)
	r.cli.configure(r.config(r.cast("web", `wait_for_removal = false`)))
	r.settled()
	gate := r.Proxy.Hold("DELETE", "/containers/*")
	r.cli.must("destroy", "-auto-approve")
	gate.Await()
	if names := r.Containers(); len(names) != 1 {
		t.Errorf("containers during the removal: %v", names)
	}
	if state := r.cli.attributes(web); state != nil {
		t.Errorf("the state still has %v", state)
	}
	// A create of the same name waits for it.
	r.cli.must("apply", "-auto-approve")
	gate.Open()
	r.idle()
	r.emptyPlan()
	r.nothingUnsettled()
	r.cli.must("destroy", "-auto-approve")
	r.idle()
	if names := r.Containers(); len(names) != 0 {
		t.Errorf("containers after the destroy: %v", names)
	}
}

// A removal that failed in the background is told of at every plan, and carried out before the name
// is used again.
func TestAccCastRemovalFails(t *testing.T) {
	r := newCastRig(t)
	config := r.config(r.cast("web", `wait_for_removal = false`, `timeouts = { delete = "5s" }`))
	r.cli.configure(config)
	r.settled()
	first := r.Inspect(r.Name("web"))
	told := fmt.Sprintf("The removal of container %q", first.Name[1:])

	r.Proxy.Fail("DELETE", "/containers/*", -1, 500, "the engine has no heart")
	r.cli.configure(r.config())
	r.cli.must("apply", "-auto-approve")
	r.idle()
	r.cli.configure(config)
	for range 2 {
		if plan := r.plansChange("will be created", web); !strings.Contains(plan, told) || !strings.Contains(plan, "has no heart") {
			t.Errorf("the plan does not tell of the failed removal:\n%s", plan)
		}
	}
	if !r.Exists(first.ID) {
		t.Error("the container is gone")
	}
	r.Proxy.Clear()
	r.settled()
	if r.Exists(first.ID) {
		t.Error("the removal was not resumed")
	}
	if plan := r.cli.must("plan"); strings.Contains(plan.output, told) {
		t.Errorf("the plan still tells of the removal:\n%s", plan.output)
	}

	// Somebody else finishes what gantry could not.
	r.Proxy.Fail("DELETE", "/containers/*", -1, 500, "the engine has no heart")
	second := r.Inspect(r.Name("web"))
	r.cli.must("destroy", "-auto-approve")
	r.idle()
	r.Remove(second.ID)
	r.Proxy.Clear()
	r.settled()
	r.cli.must("destroy", "-auto-approve")
	r.idle()
}

// A removal that failed once in the background is tried again there, and what the container used is removed
// after it in the same destroy.
func TestAccCastRemovalIsRepeated(t *testing.T) {
	r := newCastRig(t)
	r.cli.configure(r.config(r.volume(`force_destroy = true`),
		r.cast("web", `wait_for_removal = false`, `mounts = { "/data" = { type = "volume", source = gantry_volume.data.name } }`)))
	r.settled()
	r.Proxy.Reset()
	r.Proxy.Fail("DELETE", "/containers/*", 1, 500, "the engine has no heart")
	r.cli.must("destroy", "-auto-approve")
	r.idle()
	if tries := r.Proxy.Count("DELETE", "/containers/*"); tries != 2 {
		t.Errorf("%d tries", tries)
	}
	if r.Exists(r.Name("web")) || r.VolumeExists(r.Name("data")) {
		t.Error("something is left")
	}
	r.nothingUnsettled()
}

// A container that was cast is tainted and replaced as any other, also where the state does not know
// its ID.
func TestAccCastReplaced(t *testing.T) {
	r := newCastRig(t)
	r.cli.configure(r.config(r.cast("web"), r.cast("other")))
	r.settled()
	var ids []string
	for _, commands := range [][][]string{
		{{"apply", "-auto-approve", "-refresh=false", "-replace=" + web}},
		{{"taint", web}, {"apply", "-auto-approve", "-target=" + web}},
		{{"apply", "-auto-approve", "-replace=" + web}},
	} {
		ids = append(ids, r.Inspect(r.Name("web")).ID)
		for _, args := range commands {
			r.cli.must(args...)
		}
		r.idle()
		now := r.Inspect(r.Name("web"))
		if slices.Contains(ids, now.ID) || !now.State.Running {
			t.Errorf("after %v the container is %s, and %s; before %v", commands, now.ID, now.State.Status, ids)
		}
		r.emptyPlan()
	}
	r.nothingUnsettled()
	r.cli.must("destroy", "-auto-approve")
	if names := r.Containers(); len(names) != 0 {
		t.Errorf("containers after the destroy: %v", names)
	}
}

// A container that is replaced while its create is under way: the create is cancelled.
func TestAccCastReplacedDuringCreate(t *testing.T) {
	r := newCastRig(t)
	gate := r.Proxy.Hold("POST", "/containers/*/start")
	r.cli.configure(r.config(r.cast("web", `labels = { v = "1" }`)))
	r.cli.must("apply", "-auto-approve")
	gate.Await()
	r.cli.configure(r.config(r.cast("web", `labels = { v = "2" }`)))
	apply := r.cli.start("apply", "-auto-approve")
	r.Proxy.Await("DELETE", "/containers/*", 1) // The start that hangs is given up.
	gate.Open()
	if ended := apply.wait(); ended.code != 0 {
		t.Errorf("the apply ended with code %d:\n%s", ended.code, ended.output)
	}
	r.idle()
	r.Await(r.Name("web"), "running", func(c container.InspectResponse) bool { return c.State.Running && c.Config.Labels["v"] == "2" })
	r.emptyPlan()
	r.nothingUnsettled()
	r.destroyed(r.cli)
}
