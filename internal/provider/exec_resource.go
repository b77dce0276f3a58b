// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

var (
	_ resource.ResourceWithConfigure   = (*execResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*execResource)(nil)
	_ resource.ResourceWithImportState = (*execResource)(nil)
)

const (
	defaultExecTimeout = 10 * time.Minute
	// outputLines is how much of a failed command's output an error shows.
	outputLines = 20
	// busyWait waits for a container that is in progress, and busyReject has it be an error.
	busyWait   = "wait"
	busyReject = "reject"
)

func newExecResource() resource.Resource { return &execResource{} }

// execResource is gantry_exec: a command that has run in a container.
type execResource struct{ *providerData }

type execModel struct {
	Container         types.String            `tfsdk:"container"`
	Command           []types.String          `tfsdk:"command"`
	Environment       map[string]types.String `tfsdk:"environment"`
	User              types.String            `tfsdk:"user"`
	WorkingDir        types.String            `tfsdk:"working_dir"`
	Triggers          map[string]types.String `tfsdk:"triggers"`
	ExpectedExitCodes []types.Int64           `tfsdk:"expected_exit_codes"`
	OnBusy            types.String            `tfsdk:"on_busy"`
	Timeouts          timeouts.Value          `tfsdk:"timeouts"`
	ContainerID       types.String            `tfsdk:"container_id"`
	ExitCode          types.Int64             `tfsdk:"exit_code"`
	Stdout            types.String            `tfsdk:"stdout"`
	Stderr            types.String            `tfsdk:"stderr"`
	Truncated         types.Bool              `tfsdk:"truncated"`
	placement
}

func (r *execResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_exec"
}

