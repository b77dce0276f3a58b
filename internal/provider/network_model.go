// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
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
	EnableIPv4 types.Bool              `tfsdk:"enable_ipv4"`
	EnableIPv6 types.Bool              `tfsdk:"enable_ipv6"`
	ConfigOnly types.Bool              `tfsdk:"config_only"`
	ConfigFrom types.String            `tfsdk:"config_from"`
	Scope      types.String            `tfsdk:"scope"`
	IPAM       *ipamModel              `tfsdk:"ipam"`
	Labels     map[string]types.String `tfsdk:"labels"`
	Keep       types.Bool              `tfsdk:"keep_on_destroy"`
	Timeouts   timeouts.Value          `tfsdk:"timeouts"`
	placement
	ID        types.String `tfsdk:"id"`
	NetworkID types.String `tfsdk:"network_id"`
	Created   types.String `tfsdk:"created"`
	Subnets   types.List   `tfsdk:"subnets"`
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
		Internal: m.Internal.ValueBool(), Attachable: m.Attachable.ValueBool(), Ingress: m.Ingress.ValueBool(), EnableIPv6: m.EnableIPv6.ValueBool(), DisableIPv4: m.EnableIPv4.Equal(types.BoolValue(false)),
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
			Subnet: masked(p.Subnet.ValueString()), Gateway: plainAddress(p.Gateway.ValueString()), IPRange: masked(p.IPRange.ValueString()), AuxAddresses: expandMap(p.AuxAddresses),
		})
	}
	return out
}

