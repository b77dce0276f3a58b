// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"testing"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

func TestUnusableAddress(t *testing.T) {
	n := network.Inspect{
		IPAM: network.IPAM{Config: []network.IPAMConfig{
			{Subnet: "10.0.0.0/24", Gateway: "10.0.0.1"}, {Subnet: "10.1.0.0/24"}, {Subnet: "fd00::/64", Gateway: "fd00::1/64"},
		}},
		Containers: map[string]network.EndpointResource{
			"own":   {Name: "web", IPv4Address: "10.0.0.9/24", IPv6Address: "fd00::9/64"},
			"other": {Name: "db", IPv4Address: "10.0.0.8/24", IPv6Address: "fd00::8/64"},
		},
	}
	for _, tt := range []struct{ name, ipv4, ipv6, address, why string }{
		{"none", "", "", "", ""},
		{"free", "10.0.0.7", "fd00::7", "", ""},
		{"free in the second subnet", "10.1.0.7", "", "", ""},
		{"its own", "10.0.0.9", "fd00::9", "", ""},
		{"taken", "10.0.0.8", "", "10.0.0.8", `container "db" has it`},
		{"taken, in another spelling", "", "fd00:0::8", "fd00:0::8", `container "db" has it`},
		{"outside", "10.2.0.7", "", "10.2.0.7", "it is outside what the network has: 10.0.0.0/24, 10.1.0.0/24"},
		{"outside, beside one that is not", "10.0.0.7", "fd01::7", "fd01::7", "it is outside what the network has: fd00::/64"},
		{"the gateway", "10.0.0.1", "", "10.0.0.1", "it is the network's gateway"},
		{"the gateway with a length", "", "fd00::1", "fd00::1", "it is the network's gateway"},
	} {
		address, why := unusableAddress(container.EndpointOptions{IPv4Address: tt.ipv4, IPv6Address: tt.ipv6}, n, "own")
		if address != tt.address || why != tt.why {
			t.Errorf("%s: %q, %q; want %q, %q", tt.name, address, why, tt.address, tt.why)
		}
	}
	// A network whose subnets nobody knows is for the engine to judge.
	if _, why := unusableAddress(container.EndpointOptions{IPv4Address: "10.2.0.7"}, network.Inspect{}, "own"); why != "" {
		t.Error(why)
	}
}

func TestEndpointBefore(t *testing.T) {
	r := containertypes.InspectResponse{
		ContainerJSONBase: &containertypes.ContainerJSONBase{ID: "0123456789abcdef"},
		Config:            &containertypes.Config{Hostname: "host"},
		NetworkSettings: &containertypes.NetworkSettings{Networks: map[string]*network.EndpointSettings{
			"other": {DriverOpts: map[string]string{"not": "this"}},
			"front": {
				NetworkID: "n", IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: "10.0.0.9"}, Links: []string{"db:db"}, GwPriority: 3,
				DriverOpts: map[string]string{"a": "1"}, Aliases: []string{"kept", "0123456789ab", "host"},
			},
		}},
	}
	for _, got := range []*network.EndpointSettings{endpointOf(r, "", "front"), endpointOf(r, "n", "another name")} {
		if got.IPAMConfig == nil || got.IPAMConfig.IPv4Address != "10.0.0.9" || len(got.Links) != 1 || got.GwPriority != 3 || got.DriverOpts["a"] != "1" ||
			len(got.Aliases) != 1 || got.Aliases[0] != "kept" {
			t.Errorf("got %+v", got)
		}
	}
}