func (r *execResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	replace := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	output := func(description string) schema.Attribute {
		return schema.StringAttribute{
			Computed: true, Sensitive: true, MarkdownDescription: description, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A command in a running container. It runs when the resource is created, and again when anything of it changes; `triggers` are there to change. " +
			"It waits while an operation on the container is in progress, and takes no part of `max_parallel`. A destroy does nothing. " +
			"When its time is up or the apply is cancelled, the command is left running: an engine can't end it.",
		Attributes: map[string]schema.Attribute{
			"container": schema.StringAttribute{
				Required: true, MarkdownDescription: "The container's name or ID.", PlanModifiers: replace, Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"command": schema.ListAttribute{
				Required: true, ElementType: types.StringType, MarkdownDescription: "The program and its arguments.",
				PlanModifiers: []planmodifier.List{listplanmodifier.RequiresReplace()}, Validators: []validator.List{listvalidator.NoNullValues(), beginsWithProgram{}},
			},
			"environment": schema.MapAttribute{
				Optional: true, Computed: true, ElementType: types.StringType, MarkdownDescription: "Environment variables, besides the container's. Their values are in the state.",
				PlanModifiers: []planmodifier.Map{leftToEngine{}, replaceUnlessSame{}}, Validators: []validator.Map{mapvalidator.NoNullValues()},
			},
			"user": schema.StringAttribute{
				Optional: true, Computed: true, MarkdownDescription: "The user (and group) to run as. Left out, the container's.",
				PlanModifiers: []planmodifier.String{leftToEngine{}, replaceUnlessSame{}}, Validators: orLeftOut[validator.String](userName{}),
			},
			"working_dir": schema.StringAttribute{
				Optional: true, Computed: true, MarkdownDescription: "The working directory, an absolute path. Left out, the container's.",
				PlanModifiers: []planmodifier.String{leftToEngine{}, replaceUnlessSame{plain: container.PlainPath}}, Validators: orLeftOut[validator.String](folderPath{}),
			},
			"triggers": schema.MapAttribute{
				Optional: true, Computed: true, ElementType: types.StringType,
				MarkdownDescription: "Any values: when they change, the command runs again. The `container_id` of the container has it run in every new one.",
				PlanModifiers:       []planmodifier.Map{leftToEngine{}, replaceUnlessSame{}},
			},
			"expected_exit_codes": schema.SetAttribute{
				Optional: true, Computed: true, ElementType: types.Int64Type,
				MarkdownDescription: "The exit codes that count as success. Default: 0 alone. With another one the apply fails, and the next one runs the command again.",
				PlanModifiers:       []planmodifier.Set{leftToEngine{}, keepExitCodes{}},
				Validators:          []validator.Set{setvalidator.NoNullValues(), setvalidator.ValueInt64sAre(int64validator.Between(0, 255))},
			},
			"on_busy": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString(busyWait),
				MarkdownDescription: "What to do while an operation on the container is in progress: `wait` (default), or `reject`: fail.",
				PlanModifiers:       []planmodifier.String{keepDefault{busyWait}}, Validators: orLeftOut[validator.String](stringvalidator.OneOf(busyWait, busyReject)),
			},
			"timeouts": limited(timeouts.Attributes(ctx, timeouts.Opts{
				Create: true, CreateDescription: "How long the command may take, with the wait for the container (`\"10m\"` by default).",
			})),
			"container_id": computedStable("The ID of the container in which it ran."),
			"exit_code": schema.Int64Attribute{
				Computed: true, MarkdownDescription: "The command's exit code.", PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
			},
			"stdout": output("What it wrote on standard output, at most the last megabyte."),
			"stderr": output("What it wrote on standard error, at most the last megabyte."),
			"truncated": schema.BoolAttribute{
				Computed: true, MarkdownDescription: "Whether it wrote more than is kept.", PlanModifiers: []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
			},
		},
	}
	maps.Copy(resp.Schema.Attributes, placementAttributes("runs the command again"))
}

func (r *execResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.providerData = configured(req.ProviderData, &resp.Diagnostics)
}

// ModifyPlan has the command run again where its container is on another engine.
func (r *execResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	r.planPlacement(ctx, req, resp)
}

func (r *execResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan execModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultExecTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	spec := conductor.ExecSpec{
		Container: plan.Container.ValueString(), Command: expandList(plan.Command), Environment: expandMap(plan.Environment),
		User: plan.User.ValueString(), WorkingDir: plan.WorkingDir.ValueString(), Reject: plan.OnBusy.ValueString() == busyReject,
	}
	one := r.usable(ctx, plan.Engine, &resp.Diagnostics)
	if one == nil {
		return
	}
	result, err := one.Exec(ctx, spec)
	if err != nil {
		addFault(&resp.Diagnostics, err)
		return
	}
	if !expectsExitCode(plan.ExpectedExitCodes, result.ExitCode) {
		resp.Diagnostics.AddAttributeError(path.Root("command"), commandFailed(plan.Container.ValueString(), result.ExitCode), commandOutput(result, spec))
		return
	}
	r.on(ctx, one, &plan.placement, &resp.Diagnostics)
	plan.ContainerID, plan.ExitCode = types.StringValue(result.ContainerID), types.Int64Value(int64(result.ExitCode))
	plan.Stdout, plan.Stderr, plan.Truncated = types.StringValue(result.Stdout), types.StringValue(result.Stderr), types.BoolValue(result.Truncated)
	resp.Diagnostics.Append(resp.State.Set(context.WithoutCancel(ctx), plan)...)
}

func (r *execResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {
	// The command has run: nothing of that can change.
}

// Update only takes over what says how gantry works: all else runs the command again.
func (r *execResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan execModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if plan.EngineID.IsUnknown() { // A state of an older release does not have it.
		plan.EngineID = types.StringNull()
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	}
}

func (r *execResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
	// There is nothing to take back.
}

// ImportState refuses: a run of a command leaves nothing behind that could be imported.
func (r *execResource) ImportState(_ context.Context, _ resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resp.Diagnostics.AddError("A command can't be imported", "A gantry_exec is a run of a command, and an engine keeps none that could be imported. "+
		"Without an import the next apply runs the command.")
}

// beginsWithProgram validates that a command has the name of a program: no engine can start one without.
type beginsWithProgram struct{}

func (beginsWithProgram) Description(context.Context) string {
	return `must begin with the name of a program, for example ["sh", "-c", "..."]`
}
func (v beginsWithProgram) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateList validates a list that is known.
func (v beginsWithProgram) ValidateList(ctx context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if words := req.ConfigValue.Elements(); len(words) == 0 || words[0].Equal(types.StringValue("")) {
		resp.Diagnostics.AddAttributeError(req.Path, "A command without a program", fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}

// expectsExitCode reports whether a command's exit code counts as success; without a list, or with an empty one, 0 alone does.
func expectsExitCode(expected []types.Int64, code int) bool {
	if len(expected) == 0 {
		return code == 0
	}
	return slices.ContainsFunc(expected, func(c types.Int64) bool { return c.ValueInt64() == int64(code) })
}

// commandFailed is the summary of a command that ended with an unexpected exit code.
func commandFailed(container string, code int) string {
	return fmt.Sprintf("The command in container %q ended with exit code %d", container, code)
}

// commandOutput says what a failed command wrote, without the secrets that it was given.
func commandOutput(result *conductor.ExecResult, spec conductor.ExecSpec) string {
	lines := conductor.MaskLines(result.Stdout+result.Stderr, spec)
	text := "It wrote nothing."
	if len(lines) > 0 {
		text = "Last lines of its output:\n  " + strings.Join(lines[max(0, len(lines)-outputLines):], "\n  ")
	}
	return text + "\nWhat to do: fix the command and apply again, or add the code to expected_exit_codes"
}
