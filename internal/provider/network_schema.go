// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// networkSchema: an engine can't change a network, so all that is configured replaces it.
func networkSchema(ctx context.Context) schema.Schema {
	replaced := replaceObject{kind: "network"}
	flag := func(otherwise bool, description string) schema.Attribute {
		return schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(otherwise), MarkdownDescription: description,
			PlanModifiers: []planmodifier.Bool{replaced},
		}
	}
	s := schema.Schema{
		MarkdownDescription: "A network on a Docker engine. An engine can't change a network: what changes here replaces it. A replacement takes the containers of this workspace along " +
			"(they are disconnected, and connected to the new network), and is refused as long as any other container uses the network. A container is this workspace's if a " +
			"refresh found it in the state: plan and apply need the same `state_dir`, and `-refresh=false` on a new one is not enough.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "The network's name on its engine. A network that an engine has by itself (`bridge`, `host`, `none`) can't be managed: " +
					"see the data source `gantry_network`, and `networks` and `network_mode` of `gantry_container`.",
				PlanModifiers: []planmodifier.String{replaced},
				Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`),
					`must begin with a letter or a digit, and have only the characters a-z, A-Z, 0-9, "_", "." and "-"`)},
			},
			"driver": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString("bridge"),
				MarkdownDescription: "The driver: `bridge` (default), `macvlan`, `ipvlan`, `overlay`, or a plugin's name.",
				PlanModifiers:       []planmodifier.String{replaceObject{kind: "network", plain: plainNetworkDriver}},
			},
			"options": schema.MapAttribute{
				Optional: true, Computed: true, ElementType: types.StringType,
				MarkdownDescription: "Options of the driver, for example `com.docker.network.bridge.name`. Only the ones named here are compared.",
				PlanModifiers:       []planmodifier.Map{leftToEngine{}, replaceObject{kind: "network", options: plainNetworkOptions}}, Validators: []validator.Map{mapvalidator.NoNullValues(), mapvalidator.KeysAre(driverOption{})},
			},
			"internal":    flag(false, "Whether the network has no way outside. Default `false`."),
			"attachable":  flag(false, "Whether containers can be connected to a network of a swarm by hand. Default `false`."),
			"ingress":     flag(false, "Whether it is the routing mesh of a swarm. Default `false`."),
			"enable_ipv4": flag(true, "Whether containers get IPv4 addresses. To leave them out needs Docker 28.0 (API 1.48). Default `true`."),
			"enable_ipv6": flag(false, "Whether containers get IPv6 addresses. Older engines need an IPv6 subnet in `ipam` then. Default `false`."),
			"config_only": flag(false, "Whether this is only a configuration that other networks use with `config_from`. Default `false`."),
			"config_from": schema.StringAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "The name of the `config_only` network whose configuration to use: `options`, `labels`, `ipam`, `enable_ipv4` and `enable_ipv6` are set there, and not here. " +
					"An engine lets such a network have no label that tells who made it: if a create is cut off, the next apply reports a conflict, and an import resolves it.",
				PlanModifiers: []planmodifier.String{leftToEngine{}, replaced},
			},
			"scope": schema.StringAttribute{
				Optional: true, Computed: true, MarkdownDescription: "Where the network exists: `local`, `swarm` or `global`. Left out, what the driver does.",
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown(), replaceScope{}},
				Validators:    passing([]validator.String{stringvalidator.OneOf("local", "swarm", "global")}, true),
			},
			"ipam": ipamAttribute(),
			"labels": schema.MapAttribute{
				Optional: true, Computed: true, ElementType: types.StringType, MarkdownDescription: "Labels. Only the ones named here are compared.",
				PlanModifiers: []planmodifier.Map{leftToEngine{}, replaced},
				Validators:    []validator.Map{mapvalidator.KeysAre(foreignLabel{}), mapvalidator.NoNullValues()},
			},
			"keep_on_destroy": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Whether a destroy leaves the network on the engine. Default `false`. A destroy goes by the state: apply a change before the destroy that needs it. " +
					"What would replace a network that is kept is refused, unless the name changes, too. An import manages it again.",
			},
			"timeouts": limited(timeouts.Attributes(ctx, timeouts.Opts{
				Create: true, Read: true, Delete: true,
				CreateDescription: "How long creating may take (`\"2m\"` by default).",
				ReadDescription:   "How long a refresh may take (`\"1m\"` by default).",
				DeleteDescription: "How long removing may take, with the wait for containers that are being removed (`\"10m\"` by default).",
			})),
			"id":         computedStable("`engine/name`, where engine is the host name that the engine reports."),
			"network_id": computedStable("The network's ID: 64 hexadecimal digits."),
			"created":    computedStable("When it was created (RFC 3339)."),
			"subnets": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "The address ranges that are in effect, with what the engine chose.",
				PlanModifiers: []planmodifier.List{listplanmodifier.UseStateForUnknown()},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"subnet":   schema.StringAttribute{Computed: true, MarkdownDescription: "The subnet."},
					"gateway":  schema.StringAttribute{Computed: true, MarkdownDescription: "The gateway; null if the engine reports none."},
					"ip_range": schema.StringAttribute{Computed: true, MarkdownDescription: "The part of the subnet that containers get addresses from; null if it is all of it."},
				}},
			},
		},
	}
	maps.Copy(s.Attributes, placementAttributes("replaces the network"))
	return s
}

func ipamAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, Computed: true, MarkdownDescription: "How addresses are managed. What is left out the engine chooses, and `subnets` shows it. A network keeps the addresses and options that it has when `ipam` is taken out of the configuration.",
		PlanModifiers: []planmodifier.Object{keepIPAM{}},
		Attributes: map[string]schema.Attribute{
			"driver": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The driver for addresses. Left out, `default`.",
			},
			"options": schema.MapAttribute{
				Optional: true, ElementType: types.StringType, MarkdownDescription: "Options of that driver.", Validators: []validator.Map{mapvalidator.NoNullValues()},
			},
			"config": schema.ListNestedAttribute{
				Optional: true, MarkdownDescription: "The address ranges; usually one for IPv4, and one for IPv6.",
				Validators: []validator.List{listvalidator.NoNullValues()},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"subnet":   schema.StringAttribute{Optional: true, MarkdownDescription: "The subnet, for example `10.20.0.0/16`.", Validators: passing([]validator.String{subnet{}}, true)},
					"gateway":  schema.StringAttribute{Optional: true, MarkdownDescription: "The gateway's address in the subnet.", Validators: passing([]validator.String{ipAddress{}}, true)},
					"ip_range": schema.StringAttribute{Optional: true, MarkdownDescription: "The part of the subnet that containers get addresses from.", Validators: passing([]validator.String{subnet{}}, true)},
					"aux_addresses": schema.MapAttribute{
						Optional: true, ElementType: types.StringType, MarkdownDescription: "Addresses that containers must not get, by host name.",
						Validators: []validator.Map{mapvalidator.ValueStringsAre(ipAddress{}), mapvalidator.NoNullValues()},
					},
				}},
			},
		},
	}
}

func subnetTypes() map[string]attr.Type {
	return map[string]attr.Type{"subnet": types.StringType, "gateway": types.StringType, "ip_range": types.StringType}
}
