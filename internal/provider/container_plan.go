// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
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

// validateContainer checks what concerns more than one attribute, or more than a pattern says.
func validateContainer(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	var diags diag.Diagnostics
	var ports []portModel
	if known(ctx, config, "ports", &ports, &diags) {
		diags.Append(validatePorts(ports)...)
		diags.Append(validateHostPorts(ports)...)
	}
	var mounts map[string]mountModel
	if known(ctx, config, "mounts", &mounts, &diags) {
		diags.Append(validateMounts(mounts)...)
	}
	var networks map[string]networkModel
	if known(ctx, config, "networks", &networks, &diags) {
		diags.Append(validateNetworks(networks)...)
	}
	diags.Append(validateNetworking(ctx, config)...)
	diags.Append(validateNamespaces(ctx, config)...)
	diags.Append(validateLinks(ctx, config, networks)...)
	diags.Append(validateSecrets(keysOf(config, "environment"), keysOf(config, "environment_wo"))...)
	validateFiles(ctx, config, &diags)
	var healthcheck *healthcheckModel
	if known(ctx, config, "healthcheck", &healthcheck, &diags) {
		diags.Append(validateHealthcheck(healthcheck)...)
	}
	diags.Append(validateLimits(ctx, config)...)
	diags.Append(validateDevices(ctx, config)...)
	var desired, wait types.String
	if known(ctx, config, "desired_state", &desired, &diags) {
		state := container.DesiredState(cmp.Or(desired.ValueString(), string(container.DesiredRunning)))
		if known(ctx, config, "wait_for", &wait, &diags) && wait.ValueString() != "" {
			diags.Append(validateWait(state, container.Wait(wait.ValueString()))...)
			if container.Wait(wait.ValueString()) == container.WaitHealthy && healthcheck != nil && healthcheck.Disable.ValueBool() {
				diags.AddAttributeError(path.Root("wait_for"), "wait_for = \"healthy\" without a health check",
					"healthcheck.disable takes the image's check away, and nothing would ever say that the container is healthy. Remove one of the two.")
			}
		}
		diags.Append(validateJob(ctx, config, state)...)
	}
	return diags
}

func validateWait(state container.DesiredState, wait container.Wait) diag.Diagnostics {
	var diags diag.Diagnostics
	if err := container.CheckWait(state, wait); err != nil {
		diags.AddAttributeError(path.Root("wait_for"), fmt.Sprintf("Impossible wait_for %q", wait),
			fmt.Sprintf("%s. Leave wait_for out, or set it to %q: it waits for what desired_state implies.", sentence(err), container.WaitReady))
	}
	return diags
}

// validateJob checks what only makes sense for a job, and what never makes sense for one.
func validateJob(ctx context.Context, config tfsdk.Config, state container.DesiredState) diag.Diagnostics {
	var diags diag.Diagnostics
	var restart customtypes.Value
	var codes types.Set
	if known(ctx, config, "restart", &restart, &diags) && state == container.DesiredCompleted {
		if name, _, _ := strings.Cut(restart.ValueString(), ":"); name == "always" || name == "unless-stopped" {
			diags.AddAttributeError(path.Root("restart"), fmt.Sprintf("A job can't have restart = %q", restart.ValueString()),
				fmt.Sprintf("With it the container never ends, and desired_state = %q is never reached. Use \"no\" or \"on-failure\".", state))
		}
	}
	if known(ctx, config, "expected_exit_codes", &codes, &diags) && len(codes.Elements()) > 0 && state != container.DesiredCompleted {
		diags.AddAttributeError(path.Root("expected_exit_codes"), "expected_exit_codes without a job",
			fmt.Sprintf("Only a container with desired_state = %q is meant to end. Set that, or leave expected_exit_codes out.", container.DesiredCompleted))
	}
	return diags
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
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("addresses"), types.MapUnknown(types.StringType))...)
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("ipv6_addresses"), types.MapUnknown(types.StringType))...)
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("published_ports"), types.MapUnknown(types.Int64Type))...)
	}
	if failed != "" || lost || slices.ContainsFunc(changes(req), func(name string) bool { return name != "networks" && moving(name) }) {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("started_at"), types.StringUnknown())...)
	}
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
	byEngine := computedAttributes()
	return slices.ContainsFunc(changes(req), func(name string) bool {
		_, ok := byEngine[name]
		return !ok
	})
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

// effectiveWait is the container's own wait, else the provider's where it fits, else ready.
func effectiveWait(m *containerModel, byDefault container.Wait) container.Wait {
	if m.WaitFor.ValueString() != "" {
		return container.Wait(m.WaitFor.ValueString())
	}
	if byDefault != "" && container.CheckWait(m.desired(), byDefault) == nil {
		return byDefault
	}
	return container.WaitReady
}

// wholeSeconds refuses fractions that the engine would drop without a word.
type wholeSeconds struct{}

func (wholeSeconds) Description(context.Context) string               { return "must be whole seconds" }
func (v wholeSeconds) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v wholeSeconds) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if d, err := customtypes.ParseDuration(req.ConfigValue.ValueString()); err == nil && d%time.Second != 0 {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid duration %q", req.ConfigValue.ValueString()), fmt.Sprintf("It %s: the engine counts in seconds.", v.Description(ctx)))
	}
}

// foreignLabel refuses labels in gantry's own name space.
type foreignLabel struct{}

func (foreignLabel) Description(context.Context) string {
	return "must not begin with " + container.LabelPrefix + ", which gantry uses itself"
}
func (v foreignLabel) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v foreignLabel) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if isOwnLabel(req.ConfigValue.ValueString()) {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid label %q", req.ConfigValue.ValueString()), fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}

// sentence makes an error's text begin as a sentence does.
func sentence(err error) string { return upper(err.Error()) }

func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
