// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"regexp"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// environmentModel is what is in the environment of the container's processes.
type environmentModel struct {
	Environment map[string]types.String `tfsdk:"environment"`
}

// environmentBlock is the environment, but for what is write-only.
func environmentBlock() block {
	return block{
		schema:  environmentSchema,
		effects: environmentEffects,
		expand:  (*containerModel).expandEnvironment,
		refresh: func(m *containerModel, o observation) {
			m.Environment = refreshEnvironment(m.Environment, o.Environment, o.Unset)
		},
		imports: func(m *containerModel, o observation) {
			m.Environment = importEnvironment(o.Environment, o.image.Environment, o.Unset)
		},
	}
}

func environmentSchema(context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"environment": schema.MapAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Environment variables. They add to the image's; only the ones named here are compared. A variable that is `null` is not set in the container, even if the image sets it (`docker run --env NAME`): where a value may be missing, as an optional variable of a module, " +
				"and the image's own is to stay, leave the key out: `{ for k, v in var.environment : k => v if v != null }`. Their values are in the state.",
			Validators: []validator.Map{mapvalidator.KeysAre(variableName())},
		},
	}
}

func environmentEffects() map[string]effect {
	return map[string]effect{
		"environment": replaces,
	}
}

func (m *containerModel) expandEnvironment(s *container.Spec) {
	s.Environment, s.Unset = expandEnvironment(m.Environment), unsetVariables(m.Environment)
}

// expandEnvironment returns the variables that have a value.
func expandEnvironment(environment map[string]types.String) map[string]string {
	if environment == nil {
		return nil
	}
	out := make(map[string]string, len(environment))
	for key, value := range environment {
		if !value.IsNull() {
			out[key] = value.ValueString()
		}
	}
	return out
}

// unsetVariables returns the variables that are null: the container is to be without them.
func unsetVariables(environment map[string]types.String) []string {
	var unset []string
	for key, value := range environment {
		if value.IsNull() {
			unset = append(unset, key)
		}
	}
	slices.Sort(unset)
	return unset
}

// refreshEnvironment looks at the variables that the prior state has. One that was to be unset is so
// wherever it has no value; what lost its value shows.
func refreshEnvironment(prior map[string]types.String, observed map[string]string, unset []string) map[string]types.String {
	out := refreshMap(prior, observed)
	for key, value := range prior {
		_, isSet := observed[key]
		if !isSet && (value.IsNull() || slices.Contains(unset, key)) {
			out[key] = types.StringNull()
		}
	}
	return out
}

// importEnvironment takes over what is not the image's.
func importEnvironment(observed, image map[string]string, unset []string) map[string]types.String {
	out := importMap(observed, image)
	for _, key := range unset {
		if out == nil {
			out = make(map[string]types.String)
		}
		out[key] = types.StringNull()
	}
	return out
}

func variableName() validator.String {
	return stringvalidator.RegexMatches(regexp.MustCompile(`^[^=\x00]+$`), `must not be empty and have no "="`)
}
