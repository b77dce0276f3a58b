// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

// lifecycleModel is how the container lives: its power state, and how gantry brings it there and removes it.
type lifecycleModel struct {
	DesiredState      types.String            `tfsdk:"desired_state"`
	ExpectedExitCodes []types.Int64           `tfsdk:"expected_exit_codes"`
	WaitFor           types.String            `tfsdk:"wait_for"`
	Restart           customtypes.Value       `tfsdk:"restart"`
	RestartTriggers   map[string]types.String `tfsdk:"restart_triggers"`
	RemoveVolumes     types.Bool              `tfsdk:"remove_volumes"`
	WaitForRemoval    types.Bool              `tfsdk:"wait_for_removal"`
	Timeouts          timeouts.Value          `tfsdk:"timeouts"`
}

// lifecycleBlock is the power state, and how gantry goes about it.
func lifecycleBlock() block {
	return block{
		schema:   lifecycleSchema,
		effects:  lifecycleEffects,
		defaults: lifecycleDefaults,
		expand:   (*containerModel).expandLifecycle,
		refresh:  (*containerModel).refreshLifecycle,
		imports:  (*containerModel).importLifecycle,
		validate: validateLifecycle,
	}
}

func lifecycleSchema(ctx context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"desired_state": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(string(container.DesiredRunning)),
			MarkdownDescription: "The power state to have: `running` (default), `stopped`, `paused`, or `completed` for a job that runs once and ends with an expected exit code.",
			PlanModifiers:       []planmodifier.String{keepDefault{string(container.DesiredRunning)}},
			Validators: orLeftOut[validator.String](stringvalidator.OneOf(string(container.DesiredRunning), string(container.DesiredStopped),
				string(container.DesiredPaused), string(container.DesiredCompleted))),
		},
		"expected_exit_codes": schema.SetAttribute{
			Optional: true, ElementType: types.Int64Type,
			MarkdownDescription: "The exit codes that count as the success of a job. Default: 0 alone.",
			PlanModifiers:       []planmodifier.Set{keepExitCodes{}},
			Validators:          []validator.Set{setvalidator.NoNullValues(), setvalidator.ValueInt64sAre(int64validator.Between(0, 255))},
		},
		"wait_for": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "What a create or a start waits for: `ready` (what `desired_state` and the health check imply), `healthy`, or `running` " +
				"(still running, without a restart, 500 ms after the start), or `none`: the operation is accepted and left to the background conductor. Default: the provider's `wait_for` where it fits `desired_state`, else `ready`.",
			Validators: []validator.String{validWaits()},
		},
		"restart": schema.StringAttribute{
			Optional: true, Computed: true, CustomType: customtypes.Type{Kind: customtypes.Restart}, Default: stringdefault.StaticString("no"),
			MarkdownDescription: "When the engine restarts the container: `no` (default), `always`, `unless-stopped`, `on-failure` or `on-failure:N` with at most N restarts.",
			PlanModifiers:       []planmodifier.String{customtypes.KeepSpelling(customtypes.Restart)},
		},
		"restart_triggers": schema.MapAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Any values: when they change, the container is restarted in place. Adding the first ones restarts nothing.",
		},
		"remove_volumes": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(true),
			MarkdownDescription: "Whether the container's anonymous volumes are removed with it. Default `true`.",
		},
		"wait_for_removal": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(true),
			MarkdownDescription: "Whether a destroy waits until the container is removed. Default `true`; with `false` the removal is accepted and left to the background conductor, " +
				"which tries it again until `timeouts.delete` is over, unless it fails for a reason that stays. The next runs then report the failure, and a later background conductor, or the next operation on a container of that name, takes the removal up.",
		},
		"timeouts": limited(timeouts.Attributes(ctx, timeouts.Opts{
			Create: true, Read: true, Update: true, Delete: true,
			CreateDescription: "How long creating may take, pull and wait included (`\"20m\"` by default).",
			ReadDescription:   "How long a refresh may take (`\"1m\"` by default).",
			UpdateDescription: "How long an update may take (`\"20m\"` by default).",
			DeleteDescription: "How long stopping and removing may take (`\"10m\"` by default).",
		})),
	}
}

