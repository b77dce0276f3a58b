// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// secretsModel has what is write-only at the top: its values are null in every plan and state.
type secretsModel struct {
	EnvironmentWO        map[string]types.String `tfsdk:"environment_wo"`
	EnvironmentWOVersion types.Int64             `tfsdk:"environment_wo_version"`
}

// secretsBlock is what is write-only in the environment. No engine tells what of it is whose, and complete has what only the configuration does.
func secretsBlock() block {
	return block{
		schema:   secretsSchema,
		effects:  secretsEffects,
		defaults: secretsDefaults,
		validate: validateSecrets,
	}
}

func secretsSchema(context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"environment_wo": schema.MapAttribute{
			Optional: true, WriteOnly: true, ElementType: types.StringType,
			MarkdownDescription: "Environment variables that are in no state and no plan; they add to `environment`. They are not compared with the container's: " +
				"a change is not seen until `environment_wo_version` changes, too. Whoever can inspect the container on its engine can read them. Needs Terraform 1.11.",
			Validators: []validator.Map{mapvalidator.KeysAre(variableName()), mapvalidator.NoNullValues()},
		},
		"environment_wo_version": schema.Int64Attribute{
			Optional: true, MarkdownDescription: "Any number: change it to have new values of `environment_wo` applied.",
			Validators: []validator.Int64{int64validator.AlsoRequires(path.MatchRoot("environment_wo"))},
		},
	}
}

func secretsEffects() map[string]effect {
	return map[string]effect{"environment_wo": providerOnly, "environment_wo_version": replaces}
}

func secretsDefaults() map[string]leftOut {
	return map[string]leftOut{"environment_wo_version": {nullOnly: true, noSetting: true}}
}

// validateSecrets refuses a variable in both maps: the secret one would be read back into the
// state as the value of the other.
func validateSecrets(_ context.Context, config tfsdk.Config) diag.Diagnostics {
	var diags diag.Diagnostics
	environment := keysOf(config, "environment")
	for _, key := range keysOf(config, "environment_wo") {
		if slices.Contains(environment, key) {
			diags.AddAttributeError(path.Root("environment_wo"), fmt.Sprintf("Variable %q is in environment, too", key),
				"Its value there is compared with the container's, and so its secret value would get into the state. Remove it from one of the two.")
		}
	}
	return diags
}

// keysOf returns the keys of a map in the configuration, as far as they are known.
func keysOf(config tfsdk.Config, name string) []string {
	object, byKey := make(map[string]tftypes.Value), make(map[string]tftypes.Value)
	if config.Raw.As(&object) != nil || object[name].IsNull() || !object[name].IsKnown() || object[name].As(&byKey) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(byKey))
}

// complete adds to spec what only the configuration has: what is write-only, and the contents of
// files.
func (m *containerModel) complete(ctx context.Context, config tfsdk.Config, spec *container.Spec) diag.Diagnostics {
	var secrets secretsModel
	var configured files
	diags := config.GetAttribute(ctx, path.Root("environment_wo"), &secrets.EnvironmentWO)
	diags.Append(config.GetAttribute(ctx, path.Root("files"), &configured)...)
	// What was not known when the configuration was validated is known now.
	diags.Append(validateLinks(ctx, config)...)
	diags.Append(validateSecrets(ctx, config)...)
	if diags.HasError() {
		return diags
	}
	if len(secrets.EnvironmentWO) > 0 {
		if spec.Environment == nil {
			spec.Environment = make(map[string]string, len(secrets.EnvironmentWO))
		}
		maps.Copy(spec.Environment, expandMap(secrets.EnvironmentWO))
		spec.WriteOnly = slices.Sorted(maps.Keys(secrets.EnvironmentWO))
	}
	contents, found := expandFiles(m.Files, configured)
	spec.Files = contents
	diags.Append(found...)
	return diags
}
