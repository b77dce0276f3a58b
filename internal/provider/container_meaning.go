// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// An attribute that is left out has two forms in a state: null, after a create, and its zero, after an
// import: "", 0, false, or nothing in it. To an engine both are the same. The zero lets a plan keep the
// prior value where a configuration writes down what leaving out means anyway: Terraform allows that of
// a value, but not of null. The configuration's null keeps it as well, so these attributes are computed.

// leftOut is what leaving an attribute out means, where that is not what its zero means.
type leftOut struct {
	// nullOnly reports that the attribute's zero asks for something, has a default of its own, or is not complete: to
	// leave it out has no other form than null.
	nullOnly bool
	// zero stands for leaving the attribute out, where the zero of its type is a setting.
	zero any
	// noSetting reports that no engine has a word for the attribute: two values of it never mean the same.
	noSetting bool
	// or is another attribute that says the same: with the prior value of one alone both would say it.
	or string
}

// value returns the value that means to leave an attribute of this type out.
func (l leftOut) value(typ tftypes.Type) tftypes.Value {
	switch {
	case l.zero != nil:
		return tftypes.NewValue(typ, l.zero)
	case typ.Is(tftypes.String):
		return tftypes.NewValue(typ, "")
	case typ.Is(tftypes.Number):
		return tftypes.NewValue(typ, big.NewFloat(0))
	case typ.Is(tftypes.Bool):
		return tftypes.NewValue(typ, false)
	case typ.Is(tftypes.Map{}):
		return tftypes.NewValue(typ, map[string]tftypes.Value{})
	case typ.Is(tftypes.Object{}):
		members := make(map[string]tftypes.Value)
		for member, t := range typ.(tftypes.Object).AttributeTypes { //nolint:forcetypeassert // Is says so.
			members[member] = tftypes.NewValue(t, nil)
		}
		return tftypes.NewValue(typ, members)
	default:
		return tftypes.NewValue(typ, []tftypes.Value{})
	}
}

// isSetting reports whether an attribute asks something of the engine.
func (t tables) isSetting(name string, e effect) bool {
	return (e == replaces || e == inPlace || e == inPlaceUnlessRemoved) && !t.defaults[name].noSetting
}

// hasZero reports whether the zero of an attribute of the container means to leave it out.
func (t tables) hasZero(name string, e effect, a schema.Attribute) bool {
	return !strings.Contains(name, ".") && e != computed && a.IsOptional() && !a.IsWriteOnly() && !t.defaults[name].nullOnly
}

// together are attributes that say the same in two ways.
func (t tables) together(name string) []string {
	if or := t.defaults[name].or; or != "" {
		return []string{name, or}
	}
	return nil
}

// attributesWithZero are the attributes of a container whose zero means to leave them out.
func attributesWithZero(ctx context.Context) []string {
	var names []string
	t := containerTables()
	for name, a := range containerSchema(ctx).Attributes {
		if t.hasZero(name, t.effects[name], a) {
			names = append(names, name)
		}
	}
	return names
}

// isZero reports whether a value is null, or the zero of its type.
func isZero(v tftypes.Value) bool {
	if v.IsNull() || !v.IsKnown() {
		return v.IsNull()
	}
	var members map[string]tftypes.Value
	if v.Type().Is(tftypes.Object{}) && v.As(&members) == nil {
		for _, member := range members {
			if !isZero(member) {
				return false
			}
		}
		return true
	}
	return v.Equal(leftOut{}.value(v.Type()))
}

// writeZeros completes the state of an import: what is left out gets its zero.
func writeZeros(ctx context.Context, state *tfsdk.State) diag.Diagnostics {
	var diags diag.Diagnostics
	attributes, err := valuesOf(state.Raw)
	if err != nil {
		diags.AddError("Unable to complete the imported state", err.Error())
		return diags
	}
	t := containerTables()
	for name, a := range state.Schema.GetAttributes() {
		if own, ok := a.(schema.Attribute); ok && attributes[name].IsNull() && t.hasZero(name, t.effects[name], own) {
			attributes[name] = t.defaults[name].value(own.GetType().TerraformType(ctx))
		}
	}
	state.Raw = tftypes.NewValue(state.Raw.Type(), attributes)
	return diags
}

