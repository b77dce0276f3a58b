// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
)

func TestSameAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"10.0.0.1", "10.0.0.1", true},
		{"10.0.0.1", "10.0.0.2", false},
		{"fd00:0:0::1", "fd00::1", true},
		{"fd00:0000::/64", "fd00::/64", true},
		{"fd00::/64", "fd00::/48", false},
		{"10.0.0.0/8", "10.0.0.0", false},
		{"", "", true},
		{"", "10.0.0.1", false},
	} {
		if got := sameAddress(tt.a, tt.b); got != tt.same {
			t.Errorf("%q and %q: %t", tt.a, tt.b, got)
		}
	}
}

// What an engine chose is nothing that was asked for; what it would not choose is.
func TestImportIPAM(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		reported conductor.IPAM
		config   []poolModel
	}{
		{"chosen", conductor.IPAM{Driver: "default", Pools: []conductor.Pool{{Subnet: "172.18.0.0/16", Gateway: "172.18.0.1"}}}, nil},
		{"chosen from the second range", conductor.IPAM{Driver: "default", Pools: []conductor.Pool{{Subnet: "192.168.16.0/20", Gateway: "192.168.16.1"}}}, nil},
		{"asked for", conductor.IPAM{Driver: "default", Pools: []conductor.Pool{{Subnet: "10.1.0.0/16", Gateway: "10.1.0.1"}}},
			[]poolModel{{Subnet: types.StringValue("10.1.0.0/16")}}},
		{"another gateway", conductor.IPAM{Driver: "default", Pools: []conductor.Pool{{Subnet: "fd00::/64", Gateway: "fd00::9/64"}}},
			[]poolModel{{Subnet: types.StringValue("fd00::/64"), Gateway: types.StringValue("fd00::9")}}},
		{"a part of it", conductor.IPAM{Driver: "default", Pools: []conductor.Pool{{Subnet: "172.18.0.0/16", Gateway: "172.18.0.1", IPRange: "172.18.5.0/24"}}},
			[]poolModel{{Subnet: types.StringValue("172.18.0.0/16"), IPRange: types.StringValue("172.18.5.0/24")}}},
	} {
		got := importIPAM(tt.reported)
		if got == nil {
			got = &ipamModel{}
		}
		if !sameIPAM(got.expand(), (&ipamModel{Config: tt.config}).expand()) {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

// After an import what is in effect decides whether the network has to be replaced.
func TestIPAMInEffect(t *testing.T) {
	t.Parallel()
	effective := []subnetModel{{Subnet: types.StringValue("172.18.0.0/16"), Gateway: types.StringValue("172.18.0.1")}}
	for _, tt := range []struct {
		name  string
		asked conductor.IPAM
		met   bool
	}{
		{"nothing", conductor.IPAM{Driver: "default"}, true},
		{"the same", conductor.IPAM{Pools: []conductor.Pool{{Subnet: "172.18.0.0/16", Gateway: "172.18.0.1"}}}, true},
		{"another subnet", conductor.IPAM{Pools: []conductor.Pool{{Subnet: "172.19.0.0/16"}}}, false},
		{"another gateway", conductor.IPAM{Pools: []conductor.Pool{{Gateway: "172.18.0.2"}}}, false},
		{"what can't be seen", conductor.IPAM{Pools: []conductor.Pool{{AuxAddresses: map[string]string{"a": "172.18.0.9"}}}}, false},
		{"another driver", conductor.IPAM{Driver: "own"}, false},
	} {
		if got := met(tt.asked, effective); got != tt.met {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
