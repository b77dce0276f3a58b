// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
)

// ValidateConfig checks that the settings of a network fit together. An engine says no more than that a subnet, gateway
// or range does not match, or that something is not supported.
func (r *networkResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	resp.Diagnostics.Append(validateTemplates(ctx, req.Config)...)
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
	var uses families
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("driver"), &driver)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("enable_ipv4"), &uses.ipv4)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("enable_ipv6"), &uses.ipv6)...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(validatePools(pools)...)
		resp.Diagnostics.Append(validateFamilies(pools, driver, uses)...)
	}
}

// validateTemplates checks what goes with config_only and with config_from: no engine takes anything else.
func validateTemplates(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	var only types.Bool
	var from types.String
	diags := config.GetAttribute(ctx, path.Root("config_only"), &only)
	diags.Append(config.GetAttribute(ctx, path.Root("config_from"), &from)...)
	refused, setting, why := []string(nil), "", ""
	switch {
	case only.ValueBool():
		refused, setting = []string{"internal", "attachable", "ingress", "scope", "config_from"}, "config_only"
		why = "A template has only options, labels, ipam, enable_ipv4 and enable_ipv6. Set %s where a network uses it with config_from."
	case from.ValueString() != "":
		refused, setting = []string{"options", "labels", "ipam", "enable_ipv4", "enable_ipv6"}, "config_from"
		why = "A network that is made from a template has nothing of its own of what a template has. Set %s in the template, or remove config_from."
	}
	for _, name := range refused {
		var value attr.Value
		diags.Append(config.GetAttribute(ctx, path.Root(name), &value)...)
		if diags.HasError() {
			return diags
		}
		asks := !value.IsUnknown() && !isLeftOut(ctx, value)
		if b, ok := value.(types.Bool); ok {
			asks = !b.IsNull() && !b.IsUnknown() && b.ValueBool() != (name == "enable_ipv4")
		}
		if asks {
			diags.AddAttributeError(path.Root(name), fmt.Sprintf("%s can't be set together with %s", name, setting), fmt.Sprintf(why, name))
		}
	}
	return diags
}

// ownOptions are options that engines make of enable_ipv4 and enable_ipv6, and that they drop where these are set.
func ownOptions() []string {
	return []string{"com.docker.network.enable_ipv4", "com.docker.network.enable_ipv6"}
}

// driverOption validates the name of an option of a network's driver.
type driverOption struct{}

func (driverOption) Description(context.Context) string {
	return "must be no option that has an argument of its own"
}
func (v driverOption) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (driverOption) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if option := req.ConfigValue.ValueString(); slices.Contains(ownOptions(), option) {
		name := strings.TrimPrefix(option, "com.docker.network.")
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("The option %q is not set with options", option), fmt.Sprintf("Set %s instead.", name))
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
		if !p.Subnet.IsUnknown() && p.Subnet.ValueString() == "" {
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

// families are the versions of the Internet Protocol that a network uses.
type families struct{ ipv4, ipv6 types.Bool }

// unused reports whether a version is not used, and whether that is not known yet.
func (f families) unused(is6 bool) (unused, unknown bool) {
	if is6 {
		return !f.ipv6.ValueBool(), f.ipv6.IsUnknown()
	}
	return f.ipv4.Equal(types.BoolValue(false)), f.ipv4.IsUnknown()
}

// validateFamilies checks what the driver "bridge" takes, one subnet for IPv4 and one for IPv6, and tells of ranges
// that an engine accepts and never uses. What is not known yet is let go.
func validateFamilies(pools []*poolModel, driver types.String, uses families) diag.Diagnostics {
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
		is6, version := subnet.Addr().Is6(), 4
		if is6 {
			version = 6
		}
		other, second := first[is6]
		unused, unknown := uses.unused(is6)
		switch {
		case unknown:
		case unused:
			diags.AddAttributeWarning(at, fmt.Sprintf("The subnet %s is not used", subnet.Masked()),
				fmt.Sprintf("Containers get no IPv%d addresses in this network. Set enable_ipv%d = true, or remove the range.", version, version))
		case second && !driver.IsUnknown() && plainNetworkDriver(driver.ValueString()) == "bridge" && !other.Overlaps(subnet):
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