// compute takes over what only the engine knows.
func (m *wholeNetworkModel) compute(n *conductor.Network) {
	m.ID = types.StringValue(n.Engine + "/" + n.Name)
	m.NetworkID = types.StringValue(n.ID)
	if !m.Scope.Equal(types.StringValue("")) { // That is the engine's choice, as it was written.
		m.Scope = stringOrNull(n.Scope)
	}
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

// refresh takes over what the engine reports, as far as the configuration could have asked for it. A template has no
// driver, and what is made from one has the template's settings.
func (m *wholeNetworkModel) refresh(n *conductor.Network) {
	m.compute(n)
	m.Name, m.ConfigOnly = types.StringValue(n.Name), types.BoolValue(n.ConfigOnly)
	m.Internal, m.Attachable, m.Ingress = types.BoolValue(n.Internal), types.BoolValue(n.Attachable), types.BoolValue(n.Ingress)
	if !n.ConfigOnly {
		m.Driver = sameOr(plainNetworkDriver, m.Driver, n.Driver)
	}
	m.ConfigFrom = sameOr(asWritten, m.ConfigFrom, n.ConfigFrom)
	if n.ConfigFrom == "" {
		m.EnableIPv4, m.EnableIPv6 = types.BoolValue(!n.DisableIPv4), types.BoolValue(n.EnableIPv6)
		m.Options, m.Labels = keptOptions(plainNetworkOptions, m.Options, n.Options), kept(m.Labels, n.Labels)
		if m.IPAM != nil {
			m.IPAM = flattenIPAM(*m.IPAM, n.IPAM)
		}
	}
	m.Keep = types.BoolValue(m.Keep.ValueBool()) // A state of an older release does not have it.
}

// importFrom takes over everything that an engine does not choose by itself.
func (m *wholeNetworkModel) importFrom(n *conductor.Network) {
	m.Driver, m.ConfigFrom, m.EnableIPv4, m.EnableIPv6 = types.StringValue("bridge"), types.StringValue(""), types.BoolValue(true), types.BoolValue(false)
	m.refresh(n)
	m.Labels, m.Options = takenAll(nil), takenAll(nil)
	if n.ConfigFrom != "" {
		return
	}
	m.Labels, m.Options = takenAll(n.Labels), takenAll(n.Options)
	for _, own := range ownOptions() {
		delete(m.Options, own)
	}
	m.IPAM = importIPAM(n.IPAM)
}

// importIPAM takes over all addresses: a plan keeps them, however much of them the configuration has.
func importIPAM(reported conductor.IPAM) *ipamModel {
	out := ipamModel{Driver: stringOrNull(reported.Driver), Options: taken(reported.Options)}
	for _, pool := range reported.Pools {
		out.Config = append(out.Config, poolModel{
			Subnet: stringOrNull(pool.Subnet), Gateway: stringOrNull(withoutLength(pool.Gateway)), IPRange: stringOrNull(pool.IPRange), AuxAddresses: taken(pool.AuxAddresses),
		})
	}
	return &out
}

// chosen reports whether a range is one of those that an engine picks if it isn't told otherwise.
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
	if prior.Driver.ValueString() != "" {
		out.Driver = sameOr(asWritten, prior.Driver, reported.Driver)
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

// keptAddress keeps what asks for nothing, and the spelling of an address or prefix that means what is reported.
func keptAddress(prior types.String, reported string) types.String {
	if prior.ValueString() == "" || sameAddress(prior.ValueString(), reported) {
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

// inForce is what an IPAM configuration comes to in a network with these addresses, without what an
// engine does by itself: the driver "default", a gateway that is the first address, a range that it
// chose.
func (m *ipamModel) inForce(effective []subnetModel) conductor.IPAM {
	out := m.expand()
	if out.Driver == "default" {
		out.Driver = ""
	}
	if len(out.Options) == 0 {
		out.Options = nil
	}
	asked := out.Pools
	out.Pools = nil
	for i, p := range asked {
		if p.Subnet == "" && i < len(effective) {
			p.Subnet = effective[i].Subnet.ValueString()
		}
		prefix, err := netip.ParsePrefix(p.Subnet)
		if err == nil {
			p.Subnet = prefix.Masked().String()
			if sameAddress(p.Gateway, prefix.Masked().Addr().Next().String()) {
				p.Gateway = ""
			}
		}
		if a, err := netip.ParseAddr(p.Gateway); err == nil {
			p.Gateway = a.String()
		}
		if r, err := netip.ParsePrefix(p.IPRange); err == nil {
			p.IPRange = r.Masked().String()
		}
		if p.IPRange == p.Subnet {
			p.IPRange = ""
		}
		if len(p.AuxAddresses) == 0 {
			p.AuxAddresses = nil
		}
		for host, address := range p.AuxAddresses {
			if a, err := netip.ParseAddr(address); err == nil {
				p.AuxAddresses[host] = a.String()
			}
		}
		has := func(e subnetModel) bool { return sameAddress(e.Subnet.ValueString(), p.Subnet) }
		if err == nil && chosen(prefix) && slices.ContainsFunc(effective, has) && p.Gateway == "" && p.IPRange == "" && p.AuxAddresses == nil {
			continue
		}
		out.Pools = append(out.Pools, p)
	}
	slices.SortFunc(out.Pools, func(a, b conductor.Pool) int { return strings.Compare(a.Subnet, b.Subnet) })
	return out
}

// keepIPAM keeps the addresses that a network has where the configuration asks for no others, and
// replaces it where it does. A configuration without addresses leaves them as they are.
type keepIPAM struct{}

func (keepIPAM) Description(context.Context) string               { return "other addresses replace the network" }
func (k keepIPAM) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (k keepIPAM) PlanModifyObject(ctx context.Context, req planmodifier.ObjectRequest, resp *planmodifier.ObjectResponse) {
	if req.ConfigValue.IsNull() {
		resp.PlanValue = req.ConfigValue
		if !req.State.Raw.IsNull() {
			resp.PlanValue = req.StateValue
		}
		return
	}
	switch {
	case !exists(req.State, req.Plan) || resp.PlanValue.Equal(req.StateValue):
	case k.differs(ctx, req, &resp.Diagnostics):
		resp.RequiresReplace = true
		resp.Diagnostics.Append(refuseKept(ctx, "network", req.Path, req.State, req.Plan)...)
	case !req.StateValue.IsNull():
		resp.PlanValue = req.StateValue
	}
}

// differs reports whether a plan asks for other addresses than the network has, or may do so: it is not known yet.
func (keepIPAM) differs(ctx context.Context, req planmodifier.ObjectRequest, diags *diag.Diagnostics) bool {
	raw, err := req.PlanValue.ToTerraformValue(ctx)
	if err != nil || !raw.IsFullyKnown() {
		return true
	}
	var plan ipamModel
	var prior *ipamModel
	var effective []subnetModel
	diags.Append(req.State.GetAttribute(ctx, path.Root("subnets"), &effective)...)
	diags.Append(req.PlanValue.As(ctx, &plan, basetypes.ObjectAsOptions{})...)
	diags.Append(req.StateValue.As(ctx, &prior, basetypes.ObjectAsOptions{UnhandledNullAsEmpty: true})...)
	return !diags.HasError() && !sameIPAM(prior, plan, effective)
}

// sameIPAM reports whether a configuration asks a network with these addresses for nothing else than the
// prior one does. Where nothing was asked for, that means what is in effect. Without address ranges it leaves those
// that there are.
func sameIPAM(prior *ipamModel, plan ipamModel, effective []subnetModel) bool {
	if prior == nil {
		asked := effectiveIPAM(effective, plan)
		prior = &asked
	}
	before, after := prior.inForce(effective), plan.inForce(effective)
	if len(plan.Config) == 0 {
		before.Pools = nil
	}
	return reflect.DeepEqual(before, after)
}

// effectiveIPAM is a configuration that asks for what is in effect, as far as another one asks for ranges.
func effectiveIPAM(effective []subnetModel, asked ipamModel) ipamModel {
	var out ipamModel
	for i, e := range effective {
		concerns := func(p poolModel) bool { return sameAddress(p.Subnet.ValueString(), e.Subnet.ValueString()) }
		if slices.ContainsFunc(asked.Config, concerns) || i < len(asked.Config) && asked.Config[i].Subnet.IsNull() {
			out.Config = append(out.Config, poolModel{Subnet: e.Subnet, Gateway: e.Gateway, IPRange: e.IPRange})
		}
	}
	return out
}

type subnetModel struct {
	Subnet  types.String `tfsdk:"subnet"`
	Gateway types.String `tfsdk:"gateway"`
	IPRange types.String `tfsdk:"ip_range"`
}

// subnet validates an address range. Bits below its length are let go, as the engine and the Docker CLI do.
type subnet struct{}

func (subnet) Description(context.Context) string {
	return `must be an address range, for example "10.20.0.0/16" or "fd00:20::/64"`
}
func (v subnet) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v subnet) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := netip.ParsePrefix(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid address range %q", req.ConfigValue.ValueString()), fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}

// masked is an address range without the bits below its length; what is none stays as it is.
func masked(text string) string {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked().String()
	}
	return text
}
