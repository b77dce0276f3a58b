// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"github.com/docker/docker/api/types/network"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// front is the address of the network that the tests of networks are about.
const front = "gantry_network.front"

// network is one network gantry_network.front called Name("front").
func (r *rig) network(lines ...string) string {
	return fmt.Sprintf("resource \"gantry_network\" \"front\" {\n  name = %q\n%s}\n", r.Name("front"), indent(lines))
}

func (r *rig) inspectNetwork(ref string) network.Inspect {
	r.t.Helper()
	n, err := r.Docker.NetworkInspect(context.Background(), ref, network.InspectOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// connected returns the address of a container in a network, empty if it is in none.
func (r *rig) connected(container, name string) string {
	if n := r.Inspect(container).NetworkSettings.Networks[name]; n != nil {
		return n.IPAddress
	}
	return ""
}

func plannedFor(address string, action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

func in(address, attribute string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, path(attribute), value)
}

// idOf returns an attribute of the state as an import ID.
func idOf(address, attribute string, cut int) resource.ImportStateIdFunc {
	return func(s *terraform.State) (string, error) {
		id := s.RootModule().Resources[address].Primary.Attributes[attribute]
		if id == "" {
			return "", errors.New("no " + attribute)
		}
		if cut > 0 {
			id = id[:cut]
		}
		return id, nil
	}
}

// A network with everything; a container in it; what changes replaces it and takes the container
// along; what somebody did to it outside is noticed.
func TestAccNetwork(t *testing.T) {
	r := newRig(t)
	full := r.network(
		`driver   = "bridge"`, `options  = { "com.docker.network.bridge.enable_icc" = "false" }`, `internal = true`, `enable_ipv6 = true`,
		`labels   = { tier = "front" }`,
		`ipam = { driver = "default", config = [
		  { subnet = "10.213.0.0/16", gateway = "10.213.0.9", ip_range = "10.213.5.0/24", aux_addresses = { printer = "10.213.0.7" } },
		  { subnet = "fd00:0213:0000::/64" } ] }`,
	)
	changed := r.network(`labels = { tier = "back" }`, `ipam = { config = [{ subnet = "10.213.0.0/16" }] }`)
	member := r.resource("web", command("sleep"), `networks = { front = { network = gantry_network.front.name } }`)
	same := &sameContainer{rig: r}
	address := r.Name("front")
	attached := func() error {
		if r.connected(r.Name("web"), address) == "" {
			return errors.New("the container is not in the network")
		}
		return nil
	}
	imports := func(config string, id resource.ImportStateIdFunc, ignore ...string) resource.TestStep {
		return resource.TestStep{
			Config: config, ResourceName: front, ImportState: true, ImportStateIdFunc: id, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "id",
			ImportStateVerifyIgnore: ignore,
		}
	}
	r.run(
		resource.TestStep{
			Config: r.provider() + full + member,
			ConfigStateChecks: []statecheck.StateCheck{
				in(front, "id", text(r.HostName()+"/"+address)), in(front, "scope", text("local")),
				statecheck.ExpectKnownValue(front, path("subnets"), knownvalue.ListPartial(map[int]knownvalue.Check{0: knownvalue.ObjectExact(map[string]knownvalue.Check{
					"subnet": text("10.213.0.0/16"), "gateway": text("10.213.0.9"), "ip_range": text("10.213.5.0/24"),
				})})),
				same.is(r.Name("web")), stateCheck(attached),
			},
		},
		// Another spelling of the same addresses is no change.
		resource.TestStep{
			Config:           r.provider() + regexp.MustCompile(`fd00:0213:0000::/64`).ReplaceAllString(full, "fd00:213::/64") + member,
			ConfigPlanChecks: plannedNothing(),
		},
		// An import has "" where there is no template: a plan keeps that, whether or not the configuration has it.
		imports(r.provider()+full+member, idOf(front, "network_id", 0), "ipam", "options", "config_from"),
		imports(r.provider()+full+member, idOf(front, "network_id", 12), "ipam", "options", "config_from"),
		imports(r.provider()+full+member, idOf(front, "id", 0), "ipam", "options", "config_from"),
		// A replacement takes the container along: it is the same one, in the new network.
		resource.TestStep{
			Config: r.provider() + changed + member, ConfigPlanChecks: plannedFor(front, plancheck.ResourceActionReplace),
			ConfigStateChecks: []statecheck.StateCheck{same.is(r.Name("web")), stateCheck(attached)},
		},
		// A stranger in it: the replacement is refused, and nothing is touched.
		resource.TestStep{
			PreConfig: func() {
				id := r.Run(r.Name("stranger"), enginetest.RunOptions{Image: r.Image})
				if err := r.Docker.NetworkConnect(t.Context(), address, id, nil); err != nil {
					t.Fatal(err)
				}
			},
			Config:      r.provider() + full + member,
			ExpectError: regexp.MustCompile(`(?s)Unable to remove network.*it is in\s+use.*` + r.Name("stranger")),
		},
		resource.TestStep{
			PreConfig: func() {
				if err := attached(); err != nil {
					t.Error(err)
				}
				r.Remove(r.Name("stranger"))
			},
			Config: r.provider() + changed + member, ConfigPlanChecks: plannedNothing(),
		},
		// A failure of the engine drops nothing from the state.
		resource.TestStep{
			PreConfig: func() {
				r.Proxy.Fail(http.MethodGet, "/networks/*", 1, http.StatusForbidden, "something broke")
			},
			Config:      r.provider() + changed + member,
			ExpectError: regexp.MustCompile(`something broke`),
		},
		resource.TestStep{Config: r.provider() + changed + member, ConfigPlanChecks: plannedNothing()},
		// Removed outside, with the container: the plan makes both again.
		resource.TestStep{
			PreConfig: func() {
				if err := r.Docker.NetworkDisconnect(t.Context(), address, r.Name("web"), true); err != nil {
					t.Fatal(err)
				}
				if err := r.Docker.NetworkRemove(t.Context(), address); err != nil {
					t.Fatal(err)
				}
			},
			Config: r.provider() + changed + member, ConfigPlanChecks: plannedFor(front, plancheck.ResourceActionCreate),
			ConfigStateChecks: []statecheck.StateCheck{same.is(r.Name("web")), stateCheck(attached)},
		},
	)
	if _, err := r.Docker.NetworkInspect(t.Context(), address, network.InspectOptions{}); err == nil {
		t.Error("the network was not destroyed")
	}
}

// The name belongs to somebody else; then to gantry; then somebody makes a network in its place, which is
// theirs.
func TestAccNetworkNames(t *testing.T) {
	r := newRig(t)
	name := r.Name("front")
	config := r.provider() + r.network()
	foreign, recreated := "", ""
	r.run(
		resource.TestStep{
			Config:      r.provider() + r.network(`ipam = { config = [{ subnet = "10.213.0.7" }] }`),
			ExpectError: failure{summary: "Invalid address range \"10.213.0.7\"", line: "ipam", says: []string{"ipam.config[0].subnet"}}.regexp(),
		},
		resource.TestStep{
			PreConfig: func() { foreign = r.inspectNetwork(r.Network("front")).ID },
			Config:    config,
			ExpectError: failure{
				summary: fmt.Sprintf("The name of network %q is already in use", name), line: "name",
				says: []string{"it was not touched", "import it as \"" + r.HostName() + "/" + name},
			}.regexp(),
		},
		// A lost answer to the create is no conflict with oneself.
		resource.TestStep{
			PreConfig: func() {
				if r.inspectNetwork(name).ID != foreign {
					t.Error("the other network was touched")
				}
				if err := r.Docker.NetworkRemove(t.Context(), name); err != nil {
					t.Fatal(err)
				}
				r.Proxy.DropAnswer(http.MethodPost, "/networks/create", 1)
			},
			Config: config,
		},
		resource.TestStep{
			PreConfig: func() {
				if err := r.Docker.NetworkRemove(t.Context(), name); err != nil {
					t.Fatal(err)
				}
				recreated = r.inspectNetwork(r.Network("front")).ID
			},
			Config: config,
			ExpectError: failure{
				summary: fmt.Sprintf("The name of network %q is already in use", name), line: "name",
				says: []string{"it was not touched", "import it as \"" + r.HostName() + "/" + name},
			}.regexp(),
		},
	)
	if r.inspectNetwork(name).ID != recreated {
		t.Error("the network that somebody made in the place of gantry's was touched")
	}
}

// A removal waits for containers that are being removed: it doesn't disconnect them.
func TestAccNetworkWaitsForRemovals(t *testing.T) {
	r := newRig(t)
	config := r.provider() + r.network()
	member := r.resource("web", command("ignore-term"), `stop_grace_period = "1s"`, fmt.Sprintf("networks = { %q = {} }", r.Name("front")))
	r.run(
		resource.TestStep{Config: config},
		resource.TestStep{Config: config + member},
		resource.TestStep{
			PreConfig: func() {
				// Nothing orders the two removals: the network's looks around when the container's is under way.
				gate := r.Proxy.Hold(http.MethodGet, "/containers/json")
				go func() {
					r.Proxy.Await(http.MethodPost, "/containers/*/stop", 1)
					gate.Open()
				}()
			},
			Config: r.provider(),
		},
	)
	if n := r.Proxy.Count(http.MethodPost, "/networks/*/disconnect"); n != 0 {
		t.Errorf("the container was disconnected %d times", n)
	}
}

// Address ranges with bits below their length are the ranges that they mean, for the engine and for the next plan.
func TestAccNetworkBitsBelowTheLength(t *testing.T) {
	r := newRig(t)
	config := r.provider() + r.network(`ipam = { config = [{ subnet = "10.219.64.9/24", ip_range = "10.219.64.43/31" }] }`)
	r.run(
		resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error {
				pool := r.inspectNetwork(r.Name("front")).IPAM.Config[0]
				if pool.Subnet != "10.219.64.0/24" || pool.IPRange != "10.219.64.42/31" {
					return fmt.Errorf("the engine was asked for %+v", pool)
				}
				return nil
			})},
		},
		resource.TestStep{Config: r.provider() + r.network(`ipam = { config = [{ subnet = "10.219.64.0/24", ip_range = "10.219.64.42/31" }] }`), ConfigPlanChecks: plannedFor(front, plancheck.ResourceActionNoop)},
		resource.TestStep{
			Config:      r.provider() + r.network(`ipam = { config = [{ subnet = "10.219.64.0/24", ip_range = "10.219.65.0/28" }] }`),
			ExpectError: failure{summary: "The ip_range 10.219.65.0/28 is not in the subnet 10.219.64.0/24", line: "ipam", says: []string{"ipam.config[0].ip_range"}}.regexp(),
		},
		resource.TestStep{Config: config, ConfigPlanChecks: plannedFor(front, plancheck.ResourceActionNoop)},
	)
}
