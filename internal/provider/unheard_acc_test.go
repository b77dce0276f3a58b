// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// forget has the rig's state directory lost, as a CI runner loses it that keeps none.
func (r *castRig) forget() {
	r.t.Helper()
	entries, err := os.ReadDir(r.dir)
	for _, entry := range entries {
		if err == nil {
			err = os.RemoveAll(filepath.Join(r.dir, entry.Name()))
		}
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// A cast whose record is lost is judged by what is on the engine: what is not there is made anew, what failed is
// told with its reason and done again, and what is as it should be is left alone.
func TestAccCastWithoutItsRecord(t *testing.T) {
	r := newCastRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	port := r.FreePort()
	r.Run(r.Name("holder"), enginetest.RunOptions{Image: r.Image, Publish: []string{port + ":8080"}})
	labels := []string{"missing", "port", "crash", "sick", "job", "good"}
	r.cli.configure(r.config(
		r.cast("missing", attr("image", registry.Host+"/"+r.Name("missing")+":1")),
		r.cast("port", `ports = [{ target = 8080, published = `+port+` }]`),
		r.cast("crash", command("exit", "3", "100ms", "out of cheese")),
		r.cast("sick", healthcheck("health-fail")),
		r.cast("job", `desired_state = "completed"`, command("exit", "0", "100ms")),
		r.cast("good"),
		r.castImage(registry.Host+"/"+r.Name("missing")+":1"),
	))
	r.cli.must("apply", "-auto-approve")
	r.idle()
	good := r.watch(r.Name("good"))
	r.forget()

	plan := r.plansChange("will be created", "gantry_container.missing", app)
	r.warns(plan, r.Name("missing"), "has left no trace", "An apply of a configuration that has it creates it again.")
	r.warns(plan, r.Name("port"), "host port "+port+"/tcp is taken", "An apply of a configuration that has it replaces it.")
	r.warns(plan, r.Name("crash"), "exited with code 3", "out of cheese", "An apply of a configuration that has it does it again, or replaces it.")
	r.warns(plan, r.Name("sick"), "is unhealthy", "not ok")
	r.warnsOfImage(plan, registry.Host+"/"+r.Name("missing")+":1", "has left no trace")
	for _, label := range []string{"good", "job"} {
		if strings.Contains(plan, "gantry_container."+label+" ") {
			t.Errorf("the plan changes %s:\n%s", label, plan)
		}
	}

	// A barrier of these operations judges them alike.
	later := r.beside()
	var operations []string
	for _, label := range labels {
		operations = append(operations, fmt.Sprintf("%s = %q", label, r.cli.attributes("gantry_container." + label)["operation_id"]))
	}
	later.cli.configure(later.config("resource \"gantry_barrier\" \"all\" {\n  operations = {\n" + indent(operations) + "  }\n}\n"))
	apply := later.cli.run("apply", "-auto-approve")
	if n := strings.Count(apply.output, "Error: "); apply.code == 0 || n != 4 {
		t.Errorf("the barrier ended with code %d and %d errors:\n%s", apply.code, n, apply.output)
	}
	for _, says := range []string{"has left no trace", "host port " + port + "/tcp is taken", "exited with code 3", "is unhealthy"} {
		if !strings.Contains(flat(apply.output), says) {
			t.Errorf("the barrier does not say %q:\n%s", says, apply.output)
		}
	}

	r.Remove(r.Name("holder"))
	r.cli.configure(r.config(
		r.cast("missing"), r.cast("port"), r.cast("crash"), r.cast("sick"), r.cast("good"),
		r.cast("job", `desired_state = "completed"`, command("exit", "0", "100ms")),
	))
	r.settled()
	if err := good.untouched(); err != nil {
		t.Error(err)
	}
	r.destroysAll()
}

// A barrier whose operation the journal does not know takes no other workspace's container of the same name for its
// own, neither that of a create nor that of an update.
func TestAccBarrierBesideAnotherWorkspace(t *testing.T) {
	r := newCastRig(t)
	barrier := func(c *castRig, id any) {
		c.cli.configure(c.config(fmt.Sprintf("resource \"gantry_barrier\" \"all\" {\n  operations = { web = %q }\n}\n", id)))
	}
	operation := func() any { return r.cli.attributes(web)["operation_id"] }
	r.cli.configure(r.config(r.cast("web")))
	r.cli.must("apply", "-auto-approve")
	r.idle()
	created := operation()
	r.cli.configure(r.config(r.cast("web", `restart = "always"`)))
	r.cli.must("apply", "-auto-approve")
	r.idle()
	updated, own := operation(), r.Inspect(r.Name("web")).ID
	r.forget()

	later := r.beside()
	for _, id := range []any{created, updated} {
		barrier(later, id)
		later.cli.must("apply", "-auto-approve")
		if got := later.result("web"); got["container_id"] != own {
			t.Errorf("the barrier of %s has the container %v, not %s", id, got["container_id"], own)
		}
	}
	later.cli.must("destroy", "-auto-approve")

	r.Remove(own)
	other := &castRig{rig: r.rig, cli: newCLI(t), dir: t.TempDir()}
	other.cli.configure(other.config(other.resource("web")))
	other.cli.must("apply", "-auto-approve")
	others := r.watch(r.Name("web"))
	for _, id := range []any{created, updated} {
		barrier(later, id)
		apply := later.cli.run("apply", "-auto-approve")
		if says := flat(apply.output); apply.code == 0 || !strings.Contains(says, "another container has its name") || !strings.Contains(says, fmt.Sprint(id)) {
			t.Errorf("the barrier ended with code %d:\n%s", apply.code, apply.output)
		}
	}
	if err := others.untouched(); err != nil {
		t.Error(err)
	}
	other.cli.must("destroy", "-auto-approve")
	r.destroysAll()
}

// A destroy does not wait for what nobody makes.
func TestAccDestroyWithoutItsRecord(t *testing.T) {
	r := newCastRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	r.cli.configure(r.config(r.cast("web", attr("image", registry.Host+"/"+r.Name("missing")+":1"))))
	r.cli.must("apply", "-auto-approve")
	r.idle()
	r.forget()
	r.Proxy.Reset()
	r.cli.must("destroy", "-auto-approve", "-refresh=false")
	if looks := r.Proxy.Count("GET", "/containers/*/json"); looks > 1 {
		t.Errorf("the destroy looked for the container %d times", looks)
	}
}

// Without a state directory a cast that fails fails its apply.
func TestAccCastWithoutStateFolder(t *testing.T) {
	r := newCastRig(t)
	r.dir = "/proc/gantry" // No directory can be made there, not even by root.
	r.cli.configure(r.config(r.cast("web", command("exit", "3", "100ms", "out of cheese")), r.cast("good")))
	apply := r.cli.run("apply", "-auto-approve")
	if output := flat(apply.output); apply.code == 0 || !strings.Contains(output, "exited with code 3") || !strings.Contains(output, "out of cheese") {
		t.Errorf("the apply ended with code %d:\n%s", apply.code, apply.output)
	}
	r.plansChange("must be replaced", web)
	r.cli.configure(r.config(r.cast("web"), r.cast("good")))
	r.cli.must("apply", "-auto-approve")
	r.emptyPlan()
	r.destroysAll()
}
