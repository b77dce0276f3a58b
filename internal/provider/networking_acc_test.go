// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/versions"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// subnet makes a network with a subnet of its own, where addresses can be chosen, and gives its
// name and the beginning of its addresses.
func (r *rig) subnet(suffix string) (name, prefix string) {
	r.t.Helper()
	name = r.Name(suffix)
	sum := fnv.New32()
	_, _ = sum.Write([]byte(name))
	prefix = fmt.Sprintf("10.%d.%d.", 130+sum.Sum32()%80, sum.Sum32()/80%256)
	_, err := r.Docker.NetworkCreate(r.t.Context(), name, network.CreateOptions{
		IPAM: &network.IPAM{Config: []network.IPAMConfig{{Subnet: prefix + "0/24"}}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return name, prefix
}

// A network's options reach the engine; a change of one connects that network anew, and no other.
func TestAccNetworkOptions(t *testing.T) {
	r := newRig(t)
	front, prefix := r.subnet("front")
	back := r.Network("back")
	config := func(options string) string {
		return r.container(fmt.Sprintf("networks = {\n  front = { network = %q, %s }\n  back = { network = %q, priority = 10 }\n}", front, options, back))
	}
	same := sameContainer{rig: r}
	var endpoint string
	check := func(aliases []string, address string) []statecheck.StateCheck {
		return []statecheck.StateCheck{
			stateCheck(func() error { return same.is(r.Name("web"))() }),
			stateCheck(func() error {
				c := r.Inspect(r.Name("web"))
				got := c.NetworkSettings.Networks[front]
				own := slices.DeleteFunc(slices.Clone(got.Aliases), func(s string) bool { return s == c.ID[:12] })
				slices.Sort(own)
				if !slices.Equal(aliases, own) || got.IPAddress != address && address != "" {
					return fmt.Errorf("the address is %s, the aliases are %v", got.IPAddress, own)
				}
				if got := string(c.HostConfig.NetworkMode); got != back {
					return fmt.Errorf("the first network is %s, want the one of the highest priority", got)
				}
				other := c.NetworkSettings.Networks[back].EndpointID
				if endpoint == "" {
					endpoint = other
				}
				if other != endpoint {
					return errors.New("the other network was connected anew")
				}
				return nil
			}),
		}
	}
	first := fmt.Sprintf(`aliases = ["db", "cache"], ipv4_address = "%s9"`, prefix)
	outside := func(change func() error) func() {
		return func() {
			if err := change(); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.run(
		resource.TestStep{Config: config(first), ConfigStateChecks: append(check([]string{"cache", "db"}, prefix+"9"),
			statecheck.ExpectKnownValue(web, path("addresses", "front"), text(prefix+"9")))},
		resource.TestStep{
			Config: config(fmt.Sprintf(`aliases = ["db"], ipv4_address = "%s10"`, prefix)), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			ConfigStateChecks: check([]string{"db"}, prefix+"10"),
		},
		resource.TestStep{
			Config: config(""), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), ConfigStateChecks: check(nil, ""),
		},
		resource.TestStep{
			PreConfig: outside(func() error {
				if err := r.Docker.NetworkDisconnect(t.Context(), front, r.Name("web"), false); err != nil {
					return err
				}
				return r.Docker.NetworkConnect(t.Context(), front, r.Name("web"), &network.EndpointSettings{Aliases: []string{"stranger"}})
			}),
			Config:            config(""),
			ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{changesOnly{"networks"}}},
			ConfigStateChecks: check(nil, ""),
		},
		resource.TestStep{
			Config: config(""), ResourceName: web, ImportState: true, ImportStateId: r.Name("web"),
			ImportStateCheck: importedNetworks(front, back),
		},
	)
}

// Every setting of the networking family at once: the engine has them, and the plan is empty.
func TestAccNetworking(t *testing.T) {
	r := newRig(t)
	lines := []string{
		`domainname = "a.test"`, `dns = ["10.0.0.1", "fd00::0:1"]`, `dns_search = ["b.test"]`, `dns_opt = ["ndots:2"]`, `publish_all_ports = true`,
		`extra_hosts = { six = ["[fd00::0:1]"], gateway = ["host-gateway"], four = ["10.1.1.1", "10.1.1.2"] }`,
	}
	id := r.Name("user")
	r.run(
		resource.TestStep{
			Config: r.container(lines...),
			ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error {
				c := r.Inspect(r.Name("web"))
				want := []string{"four:10.1.1.1", "four:10.1.1.2", "gateway:host-gateway", "six:fd00::1"}
				if diff := cmp.Diff(want, c.HostConfig.ExtraHosts); diff != "" || c.Config.Domainname != "a.test" || !c.HostConfig.PublishAllPorts ||
					len(c.HostConfig.DNS) != 2 || len(c.HostConfig.DNSSearch) != 1 || len(c.HostConfig.DNSOptions) != 1 {
					return fmt.Errorf("the engine has %+v: %s", c.HostConfig, diff)
				}
				return nil
			})},
		},
		resource.TestStep{
			Config:           r.container(strings.Replace(strings.Join(lines, "\n"), "[fd00::0:1]", "fd00::1", 1)),
			ConfigPlanChecks: plannedNothing(),
		},
		resource.TestStep{
			Config: r.container(lines...) + r.resource("user", `network_mode = "container:${gantry_container.web.name}"`) +
				r.resource("host", `network_mode = "host"`, `hostname = "own"`, `dns = ["10.0.0.1"]`) + r.resource("alone", `network_mode = "none"`),
			ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error {
				if got, want := string(r.Inspect(id).HostConfig.NetworkMode), "container:"+r.Inspect(r.Name("web")).ID; got != want {
					return fmt.Errorf("the network mode is %s, want %s", got, want)
				}
				return nil
			})},
		},
		// Imported, it is as it was written but for what only Terraform knows.
		resource.TestStep{ResourceName: "gantry_container.user", ImportState: true, ImportStateId: id, ImportStateVerify: true,
			ImportStateVerifyIgnore: append(leftOut(t, "network_mode ="), "command", "wait_for", "timeouts"), ImportStateVerifyIdentifierAttribute: "id"},
		resource.TestStep{ResourceName: web, ImportState: true, ImportStateId: r.Name("web"), ImportStateVerify: true,
			ImportStateVerifyIgnore: append(leftOut(t, strings.Join(lines, " ")), "command", "wait_for", "timeouts", "dns.1", "extra_hosts.six.0"), ImportStateVerifyIdentifierAttribute: "id"},
	)
}

