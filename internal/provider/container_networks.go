// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
)

// defaultNetwork is the network that an engine connects a container to if nobody names one.
const defaultNetwork = "bridge"

type networkModel struct {
	Network types.String `tfsdk:"network"`
}

func networksAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: "Networks that the container is connected to, by keys of your choice that are known at plan time. `{}` is enough where the key is the network's name. " +
			"Left out, the engine's default network.",
		Validators:    []validator.Map{mapvalidator.SizeAtLeast(1), mapvalidator.NoNullValues()},
		PlanModifiers: []planmodifier.Map{keepNetworks{}},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"network": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The name or the ID of the network. Default: the key.",
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
		}},
	}
}

// validateNetworks refuses one network under two keys.
func validateNetworks(networks map[string]networkModel) diag.Diagnostics {
	var diags diag.Diagnostics
	keys := make(map[string]string)
	for _, key := range slices.Sorted(maps.Keys(networks)) {
		if networks[key].Network.IsUnknown() {
			continue
		}
		name := networkOf(key, networks[key])
		if first, ok := keys[name]; ok {
			diags.AddAttributeError(path.Root("networks"), fmt.Sprintf("Network %q is named twice", name),
				fmt.Sprintf("The keys %q and %q name the same network, and a container is connected to a network once. Remove one of them.", first, key))
		}
		keys[name] = key
	}
	return diags
}

func networkOf(key string, m networkModel) string { return cmp.Or(m.Network.ValueString(), key) }

func expandNetworks(networks map[string]networkModel) map[string]conductor.NetworkAttachment {
	if networks == nil {
		return nil
	}
	out := make(map[string]conductor.NetworkAttachment, len(networks))
	for key, m := range networks {
		out[key] = conductor.NetworkAttachment{Network: networkOf(key, m)}
	}
	return out
}

// flattenNetworks keeps the prior keys whose networks are connected, and shows others that are.
// Without prior networks the engine's choice is no drift.
func flattenNetworks(prior map[string]networkModel, c *conductor.Container) map[string]networkModel {
	if prior == nil {
		return nil
	}
	out := make(map[string]networkModel, len(prior))
	known := make(map[string]bool)
	for key, m := range prior {
		if name, ok := c.AttachedAs(networkOf(key, m)); ok {
			out[key], known[name] = m, true
		}
	}
	for name := range c.Attached {
		if known[name] {
			continue
		}
		// A key that another network has is not free for this one.
		if _, taken := prior[name]; taken {
			out[name+" (connected outside)"] = networkModel{Network: types.StringValue(name)}
			continue
		}
		out[name] = networkModel{}
	}
	return out
}

// addresses gives the address in each network by the network's key, where it has one.
func addresses(networks map[string]networkModel, c *conductor.Container) types.Map {
	keys := make(map[string]string)
	for key, m := range networks {
		if name, ok := c.AttachedAs(networkOf(key, m)); ok {
			keys[name] = key
		}
	}
	out := make(map[string]attr.Value)
	for name, n := range c.Attached {
		if n.Address != "" {
			out[cmp.Or(keys[name], name)] = types.StringValue(n.Address)
		}
	}
	return types.MapValueMust(types.StringType, out)
}

// importNetworks takes over the networks unless they are what the engine chooses by itself.
func importNetworks(attached map[string]conductor.AttachedNetwork) map[string]networkModel {
	if _, only := attached[defaultNetwork]; len(attached) == 0 || only && len(attached) == 1 {
		return nil
	}
	out := make(map[string]networkModel, len(attached))
	for name := range attached {
		out[name] = networkModel{}
	}
	return out
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
	if !resp.Diagnostics.HasError() && maps.Equal(expandNetworks(prior), expandNetworks(plan)) {
		resp.PlanValue = req.StateValue
	}
}
