// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

const barrier = "gantry_barrier.all"

// gather is a barrier of these containers, by their labels, with further lines.
func gather(labels []string, lines ...string) string {
	var operations []string
	for _, label := range labels {
		operations = append(operations, fmt.Sprintf("%s = gantry_container.%s.operation_id", label, label))
	}
	lines = append(lines, "operations = {\n"+indent(operations)+"}")
	return "resource \"gantry_barrier\" \"all\" {\n" + indent(lines) + "}\n"
}

// result is what the barrier in the state has of one key; nil is null.
func (r *castRig) result(key string) map[string]any {
	r.t.Helper()
	results, _ := r.cli.attributes(barrier)["results"].(map[string]any)
	if _, ok := results[key]; !ok {
		r.t.Fatalf("the barrier has no result %s: %v", key, results)
	}
	got, _ := results[key].(map[string]any)
	return got
}

// destroysAll destroys, and asserts that nothing is left but what was there before.
func (r *castRig) destroysAll(others ...string) {
	r.t.Helper()
	r.cli.must("destroy", "-auto-approve")
	if left := r.Containers(); !slices.Equal(left, others) {
		r.t.Errorf("containers after the destroy: %v, want %v", left, others)
	}
}

// A barrier waits for what was cast in the same apply, and hands out what the containers are by then;
// who changes is waited for anew, in place, and a container without an operation is none of its matters.
func TestAccBarrier(t *testing.T) {
	r := newCastRig(t)
	r.Run(r.Name("found"), enginetest.RunOptions{Image: r.Image})
	labels := []string{"web", "job", "checked", "found"}
	config := func(memory string) string {
		return r.config(
			r.cast("web", attr("memory", memory), `ports = [{ target = 8080 }]`),
			r.cast("job", `desired_state = "completed"`, command("exit", "0", "100ms")),
			r.cast("checked", healthcheck("health")),
			r.resource("found"),
			fmt.Sprintf("import {\n  to = gantry_container.found\n  id = %q\n}\n", r.Name("found")),
			gather(labels),
			// Its environment is known only when the barrier holds.
			r.resource("after", fmt.Sprintf("environment = { WEB = gantry_barrier.all.results[%q].container_id }", "web")),
		)
	}
	r.cli.configure(config("32m"))
	r.cli.must("apply", "-auto-approve")
	if background := r.cli.background(); len(background) > 1 {
		t.Errorf("background conductors: %v", background)
	}
	made := r.Inspect(r.Name("web"))
	one, job, checked := r.result("web"), r.result("job"), r.result("checked")
	addresses, _ := one["addresses"].(map[string]any)
	ports, _ := one["published_ports"].(map[string]any)
	if one["container_id"] != made.ID || one["image_id"] != made.Image || one["status"] != "running" || one["health"] != nil || one["exit_code"] != nil ||
		one["duration"] == nil || addresses["bridge"] != made.NetworkSettings.Networks["bridge"].IPAddress || ports["8080/tcp"] == nil {
		t.Errorf("the barrier has of the container %v", one)
	}
	if job["status"] != "exited" || job["exit_code"] != 0.0 {
		t.Errorf("the barrier has of the job %v", job)
	}
	if checked["health"] != "healthy" {
		t.Errorf("the barrier has of the container with a health check %v", checked)
	}
	if found := r.result("found"); found != nil {
		t.Errorf("the barrier has of the imported container %v", found)
	}
	if after := r.Inspect(r.Name("after")); after.Config.Env[0] != "WEB="+made.ID {
		t.Errorf("what comes after the barrier has the environment %v", after.Config.Env)
	}
	r.idle()
	r.emptyPlan()

	r.cli.configure(config("64m"))
	plan := r.plansChange("will be updated in-place", web, barrier)
	if strings.Contains(plan, `"job"`) {
		t.Errorf("the plan waits for the job anew:\n%s", plan)
	}
	r.cli.must("apply", "-auto-approve")
	if again := r.result("job"); again["duration"] != job["duration"] {
		t.Errorf("the barrier has of the job %v, before %v", again, job)
	}
	if now := r.Inspect(r.Name("web")); now.HostConfig.Memory != 64<<20 || r.result("web")["container_id"] != made.ID {
		t.Errorf("the container has %d bytes of memory, and the barrier %v", now.HostConfig.Memory, r.result("web"))
	}
	r.idle()
	r.emptyPlan()
	r.nothingUnsettled()
	r.destroysAll()
}

