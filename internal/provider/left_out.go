// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// leftToEngine plans null where the configuration has null, or the zero that is there already. For that
// alone the attribute is computed: nothing of it is known after the apply only.
type leftToEngine struct{ left leftOut }

func (leftToEngine) Description(context.Context) string               { return "left out, it is the engine's" }
func (m leftToEngine) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

func (m leftToEngine) keeps(ctx context.Context, prior attr.Value) bool {
	raw, err := prior.ToTerraformValue(ctx)
	return err == nil && !raw.IsNull() && raw.Equal(m.left.value(raw.Type()))
}

// PlanModifyString plans the configuration's null.
func (m leftToEngine) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if !req.ConfigValue.IsNull() {
		return
	}
	resp.PlanValue = req.ConfigValue
	if m.keeps(ctx, req.StateValue) {
		resp.PlanValue = req.StateValue
	}
}

// PlanModifyInt64 plans the configuration's null.
func (m leftToEngine) PlanModifyInt64(ctx context.Context, req planmodifier.Int64Request, resp *planmodifier.Int64Response) {
	if !req.ConfigValue.IsNull() {
		return
	}
	resp.PlanValue = req.ConfigValue
	if m.keeps(ctx, req.StateValue) {
		resp.PlanValue = req.StateValue
	}
}

// PlanModifyFloat64 plans the configuration's null.
func (m leftToEngine) PlanModifyFloat64(ctx context.Context, req planmodifier.Float64Request, resp *planmodifier.Float64Response) {
	if !req.ConfigValue.IsNull() {
		return
	}
	resp.PlanValue = req.ConfigValue
	if m.keeps(ctx, req.StateValue) {
		resp.PlanValue = req.StateValue
	}
}

// PlanModifyBool plans the configuration's null.
func (m leftToEngine) PlanModifyBool(ctx context.Context, req planmodifier.BoolRequest, resp *planmodifier.BoolResponse) {
	if !req.ConfigValue.IsNull() {
		return
	}
	resp.PlanValue = req.ConfigValue
	if m.keeps(ctx, req.StateValue) {
		resp.PlanValue = req.StateValue
	}
}

// PlanModifyList plans the configuration's null.
func (m leftToEngine) PlanModifyList(ctx context.Context, req planmodifier.ListRequest, resp *planmodifier.ListResponse) {
	if !req.ConfigValue.IsNull() {
		return
	}
	resp.PlanValue = req.ConfigValue
	if m.keeps(ctx, req.StateValue) {
		resp.PlanValue = req.StateValue
	}
}

// PlanModifySet plans the configuration's null.
func (m leftToEngine) PlanModifySet(ctx context.Context, req planmodifier.SetRequest, resp *planmodifier.SetResponse) {
	if !req.ConfigValue.IsNull() {
		return
	}
	resp.PlanValue = req.ConfigValue
	if m.keeps(ctx, req.StateValue) {
		resp.PlanValue = req.StateValue
	}
}

// PlanModifyMap plans the configuration's null.
func (m leftToEngine) PlanModifyMap(ctx context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	if !req.ConfigValue.IsNull() {
		return
	}
	resp.PlanValue = req.ConfigValue
	if m.keeps(ctx, req.StateValue) {
		resp.PlanValue = req.StateValue
	}
}

// PlanModifyObject plans the configuration's null.
func (m leftToEngine) PlanModifyObject(ctx context.Context, req planmodifier.ObjectRequest, resp *planmodifier.ObjectResponse) {
	if !req.ConfigValue.IsNull() {
		return
	}
	resp.PlanValue = req.ConfigValue
	if m.keeps(ctx, req.StateValue) {
		resp.PlanValue = req.StateValue
	}
}

// replaceUnlessSame replaces an object for a value that asks for something else. Where it means the same as
// the one of the state, as none and an empty one do, that one is planned. Plain has the one spelling of a string.
type replaceUnlessSame struct{ plain func(string) string }

func (replaceUnlessSame) Description(context.Context) string {
	return "another value replaces the object"
}
func (m replaceUnlessSame) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

