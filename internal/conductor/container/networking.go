// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"
)

// Networking is how a container reaches others beyond the networks that it is connected to.
type Networking struct {
	// NetworkMode is host, none, bridge, or container: with the name or the ID of a container
	// whose network it shares. Empty is what Networks say. In a Container it is the engine's
	// word, which names a container by its ID.
	NetworkMode string `json:"network_mode,omitempty"`
	Domainname  string `json:"domainname,omitempty"`
	// ExtraHosts are addresses by host name; IPv6 addresses have no brackets, and "host-gateway"
	// is the address of the engine's host.
	ExtraHosts map[string][]string `json:"extra_hosts,omitempty"`
	DNS        []string            `json:"dns,omitempty"`
	DNSSearch  []string            `json:"dns_search,omitempty"`
	DNSOptions []string            `json:"dns_opt,omitempty"`
	// PublishAllPorts publishes the ports that the image exposes on ports that the engine chooses.
	PublishAllPorts bool `json:"publish_all_ports,omitempty"`
	// Expose are ports that are exposed beyond those that are published, as an engine spells them
	// ("80/tcp"), in order. In a Container they are all that it exposes.
	Expose []string `json:"expose,omitempty"`
	// Links are other containers of the engine's default network, by name or ID, and what this one calls
	// them ("db:data").
	Links []string `json:"links,omitempty"`
}

// translate puts the settings into a create request.
func (n Networking) translate(config *containertypes.Config, host *containertypes.HostConfig) {
	config.Domainname = n.Domainname
	host.NetworkMode = containertypes.NetworkMode(n.NetworkMode)
	host.DNS, host.DNSSearch, host.DNSOptions = n.DNS, n.DNSSearch, n.DNSOptions
	host.PublishAllPorts, host.Links = n.PublishAllPorts, n.Links
	for _, port := range n.Expose {
		if config.ExposedPorts == nil {
			config.ExposedPorts = make(nat.PortSet)
		}
		config.ExposedPorts[nat.Port(port)] = struct{}{}
	}
	for _, name := range slices.Sorted(maps.Keys(n.ExtraHosts)) {
		for _, address := range n.ExtraHosts[name] {
			host.ExtraHosts = append(host.ExtraHosts, name+":"+PlainHostAddress(address))
		}
	}
}

// plainPort has the one spelling of a port that engines take from clients in several: "80/TCP", and "80".
func plainPort(port nat.Port) string {
	return port.Port() + "/" + strings.ToLower(port.Proto())
}

func observeNetworking(config *containertypes.Config, host *containertypes.HostConfig) Networking {
	n := Networking{
		NetworkMode: string(host.NetworkMode), Domainname: config.Domainname, DNS: host.DNS, DNSSearch: host.DNSSearch,
		DNSOptions: host.DNSOptions, PublishAllPorts: host.PublishAllPorts, Links: observeLinks(host),
	}
	for port := range config.ExposedPorts {
		n.Expose = append(n.Expose, plainPort(port))
	}
	slices.Sort(n.Expose)
	for _, entry := range host.ExtraHosts {
		name, address := ParseExtraHost(entry)
		if n.ExtraHosts == nil {
			n.ExtraHosts = make(map[string][]string)
		}
		n.ExtraHosts[name] = append(n.ExtraHosts[name], address)
	}
	return n
}

// ParseExtraHost reads an entry as the Docker CLI takes and an engine reports it: host:address, or
// host=address, where an IPv6 address may have brackets.
func ParseExtraHost(entry string) (host, address string) {
	if at := strings.IndexAny(entry, ":="); at >= 0 {
		return entry[:at], PlainHostAddress(entry[at+1:])
	}
	return entry, ""
}

// PlainHostAddress returns the one spelling of an address of an extra host.
func PlainHostAddress(s string) string {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if inner, ok := strings.CutSuffix(inner, "]"); ok {
			if a, err := netip.ParseAddr(inner); err == nil && a.Is6() {
				s = inner
			}
		}
	}
	return plainAddress(s)
}

// matches reports whether a container has what is asked for. What is not asked for is the engine's.
func (n Networking) matches(c *Container) bool {
	hosts := func(a, b []string) bool {
		return slices.EqualFunc(a, b, func(a, b string) bool { return PlainHostAddress(a) == PlainHostAddress(b) })
	}
	return (n.NetworkMode == "" || c.SameNamespace(n.NetworkMode, c.NetworkMode)) && (n.Domainname == "" || n.Domainname == c.Domainname) &&
		maps.EqualFunc(n.ExtraHosts, c.ExtraHosts, hosts) && slices.EqualFunc(n.DNS, c.DNS, sameAddress) && slices.Equal(n.DNSSearch, c.DNSSearch) &&
		slices.Equal(n.DNSOptions, c.DNSOptions) && n.PublishAllPorts == c.PublishAllPorts &&
		!slices.ContainsFunc(n.Expose, func(port string) bool { return !slices.Contains(c.Expose, port) }) &&
		len(plainList(n.Links, PlainLink)) == len(c.Links) && !slices.ContainsFunc(n.Links, func(link string) bool { return !c.HasLink(link) })
}

// containerPrefix begins a mode that shares a namespace with another container.
const containerPrefix = "container:"

// SharedContainer returns the container that a mode shares a namespace with.
func SharedContainer(mode string) (ref string, ok bool) {
	return strings.CutPrefix(mode, containerPrefix)
}

// SameNamespace reports whether a mode that is asked for ("container:web", "host") is the one that the
// engine reports of c, where containers are named by their IDs. A name means the container that has
// it now: if that is another one than at the create, it is not the same.
func (c *Container) SameNamespace(asked, seen string) bool {
	ref, shares := SharedContainer(asked)
	id, reported := SharedContainer(seen)
	if !shares || !reported {
		return asked == seen || IsDefaultMode(asked) && IsDefaultMode(seen)
	}
	return ref == id || len(ref) >= ShortID && strings.HasPrefix(id, ref) || ref == c.Shared[id]
}

// ownNetwork reports whether a container with this mode has ports of its own that can be published.
func ownNetwork(mode string) bool {
	_, shares := SharedContainer(mode)
	return !shares && mode != "host" && mode != "none"
}

// IsDefaultMode reports whether a mode is the network that an engine chooses by itself.
func IsDefaultMode(mode string) bool { return mode == "" || mode == "default" || mode == "bridge" }

// Joined is a container whose name space another one has.
type Joined struct {
	// Attribute is the one that asks for it, Name the container's name.
	Attribute, Name string
	// Running says that it runs, and Restarted that this is another run than the one that was joined: what
	// joined it has a name space that nobody else has any more.
	Running, Restarted bool
}

// Lost returns the first container whose name space c shared and has lost, since that was started again.
func (c *Container) Lost() (Joined, bool) {
	i := slices.IndexFunc(c.Joined, func(j Joined) bool { return j.Restarted })
	if i < 0 {
		return Joined{}, false
	}
	return c.Joined[i], true
}