// The apply of a barrier fails with the reason of each cast that failed, and only of those; mended,
// the next one holds.
func TestAccBarrierTellsEveryFailure(t *testing.T) {
	r := newCastRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	port := r.FreePort()
	r.Run(r.Name("holder"), enginetest.RunOptions{Image: r.Image, Publish: []string{port + ":8080"}})
	stranger := r.watch(r.Run(r.Name("named"), enginetest.RunOptions{Image: r.Image}))
	labels := []string{"missing", "port", "crash", "sick", "named", "good"}
	errors := map[string]string{
		"missing": "name unknown", "port": "host port " + port + "/tcp is taken", "crash": "out of cheese", "sick": "is unhealthy", "named": "already in use",
	}
	r.cli.configure(r.config(
		r.cast("missing", attr("image", registry.Host+"/"+r.Name("missing")+":1")),
		r.cast("port", `ports = [{ target = 8080, published = `+port+` }]`),
		r.cast("crash", command("exit", "3", "100ms", "out of cheese")),
		r.cast("sick", healthcheck("health-fail", `start_period = "0s"`)),
		r.cast("named"), r.cast("good"), gather(labels),
	))
	for range 2 {
		apply := r.cli.run("apply", "-auto-approve")
		if apply.code == 0 {
			t.Fatalf("the apply succeeded:\n%s", apply.output)
		}
		if n := strings.Count(apply.output, "Error: "); n != len(errors) {
			t.Errorf("the apply has %d errors, want %d:\n%s", n, len(errors), apply.output)
		}
		for label, says := range errors {
			told := false
			for _, message := range strings.Split(flat(apply.output), "Error: ")[1:] {
				summary, _, _ := strings.Cut(message, " with gantry_barrier.all, ")
				told = told || strings.Contains(summary, fmt.Sprintf("%q", r.Name(label))) && strings.Contains(message, says)
			}
			if !told {
				t.Errorf("no error of %s says %q:\n%s", label, says, apply.output)
			}
		}
		r.idle()
		if err := stranger.untouched(); err != nil {
			t.Error(err)
		}
	}
	good := r.watch(r.Name("good"))

	r.Remove(r.Name("named"))
	r.cli.configure(r.config(r.cast("missing"), r.cast("port"), r.cast("crash"), r.cast("sick"), r.cast("named"), r.cast("good"), gather(labels)))
	r.settled()
	if err := good.untouched(); err != nil {
		t.Error(err)
	}
	for _, label := range labels {
		if got := r.result(label); got["status"] != "running" {
			t.Errorf("the barrier has of %s %v", label, got)
		}
	}
	r.destroysAll(r.Name("holder"))
}

