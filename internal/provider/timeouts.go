// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	actionschema "github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// limited has each of a resource's timeouts be a duration above zero, with one error for what is none.
func limited(attribute schema.Attribute) schema.Attribute {
	nested, ok := attribute.(schema.SingleNestedAttribute)
	if !ok {
		return attribute
	}
	for name, a := range nested.Attributes {
		if one, ok := a.(schema.StringAttribute); ok {
			one.Validators = nil
			nested.Attributes[name] = one
		}
	}
	nested.Computed, nested.PlanModifiers = true, append(nested.PlanModifiers, leftToEngine{})
	nested.Validators = append(nested.Validators, aboveZero{})
	return nested
}

// unsetTimeouts are timeouts without any of these, which an import writes: a configuration that has none leaves them as
// they are, however that is written down.
func unsetTimeouts(ctx context.Context, of timeouts.Value) timeouts.Value {
	limits, unset := of.AttributeTypes(ctx), make(map[string]attr.Value)
	for name := range limits {
		unset[name] = types.StringNull()
	}
	return timeouts.Value{Object: types.ObjectValueMust(limits, unset)}
}

// limitedAction is limited for an action's timeouts.
func limitedAction(attribute actionschema.Attribute) actionschema.Attribute {
	nested, ok := attribute.(actionschema.SingleNestedAttribute)
	if !ok {
		return attribute
	}
	for name, a := range nested.Attributes {
		if one, ok := a.(actionschema.StringAttribute); ok {
			one.Validators = nil
			nested.Attributes[name] = one
		}
	}
	nested.Validators = append(nested.Validators, aboveZero{})
	return nested
}

// aboveZero refuses timeouts in which nothing can be done: the engine would be blamed for them.
type aboveZero struct{}

func (aboveZero) Description(context.Context) string               { return "every timeout is above zero" }
func (v aboveZero) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateObject validates each timeout.
func (aboveZero) ValidateObject(_ context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	attributes := req.ConfigValue.Attributes()
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		text, ok := attributes[name].(types.String)
		if !ok || text.IsNull() || text.IsUnknown() {
			continue
		}
		d, err := time.ParseDuration(text.ValueString())
		switch {
		case err != nil:
			resp.Diagnostics.AddAttributeError(req.Path.AtName(name), fmt.Sprintf("%s.%s is %q, which is no duration", req.Path, name, text.ValueString()),
				"It must be a number with a unit (s, m or h), or several, for example \"5m\" or \"1h30m\". Leave it out for the default.")
		case d <= 0:
			resp.Diagnostics.AddAttributeError(req.Path.AtName(name), fmt.Sprintf("%s.%s is %q: nothing can be done in that time", req.Path, name, text.ValueString()),
				"It must be above zero, for example \"5m\". Leave it out for the default.")
		}
	}
}
