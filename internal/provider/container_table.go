// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
)

// effect is what a change of an attribute does.
type effect int

const (
	// inPlace changes the container that is there.
	inPlace effect = iota + 1
	// inPlaceUnlessRemoved does so, too, but the engine can't take the setting away again: to its
	// update request nothing means "leave it".
	inPlaceUnlessRemoved
	// replaces makes a new container.
	replaces
	// providerOnly says how gantry works: the engine has nothing of it.
	providerOnly
	// places says where the container is: planPlacement decides whether that is another engine.
	places
	// computed is gantry's to say, and the configuration's never.
	computed
)

// sentence is what the documentation says of the effect.
func (e effect) sentence() string {
	switch e {
	case inPlace:
		return "Changes in place."
	case inPlaceUnlessRemoved:
		return "Changes in place; the engine can't take it away again, so removing it replaces the container."
	case replaces:
		return "A change replaces the container."
	case providerOnly:
		return "A change leaves the container as it is."
	case places:
		return "Another engine replaces the container; another key of the same engine changes nothing."
	default:
		return ""
	}
}

// completion completes attributes by the tables: with the plan modifier that replaces, after those
// that know other spellings, and with the sentence.
type completion struct{ tables }

func (c completion) all(attributes map[string]schema.Attribute) map[string]schema.Attribute {
	out := make(map[string]schema.Attribute, len(attributes))
	for name, a := range attributes {
		out[name] = c.complete(a, name, c.effects[name], true)
	}
	return out
}

func (c completion) complete(attribute schema.Attribute, at string, e effect, says bool) schema.Attribute {
	text := func(description string) string {
		if sentence := e.sentence(); says && description != "" && sentence != "" {
			return description + " " + sentence
		}
		return description
	}
	root, _, _ := strings.Cut(at, ".")
	m, zeroed := replaceIf{effect: e, at: at, setting: c.isSetting(root, e), left: c.defaults[at]}, c.hasZero(at, e, attribute)
	open := zeroed && !attribute.IsComputed()
	passes := zeroed || c.passes(at, attribute, e)
	switch a := attribute.(type) {
	case schema.StringAttribute:
		a.MarkdownDescription, a.Computed = text(a.MarkdownDescription), a.Computed || open
		a.PlanModifiers, a.Validators = with[planmodifier.String](a.PlanModifiers, m, open), passing[validator.String](a.Validators, passes)
		return a
	case schema.Int64Attribute:
		a.MarkdownDescription, a.Computed = text(a.MarkdownDescription), a.Computed || open
		a.PlanModifiers, a.Validators = with[planmodifier.Int64](a.PlanModifiers, m, open), passing[validator.Int64](a.Validators, passes)
		return a
	case schema.Float64Attribute:
		a.MarkdownDescription, a.Computed = text(a.MarkdownDescription), a.Computed || open
		a.PlanModifiers, a.Validators = with[planmodifier.Float64](a.PlanModifiers, m, open), passing[validator.Float64](a.Validators, passes)
		return a
	case schema.BoolAttribute:
		a.MarkdownDescription, a.Computed = text(a.MarkdownDescription), a.Computed || open
		a.PlanModifiers, a.Validators = with[planmodifier.Bool](a.PlanModifiers, m, open), passing[validator.Bool](a.Validators, passes)
		return a
	case schema.ListAttribute:
		a.MarkdownDescription, a.Computed = text(a.MarkdownDescription), a.Computed || open
		a.PlanModifiers, a.Validators = with[planmodifier.List](a.PlanModifiers, m, open), passing[validator.List](a.Validators, passes)
		return a
	case schema.SetAttribute:
		a.MarkdownDescription, a.Computed = text(a.MarkdownDescription), a.Computed || open
		a.PlanModifiers, a.Validators = with[planmodifier.Set](a.PlanModifiers, m, open), passing[validator.Set](a.Validators, passes)
		return a
	case schema.MapAttribute:
		a.MarkdownDescription, a.Computed = text(a.MarkdownDescription), a.Computed || open
		a.PlanModifiers, a.Validators = with[planmodifier.Map](a.PlanModifiers, m, open), passing[validator.Map](a.Validators, passes)
		return a
	case schema.ListNestedAttribute:
		a.MarkdownDescription, a.Computed = text(a.MarkdownDescription), a.Computed || open
		a.PlanModifiers, a.Validators = with[planmodifier.List](a.PlanModifiers, m, open), passing[validator.List](a.Validators, passes)
		a.NestedObject.Attributes = c.within(a.NestedObject.Attributes, at, 0)
		return a
	case schema.SetNestedAttribute:
		a.MarkdownDescription, a.Computed = text(a.MarkdownDescription), a.Computed || open
		a.PlanModifiers, a.Validators = with[planmodifier.Set](a.PlanModifiers, m, open), passing[validator.Set](a.Validators, passes)
		a.NestedObject.Attributes = c.within(a.NestedObject.Attributes, at, 0)
		return a
	case schema.MapNestedAttribute:
		a.MarkdownDescription, a.Computed = text(a.MarkdownDescription), a.Computed || open
		a.PlanModifiers, a.Validators = with[planmodifier.Map](a.PlanModifiers, m, open), passing[validator.Map](a.Validators, passes)
		a.NestedObject.Attributes = c.within(a.NestedObject.Attributes, at, 0)
		return a
	case schema.SingleNestedAttribute:
		a.MarkdownDescription, a.Computed = text(a.MarkdownDescription), a.Computed || open
		a.PlanModifiers = with[planmodifier.Object](a.PlanModifiers, m, open)
		a.Attributes = c.within(a.Attributes, at, e)
		return a
	default:
		return attribute
	}
}

