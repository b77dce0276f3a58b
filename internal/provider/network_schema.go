// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// networkSchema: an engine can't change a network, so all that is configured replaces it.
func networkSchema(ctx context.Context) schema.Schema {
	flag := func(description string) schema.Attribute {
		return schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(false), MarkdownDescription: description,
			PlanModifiers: []planmodifier.Bool{boolplanmodifier.RequiresReplace()},
		}
	}
	return schema.Schema{
		MarkdownDescription: "A network on a Docker engine. An engine can't change a network: what changes here replaces it. A replacement takes gantry's own containers along " +
			"(they are disconnected, and connected to the new network), and is refused as long as anybody else's container uses the network.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required: true, MarkdownDescription: "The network's name on its engine.",
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`),
					`must begin with a letter or a digit, and have only the characters a-z, A-Z, 0-9, "_", "." and "-"`)},
			},
			"driver": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString("bridge"),
				MarkdownDescription: "The driver: `bridge` (default), `macvlan`, `ipvlan`, `overlay`, or a plugin's name.",
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()}, Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"options": schema.MapAttribute{
				Optional: true, Computed: true, ElementType: types.StringType,
				MarkdownDescription: "Options of the driver, for example `com.docker.network.bridge.name`. Only the ones named here are compared.",
				PlanModifiers:       []planmodifier.Map{leftToEngine{}, replaceMap{}}, Validators: []validator.Map{mapvalidator.NoNullValues()},
			},
			"internal":    flag("Whether the network has no way outside. Default `false`."),
			"attachable":  flag("Whether containers can be connected to a network of a swarm by hand. Default `false`."),
			"ingress":     flag("Whether it is the routing mesh of a swarm. Default `false`."),
			"enable_ipv6": flag("Whether containers get IPv6 addresses. Older engines need an IPv6 subnet in `ipam` then. Default `false`."),
			"config_only": flag("Whether this is only a configuration that other networks use with `config_from`. Default `false`."),
			"config_from": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The name of the `config_only` network whose configuration to use.",
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}, Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"scope": schema.StringAttribute{
				Optional: true, Computed: true, MarkdownDescription: "Where the network exists: `local`, `swarm` or `global`. Left out, what the driver does.",
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplaceIfConfigured()},
				Validators:    []validator.String{stringvalidator.OneOf("local", "swarm", "global")},
			},
			"ipam": ipamAttribute(),
			"labels": schema.MapAttribute{
				Optional: true, Computed: true, ElementType: types.StringType, MarkdownDescription: "Labels. Only the ones named here are compared.",
				PlanModifiers: []planmodifier.Map{leftToEngine{}, replaceMap{}},
				Validators:    []validator.Map{mapvalidator.KeysAre(stringvalidator.LengthAtLeast(1), foreignLabel{}), mapvalidator.NoNullValues()},
			},
			"timeouts": limited(timeouts.Attributes(ctx, timeouts.Opts{
				Create: true, Read: true, Delete: true,
				CreateDescription: "How long creating may take (`\"2m\"` by default).",
				ReadDescription:   "How long a refresh may take (`\"1m\"` by default).",
				DeleteDescription: "How long removing may take, with the wait for containers that are being removed (`\"10m\"` by default).",
			})),
			"id":         stable("`engine/name`, where engine is the host name that the engine reports."),
			"network_id": stable("The network's ID: 64 hexadecimal digits."),
			"created":    stable("When it was created (RFC 3339)."),
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
}

func ipamAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, Computed: true, MarkdownDescription: "How addresses are managed. What is left out the engine chooses, and `subnets` shows it.",
		PlanModifiers: []planmodifier.Object{keepIPAM{}},
		Attributes: map[string]schema.Attribute{
			"driver": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The driver for addresses. Left out, `default`.", Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"options": schema.MapAttribute{
				Optional: true, ElementType: types.StringType, MarkdownDescription: "Options of that driver.", Validators: []validator.Map{mapvalidator.NoNullValues()},
			},
			"config": schema.ListNestedAttribute{
				Optional: true, MarkdownDescription: "The address ranges; usually one for IPv4, and one for IPv6.",
				Validators: []validator.List{listvalidator.SizeAtLeast(1), listvalidator.NoNullValues()},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"subnet":   schema.StringAttribute{Optional: true, MarkdownDescription: "The subnet, for example `10.20.0.0/16`.", Validators: []validator.String{subnet{}}},
					"gateway":  schema.StringAttribute{Optional: true, MarkdownDescription: "The gateway's address in the subnet.", Validators: []validator.String{ipAddress{}}},
					"ip_range": schema.StringAttribute{Optional: true, MarkdownDescription: "The part of the subnet that containers get addresses from.", Validators: []validator.String{subnet{}}},
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
