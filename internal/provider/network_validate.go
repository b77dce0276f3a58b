// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
)

// ValidateConfig checks that the addresses of a network fit together. An engine says no more than that a subnet,
// gateway or range does not match.
func (r *networkResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config types.List
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("ipam").AtName("config"), &config)...)
	if resp.Diagnostics.HasError() || config.IsNull() || config.IsUnknown() {
		return
	}
	pools := make([]*poolModel, len(config.Elements())) // nil is not known.
	for i, element := range config.Elements() {
		object, ok := element.(types.Object)
		if !ok || object.IsNull() || object.IsUnknown() {
			continue
		}
		if aux, ok := object.Attributes()["aux_addresses"].(types.Map); ok && aux.IsUnknown() {
			continue
		}
		pools[i] = &poolModel{}
		resp.Diagnostics.Append(object.As(ctx, pools[i], basetypes.ObjectAsOptions{})...)
	}
	var driver types.String
	var ipv6 types.Bool
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("driver"), &driver)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("enable_ipv6"), &ipv6)...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(validatePools(pools)...)
		resp.Diagnostics.Append(validateFamilies(pools, driver, ipv6)...)
	}
}

// validatePools checks address ranges among each other, as far as they are known. What is no address has an error of
// its own.
func validatePools(pools []*poolModel) diag.Diagnostics {
	var diags diag.Diagnostics
	known := make(map[int]netip.Prefix)
	for i, p := range pools {
		if p == nil {
			continue
		}
		at := path.Root("ipam").AtName("config").AtListIndex(i)
		if p.Subnet.IsNull() {
			diags.AddAttributeError(at.AtName("subnet"), "An address range without a subnet",
				"An engine needs the subnet that the range is about. Set subnet; for a subnet of the engine's choice leave config out.")
		}
		subnet, err := netip.ParsePrefix(p.Subnet.ValueString())
		if err != nil {
			continue
		}
		outside := func(at path.Path, what, value string) {
			diags.AddAttributeError(at, fmt.Sprintf("The %s %s is not in the subnet %s", what, value, subnet.Masked()),
				fmt.Sprintf("Choose one within %s, or another subnet.", subnet.Masked()))
		}
		if a, err := netip.ParseAddr(p.Gateway.ValueString()); err == nil && !subnet.Contains(a) {
			outside(at.AtName("gateway"), "gateway", a.String())
		}
		if r, err := netip.ParsePrefix(p.IPRange.ValueString()); err == nil && (!subnet.Contains(r.Addr()) || r.Bits() < subnet.Bits()) {
			outside(at.AtName("ip_range"), "ip_range", r.String())
		}
		holders := map[string]string{plainAddress(p.Gateway.ValueString()): "the gateway"}
		for _, host := range slices.Sorted(maps.Keys(p.AuxAddresses)) {
			at := at.AtName("aux_addresses").AtMapKey(host)
			a, err := netip.ParseAddr(p.AuxAddresses[host].ValueString())
			if err != nil {
				continue
			}
			if !subnet.Contains(a) {
				outside(at, fmt.Sprintf("address of %q", host), a.String())
			}
			if holder, ok := holders[a.String()]; ok {
				diags.AddAttributeError(at, fmt.Sprintf("The address %s of %q is that of %s", a, host, holder), "An engine keeps an address free once. Remove one of them, or choose another address.")
			}
			holders[a.String()] = fmt.Sprintf("%q", host)
		}
		for _, j := range slices.Sorted(maps.Keys(known)) {
			if known[j].Overlaps(subnet) {
				diags.AddAttributeError(at.AtName("subnet"), fmt.Sprintf("The subnets %s and %s overlap", known[j].Masked(), subnet.Masked()),
					"No engine makes a network with two ranges that share addresses. Remove one of them, or choose others.")
				break
			}
		}
		known[i] = subnet
	}
	return diags
}

// validateFamilies checks what the driver "bridge" takes, one subnet for IPv4 and one for IPv6, and tells of IPv6 ranges
// that an engine accepts and never uses. What is not known yet is let go.
func validateFamilies(pools []*poolModel, driver types.String, ipv6 types.Bool) diag.Diagnostics {
	var diags diag.Diagnostics
	first := make(map[bool]netip.Prefix)
	for i, p := range pools {
		if p == nil {
			continue
		}
		subnet, err := netip.ParsePrefix(p.Subnet.ValueString())
		if err != nil {
			continue
		}
		at := path.Root("ipam").AtName("config").AtListIndex(i).AtName("subnet")
		is6 := subnet.Addr().Is6()
		other, second := first[is6]
		switch {
		case is6 && ipv6.IsUnknown():
		case is6 && !ipv6.ValueBool():
			diags.AddAttributeWarning(at, fmt.Sprintf("The subnet %s is not used", subnet.Masked()),
				"Containers get no IPv6 addresses in this network. Set enable_ipv6 = true, or remove the range.")
		case second && (driver.IsNull() || driver.ValueString() == "bridge") && !other.Overlaps(subnet):
			diags.AddAttributeError(at, fmt.Sprintf("The subnet %s is one too many for a bridge network", subnet.Masked()),
				fmt.Sprintf("The driver \"bridge\" takes one subnet for IPv4 and one for IPv6, and %s is there already. Remove one of them, or make a second network.", other.Masked()))
		default:
			first[is6] = subnet
		}
	}
	return diags
}

// plainAddress is an address in its usual spelling; what is none stays as it is.
func plainAddress(text string) string {
	if a, err := netip.ParseAddr(text); err == nil {
		return a.String()
	}
	return text
}