// The addresses that somebody gave with docker run are imported, and those that the engine chose are not;
// without them in the configuration they go.
func TestAccImportOfAddresses(t *testing.T) {
	const mac = "02:42:ac:11:65:43"
	r := newRig(t)
	front, prefix := r.subnet("front")
	run := func(label, on string, endpoint network.EndpointSettings, mac string) string {
		settings := &container.Config{Image: r.Image}
		endpoint.MacAddress = mac
		if versions.LessThan(r.Docker.ClientVersion(), "1.44") {
			settings.MacAddress, endpoint.MacAddress = mac, "" //nolint:staticcheck // Such an engine has nothing else.
		}
		made, err := r.Docker.ContainerCreate(t.Context(), settings, &container.HostConfig{NetworkMode: container.NetworkMode(on)},
			&network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{on: &endpoint}}, nil, r.Name(label))
		if err == nil {
			r.Leaves(made.ID)
			err = r.Docker.ContainerStart(t.Context(), made.ID, container.StartOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
		return made.ID
	}
	all := []string{
		run("web", front, network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: prefix + "9"}}, mac),
		run("default", "bridge", network.EndpointSettings{}, "02:42:ac:11:65:44"), run("chosen", front, network.EndpointSettings{}, ""), run("nothing", "bridge", network.EndpointSettings{}, ""),
	}
	own := func(options string) string {
		return r.container(fmt.Sprintf("networks = { %q = { %s } }", front, options)) + r.resource("default", `networks = { bridge = { mac_address = "02-42-ac-11-65-44" } }`) +
			r.resource("chosen", fmt.Sprintf("networks = { %q = {} }", front)) + r.resource("nothing")
	}
	written := own(fmt.Sprintf("ipv4_address = %q, mac_address = %q", prefix+"9", mac))
	var steps []resource.TestStep
	for _, label := range []string{"web", "default", "chosen", "nothing"} {
		steps = append(steps, resource.TestStep{
			Config: written, ResourceName: "gantry_container." + label, ImportState: true, ImportStatePersist: true, ImportStateId: r.Name(label),
		})
	}
	r.run(append(steps,
		resource.TestStep{Config: written, ConfigPlanChecks: plannedNothing(), ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error {
			for i, label := range []string{"web", "default", "chosen", "nothing"} {
				if r.Inspect(r.Name(label)).ID != all[i] {
					return fmt.Errorf("%s was replaced", label)
				}
			}
			return nil
		})}},
		resource.TestStep{Config: own(""), ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate), ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error {
			if got := r.Inspect(r.Name("web")).NetworkSettings.Networks[front]; got.MacAddress == mac || got.IPAMConfig != nil && got.IPAMConfig.IPv4Address != "" {
				return fmt.Errorf("it has the addresses %s and %+v", got.MacAddress, got.IPAMConfig)
			}
			return nil
		})}},
	)...)
}

