// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/network"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// connectedAs asserts how gantry_container.web is connected to a network: by the address, and with the
// alias "kept". No address is any.
func (r *rig) connectedAs(name, address string) error {
	r.t.Helper()
	c := r.Inspect(r.Name("web"))
	n := c.NetworkSettings.Networks[name]
	switch {
	case n == nil || n.EndpointID == "":
		return fmt.Errorf("the container is not connected to %s: %+v", name, n)
	case address != "" && n.IPAddress != address || !slices.Contains(n.Aliases, "kept"):
		return fmt.Errorf("the container has the address %s and the aliases %v in %s", n.IPAddress, n.Aliases, name)
	}
	return nil
}

func (r *rig) mustBe(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Error(err)
	}
}

// A connection that can't be made anew is as it was, and the plan shows what is missing until it can be.
func TestAccConnectionThatCannotChange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		// last is the address that is asked for, outside that it belongs to another subnet.
		last    string
		outside bool
		// before prepares the failure, after ends it.
		before, after func(*rig, string)
		says          []string
		// lost says that the engine lets nobody connect the container again.
		lost bool
	}{
		{
			name: "taken", last: "20",
			before: func(r *rig, name string) {
				r.Run(r.Name("other"), enginetest.RunOptions{Image: r.Image})
				r.mustBe(r.Docker.NetworkConnect(r.t.Context(), name, r.Name("other"),
					&network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: r.prefixOf(name) + "20"}}))
			},
			after: func(r *rig, _ string) { r.Remove(r.Name("other")) },
			says:  []string{`networks["front"]`, "20: container", "other"},
		},
		{name: "outside", last: "20", outside: true, says: []string{`networks["front"]`, "it is outside what the network has"}},
		{name: "gateway", last: "1", says: []string{`networks["front"]`, "perhaps its gateway", "is as it was before"}},
		{
			name: "the engine refuses", last: "20",
			before: func(r *rig, _ string) {
				r.Proxy.Fail(http.MethodPost, "/networks/*/connect", 1, http.StatusInternalServerError, "no more addresses")
			},
			says: []string{"no more addresses", "is as it was before"},
		},
		{
			name: "the engine refuses everything", last: "20", lost: true,
			before: func(r *rig, _ string) {
				r.Proxy.Fail(http.MethodPost, "/networks/*/connect", 3, http.StatusInternalServerError, "no more addresses")
			},
			says: []string{"no more addresses", "could not be brought back"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			front, prefix := r.subnet("front")
			config := func(address string) string {
				return r.container(fmt.Sprintf("networks = { front = { network = %q, aliases = [\"kept\"], ipv4_address = %q } }", front, address))
			}
			wanted, possible := prefix+tt.last, prefix+"30"
			if tt.outside {
				wanted = "10.99.0." + tt.last
			}
			if tt.before == nil {
				tt.before = func(*rig, string) {}
			}
			fails := resource.TestStep{
				PreConfig: func() { tt.before(r, front) }, Config: config(wanted),
				ExpectError: regexp.MustCompile(`(?s)Error: Unable to connect container.*networks.*` + anyOrder(tt.says)),
			}
			steps := []resource.TestStep{{Config: config(prefix + "10")}, fails}
			if tt.lost {
				steps = append(steps, resource.TestStep{Config: config(prefix + "10"), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate)})
			} else {
				steps = append(steps, resource.TestStep{
					PreConfig: func() { r.mustBe(r.connectedAs(front, prefix+"10")) },
					Config:    config(prefix + "10"), ConfigPlanChecks: plannedNothing(),
				})
			}
			if tt.after != nil {
				fails.PreConfig = nil
				steps = append(steps, fails) // Every later apply says so, too.
				possible = wanted
			}
			r.run(append(steps, resource.TestStep{
				PreConfig: func() {
					if tt.after != nil {
						tt.after(r, front)
					}
				},
				Config: config(possible), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error { return r.connectedAs(front, possible) })},
			})...)
		})
	}
}

