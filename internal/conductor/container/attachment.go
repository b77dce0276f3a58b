// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/network"
)

// NetworkAttachment connects a container to a network.
type NetworkAttachment struct {
	// Network is the name or the ID of the network.
	Network string `json:"network"`
	// Priority decides the order in which a create connects the networks, the highest first. The
	// engine knows nothing of it.
	Priority int `json:"priority,omitempty"`
	EndpointOptions
}

// EndpointOptions are what a container asks of one network. The zero value asks for nothing.
type EndpointOptions struct {
	// Aliases are further names of the container in the network, in any order.
	Aliases []string `json:"aliases,omitempty"`
	// Implied are aliases that say nothing, in what an engine reports: before 25.0 it adds the
	// container's host name, and an exchange adds the container's name. Nobody asked for them,
	// though somebody may have.
	Implied      []string `json:"-"`
	IPv4Address  string   `json:"ipv4_address,omitempty"`
	IPv6Address  string   `json:"ipv6_address,omitempty"`
	LinkLocalIPs []string `json:"link_local_ips,omitempty"`
	// MACAddress is what is asked for; an engine reports the one that it made up, too.
	MACAddress string `json:"mac_address,omitempty"`
	// AskedMAC is, in what an engine reports, the MAC address if it tells that somebody asked for it.
	AskedMAC   string            `json:"-"`
	DriverOpts map[string]string `json:"driver_opts,omitempty"`
	// Links are other containers of the network by name, and what this one alone calls them ("db:data").
	Links []string `json:"links,omitempty"`
	// GatewayPriority decides which network has the default gateway: the highest (API 1.48).
	GatewayPriority int `json:"gw_priority,omitempty"`
}

// attachOrder returns the keys of networks in the order in which they are connected.
func attachOrder(networks map[string]NetworkAttachment) []string {
	return slices.SortedFunc(maps.Keys(networks), func(a, b string) int {
		return cmp.Or(cmp.Compare(networks[b].Priority, networks[a].Priority), cmp.Compare(a, b))
	})
}

// Endpoint says in the words of the Engine API what is asked of a network.
func (o EndpointOptions) Endpoint() *network.EndpointSettings {
	e := &network.EndpointSettings{
		Aliases: o.Aliases, MacAddress: o.MACAddress, DriverOpts: o.DriverOpts, GwPriority: o.GatewayPriority, Links: o.Links,
	}
	if o.IPv4Address != "" || o.IPv6Address != "" || len(o.LinkLocalIPs) > 0 {
		e.IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: o.IPv4Address, IPv6Address: o.IPv6Address, LinkLocalIPs: o.LinkLocalIPs}
	}
	return e
}

// observeEndpoint says in gantry's words what the engine reports of a network of the container
// with this ID. Engines before 25.0 add the container's short ID to the aliases, and its host
// name; implied are the aliases that say nothing.
func observeEndpoint(id string, implied []string, e *network.EndpointSettings) AttachedNetwork {
	own := func(alias string) bool {
		return slices.Contains(implied, alias) || len(alias) == ShortID && strings.HasPrefix(id, alias)
	}
	n := AttachedNetwork{
		ID: e.NetworkID, Address: cmp.Or(e.IPAddress, e.GlobalIPv6Address), AddressIPv6: e.GlobalIPv6Address,
		EndpointOptions: EndpointOptions{
			Aliases: unique(slices.DeleteFunc(slices.Clone(e.Aliases), own)), Implied: implied, MACAddress: e.MacAddress, DriverOpts: e.DriverOpts, GatewayPriority: e.GwPriority,
			Links: e.Links,
		},
	}
	if e.IPAMConfig != nil {
		n.IPv4Address, n.IPv6Address, n.LinkLocalIPs = e.IPAMConfig.IPv4Address, e.IPAMConfig.IPv6Address, e.IPAMConfig.LinkLocalIPs
	}
	return n
}

// Differences names the options in which a connection is not what is asked for, in the words of
// the Compose specification; nil if there are none.
func (o EndpointOptions) Differences(seen EndpointOptions) []string {
	asked := slices.DeleteFunc(slices.Clone(o.Aliases), func(alias string) bool { return slices.Contains(seen.Implied, alias) })
	var differ []string
	for _, option := range []struct {
		name string
		same bool
	}{
		{"aliases", sameSet(asked, seen.Aliases)},
		{"ipv4_address", sameAddress(o.IPv4Address, seen.IPv4Address)},
		{"ipv6_address", sameAddress(o.IPv6Address, seen.IPv6Address)},
		{"link_local_ips", sameSet(plainAddresses(o.LinkLocalIPs), plainAddresses(seen.LinkLocalIPs))},
		{"mac_address", o.metMAC(seen)},
		{"links", SameLinks(o.Links, seen.Links)},
		{"driver_opts", maps.Equal(o.DriverOpts, seen.DriverOpts)},
		{"gw_priority", o.GatewayPriority == seen.GatewayPriority},
	} {
		if !option.same {
			differ = append(differ, option.name)
		}
	}
	return differ
}

// unique returns a list with each of its words once, where it came first.
func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func sameSet(a, b []string) bool {
	sorted := func(list []string) []string { return slices.Sorted(slices.Values(unique(list))) }
	return slices.Equal(sorted(a), sorted(b))
}

// sameAddress compares addresses by meaning: IPv6 has many spellings.
func sameAddress(a, b string) bool { return plainAddress(a) == plainAddress(b) }

func plainAddress(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.String()
	}
	return s
}

func plainAddresses(list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, plainAddress(s))
	}
	return out
}

// planNetworks disconnects what is gone, connects what is missing, then connects anew what is connected
// in another way, each by itself, then disconnects what is too much, so that the container is never
// without any network in between unless it has but one. Nil networks are left as they are.
func planNetworks(spec Spec, c *Container) []Action {
	if spec.Networks == nil {
		return nil
	}
	var gone, missing, changed, needless []Action
	for _, name := range c.Gone {
		gone = append(gone, Action{Do: DoDisconnect, Network: name, Because: "the network that it knows by this name is gone"})
	}
	wanted, again := make(map[string]bool), make(map[string]bool)
	for _, key := range attachOrder(spec.Networks) {
		asked := spec.Networks[key]
		name, ok := c.AttachedAs(asked.Network)
		if !ok {
			again[c.UnconnectedAs(asked.Network)] = true
			missing = append(missing, Action{Do: DoConnect, Network: asked.Network, Key: key, Because: "it is wanted and not connected"})
			continue
		}
		wanted[name] = true
		if differ := asked.Differences(c.Attached[name].EndpointOptions); differ != nil {
			because := fmt.Sprintf("it is connected with other %s", strings.Join(differ, ", "))
			changed = append(changed, Action{Do: DoDisconnect, Network: name, Key: key, Because: because},
				Action{Do: DoConnect, Network: asked.Network, Key: key, Because: because})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Attached)) {
		if !wanted[name] {
			needless = append(needless, Action{Do: DoDisconnect, Network: name, Because: "it is connected and not wanted"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Unconnected)) {
		if !again[name] {
			needless = append(needless, Action{Do: DoForget, Network: name, Because: "a connect to it failed and left its settings"})
		}
	}
	return slices.Concat(gone, missing, changed, needless)
}
