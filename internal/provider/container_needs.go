// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// checkEngine refuses a plan with a setting that the engine is too old for. It connects only where
// there is one that not every engine knows. What is not known yet is checked by the apply.
func (r *containerResource) checkEngine(ctx context.Context, one *member, resp *resource.ModifyPlanResponse) {
	if one == nil || one.unknown() || resp.Plan.Raw.IsNull() || resp.Diagnostics.HasError() {
		return
	}
	spec := plannedNeeds(ctx, resp.Plan, &resp.Diagnostics)
	if !resp.Diagnostics.HasError() {
		err := one.CheckEngine(ctx, spec)
		if !one.keepsWithout(err, &resp.Diagnostics) {
			addFault(&resp.Diagnostics, err)
		}
	}
}

// plannedNeeds reads those parts of a plan that have settings which not every engine knows.
func plannedNeeds(ctx context.Context, plan tfsdk.Plan, diags *diag.Diagnostics) container.Spec {
	planned := tfsdk.Config(plan)
	var m containerModel
	var name types.String
	diags.Append(plan.GetAttribute(ctx, path.Root("name"), &name)...)
	known(ctx, planned, "healthcheck", &m.Healthcheck, diags)
	known(ctx, planned, "mounts", &m.Mounts, diags)
	known(ctx, planned, "networks", &m.Networks, diags)
	known(ctx, planned, "annotations", &m.Annotations, diags)
	spec := container.Spec{Name: name.ValueString()}
	spec.Healthcheck, spec.Mounts, spec.Networks = expandHealthcheck(m.Healthcheck), expandMounts(m.Mounts), expandNetworks(m.Networks)
	spec.Annotations = expandMap(m.Annotations)
	return spec
}