// keepMeaning has a plan keep the prior value of each setting whose new one means the same to the
// engine. Afterwards the plan asks for the same container as before.
func keepMeaning(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !exists(req.State, resp.Plan) {
		return
	}
	prior, err := valuesOf(req.State.Raw)
	planned, other := valuesOf(resp.Plan.Raw)
	if err != nil || other != nil {
		return
	}
	t := containerTables()
	var differ []string
	for _, name := range slices.Sorted(maps.Keys(planned)) {
		if t.isSetting(name, t.effects[name]) && !prior[name].IsNull() && !planned[name].Equal(prior[name]) {
			differ = append(differ, name)
		}
	}
	if differ == nil {
		return
	}
	c := comparison{ctx: ctx, schema: containerSchema(ctx), prior: prior, force: inForce(ctx, req.Private, prior, planned, &resp.Diagnostics)}
	for _, name := range differ {
		switch {
		case c.same(planned, name):
			planned[name] = prior[name]
		case c.same(planned, t.together(name)...) && !slices.ContainsFunc(t.together(name), func(one string) bool { return prior[one].IsNull() }):
			for _, one := range t.together(name) {
				planned[one] = prior[one]
			}
		}
	}
	resp.Plan.Raw = tftypes.NewValue(resp.Plan.Raw.Type(), planned)
}

// comparison compares settings with those of a state.
type comparison struct {
	ctx    context.Context //nolint:containedctx // It lives as long as one call.
	schema schema.Schema
	prior  map[string]tftypes.Value
	force  force
	// there leaves out what decides something only while a container is made.
	there bool
}

// same reports whether a plan asks for the same container with the prior values of these attributes.
func (c comparison) same(planned map[string]tftypes.Value, names ...string) bool {
	if len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return !planned[name].IsFullyKnown() }) {
		return false
	}
	with, ok := c.asked(planned)
	if !ok {
		return false
	}
	kept := maps.Clone(planned)
	for _, name := range names {
		if _, ok := planned[name]; ok { // The framework may know only what the request is about.
			kept[name] = c.prior[name]
		}
	}
	without, ok := c.asked(kept)
	if c.there {
		with.Settings, without.Settings = with.AsThere(), without.AsThere()
	}
	return ok && with.SameMeaning(without, c.force.Defaults, c.force.Inherited)
}

// asked is what a state or a plan asks for, without what is not known yet.
func (c comparison) asked(of map[string]tftypes.Value) (container.Spec, bool) {
	known := make(map[string]tftypes.Value, len(c.schema.Attributes))
	for name, a := range c.schema.Attributes {
		v, ok := of[name] // The framework may know only what the request is about.
		if !ok || !v.IsFullyKnown() || name == "effective_labels" {
			v = tftypes.NewValue(a.GetType().TerraformType(c.ctx), nil)
		}
		known[name] = v
	}
	state := tfsdk.State{Schema: c.schema, Raw: tftypes.NewValue(c.schema.Type().TerraformType(c.ctx), known)}
	var m containerModel
	if state.Get(c.ctx, &m).HasError() {
		return container.Spec{}, false
	}
	return m.expand(), true
}

// valuesOf returns the attributes of an object by name.
func valuesOf(object tftypes.Value) (map[string]tftypes.Value, error) {
	out := make(map[string]tftypes.Value)
	err := object.As(&out)
	return out, err
}

// sameAsPrior reports whether a planned value of an attribute, or of what it is in, means the same to the container
// that is there as the prior one.
func sameAsPrior(ctx context.Context, state tfsdk.State, plan tfsdk.Plan, private privateReader, name string, value attr.Value, diags *diag.Diagnostics) bool {
	prior, err := valuesOf(state.Raw)
	planned, other := valuesOf(plan.Raw)
	if err != nil || other != nil {
		return false
	}
	if value != nil {
		raw, err := value.ToTerraformValue(ctx)
		if err != nil {
			return false
		}
		planned[name] = raw
	}
	c := comparison{ctx: ctx, schema: containerSchema(ctx), prior: prior, force: inForce(ctx, private, prior, planned, diags), there: true}
	return c.same(planned, name) || c.same(planned, containerTables().together(name)...)
}