// PlanModifyString decides.
func (m replaceUnlessSame) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if !exists(req.State, req.Plan) || resp.PlanValue.Equal(req.StateValue) {
		return
	}
	prior, planned := req.StateValue.ValueString(), resp.PlanValue.ValueString()
	if m.plain != nil {
		prior, planned = m.plain(prior), m.plain(planned)
	}
	if resp.RequiresReplace = resp.PlanValue.IsUnknown() || prior != planned; !resp.RequiresReplace && !req.StateValue.IsNull() {
		resp.PlanValue = req.StateValue
	}
}

// PlanModifyMap decides.
func (replaceUnlessSame) PlanModifyMap(ctx context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	if !exists(req.State, req.Plan) || resp.PlanValue.Equal(req.StateValue) {
		return
	}
	if resp.RequiresReplace = !isLeftOut(ctx, req.StateValue) || !isLeftOut(ctx, resp.PlanValue); !resp.RequiresReplace && !req.StateValue.IsNull() {
		resp.PlanValue = req.StateValue
	}
}

// orLeftOut are these validators for values other than the zero: that asks for nothing.
func orLeftOut[V any](validators ...V) []V { return passing(validators, true) }

// unlessLeftOut lets the zero of a value pass: it asks for nothing.
type unlessLeftOut struct{ valid any }

func passing[V any](validators []V, passes bool) []V {
	if !passes {
		return validators
	}
	out := make([]V, 0, len(validators))
	for _, v := range validators {
		out = append(out, any(unlessLeftOut{v}).(V)) //nolint:forcetypeassert // It is a validator of every type.
	}
	return out
}

func (u unlessLeftOut) Description(ctx context.Context) string {
	if d, ok := u.valid.(validator.Describer); ok {
		return d.Description(ctx)
	}
	return ""
}
func (u unlessLeftOut) MarkdownDescription(ctx context.Context) string { return u.Description(ctx) }

func asksForSomething(ctx context.Context, v attr.Value) bool {
	return !isLeftOut(ctx, v) || v.IsNull()
}

// ValidateString validates what asks for something.
func (u unlessLeftOut) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if valid, ok := u.valid.(validator.String); ok && asksForSomething(ctx, req.ConfigValue) {
		valid.ValidateString(ctx, req, resp)
	}
}

// ValidateInt64 validates what asks for something.
func (u unlessLeftOut) ValidateInt64(ctx context.Context, req validator.Int64Request, resp *validator.Int64Response) {
	if valid, ok := u.valid.(validator.Int64); ok && asksForSomething(ctx, req.ConfigValue) {
		valid.ValidateInt64(ctx, req, resp)
	}
}

// ValidateFloat64 validates what asks for something.
func (u unlessLeftOut) ValidateFloat64(ctx context.Context, req validator.Float64Request, resp *validator.Float64Response) {
	if valid, ok := u.valid.(validator.Float64); ok && asksForSomething(ctx, req.ConfigValue) {
		valid.ValidateFloat64(ctx, req, resp)
	}
}

// ValidateBool validates what asks for something.
func (u unlessLeftOut) ValidateBool(ctx context.Context, req validator.BoolRequest, resp *validator.BoolResponse) {
	if valid, ok := u.valid.(validator.Bool); ok && asksForSomething(ctx, req.ConfigValue) {
		valid.ValidateBool(ctx, req, resp)
	}
}

// ValidateList validates what asks for something.
func (u unlessLeftOut) ValidateList(ctx context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	if valid, ok := u.valid.(validator.List); ok && asksForSomething(ctx, req.ConfigValue) {
		valid.ValidateList(ctx, req, resp)
	}
}

// ValidateSet validates what asks for something.
func (u unlessLeftOut) ValidateSet(ctx context.Context, req validator.SetRequest, resp *validator.SetResponse) {
	if valid, ok := u.valid.(validator.Set); ok && asksForSomething(ctx, req.ConfigValue) {
		valid.ValidateSet(ctx, req, resp)
	}
}

// ValidateMap validates what asks for something.
func (u unlessLeftOut) ValidateMap(ctx context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	if valid, ok := u.valid.(validator.Map); ok && asksForSomething(ctx, req.ConfigValue) {
		valid.ValidateMap(ctx, req, resp)
	}
}
