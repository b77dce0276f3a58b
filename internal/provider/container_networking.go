// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// networkingModel is how a container reaches others beyond its networks.
type networkingModel struct {
	NetworkMode     types.String              `tfsdk:"network_mode"`
	Domainname      types.String              `tfsdk:"domainname"`
	ExtraHosts      map[string][]types.String `tfsdk:"extra_hosts"`
	DNS             []types.String            `tfsdk:"dns"`
	DNSSearch       []types.String            `tfsdk:"dns_search"`
	DNSOpt          []types.String            `tfsdk:"dns_opt"`
	PublishAllPorts types.Bool                `tfsdk:"publish_all_ports"`
	Expose          []types.String            `tfsdk:"expose"`
	Links           []types.String            `tfsdk:"links"`
}

// networkingBlock is how the container reaches others, and they it, beyond its networks.
func networkingBlock() block {
	return block{
		schema:   networkingSchema,
		effects:  networkingEffects,
		expand:   func(m *containerModel, s *container.Spec) { s.Networking = m.networkingModel.expand() },
		refresh:  func(m *containerModel, o observation) { m.networkingModel.refresh(o.Container) },
		imports:  func(m *containerModel, o observation) { m.networkingModel = importNetworking(o) },
		validate: validateNetworking,
	}
}

