// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
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

// What an engine would do by itself is no difference, to what was asked for and to what was imported.
func TestIPAMByMeaning(t *testing.T) {
	t.Parallel()
	effective := []subnetModel{{Subnet: types.StringValue("172.18.0.0/16"), Gateway: types.StringValue("172.18.0.1")}}
	reported := conductor.IPAM{Driver: "default", Pools: []conductor.Pool{{Subnet: "172.18.0.0/16", Gateway: "172.18.0.1"}}}
	pool := func(subnet, gateway, ipRange string) poolModel {
		return poolModel{Subnet: stringOrNull(subnet), Gateway: stringOrNull(gateway), IPRange: stringOrNull(ipRange)}
	}
	aux := pool("172.18.0.0/16", "", "")
	aux.AuxAddresses = map[string]types.String{"a": types.StringValue("172.18.0.9")}
	for _, tt := range []struct {
		name string
		plan ipamModel
		same bool
	}{
		{"the driver", ipamModel{Driver: types.StringValue("default")}, true},
		{"no options", ipamModel{Options: map[string]types.String{}}, true},
		{"the subnet", ipamModel{Config: []poolModel{pool("172.18.0.0/16", "", "")}}, true},
		{"the gateway", ipamModel{Config: []poolModel{pool("", "172.18.0.1", "")}}, true},
		{"both", ipamModel{Driver: types.StringValue("default"), Config: []poolModel{pool("172.18.0.0/16", "172.18.0.1", "")}}, true},
		{"the whole range", ipamModel{Config: []poolModel{pool("172.18.0.0/16", "", "172.18.0.0/16")}}, true},
		{"another subnet", ipamModel{Config: []poolModel{pool("172.19.0.0/16", "", "")}}, false},
		{"another gateway", ipamModel{Config: []poolModel{pool("", "172.18.0.2", "")}}, false},
		{"a range", ipamModel{Config: []poolModel{pool("172.18.0.0/16", "", "172.18.5.0/24")}}, false},
		{"addresses to keep free", ipamModel{Config: []poolModel{aux}}, false},
		{"another driver", ipamModel{Driver: types.StringValue("own")}, false},
	} {
		for from, prior := range map[string]*ipamModel{"nothing": nil, "an import": importIPAM(reported)} {
			if got := sameIPAM(prior, tt.plan, effective); got != tt.same {
				t.Errorf("%s after %s: the same: %t", tt.name, from, got)
			}
		}
	}
	own := []subnetModel{{Subnet: types.StringValue("172.31.62.0/24"), Gateway: types.StringValue("172.31.62.1")}}
	imported := importIPAM(conductor.IPAM{Driver: "default", Pools: []conductor.Pool{{Subnet: "172.31.62.0/24", Gateway: "172.31.62.1"}}})
	for gateway, same := range map[string]bool{"": true, "172.31.62.1": true, "172.31.62.9": false} {
		if got := sameIPAM(imported, ipamModel{Config: []poolModel{pool("172.31.62.0/24", gateway, "")}}, own); got != same {
			t.Errorf("an imported subnet with the gateway %q: the same: %t", gateway, got)
		}
	}
}

