// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
)

// known reads an attribute of the configuration into target if all of it is known, and says
// whether it did. What is unknown now is validated when it is known. Null elements are refused by
// the attribute's own validators.
func known(ctx context.Context, config tfsdk.Config, name string, target any, diags *diag.Diagnostics) bool {
	object := make(map[string]tftypes.Value)
	if err := config.Raw.As(&object); err != nil || !object[name].IsFullyKnown() || hasNullElement(object[name]) {
		return false
	}
	found := config.GetAttribute(ctx, path.Root(name), target)
	diags.Append(found...)
	return !found.HasError()
}

// hasNullElement reports whether a map or a set has an element that is null.
func hasNullElement(v tftypes.Value) bool {
	isNull := func(e tftypes.Value) bool { return e.IsNull() }
	var byKey map[string]tftypes.Value
	var list []tftypes.Value
	switch {
	case v.Type().Is(tftypes.Map{}) && v.As(&byKey) == nil:
		return slices.ContainsFunc(slices.Collect(maps.Values(byKey)), isNull)
	case v.Type().Is(tftypes.Set{}) && v.As(&list) == nil:
		return slices.ContainsFunc(list, isNull)
	}
	return false
}

// planContainer completes the plan of an update: what follows from the changes, decided from the
// prior state alone.
func planContainer(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	planFiles(ctx, req, resp)
	if req.State.Raw.IsNull() || resp.Diagnostics.HasError() {
		return
	}
	req.Plan = resp.Plan
	failed := failedOperation(ctx, req, resp)
	if leavesNone(failed) {
		// What is there is not what was asked for: it is replaced. RequiresReplace needs a path that differs.
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("container_id"), types.StringUnknown())...)
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("container_id"))
		return
	}
	lost := planLost(ctx, req, resp)
	if failed == "" && !lost && !anyChanges(req) {
		// The framework made computed values unknown for a change that was one of spelling.
		resp.Plan.Raw = req.State.Raw
		return
	}
	planAgain(ctx, resp)
	var id, oldName, newName types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("id"), &id)...)
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("name"), &oldName)...)
	resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, path.Root("name"), &newName)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !id.IsNull() && !newName.IsUnknown() {
		engine, _, _ := strings.Cut(id.ValueString(), "/")
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("id"), engine+"/"+newName.ValueString())...)
	}
	restarts := planChangedFiles(ctx, req, resp)
	moving := func(name string) bool {
		return name == "networks" || name == "desired_state" || name == "restart_triggers" || name == "files" && restarts
	}
	if slices.ContainsFunc(changes(req), moving) {
		planMove(ctx, &resp.Plan, &resp.Diagnostics)
	}
	if failed != "" || lost || slices.ContainsFunc(changes(req), func(name string) bool { return name != "networks" && moving(name) }) {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("started_at"), types.StringUnknown())...)
	}
}

// planMove plans that the container may get other addresses and ports.
func planMove(ctx context.Context, plan *tfsdk.Plan, diags *diag.Diagnostics) {
	diags.Append(plan.SetAttribute(ctx, path.Root("addresses"), types.MapUnknown(types.StringType))...)
	diags.Append(plan.SetAttribute(ctx, path.Root("ipv6_addresses"), types.MapUnknown(types.StringType))...)
	diags.Append(plan.SetAttribute(ctx, path.Root("published_ports"), types.MapUnknown(types.Int64Type))...)
}

// planRestart plans that the container may be started anew.
func planRestart(ctx context.Context, plan *tfsdk.Plan, diags *diag.Diagnostics) {
	planMove(ctx, plan, diags)
	diags.Append(plan.SetAttribute(ctx, path.Root("started_at"), types.StringUnknown())...)
}

// failedOperation returns what the last operation was to do, if the state says that it failed.
func failedOperation(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) string {
	var fault types.Object
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("fault"), &fault)...)
	operation, ok := fault.Attributes()["operation"].(types.String)
	if fault.IsNull() || !ok {
		return ""
	}
	return operation.ValueString()
}

// leavesNone reports whether an operation that failed leaves no container, or none that can be kept.
func leavesNone(failed string) bool {
	return failed == string(conductor.KindCreate) || failed == operationDelete
}

// planAgain plans an update that failed once more, also where nothing that can be read back differs.
func planAgain(ctx context.Context, resp *resource.ModifyPlanResponse) {
	for _, name := range []string{"status", "health", "operation_id"} {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root(name), types.StringUnknown())...)
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("exit_code"), types.Int64Unknown())...)
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("fault"), types.ObjectUnknown(faultTypes()))...)
}

// anyChanges reports whether an attribute is planned to change that the configuration decides.
func anyChanges(req resource.ModifyPlanRequest) bool {
	effects := containerTables().effects
	return slices.ContainsFunc(changes(req), func(name string) bool { return effects[name] != computed })
}

// changes lists the attributes that are planned to change.
func changes(req resource.ModifyPlanRequest) []string {
	prior, plan := make(map[string]tftypes.Value), make(map[string]tftypes.Value)
	if req.State.Raw.As(&prior) != nil || req.Plan.Raw.As(&plan) != nil {
		return slices.Collect(maps.Keys(req.Plan.Schema.GetAttributes()))
	}
	var names []string
	for name, value := range plan {
		if !value.Equal(prior[name]) {
			names = append(names, name)
		}
	}
	return names
}

// sentence makes an error's text begin as a sentence does.
func sentence(err error) string {
	if f := faultOf(err); f != nil {
		err = f
	}
	return upper(err.Error())
}

func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
