// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/versions"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

// NetworkSpec is a network as it shall be. An engine can't change any of it afterwards.
type NetworkSpec struct {
	Name   string
	Driver string
	// Scope is local, swarm or global; empty is the driver's.
	Scope      string
	Options    map[string]string
	Internal   bool
	Attachable bool
	Ingress    bool
	EnableIPv6 bool
	// DisableIPv4 leaves IPv4 out, which all networks have otherwise.
	DisableIPv4 bool
	// ConfigOnly makes a template for other networks: it has no driver. ConfigFrom names the template to use:
	// it has options, labels, addresses, and whether there is IPv4 and IPv6.
	ConfigOnly bool
	ConfigFrom string
	IPAM       IPAM
	Labels     map[string]string
}

// IPAM says how a network's addresses are managed.
type IPAM struct {
	// Driver is empty for the engine's default.
	Driver  string
	Options map[string]string
	Pools   []Pool
}

// Pool is one range of addresses. What is empty the engine chooses.
type Pool struct {
	Subnet, Gateway, IPRange string
	// AuxAddresses are addresses that the engine must not give to containers, by host name.
	AuxAddresses map[string]string
}

// Network is a network as its engine reports it.
type Network struct {
	NetworkSpec
	Engine  string
	ID      string
	Created time.Time
	// Predefined reports that the engine has the network by itself: nobody can make or remove it.
	Predefined bool
	// NotJournaled says why the journal does not have the create that has just made it; nil if it has it.
	NotJournaled error
}

// needs are the settings that not every engine knows.
func (s NetworkSpec) needs() []container.Need {
	if !s.DisableIPv4 {
		return nil
	}
	return []container.Need{{Attribute: []string{"enable_ipv4"}, API: apiDisableIPv4, Docker: "28.0"}}
}

// apiDisableIPv4 is the first version of the Engine API that knows networks without IPv4. Older engines ignore what
// a request says about it, and report nothing.
const apiDisableIPv4 = "1.48"

// matches reports whether a network that a create of gantry's made is as asked for. What is left out is the
// engine's choice.
func (s NetworkSpec) matches(n *Network) bool {
	own := maps.Clone(n.Labels)
	delete(own, container.LabelOperation)
	same := (s.ConfigOnly || cmp.Or(s.Driver, "bridge") == n.Driver) && (s.Scope == "" || s.Scope == n.Scope) && maps.Equal(s.Options, n.Options) && maps.Equal(s.Labels, own) &&
		s.Internal == n.Internal && s.Attachable == n.Attachable && s.Ingress == n.Ingress && s.EnableIPv6 == n.EnableIPv6 && s.DisableIPv4 == n.DisableIPv4 &&
		s.ConfigOnly == n.ConfigOnly && s.ConfigFrom == n.ConfigFrom && cmp.Or(s.IPAM.Driver, "default") == n.IPAM.Driver && maps.Equal(s.IPAM.Options, n.IPAM.Options)
	return same && !slices.ContainsFunc(s.IPAM.Pools, func(asked Pool) bool {
		return !slices.ContainsFunc(n.IPAM.Pools, func(seen Pool) bool {
			return asked.Subnet == seen.Subnet && asked.IPRange == seen.IPRange && (asked.Gateway == "" || asked.Gateway == seen.Gateway) &&
				maps.Equal(asked.AuxAddresses, seen.AuxAddresses)
		})
	})
}

// translateNetwork makes the request of a create. It is pure.
func translateNetwork(spec NetworkSpec, operation string) network.CreateOptions {
	enableIPv4 := !spec.DisableIPv4
	request := network.CreateOptions{
		Driver: spec.Driver, Scope: spec.Scope, Options: spec.Options,
		Internal: spec.Internal, Attachable: spec.Attachable, Ingress: spec.Ingress, ConfigOnly: spec.ConfigOnly,
		EnableIPv4: &enableIPv4, EnableIPv6: &spec.EnableIPv6,
	}
	if spec.ConfigFrom != "" { // No engine takes a label beside it: not even the one that tells who made the network.
		request.ConfigFrom = &network.ConfigReference{Network: spec.ConfigFrom}
		return request
	}
	request.Labels = map[string]string{container.LabelOperation: operation}
	maps.Copy(request.Labels, spec.Labels)
	request.IPAM = &network.IPAM{Driver: spec.IPAM.Driver, Options: spec.IPAM.Options}
	for _, p := range spec.IPAM.Pools {
		request.IPAM.Config = append(request.IPAM.Config, network.IPAMConfig{
			Subnet: p.Subnet, Gateway: p.Gateway, IPRange: p.IPRange, AuxAddress: p.AuxAddresses,
		})
	}
	return request
}

// network reads a network by ID or name.
func (e *connection) network(ctx context.Context, ref string) (*Network, error) {
	r, err := engine.Looking(ctx, func() (network.Inspect, error) { return e.API.NetworkInspect(ctx, ref, network.InspectOptions{}) })
	if err != nil {
		return nil, err
	}
	n := observeNetwork(e.Name, r, e.API.ClientVersion())
	n.Predefined = predefinedNetwork(n.Name, e.Windows)
	return n, nil
}

// predefinedNetwork reports whether an engine has a network of this name by itself. It resolves no names there, and
// lets nobody make or remove one. The word "default" stands for one of the others.
func predefinedNetwork(name string, windows bool) bool {
	switch name {
	case "none", "default":
		return true
	case "bridge", "host":
		return !windows
	case "nat":
		return windows
	default:
		return false
	}
}

// observeNetwork returns in gantry's words what an engine that speaks this version of the API reports of a network. It
// is pure.
func observeNetwork(engine string, r network.Inspect, apiVersion string) *Network {
	n := &Network{Engine: engine, ID: r.ID, Created: r.Created, NetworkSpec: NetworkSpec{
		Name: r.Name, Driver: r.Driver, Scope: r.Scope, Options: r.Options, Internal: r.Internal, Attachable: r.Attachable, Ingress: r.Ingress,
		EnableIPv6: r.EnableIPv6, DisableIPv4: !r.EnableIPv4 && !versions.LessThan(apiVersion, apiDisableIPv4), ConfigOnly: r.ConfigOnly, ConfigFrom: r.ConfigFrom.Network, Labels: r.Labels,
		IPAM: IPAM{Driver: r.IPAM.Driver, Options: r.IPAM.Options},
	}}
	for _, p := range r.IPAM.Config {
		n.IPAM.Pools = append(n.IPAM.Pools, Pool{Subnet: p.Subnet, Gateway: p.Gateway, IPRange: p.IPRange, AuxAddresses: p.AuxAddress})
	}
	return n
}