// A barrier passes once what failed is as it should be, as the refresh says, and once somebody has settled
// it and the container is as it should be.
func TestAccBarrierPassesWhatRecovered(t *testing.T) {
	r := newCastRig(t)
	folder := t.TempDir()
	probed := func(label string) string {
		probe := fmt.Sprintf(`healthcheck = { test = ["CMD", %q, "health-file", "/probe/%s"], interval = "500ms", retries = 1 }`, enginetest.Program, label)
		return r.cast(label, probe, fmt.Sprintf(`mounts = { "/probe" = { type = "bind", source = %q } }`, folder))
	}
	labels := []string{"healed", "started", "settled"}
	r.cli.configure(r.config(probed("healed"), r.cast("started", healthcheck("health"), command("exit", "3")), probed("settled"), gather(labels)))
	apply := r.cli.run("apply", "-auto-approve")
	if n := strings.Count(apply.output, "Error: "); apply.code == 0 || n != len(labels) {
		t.Fatalf("the apply ended with code %d and %d errors:\n%s", apply.code, n, apply.output)
	}
	r.idle()
	for _, label := range []string{"healed", "settled"} {
		if err := os.WriteFile(filepath.Join(folder, label), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		r.Await(r.Name(label), "healthy", func(c container.InspectResponse) bool { return c.State.Health.Status == container.Healthy })
	}
	if output, code := r.operations("settle", r.Name("settled")); code != 0 {
		t.Fatalf("settle ended with code %d:\n%s", code, output)
	}
	healed, settled := r.watch(r.Name("healed")), r.watch(r.Name("settled"))
	plan := r.plansChange("must be replaced", "gantry_container.started")
	r.warns(plan, r.Name("healed"), "By now it is as it should be; that alone plans no change.")
	_, told, _ := strings.Cut(flat(plan), fmt.Sprintf("Warning: Container %q", r.Name("healed")))
	id, _ := r.cli.attributes("gantry_container.healed")["operation_id"].(string)
	if settles := fmt.Sprintf("terraform-provider-gantry operations settle --state-dir %q %s", r.dir, id); id == "" || !strings.Contains(told, settles) {
		t.Errorf("the plan does not name the command %q:\n%s", settles, plan)
	}
	if told, _, _ = strings.Cut(told, "By now"); strings.Contains(told, "replaces") {
		t.Errorf("the plan says of what recovered that it is replaced:\n%s", plan)
	}
	if strings.Contains(plan, fmt.Sprintf("%q on engine", r.Name("settled"))) {
		t.Errorf("the plan tells of a failure that is settled:\n%s", plan)
	}

	r.cli.configure(r.config(probed("healed"), r.cast("started"), probed("settled"), gather(labels)))
	output := r.cli.must("apply", "-auto-approve").output
	if !strings.Contains(flat(output), fmt.Sprintf("Container %q on engine %q failed and recovered", r.Name("healed"), r.HostName())) {
		t.Errorf("the barrier does not tell what recovered:\n%s", output)
	}
	if plan := r.cli.must("plan", "-detailed-exitcode"); strings.Contains(plan.output, "failed after the last apply") {
		t.Errorf("the plan tells again what the barrier told:\n%s", plan.output)
	}
	r.nothingUnsettled()
	for _, untouched := range []watched{healed, settled} {
		if err := untouched.untouched(); err != nil {
			t.Error(err)
		}
	}
	for _, label := range labels {
		if got := r.result(label); got["status"] != "running" {
			t.Errorf("the barrier has of %s %v", label, got)
		}
	}
	r.destroysAll()
}

// One condition holds for all; a barrier whose time is up leaves the casts to themselves, and the next
// apply waits again.
func TestAccBarrierCondition(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	config := func(lines ...string) string {
		return r.config(r.cast("web", attr("image", pushed.Reference)),
			r.cast("job", `desired_state = "completed"`, command("exit", "0", "0s")), gather([]string{"web", "job"}, lines...))
	}
	r.cli.configure(config(`timeouts = { create = "1s" }`))
	apply := r.cli.run("apply", "-auto-approve")
	for _, says := range []string{
		fmt.Sprintf("Error: The wait for container %q on engine %q took too long", r.Name("web"), r.HostName()), "its create was pulling", "what is under way goes on",
	} {
		if apply.code == 0 || !strings.Contains(flat(apply.output), says) {
			t.Errorf("the apply ended with code %d, and does not say %q:\n%s", apply.code, says, apply.output)
		}
	}
	gate.Open()
	r.idle()
	if made := r.Inspect(r.Name("web")); !made.State.Running {
		t.Errorf("the container is %s", made.State.Status)
	}
	// Ready is what each is meant for: a job that ended as expected is ready.
	r.cli.configure(config(`condition = "ready"`))
	r.settled()
	if got := r.result("job"); got["status"] != "exited" {
		t.Errorf("the barrier has of the job %v", got)
	}
	// None of them can become healthy.
	r.cli.configure(config(`condition = "healthy"`))
	apply = r.cli.run("apply", "-auto-approve")
	if said := flat(apply.output); apply.code == 0 || strings.Count(said, "Error: ") != 2 || !strings.Contains(said, "health check") {
		t.Errorf("the apply ended with code %d, and does not say that there is no health check:\n%s", apply.code, apply.output)
	}
	r.cli.configure(config(`condition = "ready"`))
	r.settled()
	r.destroysAll()
}

// A barrier gathers the casts of several configurations of the provider.
func TestAccBarrierOfAliases(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	alias := strings.Replace(r.provider(attr("state_dir", r.dir)), "{\n", "{\n  alias = \"other\"\n", 1)
	r.cli.configure(r.config(alias, r.cast("web", attr("image", pushed.Reference)),
		r.cast("other", attr("image", pushed.Reference), "provider = gantry.other"), gather([]string{"web", "other"})))
	apply := r.cli.start("apply", "-auto-approve")
	gate.Await()
	r.Proxy.Await("POST", "/images/create", 2)
	if names := r.Containers(); len(names) != 0 {
		t.Errorf("containers during the pull: %v", names)
	}
	gate.Open()
	if ended := apply.wait(); ended.code != 0 {
		t.Fatalf("the apply ended with code %d:\n%s", ended.code, ended.output)
	}
	for _, label := range []string{"web", "other"} {
		if got, made := r.result(label), r.Inspect(r.Name(label)); got["container_id"] != made.ID || !made.State.Running {
			t.Errorf("%s is %s, and the barrier has %v", label, made.State.Status, got)
		}
	}
	r.idle()
	r.emptyPlan()
	r.destroysAll()
}

// An operation's ID is enough for a barrier in a later run, with another state, also on a machine
// whose journal has never heard of it: there the engine is what it goes by.
func TestAccBarrierOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	for name, sameMachine := range map[string]bool{"the same machine": true, "another machine": false} {
		t.Run(name, func(t *testing.T) {
			r := newCastRig(t)
			pushed, gate := r.heldImage()
			r.cli.configure(r.config(r.cast("web", attr("image", pushed.Reference))))
			r.cli.must("apply", "-auto-approve")
			gate.Await()

			later := r.beside()
			if !sameMachine {
				later.dir = t.TempDir()
			}
			id, _ := r.cli.attributes(web)["operation_id"].(string)
			later.cli.configure(later.config(fmt.Sprintf("resource \"gantry_barrier\" \"all\" {\n  operations = { web = %q }\n}\n", id)))
			r.Proxy.Reset()
			apply := later.cli.start("apply", "-auto-approve")
			if !sameMachine {
				r.Proxy.Await("GET", "/containers/*/json", 2) // It looks, and looks again.
			}
			gate.Open()
			if ended := apply.wait(); ended.code != 0 {
				t.Fatalf("the apply ended with code %d:\n%s", ended.code, ended.output)
			}
			if got, made := later.result("web"), r.Inspect(r.Name("web")); got["container_id"] != made.ID || got["status"] != "running" {
				t.Errorf("the container is %s, and the barrier has %v", made.ID, got)
			}
			later.emptyPlan()
			r.idle()
			r.destroysAll()
		})
	}
}
