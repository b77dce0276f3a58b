// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/docker/docker/api/types/network"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// A destroy leaves a volume that is kept, and all that is in it, also with force_destroy. What would replace it is
// refused; an import manages it again.
func TestAccVolumeKeptOnDestroy(t *testing.T) {
	r := newRig(t)
	name := r.Name("data")
	config := func(lines ...string) string { return r.provider() + r.volume(lines...) }
	refused := func(lines ...string) resource.TestStep {
		return resource.TestStep{
			Config: config(lines...), PlanOnly: true,
			ExpectError: failure{summary: fmt.Sprintf("Volume %q on engine %q is kept, and can't be replaced under its name", name, r.HostName()), line: "driver_opts", says: []string{"keep_on_destroy"}}.regexp(),
		}
	}
	other := `driver_opts = { type = "tmpfs", device = "tmpfs", o = "size=1m" }`
	holdsData := stateCheck(func() error {
		if !r.VolumeExists(name) {
			return fmt.Errorf("the volume %s was removed", name)
		}
		return nil
	})
	r.run(
		resource.TestStep{Config: config(), ConfigStateChecks: []statecheck.StateCheck{holdsData}},
		// It would be removed all the same: a removal goes by the state.
		resource.TestStep{
			Config: config(`keep_on_destroy = true`, other), PlanOnly: true,
			ExpectError: failure{summary: fmt.Sprintf("Volume %q on engine %q would be removed, though keep_on_destroy is to be set", name, r.HostName()), line: "driver_opts", says: []string{"first"}}.regexp(),
		},
		resource.TestStep{
			Config: config(`keep_on_destroy = true`, `force_destroy = true`), ConfigPlanChecks: plannedFor(data, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error { r.fill(name); return nil })},
		},
		refused(`keep_on_destroy = true`, `force_destroy = true`, other),
		refused(`force_destroy = true`, other),
		resource.TestStep{Config: r.provider()},
		// The name is taken by what was kept: an import manages it again.
		resource.TestStep{
			Config: config(),
			ExpectError: failure{
				summary: fmt.Sprintf("The name of volume %q is already in use on engine %q", name, r.HostName()), line: "name", says: []string{"it was not touched", "import it as"},
			}.regexp(),
		},
		resource.TestStep{Config: config(), ResourceName: data, ImportState: true, ImportStateId: name, ImportStatePersist: true},
		resource.TestStep{Config: config(), ConfigPlanChecks: plannedNothing(), ConfigStateChecks: []statecheck.StateCheck{holdsData}},
		resource.TestStep{Config: config(`keep_on_destroy = true`), ConfigStateChecks: []statecheck.StateCheck{holdsData}},
		// Under another name the old one stays.
		resource.TestStep{
			Config:            r.provider() + fmt.Sprintf("resource \"gantry_volume\" \"data\" {\n  name = %q\n}\n", r.Name("next")),
			ConfigPlanChecks:  plannedFor(data, plancheck.ResourceActionReplace),
			ConfigStateChecks: []statecheck.StateCheck{holdsData},
		},
	)
	if r.VolumeExists(r.Name("next")) {
		t.Error("a volume that is not kept was not destroyed")
	}
	r.RemoveVolume(name)
}

// The same for a network.
func TestAccNetworkKeptOnDestroy(t *testing.T) {
	r := newRig(t)
	name := r.Name("front")
	config := func(lines ...string) string { return r.provider() + r.network(lines...) }
	id := ""
	same := stateCheck(func() error {
		if now := r.inspectNetwork(name).ID; id != "" && now != id {
			return fmt.Errorf("the network is another one: %s, before %s", now, id)
		}
		id = r.inspectNetwork(name).ID
		return nil
	})
	refused := func(line string, lines ...string) resource.TestStep {
		return resource.TestStep{
			Config: config(lines...), PlanOnly: true,
			ExpectError: failure{summary: fmt.Sprintf("Network %q on engine %q is kept, and can't be replaced under its name", name, r.HostName()), line: line, says: []string{"keep_on_destroy"}}.regexp(),
		}
	}
	ipam := `ipam = { config = [{ subnet = "10.215.9.0/24" }] }`
	r.run(
		resource.TestStep{Config: config(`keep_on_destroy = true`), ConfigStateChecks: []statecheck.StateCheck{same}},
		refused("internal", `keep_on_destroy = true`, `internal = true`),
		refused("labels", `keep_on_destroy = true`, `labels = { a = "b" }`),
		refused("driver", `keep_on_destroy = true`, `driver = "macvlan"`),
		refused("ipam", ipam),
		resource.TestStep{Config: r.provider()},
		resource.TestStep{Config: config(), ResourceName: front, ImportState: true, ImportStateId: name, ImportStatePersist: true},
		resource.TestStep{Config: config(), ConfigPlanChecks: plannedNothing(), ConfigStateChecks: []statecheck.StateCheck{same}},
	)
	if _, err := r.Docker.NetworkInspect(t.Context(), name, network.InspectOptions{}); err == nil {
		t.Error("a network that is not kept was not destroyed")
	}
}

// What an engine has by itself is nobody's to make, to import or to remove; and IPv4 can be left out only where the
// engine knows that.
func TestAccNetworkOfTheEngine(t *testing.T) {
	r := newRig(t)
	step := func(name, way string) resource.TestStep {
		return resource.TestStep{
			Config: r.provider() + fmt.Sprintf("resource \"gantry_network\" \"front\" {\n  name = %q\n}\n", name), PlanOnly: true,
			ExpectError: failure{summary: fmt.Sprintf("Engine %q has network %q by itself", r.HostName(), name), line: "name", says: []string{way}}.regexp(),
		}
	}
	steps := []resource.TestStep{
		step("bridge", "networks = { bridge = {} }"), step("host", "network_mode = \"host\""), step("none", "network_mode = \"none\""), step("default", "network_mode = \"default\""),
		{
			Config: r.provider() + "resource \"gantry_network\" \"front\" {\n  name = \"front\"\n}\n", ResourceName: front, ImportState: true, ImportStateId: "bridge",
			ExpectError: regexp.MustCompile(`Engine "` + regexp.QuoteMeta(r.HostName()) + `" has network "bridge" by itself`),
		},
	}
	if r.Docker.ClientVersion() < "1.48" {
		late := "resource \"terraform_data\" \"late\" {\n  input = false\n}\n"
		tooOld := failure{summary: fmt.Sprintf("Engine %q is too old for enable_ipv4 of network %q", r.HostName(), r.Name("front")), line: "enable_ipv4", says: []string{"Docker 28.0", "API 1.48", r.Docker.ClientVersion()}}.regexp()
		steps = append(steps,
			resource.TestStep{Config: r.provider() + r.network(`enable_ipv4 = false`), PlanOnly: true, ExpectError: tooOld},
			resource.TestStep{Config: r.provider() + late + r.network(`enable_ipv4 = terraform_data.late.output`), ExpectError: tooOld},
		)
	}
	r.run(steps...)
	if _, err := r.Docker.NetworkInspect(t.Context(), r.Name("front"), network.InspectOptions{}); err == nil {
		t.Error("a network was made that the engine is too old for")
	}
}
