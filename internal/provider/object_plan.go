// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// replaceObject replaces a network or a volume for another value, unless that means the same: then the state's spelling
// is planned. Plain has the one spelling of a string, and options that of a driver's options; nil is the value as it is.
type replaceObject struct {
	kind    string
	plain   func(string) string
	options func(map[string]string) map[string]string
}

func (replaceObject) Description(context.Context) string               { return "another value replaces the object" }
func (r replaceObject) MarkdownDescription(ctx context.Context) string { return r.Description(ctx) }

// PlanModifyString decides.
func (r replaceObject) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if !exists(req.State, req.Plan) || req.PlanValue.Equal(req.StateValue) {
		return
	}
	plain := r.plain
	if plain == nil {
		plain = asWritten
	}
	if !req.PlanValue.IsUnknown() && plain(req.PlanValue.ValueString()) == plain(req.StateValue.ValueString()) {
		if !req.StateValue.IsNull() { // Terraform lets a plan keep no null.
			resp.PlanValue = req.StateValue
		}
		return
	}
	resp.RequiresReplace = true
	resp.Diagnostics.Append(refuseKept(ctx, r.kind, req.Path, req.State, req.Plan)...)
}

// PlanModifyBool decides. A state of an older release does not have the value: that is no other one.
func (r replaceObject) PlanModifyBool(ctx context.Context, req planmodifier.BoolRequest, resp *planmodifier.BoolResponse) {
	if !exists(req.State, req.Plan) || req.StateValue.IsNull() || req.PlanValue.Equal(req.StateValue) {
		return
	}
	resp.RequiresReplace = true
	resp.Diagnostics.Append(refuseKept(ctx, r.kind, req.Path, req.State, req.Plan)...)
}

// PlanModifyMap decides: none and an empty one are the same, and labels of other tools that the state does not have
// are not known to differ.
func (r replaceObject) PlanModifyMap(ctx context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	if !exists(req.State, req.Plan) || req.PlanValue.Equal(req.StateValue) {
		return
	}
	same, diags := r.sameOptions(ctx, req.StateValue, req.PlanValue)
	resp.Diagnostics.Append(diags...)
	if same || diags.HasError() {
		if !req.StateValue.IsNull() { // Terraform lets a plan keep no null.
			resp.PlanValue = req.StateValue
		}
		return
	}
	prior, planned := req.StateValue.Elements(), maps.Clone(req.PlanValue.Elements())
	maps.DeleteFunc(planned, func(key string, _ attr.Value) bool {
		_, had := prior[key]
		return !had && isToolLabel(key)
	})
	if !req.PlanValue.IsUnknown() && maps.EqualFunc(prior, planned, attr.Value.Equal) {
		return
	}
	resp.RequiresReplace = true
	resp.Diagnostics.Append(refuseKept(ctx, r.kind, req.Path, req.State, req.Plan)...)
}

// sameOptions reports whether two maps are options of a driver that mean the same. What is not known yet may differ.
func (r replaceObject) sameOptions(ctx context.Context, prior, planned types.Map) (same bool, diags diag.Diagnostics) {
	raw, err := planned.ToTerraformValue(ctx)
	if r.options == nil || err != nil || !raw.IsFullyKnown() {
		return false, nil
	}
	var before, after map[string]types.String
	diags.Append(prior.ElementsAs(ctx, &before, false)...)
	diags.Append(planned.ElementsAs(ctx, &after, false)...)
	return !diags.HasError() && sameOptions(r.options, before, after), diags
}

// refuseKept is an error where keep_on_destroy makes nothing of a replacement that an attribute needs. A removal goes
// by the state: one that has keep_on_destroy leaves the object, and the name with it, and one that does not have it
// yet would remove what the configuration wants to keep.
func refuseKept(ctx context.Context, kind string, at path.Path, state tfsdk.State, plan tfsdk.Plan) diag.Diagnostics {
	var keeps, shallKeep types.Bool
	var name, nextName, id types.String
	diags := state.GetAttribute(ctx, path.Root("keep_on_destroy"), &keeps)
	diags.Append(plan.GetAttribute(ctx, path.Root("keep_on_destroy"), &shallKeep)...)
	diags.Append(state.GetAttribute(ctx, path.Root("name"), &name)...)
	diags.Append(plan.GetAttribute(ctx, path.Root("name"), &nextName)...)
	diags.Append(state.GetAttribute(ctx, path.Root("id"), &id)...)
	if diags.HasError() {
		return diags
	}
	engine, _, _ := strings.Cut(id.ValueString(), "/")
	object := fmt.Sprintf("%s %q on engine %q", kind, name.ValueString(), engine)
	title := strings.ToUpper(object[:1]) + object[1:]
	switch {
	case keeps.ValueBool() && name.Equal(nextName):
		diags.AddAttributeError(at, title+" is kept, and can't be replaced under its name",
			fmt.Sprintf("An engine can't change a %s: this would need another one of the same name, and keep_on_destroy leaves the old one there. "+
				"Choose another name: then the old one is left on the engine. Or apply keep_on_destroy = false first, and this change after it: then the old one is removed.", kind))
	case !keeps.ValueBool() && shallKeep.ValueBool():
		diags.AddAttributeError(at, title+" would be removed, though keep_on_destroy is to be set",
			fmt.Sprintf("An engine can't change a %s: this replaces it, and a removal goes by the state, which does not have keep_on_destroy yet. Apply keep_on_destroy = true first, and this change after it.", kind))
	}
	return diags
}

// asWritten is a string as it is.
func asWritten(s string) string { return s }

// plainNetworkDriver has the one spelling of a network's driver: none is the engine's default.
func plainNetworkDriver(s string) string { return cmp.Or(s, "bridge") }

// plainVolumeDriver is plainNetworkDriver for volumes.
func plainVolumeDriver(s string) string { return cmp.Or(s, "local") }

// sameOr keeps what was said where the engine has the same, and takes over what it has otherwise.
func sameOr(plain func(string) string, prior types.String, reported string) types.String {
	if plain(prior.ValueString()) == plain(reported) {
		return prior
	}
	return stringOrNull(reported)
}

// replaceScope is replaceObject for the scope of a network: left out, it is the driver's.
type replaceScope struct{}

func (replaceScope) Description(context.Context) string               { return "another scope replaces the network" }
func (r replaceScope) MarkdownDescription(ctx context.Context) string { return r.Description(ctx) }

// PlanModifyString decides.
func (replaceScope) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if !exists(req.State, req.Plan) || req.ConfigValue.IsNull() {
		return
	}
	var driver types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("driver"), &driver)...)
	replaceObject{kind: "network", plain: func(s string) string {
		switch {
		case s != "":
			return s
		case driver.ValueString() == "overlay":
			return "swarm"
		default:
			return "local"
		}
	}}.PlanModifyString(ctx, req, resp)
}
