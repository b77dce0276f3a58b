// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
)

// wholeNetworkModel is a network in Terraform; networkModel is a container's connection to one.
type wholeNetworkModel struct {
	Name       types.String            `tfsdk:"name"`
	Driver     types.String            `tfsdk:"driver"`
	Options    map[string]types.String `tfsdk:"options"`
	Internal   types.Bool              `tfsdk:"internal"`
	Attachable types.Bool              `tfsdk:"attachable"`
	Ingress    types.Bool              `tfsdk:"ingress"`
	EnableIPv6 types.Bool              `tfsdk:"enable_ipv6"`
	ConfigOnly types.Bool              `tfsdk:"config_only"`
	ConfigFrom types.String            `tfsdk:"config_from"`
	Scope      types.String            `tfsdk:"scope"`
	IPAM       *ipamModel              `tfsdk:"ipam"`
	Labels     map[string]types.String `tfsdk:"labels"`
	Timeouts   timeouts.Value          `tfsdk:"timeouts"`
	ID         types.String            `tfsdk:"id"`
	NetworkID  types.String            `tfsdk:"network_id"`
	Created    types.String            `tfsdk:"created"`
	Subnets    types.List              `tfsdk:"subnets"`
}

type ipamModel struct {
	Driver  types.String            `tfsdk:"driver"`
	Options map[string]types.String `tfsdk:"options"`
	Config  []poolModel             `tfsdk:"config"`
}

type poolModel struct {
	Subnet       types.String            `tfsdk:"subnet"`
	Gateway      types.String            `tfsdk:"gateway"`
	IPRange      types.String            `tfsdk:"ip_range"`
	AuxAddresses map[string]types.String `tfsdk:"aux_addresses"`
}

func (m *wholeNetworkModel) expand() conductor.NetworkSpec {
	spec := conductor.NetworkSpec{
		Name: m.Name.ValueString(), Driver: m.Driver.ValueString(), Scope: m.Scope.ValueString(), Options: expandMap(m.Options),
		Internal: m.Internal.ValueBool(), Attachable: m.Attachable.ValueBool(), Ingress: m.Ingress.ValueBool(), EnableIPv6: m.EnableIPv6.ValueBool(),
		ConfigOnly: m.ConfigOnly.ValueBool(), ConfigFrom: m.ConfigFrom.ValueString(), Labels: expandMap(m.Labels),
	}
	if m.IPAM != nil {
		spec.IPAM = m.IPAM.expand()
	}
	return spec
}

func (m *ipamModel) expand() conductor.IPAM {
	out := conductor.IPAM{Driver: m.Driver.ValueString(), Options: expandMap(m.Options)}
	for _, p := range m.Config {
		out.Pools = append(out.Pools, conductor.Pool{
			Subnet: p.Subnet.ValueString(), Gateway: p.Gateway.ValueString(), IPRange: p.IPRange.ValueString(), AuxAddresses: expandMap(p.AuxAddresses),
		})
	}
	return out
}

// compute takes over what only the engine knows.
func (m *wholeNetworkModel) compute(n *conductor.Network) {
	m.ID = types.StringValue(n.Engine + "/" + n.Name)
	m.NetworkID = types.StringValue(n.ID)
	m.Scope = stringOrNull(n.Scope)
	m.Created = types.StringNull()
	if !n.Created.IsZero() {
		m.Created = types.StringValue(n.Created.UTC().Format(time.RFC3339))
	}
	m.Subnets = flattenSubnets(n)
}

func flattenSubnets(n *conductor.Network) types.List {
	subnets := make([]attr.Value, 0, len(n.IPAM.Pools))
	for _, p := range n.IPAM.Pools {
		subnets = append(subnets, types.ObjectValueMust(subnetTypes(), map[string]attr.Value{
			"subnet": stringOrNull(p.Subnet), "gateway": stringOrNull(withoutLength(p.Gateway)), "ip_range": stringOrNull(p.IPRange),
		}))
	}
	return types.ListValueMust(types.ObjectType{AttrTypes: subnetTypes()}, subnets)
}

// refresh takes over what the engine reports, as far as the configuration could have asked for it.
func (m *wholeNetworkModel) refresh(n *conductor.Network) {
	m.compute(n)
	m.Name, m.Driver = types.StringValue(n.Name), types.StringValue(n.Driver)
	m.Internal, m.Attachable, m.Ingress = types.BoolValue(n.Internal), types.BoolValue(n.Attachable), types.BoolValue(n.Ingress)
	m.EnableIPv6, m.ConfigOnly = types.BoolValue(n.EnableIPv6), types.BoolValue(n.ConfigOnly)
	m.ConfigFrom = stringOrNull(n.ConfigFrom)
	m.Options, m.Labels = kept(m.Options, n.Options), kept(m.Labels, n.Labels)
	if m.IPAM != nil {
		m.IPAM = flattenIPAM(*m.IPAM, n.IPAM)
	}
}