// passes reports whether the zero of a nested attribute means to leave it out.
func (c completion) passes(at string, a schema.Attribute, e effect) bool {
	root, _, nested := strings.Cut(at, ".")
	return nested && a.IsOptional() && root != "files" && (e == 0 || c.isSetting(root, e))
}

// within completes what is nested. In an object each attribute replaces by itself: it knows its
// other spellings. A collection is compared as a whole, and only what is in the table itself has an
// effect of its own.
func (c completion) within(attributes map[string]schema.Attribute, at string, inherited effect) map[string]schema.Attribute {
	out := make(map[string]schema.Attribute, len(attributes))
	for name, a := range attributes {
		below := at + "." + name
		if own, ok := c.effects[below]; ok {
			out[name] = c.complete(a, below, own, true)
			continue
		}
		out[name] = c.complete(a, below, inherited, false)
	}
	return out
}

// with adds the modifiers where they do something: first the one that knows null, last the one that
// replaces.
func with[M any](modifiers []M, m replaceIf, open bool) []M {
	if open {
		modifiers = append([]M{any(leftToEngine{m.left}).(M)}, modifiers...) //nolint:forcetypeassert // It is a modifier of every type.
	}
	if m.effect != replaces && m.effect != inPlaceUnlessRemoved {
		return modifiers
	}
	return append(slices.Clip(modifiers), any(m).(M)) //nolint:forcetypeassert // replaceIf is a modifier of every type.
}

// replaceIf replaces the container if the table says so of a change.
type replaceIf struct {
	effect effect
	// at is the attribute's whole name.
	at string
	// setting reports whether it asks something of the engine.
	setting bool
	// left is what leaving it out means.
	left leftOut
}

func (m replaceIf) Description(context.Context) string             { return m.effect.sentence() }
func (m replaceIf) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

// replaces takes what is there and what is planned, where these are not known to mean the same.
func (e effect) replaces(ctx context.Context, prior, plan attr.Value, nested bool) bool {
	if e == inPlaceUnlessRemoved {
		return !isLeftOut(ctx, prior) && isLeftOut(ctx, plan)
	}
	return !plan.Equal(prior) && (!nested || !isLeftOut(ctx, prior) || !isLeftOut(ctx, plan))
}

// isLeftOut reports whether a value is null, or the zero of its type.
func isLeftOut(ctx context.Context, v attr.Value) bool {
	raw, err := v.ToTerraformValue(ctx)
	return err == nil && isZero(raw)
}