func lifecycleEffects() map[string]effect {
	return map[string]effect{
		"desired_state":       inPlace,
		"expected_exit_codes": providerOnly,
		"wait_for":            providerOnly,
		"restart":             inPlace,
		"restart_triggers":    inPlace,
		"remove_volumes":      providerOnly,
		"wait_for_removal":    providerOnly,
		"timeouts":            providerOnly,
	}
}

func lifecycleDefaults() map[string]leftOut {
	return map[string]leftOut{
		"restart":          {nullOnly: true},
		"desired_state":    {nullOnly: true},
		"remove_volumes":   {nullOnly: true},
		"wait_for_removal": {nullOnly: true},
		"restart_triggers": {noSetting: true},
	}
}

func (m *containerModel) expandLifecycle(s *container.Spec) {
	name, retries, _ := customtypes.ParseRestart(m.Restart.ValueString())
	s.DesiredState, s.Restart = m.desired(), container.RestartPolicy{Name: name, MaximumRetryCount: retries}
	for _, code := range m.ExpectedExitCodes {
		s.ExpectedExitCodes = append(s.ExpectedExitCodes, int(code.ValueInt64()))
	}
}

func (m *containerModel) refreshLifecycle(o observation) {
	m.Restart = m.Restart.Or(customtypes.FormatRestart(o.Restart.Name, o.Restart.MaximumRetryCount))
	if is := m.powerState(o.State); is != m.desired() {
		m.DesiredState = types.StringValue(string(is))
	}
}

func (m *containerModel) importLifecycle(o observation) {
	m.DesiredState = types.StringValue(string(m.powerState(o.State)))
	m.Restart = customtypes.New(customtypes.Restart, customtypes.FormatRestart(o.Restart.Name, o.Restart.MaximumRetryCount))
	m.RemoveVolumes, m.WaitForRemoval = types.BoolValue(true), types.BoolValue(true)
}

// validateLifecycle checks what can't be waited for, and what makes no sense for a job or without one.
func validateLifecycle(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	var diags diag.Diagnostics
	var desired, wait types.String
	if !known(ctx, config, "desired_state", &desired, &diags) {
		return diags
	}
	state := container.DesiredState(cmp.Or(desired.ValueString(), string(container.DesiredRunning)))
	if known(ctx, config, "wait_for", &wait, &diags) && wait.ValueString() != "" {
		diags.Append(validateWait(state, container.Wait(wait.ValueString()))...)
		var healthcheck *healthcheckModel
		if container.Wait(wait.ValueString()) == container.WaitHealthy && known(ctx, config, "healthcheck", &healthcheck, &diags) && healthcheck != nil && healthcheck.Disable.ValueBool() {
			diags.AddAttributeError(path.Root("wait_for"), "wait_for = \"healthy\" without a health check",
				"healthcheck.disable takes the image's check away, and nothing would ever say that the container is healthy. Remove one of the two.")
		}
	}
	diags.Append(validateJob(ctx, config, state)...)
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

func validWaits() validator.String {
	return stringvalidator.OneOf(string(container.WaitReady), string(container.WaitHealthy), string(container.WaitRunning), string(container.WaitNone))
}

// desired is the power state to have; left out and "" are running.
func (m *containerModel) desired() container.DesiredState {
	return container.DesiredState(cmp.Or(m.DesiredState.ValueString(), string(container.DesiredRunning)))
}

// powerState is what the engine's word means for desired_state. A job that ended as expected is
// where it was meant to be; so is one that is under way.
func (m *containerModel) powerState(s container.State) container.DesiredState {
	job := m.desired() == container.DesiredCompleted
	if s.Stopping {
		return container.DesiredStopped
	}
	switch s.Status {
	case "running", "restarting":
		if job {
			return container.DesiredCompleted
		}
		return container.DesiredRunning
	case "paused":
		return container.DesiredPaused
	}
	if job && s.Ended() && m.expects(s.ExitCode) {
		return container.DesiredCompleted
	}
	return container.DesiredStopped
}

func (m *containerModel) expects(code int) bool {
	if m.ExpectedExitCodes == nil {
		return code == 0
	}
	return slices.Contains(m.ExpectedExitCodes, types.Int64Value(int64(code)))
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