// Addresses that no engine takes together are refused where they are written; those that it takes are not.
func TestValidatePools(t *testing.T) {
	t.Parallel()
	aux := func(address string) map[string]types.String {
		return map[string]types.String{"router": types.StringValue(address)}
	}
	for _, tt := range []struct {
		name, subnet, gateway, ipRange string
		aux                            map[string]types.String
		at                             string
	}{
		{"alone", "172.31.62.0/24", "", "", nil, ""},
		{"all of it", "172.31.62.0/24", "172.31.62.1", "172.31.62.0/25", aux("172.31.62.9"), ""},
		{"bits below the length", "172.31.62.7/24", "172.31.62.1", "172.31.62.43/31", nil, ""},
		{"the whole as a range", "172.31.62.0/24", "", "172.31.62.0/24", nil, ""},
		{"IPv6", "fd00:1::/64", "fd00:1::1", "fd00:1::ff00/120", aux("fd00:1::9"), ""},
		{"gateway elsewhere", "172.31.62.0/24", "172.31.63.1", "", nil, "ipam.config[0].gateway"},
		{"gateway of the other family", "172.31.62.0/24", "fd00:1::1", "", nil, "ipam.config[0].gateway"},
		{"range elsewhere", "172.31.62.0/24", "", "172.31.63.0/28", nil, "ipam.config[0].ip_range"},
		{"range larger", "172.31.62.0/24", "", "172.31.62.0/23", nil, "ipam.config[0].ip_range"},
		{"address elsewhere", "172.31.62.0/24", "", "", aux("172.31.63.9"), `ipam.config[0].aux_addresses["router"]`},
		{"no subnet", "", "172.31.62.1", "", nil, "ipam.config[0].subnet"},
		{"nothing at all", "", "", "", nil, "ipam.config[0].subnet"},
		{"the gateway, kept free", "172.31.62.0/24", "172.31.62.9", "", aux("172.31.62.9"), `ipam.config[0].aux_addresses["router"]`},
		{"the gateway in another spelling", "fd00:1::/64", "fd00:1:0::9", "", aux("fd00:1::9"), `ipam.config[0].aux_addresses["router"]`},
		{"kept free twice", "172.31.62.0/24", "", "", map[string]types.String{"a": types.StringValue("172.31.62.9"), "b": types.StringValue("172.31.62.9")}, `ipam.config[0].aux_addresses["b"]`},
	} {
		pool := poolModel{Subnet: stringOrNull(tt.subnet), Gateway: stringOrNull(tt.gateway), IPRange: stringOrNull(tt.ipRange), AuxAddresses: tt.aux}
		got := ""
		for _, d := range validatePools([]*poolModel{&pool, nil}) {
			if at, ok := d.(diag.DiagnosticWithPath); ok {
				got += at.Path().String()
			}
		}
		if got != tt.at {
			t.Errorf("%s: the error is at %q, want %q", tt.name, got, tt.at)
		}
	}
	one, two := poolModel{Subnet: types.StringValue("10.0.0.0/8")}, poolModel{Subnet: types.StringValue("10.9.0.0/16")}
	if diags := validatePools([]*poolModel{&one, &two}); len(diags) != 1 {
		t.Errorf("overlapping subnets are answered with %v", diags)
	}
}

// The driver "bridge" takes one subnet of each family, and IPv6 is not used unless it is asked for.
func TestValidateFamilies(t *testing.T) {
	t.Parallel()
	yes, bridge, other := types.BoolValue(true), types.StringNull(), types.StringValue("macvlan")
	for _, tt := range []struct {
		name     string
		subnets  []string
		driver   types.String
		ipv6     types.Bool
		at       string
		severity diag.Severity
	}{
		{"one of each", []string{"172.31.62.0/24", "fd00:62::/64"}, bridge, yes, "", 0},
		{"two for IPv4", []string{"172.31.62.0/24", "172.31.63.0/24"}, bridge, yes, "ipam.config[1].subnet", diag.SeverityError},
		{"two for IPv6", []string{"fd00:62::/64", "fd00:63::/64"}, types.StringValue("bridge"), yes, "ipam.config[1].subnet", diag.SeverityError},
		{"two of another driver", []string{"172.31.62.0/24", "172.31.63.0/24"}, other, yes, "", 0},
		{"two, the driver not known", []string{"172.31.62.0/24", "172.31.63.0/24"}, types.StringUnknown(), yes, "", 0},
		{"IPv6 without it", []string{"172.31.62.0/24", "fd00:62::/64"}, bridge, types.BoolNull(), "ipam.config[1].subnet", diag.SeverityWarning},
		{"IPv6, not known", []string{"fd00:62::/64"}, bridge, types.BoolUnknown(), "", 0},
	} {
		var pools []*poolModel
		for _, subnet := range tt.subnets {
			pools = append(pools, &poolModel{Subnet: types.StringValue(subnet)})
		}
		diags := validateFamilies(append(pools, nil), tt.driver, families{ipv6: tt.ipv6})
		switch {
		case tt.at == "" && len(diags) > 0, tt.at != "" && len(diags) != 1:
			t.Errorf("%s: %v", tt.name, diags)
		case tt.at != "" && (diags[0].(diag.DiagnosticWithPath).Path().String() != tt.at || diags[0].Severity() != tt.severity):
			t.Errorf("%s: %v, want it at %s", tt.name, diags, tt.at)
		}
	}
}
