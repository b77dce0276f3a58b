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
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(validatePools(pools)...)
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
		subnet, err := netip.ParsePrefix(p.Subnet.ValueString())
		if err != nil {
			continue
		}
		at := path.Root("ipam").AtName("config").AtListIndex(i)
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
		for _, host := range slices.Sorted(maps.Keys(p.AuxAddresses)) {
			if a, err := netip.ParseAddr(p.AuxAddresses[host].ValueString()); err == nil && !subnet.Contains(a) {
				outside(at.AtName("aux_addresses").AtMapKey(host), fmt.Sprintf("address of %q", host), a.String())
			}
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
