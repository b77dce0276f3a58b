// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"errors"
	"testing"

	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// A network without IPv4 is sent, read and compared as such, where the engine knows that.
func TestNetworkWithoutIPv4(t *testing.T) {
	t.Parallel()
	without := NetworkSpec{Name: "front", EnableIPv6: true, DisableIPv4: true}
	if needs := without.needs(); len(needs) != 1 || needs[0].API != "1.48" || needs[0].Attribute[0] != "enable_ipv4" {
		t.Errorf("it needs %+v", needs)
	}
	if needs := (NetworkSpec{Name: "front"}).needs(); needs != nil {
		t.Errorf("a network as always needs %+v", needs)
	}
	for spec, want := range map[*NetworkSpec]bool{&without: false, {Name: "front"}: true} {
		if sent := translateNetwork(*spec, "edge1/network:front/1").EnableIPv4; sent == nil || *sent != want {
			t.Errorf("sent for %+v is %v", *spec, sent)
		}
	}
	for _, tt := range []struct {
		api            string
		seen, disabled bool
	}{{"1.47", false, false}, {"1.48", false, true}, {"1.48", true, false}} {
		n := observeNetwork("edge1", network.Inspect{Driver: "bridge", EnableIPv4: tt.seen, EnableIPv6: true, IPAM: network.IPAM{Driver: "default"}}, tt.api)
		if n.DisableIPv4 != tt.disabled || without.matches(n) != tt.disabled {
			t.Errorf("API %s, EnableIPv4 %t: read as disabled: %t, meets: %t", tt.api, tt.seen, n.DisableIPv4, without.matches(n))
		}
	}
}

// What is made from a template has nothing of its own that a template has: no engine takes it, not even a label.
func TestNetworkFromTemplateIsSentBare(t *testing.T) {
	t.Parallel()
	sent := translateNetwork(NetworkSpec{Name: "front", ConfigFrom: "template", Internal: true}, "edge1/network:front/1")
	if len(sent.Labels) != 0 || len(sent.Options) != 0 || sent.IPAM != nil || sent.ConfigFrom == nil || sent.ConfigFrom.Network != "template" || !sent.Internal {
		t.Errorf("sent is %+v", sent)
	}
}

// Addresses are compared range by range: an engine adds ranges, and has an order of its own.
func TestNetworkMeetsRangeByRange(t *testing.T) {
	t.Parallel()
	v4, v6 := Pool{Subnet: "10.0.0.0/24"}, Pool{Subnet: "fd00::/64", Gateway: "fd00::1"}
	seen := &Network{NetworkSpec: NetworkSpec{Driver: "bridge", IPAM: IPAM{Driver: "default", Pools: []Pool{{Subnet: "10.0.0.0/24", Gateway: "10.0.0.1"}, v6}}}}
	for _, tt := range []struct {
		asked []Pool
		meets bool
	}{
		{nil, true}, {[]Pool{v4}, true}, {[]Pool{v6, v4}, true}, {[]Pool{v6}, true},
		{[]Pool{{Subnet: "10.0.1.0/24"}}, false}, {[]Pool{v4, {Subnet: "fd00::/64", Gateway: "fd00::2"}}, false}, {[]Pool{{Subnet: "10.0.0.0/24", IPRange: "10.0.0.0/25"}}, false},
	} {
		if got := (NetworkSpec{IPAM: IPAM{Pools: tt.asked}}).matches(seen); got != tt.meets {
			t.Errorf("%+v meets: %t", tt.asked, got)
		}
	}
}

func TestPredefinedNetwork(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]bool{
		"bridge": {true, false}, "host": {true, false}, "none": {true, true}, "default": {true, true}, "nat": {false, true}, "front": {}, "docker_gwbridge": {}, "ingress": {},
	} {
		if got := [2]bool{predefinedNetwork(name, false), predefinedNetwork(name, true)}; got != want {
			t.Errorf("%s is an engine's own (Linux, Windows): %v, want %v", name, got, want)
		}
	}
}

// Nothing is disconnected from a network that an engine has by itself, and nobody tries to remove it.
func TestPredefinedNetworkIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := newFake()
	c := f.conductor(t, Options{})
	kept, err := c.RemoveNetwork(t.Context(), "0123456789abcdef", "bridge")
	if !kept || err != nil {
		t.Errorf("kept: %t, error %v", kept, err)
	}
	if calls := len(f.calls); calls > 1 { // One asks the engine who it is.
		t.Errorf("the engine was asked for %v", f.calls)
	}
	if f := (*fault.Fault)(nil); !errors.As(c.CheckNetwork(t.Context(), NetworkSpec{Name: "bridge"}, true), &f) || f.Field[0] != "name" {
		t.Errorf("a create of it is answered with %v", f)
	}
	if err := c.CheckNetwork(t.Context(), NetworkSpec{Name: "bridge"}, false); err != nil {
		t.Errorf("a refresh of it is answered with %v", err)
	}
}
