// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// identified asserts the identity of gantry_container.web.
func (r *rig) identified(label string) statecheck.StateCheck {
	return statecheck.ExpectIdentity(web, map[string]knownvalue.Check{"engine": text(r.HostName()), "name": text(r.Name(label))})
}

// The identity follows the container through a rename here and a rename elsewhere, and imports it.
func TestAccIdentity(t *testing.T) {
	needsTerraform(t, "an identity", "1.12.0")
	r := newRig(t)
	same := &sameContainer{rig: r}
	r.run(
		resource.TestStep{Config: r.container(), ConfigStateChecks: []statecheck.StateCheck{r.identified("web"), same.is(r.Name("web"))}},
		resource.TestStep{
			Config: r.container(attr("name", r.Name("www"))), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{r.identified("www"), same.is(r.Name("www"))},
		},
		resource.TestStep{
			Config: r.container(attr("name", r.Name("www"))), ResourceName: web, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity,
		},
		resource.TestStep{
			PreConfig: func() {
				if err := r.Docker.ContainerRename(t.Context(), r.Name("www"), r.Name("out")); err != nil {
					t.Fatal(err)
				}
			},
			RefreshState: true, ExpectNonEmptyPlan: true,
		},
		resource.TestStep{
			Config: r.container(attr("name", r.Name("out"))), ConfigStateChecks: []statecheck.StateCheck{r.identified("out"), same.is(r.Name("out"))},
		},
		// Removed elsewhere: the plan makes a new one, with an identity of its own.
		resource.TestStep{
			PreConfig: func() { r.Remove(r.Name("out")) },
			Config:    r.container(), ConfigPlanChecks: planned(plancheck.ResourceActionCreate),
			ConfigStateChecks: []statecheck.StateCheck{r.identified("web")},
		},
		// What replaces it in an exchange has the same identity.
		resource.TestStep{
			Config: r.container(`update_order = "start-first"`, `hostname = "new"`), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{r.identified("web")},
		},
	)
}

// An import block may name a container by its identity, with or without the engine.
func TestAccImportByIdentity(t *testing.T) {
	needsTerraform(t, "an identity", "1.12.0")
	r := newRig(t)
	c := newCLI(t)
	r.Run(r.Name("web"), enginetest.RunOptions{Image: r.Image})
	r.Run(r.Name("api"), enginetest.RunOptions{Image: r.Image})
	c.configure(r.container() + r.resource("api") +
		fmt.Sprintf("import {\n  to = %s\n  identity = { engine = %q, name = %q }\n}\n", web, r.HostName(), r.Name("web")) +
		fmt.Sprintf("import {\n  to = gantry_container.api\n  identity = { name = %q }\n}\n", r.Name("api")))
	if got := c.must("apply", "-auto-approve"); !strings.Contains(got.output, "2 imported, 0 added, 0 changed, 0 destroyed") {
		t.Errorf("the import changed something:\n%s", got.output)
	}
	c.converges()
	c.must("destroy", "-auto-approve")
}

// A cast has its identity at once, although the container does not exist yet. A state of an older
// Terraform has none, and gets it.
func TestAccIdentityOfACastAndOfAnOlderState(t *testing.T) {
	needsTerraform(t, "an identity", "1.12.0")
	r := newRig(t)
	c := newCLI(t)
	c.configure(r.container(`wait_for = "none"`))
	identity := func() map[string]any {
		t.Helper()
		_, instance := c.stateOf(t)
		found, _ := instance["identity"].(map[string]any)
		return found
	}
	is := func(name string) {
		t.Helper()
		if got := identity(); got["engine"] != r.HostName() || got["name"] != r.Name(name) {
			t.Errorf("the identity is %v", got)
		}
	}
	c.must("apply", "-auto-approve")
	is("web")
	c.must("apply", "-auto-approve") // What the cast brought.

	state, instance := c.stateOf(t)
	delete(instance, "identity")
	delete(instance, "identity_schema_version")
	content, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	c.write(filepath.Join(c.folder, "terraform.tfstate"), string(content))
	if identity() != nil {
		t.Fatal("the older state has an identity")
	}
	c.converges()
	// Renamed by a cast, without a refresh before.
	c.configure(r.container(`wait_for = "none"`, attr("name", r.Name("www"))))
	c.must("apply", "-auto-approve", "-refresh=false")
	is("www")
	r.destroyed(c)
}

// stateOf reads the state, and the only instance of its only resource in it.
func (c *cli) stateOf(t *testing.T) (state, instance map[string]any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(c.folder, "terraform.tfstate"))
	if err == nil {
		err = json.Unmarshal(content, &state)
	}
	if err != nil {
		t.Fatal(err)
	}
	only := func(list any) map[string]any {
		t.Helper()
		all, ok := list.([]any)
		if !ok || len(all) != 1 {
			t.Fatalf("the state has not one but %v", list)
		}
		one, ok := all[0].(map[string]any)
		if !ok {
			t.Fatalf("the state has %v", all[0])
		}
		return one
	}
	return state, only(only(state["resources"])["instances"])
}