// prefixOf is the beginning of the addresses of a network that [rig.subnet] made.
func (r *rig) prefixOf(name string) string {
	r.t.Helper()
	return strings.TrimSuffix(r.inspectNetwork(name).IPAM.Config[0].Subnet, "0/24")
}

// A running container that an engine calls connected, but is not: the plan shows it. Settings that such a
// connect left, and that nobody asks for, are forgotten, since the container could not be started with
// them again.
func TestAccConnectionThatFailed(t *testing.T) {
	r := newRig(t)
	front, prefix := r.subnet("front")
	back, other := r.subnet("back")
	config := r.container(fmt.Sprintf("networks = { front = { network = %q, aliases = [\"kept\"] } }", front))
	failing := func(name, address string) {
		err := r.Docker.NetworkConnect(t.Context(), name, r.Name("web"), &network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: address}})
		if err == nil {
			t.Error("the engine connected the container")
		}
	}
	only := stateCheck(func() error {
		if networks := r.Inspect(r.Name("web")).NetworkSettings.Networks; len(networks) != 1 {
			return fmt.Errorf("the container knows %v", networks)
		}
		return r.connectedAs(front, "")
	})
	r.run(
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				r.mustBe(r.Docker.NetworkDisconnect(t.Context(), front, r.Name("web"), false))
				failing(front, prefix+"1")
			},
			Config: config, ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), ConfigStateChecks: []statecheck.StateCheck{only},
		},
		resource.TestStep{
			PreConfig: func() { failing(back, "10.99.0.1") },
			Config:    config, ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), ConfigStateChecks: []statecheck.StateCheck{only},
		},
		// A network that is added, and whose connect fails, leaves nothing.
		resource.TestStep{
			Config: r.container(fmt.Sprintf("networks = {\n front = { network = %q, aliases = [\"kept\"] }\n back = { network = %q, ipv4_address = %q }\n}",
				front, back, other+"1")),
			ExpectError: regexp.MustCompile(`(?s)Unable to connect container.*perhaps\s+its\s+gateway`),
		},
		resource.TestStep{
			PreConfig: func() { r.mustBe(only()) },
			Config:    config, ConfigPlanChecks: plannedNothing(),
		},
	)
}

// A network that is replaced by one with another subnet takes a container along, but not its address:
// that is said, and each plan shows it until the container asks for an address that it can have.
func TestAccNetworkMovesItsSubnet(t *testing.T) {
	r := newRig(t)
	_, first := r.subnet("first")
	r.mustBe(r.Docker.NetworkRemove(t.Context(), r.Name("first")))
	_, second := r.subnet("second")
	r.mustBe(r.Docker.NetworkRemove(t.Context(), r.Name("second")))
	config := func(prefix, address string) string {
		return r.provider() + r.network(fmt.Sprintf(`ipam = { config = [{ subnet = "%s0/24" }] }`, prefix)) +
			r.resource("web", fmt.Sprintf("networks = { front = { network = gantry_network.front.name, aliases = [\"kept\"], ipv4_address = %q } }", address))
	}
	connected := func(address string) []statecheck.StateCheck {
		return []statecheck.StateCheck{stateCheck(func() error { return r.connectedAs(r.Name("front"), address) })}
	}
	r.run(
		resource.TestStep{Config: config(first, first+"9"), ConfigStateChecks: connected(first + "9")},
		resource.TestStep{Config: config(second, first+"9"), ConfigStateChecks: connected(""), ExpectNonEmptyPlan: true},
		resource.TestStep{
			Config:      config(second, first+"9"),
			ExpectError: regexp.MustCompile(`(?s)Unable to connect container.*` + spaced("it is outside what the network has")),
		},
		resource.TestStep{
			PreConfig: func() { r.mustBe(r.connectedAs(r.Name("front"), "")) },
			Config:    config(second, second+"9"), ConfigStateChecks: connected(second + "9"),
		},
	)
}