// A container that shares the namespaces of another one is replaced with it in one apply where it names
// it by its ID, and in the next one where it names it by its name; in one apply, too, if somebody else
// removed the other one.
func TestAccSharersFollow(t *testing.T) {
	r := newRig(t)
	shared := []string{"network_mode", "ipc", "pid"}
	sharing := func(label, with string, lines ...string) string {
		for _, attribute := range shared {
			lines = append(lines, fmt.Sprintf(`%s = "container:%s"`, attribute, with))
		}
		return r.resource(label, lines...)
	}
	config := func(version string) string {
		return r.container(fmt.Sprintf("labels = { version = %q }", version), `ipc = "shareable"`) +
			sharing("by-id", "${gantry_container.web.container_id}") + sharing("by-name", r.Name("web"), `depends_on = [gantry_container.web]`)
	}
	joined := []statecheck.StateCheck{stateCheck(func() error {
		want := "container:" + r.Inspect(r.Name("web")).ID
		for _, label := range []string{"by-id", "by-name"} {
			c := r.Inspect(r.Name(label))
			for i, got := range []string{string(c.HostConfig.NetworkMode), string(c.HostConfig.IpcMode), string(c.HostConfig.PidMode)} {
				if got != want || !c.State.Running {
					return fmt.Errorf("%s is %s and has %s of %s, want %s", label, c.State.Status, shared[i], got, want)
				}
			}
		}
		return nil
	})}
	// Each of them would do.
	replaced := func(label string) []plancheck.PlanCheck {
		checks := []plancheck.PlanCheck{plancheck.ExpectResourceAction("gantry_container."+label, plancheck.ResourceActionDestroyBeforeCreate)}
		for _, attribute := range shared {
			checks = append(checks, becauseOf{"gantry_container." + label, attribute})
		}
		return checks
	}
	kept := func(label string) plancheck.PlanCheck {
		return plancheck.ExpectResourceAction("gantry_container."+label, plancheck.ResourceActionNoop)
	}
	r.run(
		resource.TestStep{Config: config("1"), ConfigStateChecks: joined},
		resource.TestStep{
			Config: config("2"), ExpectNonEmptyPlan: true,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: append(replaced("by-id"), kept("by-name"))},
		},
		resource.TestStep{
			Config: config("2"), ConfigStateChecks: joined,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: append(replaced("by-name"), kept("by-id"))},
		},
		resource.TestStep{
			PreConfig: func() { r.Remove(r.Name("web")) },
			Config:    config("2"), ConfigStateChecks: joined,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: append(replaced("by-name"), replaced("by-id")...)},
		},
	)
}

