// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/provider"
)

// What is empty means to leave it out, of everything that is no container: it is applied, the plan after that is
// empty, and to write it down or to take it away again replaces nothing and runs no command.
func TestAccEmptyValues(t *testing.T) {
	r := newRig(t)
	config := func(inProvider, inImage, inExec, inBarrier, inData, inLogs string) string {
		return r.provider(inProvider) + r.resource("web", fmt.Sprintf("labels = { role = %q }", r.Name("role"))) +
			r.image(r.Image, "keep_on_destroy = true", inImage) + execution(run("exit", "0", "0s", "hello"), inExec) +
			fmt.Sprintf("resource \"gantry_barrier\" \"none\" {\n  operations = {}\n%s}\n", indent([]string{inBarrier})) +
			fmt.Sprintf("data \"gantry_containers\" \"it\" {\n  labels = { role = %q }\n  depends_on = [%s]\n%s}\n", r.Name("role"), web, indent([]string{inData})) +
			fmt.Sprintf("data \"gantry_logs\" \"it\" {\n  container = %s.name\n  tail = 0\n%s}\n", web, indent([]string{inLogs}))
	}
	without := config("", "", "", "", "", "")
	with := config(`
		max_parallel       = 0
		max_parallel_pulls = 0
		wait_for           = ""
		state_dir          = ""
		background         = ""
		when_saturated     = ""
		default_labels     = {}
		registry_auth      = {}
		registries         = { "a.test" = { ca_file = "", insecure = false } }`, `
		pull_policy = ""
		platform    = ""
		archive     = ""
		tags        = []
		wait_for    = ""
		timeouts    = {}`, `
		user                = ""
		working_dir         = ""
		environment         = {}
		triggers            = {}
		expected_exit_codes = []
		on_busy             = ""
		timeouts            = {}`, `
		condition = ""
		timeouts  = {}`, `
		name    = ""
		status  = []
		health  = ""
		network = ""
		volume  = ""
		image   = ""`, `
		since      = ""
		until      = ""
		timestamps = false`)
	ran := stateCheck(func() error {
		if n := r.Proxy.Count(http.MethodPost, "/exec/*/start"); n != 1 {
			return fmt.Errorf("%d commands ran, want 1", n)
		}
		return nil
	})
	checks := []statecheck.StateCheck{
		ran, in("gantry_barrier.none", "results", knownvalue.MapSizeExact(0)), in("data.gantry_logs.it", "stdout", text("")),
		in("data.gantry_containers.it", "containers", knownvalue.MapExact(map[string]knownvalue.Check{r.Name("web"): knownvalue.NotNull()})),
	}
	kept := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
		plancheck.ExpectResourceAction(web, plancheck.ResourceActionNoop), plancheck.ExpectResourceAction(app, plancheck.ResourceActionUpdate),
		plancheck.ExpectResourceAction(migrate, plancheck.ResourceActionUpdate),
	}}
	r.run(
		resource.TestStep{Config: without, ConfigStateChecks: checks},
		resource.TestStep{Config: with, ConfigPlanChecks: kept, ConfigStateChecks: checks},
		resource.TestStep{Config: without, ConfigStateChecks: checks},
	)
	if n := r.Proxy.Count(http.MethodPost, "/images/create"); n != 0 {
		t.Errorf("%d pulls", n)
	}
}

// An imported image is as one that was made with nothing but its name, however that is written down.
func TestAccEmptyValuesOfAnImportedImage(t *testing.T) {
	r := newRig(t)
	name := r.Name("imported") + ":1"
	if err := r.Docker.ImageTag(t.Context(), r.Image, name); err != nil {
		t.Fatal(err)
	}
	empty := r.provider() + r.image(name, `pull_policy = ""`, `platform = ""`, `archive = ""`, `tags = []`, `wait_for = ""`, `timeouts = {}`)
	written := r.provider() + r.image(name, `pull_policy = "missing"`, attr("platform", "linux/"+runtime.GOARCH), `keep_on_destroy = false`, `wait_for = "ready"`)
	r.run(
		resource.TestStep{Config: empty, ResourceName: app, ImportState: true, ImportStatePersist: true, ImportStateId: name},
		resource.TestStep{Config: empty, ConfigPlanChecks: plannedNothing()},
		resource.TestStep{Config: written, ConfigPlanChecks: plannedNothing()},
		resource.TestStep{Config: r.provider() + r.image(name), ConfigPlanChecks: plannedNothing()},
	)
}

// What means to leave an attribute of a container out, in every form of every attribute: it is applied, the plan
// after that is empty, and so is the plan after an import of the same containers elsewhere, which changes none.
func TestAccEmptyValuesOfContainers(t *testing.T) {
	r := newRig(t)
	network, volume := r.Network("front"), r.Volume("data")
	configure := func(c *cli, configurations []map[string]any) (imports string) {
		for i, config := range configurations {
			label := fmt.Sprintf("c%d", i)
			config["name"], config["image"] = r.Name(label), r.Image
			imports += fmt.Sprintf("import {\n  to = gantry_container.%s\n  id = %q\n}\n", label, r.Name(label))
		}
		labelled := make(map[string]any)
		for i, config := range configurations {
			labelled[fmt.Sprintf("c%d", i)] = config
		}
		text, err := json.Marshal(map[string]any{"resource": map[string]any{"gantry_container": labelled}})
		if err != nil {
			t.Fatal(err)
		}
		named := strings.NewReplacer(`"front"`, fmt.Sprintf("%q", network), `"data"`, fmt.Sprintf("%q", volume)).Replace(string(text))
		c.write(filepath.Join(c.folder, "containers.tf.json"), named)
		return imports
	}
	// An engine before 28.0 mounts no images, and none reports files.
	skipped := func(attribute string) bool {
		return strings.HasPrefix(attribute, "mounts.image") || strings.HasPrefix(attribute, "files")
	}
	configurations := provider.EmptyContainers(skipped)
	first, second := newCLI(t), newCLI(t)
	configure(first, configurations)
	first.configure(r.provider())
	first.must("apply", "-auto-approve")
	if plan := first.run("plan", "-no-color", "-detailed-exitcode"); plan.code != 0 {
		t.Errorf("the plan after the apply is not empty:\n%s", plan.output)
	}
	second.configure(r.provider() + configure(second, configurations))
	plan := second.run("plan", "-no-color")
	if want := fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", len(configurations)); !strings.Contains(plan.output, want) {
		t.Errorf("the plan of the import does not say %q:\n%s", want, plan.output)
	}
	second.must("apply", "-auto-approve")
	if plan := second.run("plan", "-no-color", "-detailed-exitcode"); plan.code != 0 {
		t.Errorf("the plan after the import is not empty:\n%s", plan.output)
	}
	second.must("destroy", "-auto-approve")
	if left := r.Containers(); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}
