// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	actionschema "github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// limited adds to a resource's timeouts the rule that each is above zero.
func limited(timeouts schema.Attribute) schema.Attribute {
	nested, ok := timeouts.(schema.SingleNestedAttribute)
	if !ok {
		return timeouts
	}
	nested.Validators = append(nested.Validators, aboveZero{})
	return nested
}

// limitedAction adds to an action's timeouts the rule that each is above zero.
func limitedAction(timeouts actionschema.Attribute) actionschema.Attribute {
	nested, ok := timeouts.(actionschema.SingleNestedAttribute)
	if !ok {
		return timeouts
	}
	nested.Validators = append(nested.Validators, aboveZero{})
	return nested
}

// aboveZero refuses timeouts in which nothing can be done: the engine would be blamed for them.
type aboveZero struct{}

func (aboveZero) Description(context.Context) string               { return "every timeout is above zero" }
func (v aboveZero) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateObject validates each timeout. What is no duration has an error of its own.
func (aboveZero) ValidateObject(_ context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	attributes := req.ConfigValue.Attributes()
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		text, ok := attributes[name].(types.String)
		if !ok || text.IsNull() || text.IsUnknown() {
			continue
		}
		if d, err := time.ParseDuration(text.ValueString()); err == nil && d <= 0 {
			resp.Diagnostics.AddAttributeError(req.Path.AtName(name), fmt.Sprintf("%s.%s is %q: nothing can be done in that time", req.Path, name, text.ValueString()),
				"It must be above zero, for example \"5m\". Leave it out for the default.")
		}
	}
}