// importFrom takes over everything that an engine does not choose by itself.
func (m *wholeNetworkModel) importFrom(n *conductor.Network) {
	m.refresh(n)
	m.Labels = taken(n.Labels)
	m.Options = taken(n.Options)
	for _, own := range []string{"com.docker.network.enable_ipv4", "com.docker.network.enable_ipv6"} {
		delete(m.Options, own) // Newer engines spell enable_ipv6 as an option, too.
	}
	if len(m.Options) == 0 {
		m.Options = nil
	}
	m.IPAM = importIPAM(n.IPAM)
}

// importIPAM guesses which addresses were asked for: those outside the ranges from which an engine
// chooses. A wrong guess replaces nothing (see replaceIPAM).
func importIPAM(reported conductor.IPAM) *ipamModel {
	out := ipamModel{Driver: types.StringNull(), Options: taken(reported.Options)}
	if reported.Driver != "default" {
		out.Driver = stringOrNull(reported.Driver)
	}
	for _, pool := range reported.Pools {
		prefix, err := netip.ParsePrefix(pool.Subnet)
		first := prefix.Masked().Addr().Next().String()
		usual := err != nil || chosen(prefix)
		if usual && pool.IPRange == "" && len(pool.AuxAddresses) == 0 {
			continue
		}
		p := poolModel{Subnet: stringOrNull(pool.Subnet), IPRange: stringOrNull(pool.IPRange), AuxAddresses: taken(pool.AuxAddresses)}
		if gateway := withoutLength(pool.Gateway); !sameAddress(gateway, first) {
			p.Gateway = stringOrNull(gateway)
		}
		out.Config = append(out.Config, p)
	}
	if out.Driver.IsNull() && out.Options == nil && out.Config == nil {
		return nil
	}
	return &out
}

// chosen says whether a range is one of those that an engine picks if it isn't told otherwise.
func chosen(p netip.Prefix) bool {
	for prefix, bits := range map[string]int{"172.16.0.0/12": 16, "192.168.0.0/16": 20} {
		if netip.MustParsePrefix(prefix).Contains(p.Addr()) && p.Bits() == bits {
			return true
		}
	}
	return false
}

// flattenIPAM keeps what the prior has where the engine has the same, in its spelling, and null
// where nothing was asked for.
func flattenIPAM(prior ipamModel, reported conductor.IPAM) *ipamModel {
	out := prior
	if !prior.Driver.IsNull() && prior.Driver.ValueString() != reported.Driver {
		out.Driver = types.StringValue(reported.Driver)
	}
	out.Options = kept(prior.Options, reported.Options)
	out.Config = nil
	for i, p := range prior.Config {
		pool, ok := matching(p, i, reported.Pools)
		if !ok {
			continue
		}
		p.Subnet, p.IPRange = keptAddress(p.Subnet, pool.Subnet), keptAddress(p.IPRange, pool.IPRange)
		p.Gateway = keptAddress(p.Gateway, withoutLength(pool.Gateway))
		if p.AuxAddresses != nil {
			aux := make(map[string]types.String)
			for host, address := range pool.AuxAddresses {
				aux[host] = keptAddress(p.AuxAddresses[host], address)
				if _, ok := p.AuxAddresses[host]; !ok {
					aux[host] = types.StringValue(address)
				}
			}
			p.AuxAddresses = aux
		}
		out.Config = append(out.Config, p)
	}
	return &out
}

// matching finds the pool that a configured range became: that of its subnet, else the one in its
// place.
func matching(p poolModel, i int, pools []conductor.Pool) (conductor.Pool, bool) {
	for _, pool := range pools {
		if !p.Subnet.IsNull() && sameAddress(p.Subnet.ValueString(), pool.Subnet) {
			return pool, true
		}
	}
	if i < len(pools) {
		return pools[i], true
	}
	return conductor.Pool{}, false
}

// keptAddress keeps a null, and the spelling of an address or prefix that means what is reported.
func keptAddress(prior types.String, reported string) types.String {
	if prior.IsNull() || sameAddress(prior.ValueString(), reported) {
		return prior
	}
	return stringOrNull(reported)
}

// sameAddress compares addresses and prefixes by meaning: IPv6 has many spellings.
func sameAddress(a, b string) bool {
	if x, err := netip.ParsePrefix(a); err == nil {
		y, err := netip.ParsePrefix(b)
		return err == nil && x.Masked() == y.Masked()
	}
	x, err := netip.ParseAddr(a)
	if err != nil {
		return a == b
	}
	y, err := netip.ParseAddr(b)
	return err == nil && x == y
}