func networkingSchema(context.Context) map[string]schema.Attribute {
	words := func(description string, each ...validator.String) schema.Attribute {
		return schema.ListAttribute{
			Optional: true, ElementType: types.StringType, MarkdownDescription: description,
			Validators: []validator.List{listvalidator.NoNullValues(), listvalidator.ValueStringsAre(each...)},
		}
	}
	return map[string]schema.Attribute{
		"network_mode": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "`host` (the network of the engine's host), `none`, `bridge` or `default` (the engine's default network), or `container:` with the name or the ID of a container whose network is shared. " +
				"Left out, what `networks` says. A container of the same configuration is best named by its `container_id`: when it is replaced, this container is replaced in the same apply. " +
				"Named by its name, that shows in the plan after. An operation on the other container that was accepted before is waited for.",
			Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^(host|none|bridge|default|container:[a-zA-Z0-9][a-zA-Z0-9_.-]+)$`),
				`must be "host", "none", "bridge", "default" (the same as "bridge") or "container:NAME"; for a network of its own use networks`)},
		},
		"domainname": schema.StringAttribute{
			Optional: true, MarkdownDescription: "The domain name in the container.",
			Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
		},
		"extra_hosts": schema.MapAttribute{
			Optional: true, ElementType: types.ListType{ElemType: types.StringType},
			MarkdownDescription: "Further entries of the container's `/etc/hosts`: addresses by host name. An IPv6 address may stand in brackets; `host-gateway` is the address of the engine's host. A host with an empty list has no entry.",
			PlanModifiers:       []planmodifier.Map{keepExtraHosts{}},
			Validators: []validator.Map{
				mapvalidator.NoNullValues(), mapvalidator.KeysAre(stringvalidator.RegexMatches(regexp.MustCompile(`^[^\s:=]+$`), `must be a host name`)),
				mapvalidator.ValueListsAre(listvalidator.NoNullValues(), listvalidator.ValueStringsAre(hostAddressOf{})),
			},
		},
		"dns":        words("The DNS servers that the container asks, by address. Left out, the engine's.", ipAddress{}),
		"dns_search": words("The domains in which the container looks up names without a dot. Left out, the engine's.", stringvalidator.LengthAtLeast(1)),
		"dns_opt":    words("Options of the container's resolver, for example `ndots:2`. Left out, the engine's.", stringvalidator.LengthAtLeast(1)),
		"publish_all_ports": schema.BoolAttribute{
			Optional: true, MarkdownDescription: "Whether all ports that the image or `expose` exposes are published, on ports that the engine chooses (`published_ports` has them). Default `false`.",
		},
		"expose": exposeAttribute(),
		"links":  linksAttribute(),
	}
}

func networkingEffects() map[string]effect {
	return map[string]effect{
		"network_mode": replaces, "domainname": replaces, "extra_hosts": replaces, "dns": replaces, "dns_search": replaces, "dns_opt": replaces,
		"publish_all_ports": replaces, "expose": replaces, "links": replaces,
	}
}

func (m *networkingModel) expand() container.Networking {
	n := container.Networking{
		NetworkMode: m.NetworkMode.ValueString(), Domainname: m.Domainname.ValueString(), DNS: expandList(m.DNS), DNSSearch: expandList(m.DNSSearch),
		DNSOptions: expandList(m.DNSOpt), PublishAllPorts: m.PublishAllPorts.ValueBool(), Expose: exposedPorts(m.Expose), Links: expandList(m.Links),
	}
	if m.ExtraHosts != nil {
		n.ExtraHosts = make(map[string][]string, len(m.ExtraHosts))
		for host, addresses := range m.ExtraHosts {
			if len(addresses) > 0 { // A host without addresses is no entry.
				n.ExtraHosts[host] = expandList(addresses)
			}
		}
	}
	return n
}

// refresh takes over what the engine reports of what was asked for.
func (m *networkingModel) refresh(c *container.Container) {
	if m.NetworkMode.ValueString() != "" && !c.SameNamespace(m.NetworkMode.ValueString(), c.NetworkMode) {
		m.NetworkMode = types.StringValue(c.NetworkMode)
	}
	m.Domainname = refreshString(m.Domainname, c.Domainname)
	if m.ExtraHosts != nil && !sameExtraHosts(m.expand().ExtraHosts, c.ExtraHosts) {
		m.ExtraHosts = flattenExtraHosts(c.ExtraHosts)
	}
	m.DNS = refreshAddresses(m.DNS, c.DNS)
	m.DNSSearch = refreshList(m.DNSSearch, c.DNSSearch)
	m.DNSOpt = refreshList(m.DNSOpt, c.DNSOptions)
	m.Expose, m.Links = refreshExpose(m.Expose, c.Expose), refreshLinks(m.Links, c)
	if !m.PublishAllPorts.IsNull() {
		m.PublishAllPorts = types.BoolValue(c.PublishAllPorts)
	}
}

// importNetworking takes over what is not the engine's default.
func importNetworking(o observation) networkingModel {
	c := o.Container
	m := networkingModel{
		NetworkMode: importNetworkMode(c), Domainname: stringOrNull(c.Domainname), ExtraHosts: flattenExtraHosts(c.ExtraHosts),
		DNS: listOrNull(c.DNS), DNSSearch: listOrNull(c.DNSSearch), DNSOpt: listOrNull(c.DNSOptions), Links: listOrNull(c.Links),
		Expose: importExpose(c.Expose, o.image.Expose, c.Ports),
	}
	if c.PublishAllPorts {
		m.PublishAllPorts = types.BoolValue(true)
	}
	if _, shares := container.SharedContainer(c.NetworkMode); shares {
		m.Domainname = types.StringNull() // The other container's.
	}
	return m
}

// importNetworkMode takes over a mode that networks can't say. A container is named as people do.
func importNetworkMode(c *container.Container) types.String {
	if _, shares := container.SharedContainer(c.NetworkMode); shares || c.NetworkMode == "host" || c.NetworkMode == "none" {
		return sharedByName(c.NetworkMode, c)
	}
	return types.StringNull()
}

// validateNetworking checks what the network mode decides, and links.
func validateNetworking(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	diags := validateNetworkMode(ctx, config)
	diags.Append(validateLinks(ctx, config)...)
	return diags
}

// validateNetworkMode refuses what a network mode leaves no room for.
func validateNetworkMode(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	var diags diag.Diagnostics
	var mode types.String
	if !known(ctx, config, "network_mode", &mode, &diags) || mode.ValueString() == "" {
		return diags
	}
	kind, _, shares := strings.Cut(mode.ValueString(), ":")
	refused := map[string]string{"networks": "With a network mode it is connected to no other network."}
	if kind != defaultNetwork && kind != "default" {
		without := "There is no network of its own whose ports could be published."
		refused["ports"], refused["publish_all_ports"] = without, without
	}
	if shares {
		for _, name := range []string{"hostname", "domainname", "dns", "dns_search", "dns_opt", "extra_hosts", "expose"} {
			refused[name] = "It is the other container's: set it there."
		}
	}
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		if isSet(config, name) {
			diags.AddAttributeError(path.Root(name), fmt.Sprintf("%s with network_mode = %q", name, mode.ValueString()),
				fmt.Sprintf("%s Leave %s out, or network_mode.", refused[name], name))
		}
	}
	return diags
}

// hostGateway stands for the address of the engine's host.
const hostGateway = "host-gateway"

// isSet reports whether an attribute is known to ask for something.
func isSet(config tfsdk.Config, name string) bool {
	object := make(map[string]tftypes.Value)
	if err := config.Raw.As(&object); err != nil || object[name].IsNull() || !object[name].IsKnown() {
		return false
	}
	v := object[name]
	var yes bool
	var list []tftypes.Value
	var byKey map[string]tftypes.Value
	switch {
	case v.Type().Is(tftypes.Bool):
		return v.As(&yes) == nil && yes
	case v.Type().Is(tftypes.Map{}):
		return v.As(&byKey) == nil && len(byKey) > 0
	case v.Type().Is(tftypes.String):
		return !isZero(v)
	default:
		return v.As(&list) == nil && len(list) > 0
	}
}

// refreshAddresses keeps the prior spelling of addresses.
func refreshAddresses(prior []types.String, observed []string) []types.String {
	same := func(a types.String, b string) bool {
		return container.PlainHostAddress(a.ValueString()) == container.PlainHostAddress(b)
	}
	if prior == nil || slices.EqualFunc(prior, observed, same) {
		return prior
	}
	return flattenList(observed)
}

func sameExtraHosts(a, b map[string][]string) bool {
	return maps.EqualFunc(a, b, func(a, b []string) bool {
		return slices.EqualFunc(a, b, func(a, b string) bool { return container.PlainHostAddress(a) == container.PlainHostAddress(b) })
	})
}

func flattenExtraHosts(hosts map[string][]string) map[string][]types.String {
	if len(hosts) == 0 {
		return nil
	}
	out := make(map[string][]types.String, len(hosts))
	for host, addresses := range hosts {
		out[host] = flattenList(addresses)
	}
	return out
}

// hostAddressOf validates an address of an extra host.
type hostAddressOf struct{}

func (hostAddressOf) Description(context.Context) string {
	return fmt.Sprintf("must be an IPv4 or IPv6 address, or %q", hostGateway)
}

func (v hostAddressOf) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v hostAddressOf) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	plain := req
	plain.ConfigValue = types.StringValue(container.PlainHostAddress(req.ConfigValue.ValueString()))
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || plain.ConfigValue.ValueString() == hostGateway {
		return
	}
	var own validator.StringResponse
	ipAddress{}.ValidateString(ctx, plain, &own)
	if own.Diagnostics.HasError() {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid address %q", req.ConfigValue.ValueString()), fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}

// keepExtraHosts plans the spelling that the state has where a new one means the same.
type keepExtraHosts struct{}

func (keepExtraHosts) Description(context.Context) string {
	return "another spelling of the same addresses is no change"
}

func (k keepExtraHosts) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (keepExtraHosts) PlanModifyMap(ctx context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	var prior, plan networkingModel
	if !bothKnown(ctx, req.StateValue, req.PlanValue) {
		return
	}
	resp.Diagnostics.Append(req.StateValue.ElementsAs(ctx, &prior.ExtraHosts, false)...)
	resp.Diagnostics.Append(req.PlanValue.ElementsAs(ctx, &plan.ExtraHosts, false)...)
	if !resp.Diagnostics.HasError() && sameExtraHosts(prior.expand().ExtraHosts, plan.expand().ExtraHosts) {
		resp.PlanValue = req.StateValue
	}
}
