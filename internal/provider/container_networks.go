// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// networksModel is the networks that the container is connected to.
type networksModel struct {
	Networks map[string]networkModel `tfsdk:"networks"`
}

type networkModel struct {
	Network      types.String            `tfsdk:"network"`
	Aliases      []types.String          `tfsdk:"aliases"`
	IPv4Address  types.String            `tfsdk:"ipv4_address"`
	IPv6Address  types.String            `tfsdk:"ipv6_address"`
	LinkLocalIPs []types.String          `tfsdk:"link_local_ips"`
	MACAddress   types.String            `tfsdk:"mac_address"`
	Links        []types.String          `tfsdk:"links"`
	DriverOpts   map[string]types.String `tfsdk:"driver_opts"`
	Priority     types.Int64             `tfsdk:"priority"`
	GwPriority   types.Int64             `tfsdk:"gw_priority"`
}

// networksBlock is the networks that the container is connected to.
func networksBlock() block {
	return block{
		schema:   networksSchema,
		effects:  networksEffects,
		expand:   func(m *containerModel, s *container.Spec) { s.Networks = expandNetworks(m.Networks) },
		refresh:  func(m *containerModel, o observation) { m.Networks = flattenNetworks(m.Networks, o.Container) },
		imports:  func(m *containerModel, o observation) { m.Networks = importNetworks(o.Container) },
		validate: validateNetworks,
	}
}

func networksSchema(context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{"networks": networksAttribute()}
}

func networksAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: "Networks that the container is connected to, by keys of your choice that are known at plan time. `{}` is enough where the key is the network's name. " +
			"Left out, the engine's default network. A network that is added, removed or changed is connected or disconnected alone; the others stay as they are.",
		Validators:    []validator.Map{mapvalidator.SizeAtLeast(1), mapvalidator.NoNullValues()},
		PlanModifiers: []planmodifier.Map{keepNetworks{}},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"network": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The name or the ID of the network. Default: the key.",
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"aliases": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Further names of the container in this network. The engine's default network has none.",
				Validators:          []validator.Set{setvalidator.NoNullValues(), setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1))},
			},
			"ipv4_address": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The container's IPv4 address, from a subnet that the network was made with. Left out, the engine chooses.",
				Validators: []validator.String{ipAddress{family: ipv4}},
			},
			"ipv6_address": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The container's IPv6 address, from a subnet that the network was made with. Left out, the engine chooses.",
				Validators: []validator.String{ipAddress{family: ipv6}},
			},
			"link_local_ips": schema.SetAttribute{
				Optional: true, ElementType: types.StringType, MarkdownDescription: "Link-local addresses of the container in this network.",
				Validators: []validator.Set{setvalidator.NoNullValues(), setvalidator.ValueStringsAre(ipAddress{})},
			},
			"mac_address": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The MAC address, for example `02:42:ac:11:65:43`. Left out, the engine makes one up. A change of it, or of another option of this network beside it, replaces the container: " +
					"only a new one gets it. Before Docker 25.0 (API 1.44) only the first network (the highest `priority`, then by key) can have one.",
				Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^([0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}|[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4}){2})$`),
					`must be six pairs of hexadecimal digits, for example "02:42:ac:11:65:43"`),
					stringvalidator.RegexMatches(regexp.MustCompile(`^.[^13579bdfBDF]`), "must be the address of one interface: the first pair has to be even"),
					stringvalidator.NoneOf("00:00:00:00:00:00", "00-00-00-00-00-00", "0000.0000.0000")},
			},
			"links": networkLinksAttribute(),
			"driver_opts": schema.MapAttribute{
				Optional: true, ElementType: types.StringType, MarkdownDescription: "Options for the network's driver.",
				Validators: []validator.Map{mapvalidator.NoNullValues()},
			},
			"priority": schema.Int64Attribute{
				Optional: true, MarkdownDescription: "Decides the order in which a create connects the networks: the highest first, then by key. Default 0. A change leaves the container as it is.",
			},
			"gw_priority": schema.Int64Attribute{
				Optional: true, MarkdownDescription: "The network with the highest one has the container's default gateway. Default 0. Needs Docker 28.0 (API 1.48).",
			},
		}},
	}
}

func networksEffects() map[string]effect {
	return map[string]effect{
		"networks": inPlace,
	}
}

func expandNetworks(networks map[string]networkModel) map[string]container.NetworkAttachment {
	if len(networks) == 0 {
		return nil
	}
	out := make(map[string]container.NetworkAttachment, len(networks))
	for key, m := range networks {
		out[key] = container.NetworkAttachment{Network: networkOf(key, m), Priority: int(m.Priority.ValueInt64()), EndpointOptions: m.options()}
	}
	return out
}

func (m networkModel) options() container.EndpointOptions {
	return container.EndpointOptions{
		Aliases: expandList(m.Aliases), IPv4Address: m.IPv4Address.ValueString(), IPv6Address: m.IPv6Address.ValueString(),
		LinkLocalIPs: expandList(m.LinkLocalIPs), MACAddress: m.MACAddress.ValueString(), DriverOpts: expandMap(m.DriverOpts),
		GatewayPriority: int(m.GwPriority.ValueInt64()), Links: expandList(m.Links),
	}
}

// withOptions is m with those options that the engine reports otherwise.
func (m networkModel) withOptions(seen container.EndpointOptions) networkModel {
	for _, option := range m.options().Differences(seen) {
		switch option {
		case "aliases":
			m.Aliases = listOrNull(seen.Aliases)
		case "ipv4_address":
			m.IPv4Address = stringOrNull(seen.IPv4Address)
		case "ipv6_address":
			m.IPv6Address = stringOrNull(seen.IPv6Address)
		case "link_local_ips":
			m.LinkLocalIPs = listOrNull(seen.LinkLocalIPs)
		case "mac_address":
			m.MACAddress = stringOrNull(cmp.Or(seen.AskedMAC, seen.MACAddress))
		case "links":
			m.Links = listOrNull(seen.Links)
		case "driver_opts":
			m.DriverOpts = mapOrNull(seen.DriverOpts)
		case "gw_priority":
			m.GwPriority = types.Int64Value(int64(seen.GatewayPriority))
		}
	}
	return m
}

// flattenNetworks keeps the prior keys whose networks are connected, and shows others that are, or whose
// settings are left of a connect that failed.
// Without prior networks the engine's choice is no drift.
func flattenNetworks(prior map[string]networkModel, c *container.Container) map[string]networkModel {
	if len(prior) == 0 {
		return prior
	}
	out := make(map[string]networkModel, len(prior))
	known := make(map[string]bool)
	for key, m := range prior {
		if name, ok := c.AttachedAs(networkOf(key, m)); ok {
			out[key], known[name] = m.withOptions(c.Attached[name].EndpointOptions), true
		}
	}
	others := maps.Clone(c.Attached)
	for name, n := range c.Unconnected {
		// One that is asked for is missing. Any other is to go: a start would try it.
		if !slices.ContainsFunc(slices.Collect(maps.Keys(prior)), func(key string) bool { return c.UnconnectedAs(networkOf(key, prior[key])) == name }) {
			others[name] = n
		}
	}
	for name, n := range others {
		if known[name] {
			continue
		}
		// A key that another network has is not free for this one.
		if _, taken := prior[name]; taken {
			out[name+" (connected outside)"] = networkModel{Network: types.StringValue(name)}.withOptions(n.EndpointOptions)
			continue
		}
		out[name] = networkModel{}.withOptions(n.EndpointOptions)
	}
	return out
}

// importNetworks takes over the networks unless they are what the engine or network_mode chooses.
// MAC addresses are taken over where the engine tells that somebody asked for them.
func importNetworks(c *container.Container) map[string]networkModel {
	if n, ok := c.Attached[defaultNetwork]; ok && len(c.Attached) == 1 && (networkModel{}).options().Differences(n.EndpointOptions) == nil {
		return nil
	}
	if len(c.Attached) == 0 || !importNetworkMode(c).IsNull() {
		return nil
	}
	out := make(map[string]networkModel, len(c.Attached))
	for name, n := range c.Attached {
		out[name] = networkModel{}.withOptions(n.EndpointOptions)
	}
	return out
}

// validateNetworks refuses one network under two keys, and what is no network.
func validateNetworks(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	var diags diag.Diagnostics
	var networks map[string]networkModel
	if !known(ctx, config, "networks", &networks, &diags) {
		return diags
	}
	keys := make(map[string]string)
	for _, key := range slices.Sorted(maps.Keys(networks)) {
		if networks[key].Network.IsUnknown() {
			continue
		}
		name := networkOf(key, networks[key])
		if why := noNetwork(name, len(networks) == 1); why != "" {
			diags.AddAttributeError(path.Root("networks"), fmt.Sprintf("networks[%q] can't be connected to %q", key, name), why)
		}
		if first, ok := keys[name]; ok {
			diags.AddAttributeError(path.Root("networks"), fmt.Sprintf("Network %q is named twice", name),
				fmt.Sprintf("The keys %q and %q name the same network, and a container is connected to a network once. Remove one of them.", first, key))
		}
		keys[name] = key
	}
	return diags
}

// defaultNetwork is the network that an engine connects a container to if nobody names one.
const defaultNetwork = "bridge"

// noNetwork returns why a name is not that of a network that a container can be connected to; empty is that it may be.
// Alone says that the container is to be in no other.
func noNetwork(name string, alone bool) string {
	switch {
	case name == "":
		return "A network has a name. Name it in network, or by the key."
	case name == "default":
		return fmt.Sprintf("The engine means its default network by it, which is called %q. Name it so, or leave networks out.", defaultNetwork)
	case strings.Contains(name, ":"):
		return "It is no network. To share another container's network, set network_mode."
	case (name == "host" || name == "none") && !alone:
		return fmt.Sprintf("A container in the network %q can be in no other. Remove it, or the others.", name)
	default:
		return ""
	}
}

func networkOf(key string, m networkModel) string { return cmp.Or(m.Network.ValueString(), key) }

// addresses returns the address in each network by the network's key, where it has one.
func addresses(networks map[string]networkModel, c *container.Container) types.Map {
	return byNetwork(networks, c, func(n container.AttachedNetwork) string { return n.Address })
}

// addressesIPv6 is addresses for IPv6.
func addressesIPv6(networks map[string]networkModel, c *container.Container) types.Map {
	return byNetwork(networks, c, func(n container.AttachedNetwork) string { return n.AddressIPv6 })
}

func byNetwork(networks map[string]networkModel, c *container.Container, address func(container.AttachedNetwork) string) types.Map {
	keys := make(map[string]string)
	for key, m := range networks {
		if name, ok := c.AttachedAs(networkOf(key, m)); ok {
			keys[name] = key
		}
	}
	out := make(map[string]attr.Value)
	for name, n := range c.Attached {
		if a := address(n); a != "" {
			out[cmp.Or(keys[name], name)] = types.StringValue(a)
		}
	}
	return types.MapValueMust(types.StringType, out)
}

// keepNetworks plans the spelling that the state has where a new one means the same.
type keepNetworks struct{}

func (keepNetworks) Description(context.Context) string {
	return "another spelling of the same networks is no change"
}

func (k keepNetworks) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (keepNetworks) PlanModifyMap(ctx context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	var prior, plan map[string]networkModel
	if !bothKnown(ctx, req.StateValue, req.PlanValue) {
		return
	}
	resp.Diagnostics.Append(req.StateValue.ElementsAs(ctx, &prior, false)...)
	resp.Diagnostics.Append(req.PlanValue.ElementsAs(ctx, &plan, false)...)
	if !resp.Diagnostics.HasError() && maps.EqualFunc(expandNetworks(prior), expandNetworks(plan), sameAttachment) {
		resp.PlanValue = req.StateValue
	}
}

// planConnections plans the replacement that some networks take. An engine gives a MAC address to a new container
// only, and a connection that is made anew has none. It connects no container to the network of its host or to none,
// and disconnects none from them.
func planConnections(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !exists(req.State, resp.Plan) || resp.Diagnostics.HasError() {
		return
	}
	var prior, plan map[string]networkModel
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("networks"), &prior)...)
	if !known(ctx, tfsdk.Config(resp.Plan), "networks", &plan, &resp.Diagnostics) {
		return
	}
	if !connectable(expandNetworks(prior), expandNetworks(plan)) {
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("networks"))
	}
}

// connectable reports whether a container that has one set of networks can be given the other one in place.
func connectable(prior, plan map[string]container.NetworkAttachment) bool {
	before := make(map[string]container.NetworkAttachment)
	for _, n := range prior {
		before[n.Network] = n
	}
	after := make(map[string]bool)
	for _, n := range plan {
		had, connected := before[n.Network]
		after[n.Network] = true
		if n.MACAddress == "" && had.MACAddress == "" || connected && sameMAC(n, had) && n.Differences(had.EndpointOptions) == nil {
			continue
		}
		return false
	}
	return !slices.ContainsFunc([]string{"host", "none"}, func(fixed string) bool {
		_, had := before[fixed]
		return had != after[fixed]
	})
}

func sameMAC(a, b container.NetworkAttachment) bool {
	return (a.MACAddress == "") == (b.MACAddress == "") && container.SameMAC(a.MACAddress, b.MACAddress)
}

// sameAttachment compares what two configurations ask for.
func sameAttachment(a, b container.NetworkAttachment) bool {
	return a.Network == b.Network && a.Priority == b.Priority && sameMAC(a, b) && a.Differences(b.EndpointOptions) == nil
}