// decide looks at a container that is there and is to stay: Terraform ignores a replacement of what
// is made or removed altogether. An exchange is no replacement.
func (m replaceIf) decide(ctx context.Context, config tfsdk.Config, state tfsdk.State, plan tfsdk.Plan, private privateData, prior, planned attr.Value, diags *diag.Diagnostics) bool {
	if !exists(state, plan) || planned.Equal(prior) {
		return false
	}
	root, _, nested := strings.Cut(m.at, ".")
	if !m.effect.replaces(ctx, prior, planned, nested) {
		return false
	}
	value := planned
	if nested {
		value = nil // The plan has what it is in, with its other attributes.
	}
	same := m.setting && sameAsPrior(ctx, state, plan, private, root, value, diags)
	return !same && !exchangeInstead(ctx, config, private, diags)
}

// PlanModifyString decides.
func (m replaceIf) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	resp.RequiresReplace = m.decide(ctx, req.Config, req.State, req.Plan, resp.Private, req.StateValue, req.PlanValue, &resp.Diagnostics)
}

// PlanModifyInt64 decides.
func (m replaceIf) PlanModifyInt64(ctx context.Context, req planmodifier.Int64Request, resp *planmodifier.Int64Response) {
	resp.RequiresReplace = m.decide(ctx, req.Config, req.State, req.Plan, resp.Private, req.StateValue, req.PlanValue, &resp.Diagnostics)
}

// PlanModifyFloat64 decides.
func (m replaceIf) PlanModifyFloat64(ctx context.Context, req planmodifier.Float64Request, resp *planmodifier.Float64Response) {
	resp.RequiresReplace = m.decide(ctx, req.Config, req.State, req.Plan, resp.Private, req.StateValue, req.PlanValue, &resp.Diagnostics)
}

// PlanModifyBool decides.
func (m replaceIf) PlanModifyBool(ctx context.Context, req planmodifier.BoolRequest, resp *planmodifier.BoolResponse) {
	resp.RequiresReplace = m.decide(ctx, req.Config, req.State, req.Plan, resp.Private, req.StateValue, req.PlanValue, &resp.Diagnostics)
}

// PlanModifyList decides.
func (m replaceIf) PlanModifyList(ctx context.Context, req planmodifier.ListRequest, resp *planmodifier.ListResponse) {
	resp.RequiresReplace = m.decide(ctx, req.Config, req.State, req.Plan, resp.Private, req.StateValue, req.PlanValue, &resp.Diagnostics)
}

// PlanModifySet decides.
func (m replaceIf) PlanModifySet(ctx context.Context, req planmodifier.SetRequest, resp *planmodifier.SetResponse) {
	resp.RequiresReplace = m.decide(ctx, req.Config, req.State, req.Plan, resp.Private, req.StateValue, req.PlanValue, &resp.Diagnostics)
}

// PlanModifyMap decides.
func (m replaceIf) PlanModifyMap(ctx context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	resp.RequiresReplace = m.decide(ctx, req.Config, req.State, req.Plan, resp.Private, req.StateValue, req.PlanValue, &resp.Diagnostics)
}

// PlanModifyObject looks at whether the object is taken away: all else is its attributes' matter.
func (m replaceIf) PlanModifyObject(ctx context.Context, req planmodifier.ObjectRequest, resp *planmodifier.ObjectResponse) {
	if !exists(req.State, req.Plan) || !req.PlanValue.IsNull() || req.StateValue.IsNull() {
		return
	}
	resp.RequiresReplace = !isLeftOut(ctx, req.StateValue) &&
		!sameAsPrior(ctx, req.State, req.Plan, resp.Private, m.at, req.PlanValue, &resp.Diagnostics) && !exchangeInstead(ctx, req.Config, resp.Private, &resp.Diagnostics)
}

// exists reports whether a plan is about a container that is there and is to stay.
func exists(state tfsdk.State, plan tfsdk.Plan) bool {
	return !state.Raw.IsNull() && !plan.Raw.IsNull()
}