// becauseOf asserts that an attribute is among those that a resource is replaced for.
type becauseOf struct{ address, attribute string }

func (b becauseOf) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, rc := range req.Plan.ResourceChanges {
		if rc.Address != b.address {
			continue
		}
		paths := fmt.Sprint(rc.Change.ReplacePaths)
		if !strings.Contains(paths, b.attribute) {
			resp.Error = fmt.Errorf("%s is replaced because of %s, want %s, too", b.address, paths, b.attribute)
		}
		return
	}
	resp.Error = fmt.Errorf("%s is not in the plan", b.address)
}

// A container has its IPv6 addresses beside the others, in the state, the data source and a barrier's results.
func TestAccIPv6Addresses(t *testing.T) {
	r := newRig(t)
	config := r.provider() + r.network(`enable_ipv6 = true`, `ipam = { config = [{ subnet = "fd00:219:1::/64" }] }`) +
		r.resource("web", `networks = { front = { network = gantry_network.front.name, ipv6_address = "fd00:219:1::9" } }`) +
		"data \"gantry_container\" \"it\" {\n  name = gantry_container.web.name\n}\n" +
		"resource \"gantry_barrier\" \"all\" {\n  operations = { web = gantry_container.web.operation_id }\n}\n"
	r.run(
		resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(web, path("ipv6_addresses", "front"), text("fd00:219:1::9")),
				statecheck.ExpectKnownValue("data.gantry_container.it", path("ipv6_addresses", r.Name("front")), text("fd00:219:1::9")),
				statecheck.ExpectKnownValue("gantry_barrier.all", path("results", "web", "ipv6_addresses", r.Name("front")), text("fd00:219:1::9")),
				statecheck.ExpectKnownValue(web, path("addresses", "front"), knownvalue.NotNull()),
			},
		},
		resource.TestStep{Config: config, ConfigPlanChecks: plannedNothing()},
	)
}

// The engine's own word for its default network is no change to a container that is in it.
func TestAccDefaultNetworkMode(t *testing.T) {
	r := newRig(t)
	same := sameContainer{rig: r}
	var steps []resource.TestStep
	for _, settings := range []string{`network_mode = "default"`, ``, `network_mode = "bridge"`, `networks = { bridge = {} }`, `network_mode = "default"`} {
		steps = append(steps, resource.TestStep{Config: r.container(settings), ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error { return same.is(r.Name("web"))() })}})
	}
	r.run(steps...)
}

// The networks that an engine has by itself are entered and left by a replacement or an exchange, and give no address of
// choice.
func TestAccNetworksOfTheEngine(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"", "start-first", "stop-first"} {
		t.Run("order "+order, func(t *testing.T) {
			r := newRig(t)
			front := r.Network("front")
			config := func(lines ...string) string {
				if order != "" {
					lines = append(lines, attr("update_order", order))
				}
				return r.container(lines...)
			}
			refused := func(network string) resource.TestStep {
				return resource.TestStep{
					Config: config(fmt.Sprintf(`networks = { %s = { ipv4_address = "172.17.0.77" } }`, network)), PlanOnly: true,
					ExpectError: failure{summary: fmt.Sprintf("Unable to connect container %q to network %q", r.Name("web"), network), line: "networks", says: []string{"leave the address out"}}.regexp(),
				}
			}
			own := fmt.Sprintf(`networks = { front = { network = %q } }`, front)
			var steps []resource.TestStep
			for _, settings := range []string{`networks = { host = {} }`, own, `networks = { none = {} }`, `networks = { host = {} }`, ``, `networks = { none = {} }`, `networks = { bridge = {} }`, own} {
				steps = append(steps, resource.TestStep{Config: config(settings)})
			}
			r.run(append(steps, refused("bridge"), refused("host"))...)
		})
	}
}