// withoutLength drops the length that some engines add to an IPv6 gateway.
func withoutLength(address string) string {
	address, _, _ = strings.Cut(address, "/")
	return address
}

// sameIPAM says whether two configurations ask for the same.
func sameIPAM(a, b conductor.IPAM) bool {
	if a.Driver != b.Driver || !maps.Equal(a.Options, b.Options) || len(a.Pools) != len(b.Pools) {
		return false
	}
	for i, p := range a.Pools {
		q := b.Pools[i]
		if !sameAddress(p.Subnet, q.Subnet) || !sameAddress(p.Gateway, q.Gateway) || !sameAddress(p.IPRange, q.IPRange) ||
			!maps.EqualFunc(p.AuxAddresses, q.AuxAddresses, sameAddress) {
			return false
		}
	}
	return true
}

// sameNetwork says whether a network meets what another state of it says, but for what identifies it.
func sameNetwork(a, b *wholeNetworkModel) bool {
	return reflect.DeepEqual(a.expand(), b.expand())
}

// keepIPAM plans the spelling that the state has where a new one means the same.
type keepIPAM struct{}

func (keepIPAM) Description(context.Context) string {
	return "another spelling of the same addresses is no change"
}
func (k keepIPAM) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (keepIPAM) PlanModifyObject(ctx context.Context, req planmodifier.ObjectRequest, resp *planmodifier.ObjectResponse) {
	if !bothKnown(ctx, req.StateValue, req.PlanValue) {
		return
	}
	var prior, plan ipamModel
	resp.Diagnostics.Append(req.StateValue.As(ctx, &prior, basetypes.ObjectAsOptions{})...)
	resp.Diagnostics.Append(req.PlanValue.As(ctx, &plan, basetypes.ObjectAsOptions{})...)
	if !resp.Diagnostics.HasError() && sameIPAM(prior.expand(), plan.expand()) {
		resp.PlanValue = req.StateValue
	}
}

// replaceIPAM replaces a network whose addresses differ from what is asked for. Where the state does
// not say what was asked for (after an import), or nothing is asked for any more, what is in effect
// decides.
type replaceIPAM struct{}

func (replaceIPAM) Description(context.Context) string               { return "other addresses replace the network" }
func (r replaceIPAM) MarkdownDescription(ctx context.Context) string { return r.Description(ctx) }

func (replaceIPAM) PlanModifyObject(ctx context.Context, req planmodifier.ObjectRequest, resp *planmodifier.ObjectResponse) {
	if req.State.Raw.IsNull() || req.Plan.Raw.IsNull() || resp.PlanValue.Equal(req.StateValue) || resp.PlanValue.IsNull() {
		return
	}
	resp.RequiresReplace = true
	raw, err := resp.PlanValue.ToTerraformValue(ctx)
	if err != nil || !raw.IsFullyKnown() || !req.StateValue.IsNull() {
		return
	}
	var plan ipamModel
	var effective []subnetModel
	resp.Diagnostics.Append(resp.PlanValue.As(ctx, &plan, basetypes.ObjectAsOptions{})...)
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("subnets"), &effective)...)
	resp.RequiresReplace = !met(plan.expand(), effective)
}

// met says whether the addresses in effect are those asked for.
func met(asked conductor.IPAM, effective []subnetModel) bool {
	if asked.Driver != "" && asked.Driver != "default" || len(asked.Options) > 0 {
		return false
	}
	for _, p := range asked.Pools {
		same := func(e subnetModel) bool {
			return (p.Subnet == "" || sameAddress(p.Subnet, e.Subnet.ValueString())) && len(p.AuxAddresses) == 0 &&
				(p.Gateway == "" || sameAddress(p.Gateway, e.Gateway.ValueString())) && (p.IPRange == "" || sameAddress(p.IPRange, e.IPRange.ValueString()))
		}
		if !slices.ContainsFunc(effective, same) {
			return false
		}
	}
	return true
}

type subnetModel struct {
	Subnet  types.String `tfsdk:"subnet"`
	Gateway types.String `tfsdk:"gateway"`
	IPRange types.String `tfsdk:"ip_range"`
}

// subnet validates an address range.
type subnet struct{}

func (subnet) Description(context.Context) string {
	return `must be an address range with its first address, for example "10.20.0.0/16" or "fd00:20::/64"`
}
func (v subnet) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v subnet) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if p, err := netip.ParsePrefix(req.ConfigValue.ValueString()); err != nil || p.Masked() != p {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid subnet %q", req.ConfigValue.ValueString()), fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}
