// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
)

var (
	_ action.ActionWithConfigure  = (*execAction)(nil)
	_ action.ActionWithModifyPlan = (*execAction)(nil)
)

func newExecAction() action.Action { return &execAction{} }

// execAction is the action gantry_exec: a command in a container, whose output is shown as it comes.
type execAction struct{ *providerData }

type execActionModel struct {
	Container         types.String            `tfsdk:"container"`
	Command           []types.String          `tfsdk:"command"`
	Environment       map[string]types.String `tfsdk:"environment"`
	User              types.String            `tfsdk:"user"`
	WorkingDir        types.String            `tfsdk:"working_dir"`
	ExpectedExitCodes []types.Int64           `tfsdk:"expected_exit_codes"`
	OnBusy            types.String            `tfsdk:"on_busy"`
	Timeouts          timeouts.Value          `tfsdk:"timeouts"`
	Engine            types.String            `tfsdk:"engine"`
}

func (a *execAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_exec"
}

func (a *execAction) Schema(ctx context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Runs a command in a running container and shows what it writes as it comes. It waits while an operation on the container is in progress, and takes no part of `max_parallel`. " +
			"When its time is up or the apply is cancelled, the command is left running: an engine can't end it. A command whose output is needed in the configuration is a resource `gantry_exec`.",
		Attributes: map[string]schema.Attribute{
			"container": schema.StringAttribute{
				Required: true, MarkdownDescription: "The container's name or ID.", Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"command": schema.ListAttribute{
				Required: true, ElementType: types.StringType, MarkdownDescription: "The program and its arguments.",
				Validators: []validator.List{listvalidator.NoNullValues(), beginsWithProgram{}},
			},
			"environment": schema.MapAttribute{
				Optional: true, ElementType: types.StringType, Validators: []validator.Map{mapvalidator.NoNullValues()},
				MarkdownDescription: "Environment variables, besides the container's. Secrets among their values are masked in the output that is shown, but Terraform shows them in the plan unless they are sensitive.",
			},
			"user": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The user (and group) to run as. Left out, the container's.", Validators: orLeftOut[validator.String](userName{}),
			},
			"working_dir": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The working directory, an absolute path. Left out, the container's.", Validators: orLeftOut[validator.String](folderPath{}),
			},
			"expected_exit_codes": schema.SetAttribute{
				Optional: true, ElementType: types.Int64Type, MarkdownDescription: "The exit codes that count as success. Default: 0 alone.",
				Validators: []validator.Set{setvalidator.NoNullValues(), setvalidator.ValueInt64sAre(int64validator.Between(0, 255))},
			},
			"engine":   engineOfAction(),
			"on_busy":  onBusyOfAction(),
			"timeouts": limitedAction(timeouts.AttributesWithOpts(ctx, timeouts.Opts{InvokeDescription: "How long the command may take, with the wait for the container (`\"10m\"` by default)."})),
		},
	}
}

func (a *execAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.providerData = configured(req.ProviderData, &resp.Diagnostics)
}

func (a *execAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	a.checkEngine(ctx, req.Config, &resp.Diagnostics)
}

func (a *execAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var config execActionModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	timeout, diags := config.Timeouts.Invoke(ctx, defaultExecTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	one := a.usable(ctx, config.Engine, &resp.Diagnostics)
	if one == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	spec := conductor.ExecSpec{
		Container: config.Container.ValueString(), Command: expandList(config.Command), Environment: expandMap(config.Environment),
		User: config.User.ValueString(), WorkingDir: config.WorkingDir.ValueString(), Reject: config.OnBusy.ValueString() == busyReject,
		Timeout: "invoke", Live: func(line string) { resp.SendProgress(action.InvokeProgressEvent{Message: line}) },
	}
	result, err := one.Exec(ctx, spec)
	if err != nil {
		addActionFault(&resp.Diagnostics, err)
		return
	}
	if !expectsExitCode(config.ExpectedExitCodes, result.ExitCode) {
		resp.Diagnostics.AddAttributeError(path.Root("command"), commandFailed(config.Container.ValueString(), result.ExitCode), commandOutput(result, spec))
	}
}
