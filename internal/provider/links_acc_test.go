// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// linked asserts the links of containers, as the engine reports them.
func (r *rig) linked(want map[string][]string) statecheck.StateCheck {
	return stateCheck(func() error {
		for label, links := range want {
			got := r.Inspect(r.Name(label)).HostConfig.Links
			slices.Sort(got)
			var all []string
			for _, link := range links {
				all = append(all, fmt.Sprintf("/%s:/%s/%s", r.Name("db"), r.Name(label), link))
			}
			slices.Sort(all)
			if !slices.Equal(got, all) {
				return fmt.Errorf("%s has the links %q, want %q", label, got, all)
			}
		}
		return nil
	})
}

// A container that is linked to another one is replaced with it: in the same apply where it names it by
// its ID, and else by the next plan, since the link leads nowhere then.
func TestAccLinks(t *testing.T) {
	r := newRig(t)
	config := func(hostname string) string {
		return r.provider() + r.resource("db", attr("hostname", hostname)) +
			r.resource("by-name", `links = ["${gantry_container.db.name}:data", gantry_container.db.name]`) + r.resource("by-id", `links = ["${gantry_container.db.container_id}:data"]`)
	}
	links := []statecheck.StateCheck{r.linked(map[string][]string{"by-name": {"data", r.Name("db")}, "by-id": {"data"}})}
	action := func(label string, action plancheck.ResourceActionType) plancheck.PlanCheck {
		return plancheck.ExpectResourceAction("gantry_container."+label, action)
	}
	r.run(
		resource.TestStep{Config: config("one"), ConfigStateChecks: links},
		resource.TestStep{
			ResourceName: "gantry_container.by-name", ImportState: true, ImportStateId: r.Name("by-name"), ImportStateVerify: true,
			ImportStateVerifyIgnore: append(leftOut(t, "links ="), "links"),
		},
		resource.TestStep{
			Config: config("two"), ExpectNonEmptyPlan: true,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				action("by-id", plancheck.ResourceActionDestroyBeforeCreate), action("by-name", plancheck.ResourceActionNoop),
			}},
		},
		resource.TestStep{
			Config: config("two"), ConfigStateChecks: links,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				action("by-name", plancheck.ResourceActionDestroyBeforeCreate), becauseOf{"gantry_container.by-name", "links"}, action("by-id", plancheck.ResourceActionNoop),
			}},
		},
	)
}

// What a link leads to has to be there, and to run.
func TestAccLinkToNothing(t *testing.T) {
	r := newRig(t)
	fails := func(ref string) resource.TestStep {
		return resource.TestStep{
			Config: r.provider() + r.resource("db", `desired_state = "stopped"`) + r.resource("web", fmt.Sprintf("links = [%q]", ref+":data"), "depends_on = [gantry_container.db]"),
			ExpectError: failure{
				summary: fmt.Sprintf("Unable to %s container %q on engine %q: it can't use container %q", map[bool]string{true: "start", false: "create"}[ref == r.Name("db")], r.Name("web"), r.HostName(), ref),
				line:    "links =",
			}.regexp(),
		}
	}
	r.run(fails(r.Name("nothing")), fails(r.Name("db")))
}

// In a network of their own containers may be linked to each other, whichever is there first.
func TestAccCastsLinkedToEachOther(t *testing.T) {
	r := newCastRig(t)
	network := r.Network("shop")
	to := func(other string) string {
		return fmt.Sprintf("networks = { shop = { network = %q, links = [%q] } }", network, r.Name(other)+":partner")
	}
	r.cli.configure(r.config(r.cast("a", to("b")), r.cast("b", to("a"))))
	r.cli.must("apply", "-auto-approve")
	r.idle()
	for one, other := range map[string]string{"a": "b", "b": "a"} {
		c := r.Inspect(r.Name(one))
		if got := c.NetworkSettings.Networks[network].Links; !c.State.Running || !slices.Equal(got, []string{r.Name(other) + ":partner"}) {
			t.Errorf("%s is %s, with the links %q", one, c.State.Status, got)
		}
	}
	r.emptyPlan()
	r.cli.must("destroy", "-auto-approve")
}
