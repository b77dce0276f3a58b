// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

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
