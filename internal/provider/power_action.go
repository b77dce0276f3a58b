// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

var (
	_ provider.ProviderWithActions = (*gantry)(nil)
	_ action.ActionWithConfigure   = (*powerAction)(nil)
	_ action.ActionWithModifyPlan  = (*powerAction)(nil)
)

const (
	// defaultPowerTimeout is how long an action on the power state may take.
	defaultPowerTimeout = 5 * time.Minute
	defaultPowerText    = "5m"
	// notInState ends the description of every action on the power state.
	notInState = " The action changes the engine, not the configuration: where `desired_state` of the container's resource says otherwise, the next plan changes it back."
)

// Actions need Terraform 1.14 or later; an older one does not ask for them.
func (p *gantry) Actions(context.Context) []func() action.Action {
	actions := []func() action.Action{newExecAction}
	for _, power := range powerActions() {
		actions = append(actions, func() action.Action { return &powerAction{power: power} })
	}
	return actions
}

// power is what tells the actions on a container's power state apart.
type power struct {
	kind        conductor.Kind
	description string
	// done says in the progress what has been done.
	done string
	// graceful, waits and signals say which attributes the action has.
	graceful, waits, signals bool
}

func powerActions() []power {
	return []power{
		{kind: conductor.KindStart, done: "started", waits: true, description: "Starts a container, or lets a paused one go on, and waits until it is ready. With a running one it only waits." + notInState},
		{kind: conductor.KindStop, done: "stopped", graceful: true, description: "Stops a container: with its own stop signal, and its grace period. One that does not run is left alone." + notInState},
		{kind: conductor.KindRestart, done: "restarted", graceful: true, waits: true,
			description: "Stops a container and starts it again, and waits until it is ready. One that does not run is started. To restart with a change of the configuration, `restart_triggers` of the container is the better way."},
		{kind: conductor.KindPause, done: "paused", description: "Freezes all processes of a running container. A paused one is left alone." + notInState},
		{kind: conductor.KindUnpause, done: "unpaused", description: "Lets a paused container go on. A running one is left alone." + notInState},
		{kind: conductor.KindKill, done: "sent a signal", signals: true, description: "Sends a signal to a running container: `KILL`, or another one, such as `HUP` to have a program read its configuration again." + notInState},
	}
}

// powerAction is gantry_start, gantry_stop, gantry_restart, gantry_pause, gantry_unpause or
// gantry_kill.
type powerAction struct {
	*providerData
	power
}

func (a *powerAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + string(a.kind)
}

func (a *powerAction) Schema(ctx context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{MarkdownDescription: a.description, Attributes: a.attributes(ctx)}
}

func (a *powerAction) attributes(ctx context.Context) map[string]schema.Attribute {
	attributes := map[string]schema.Attribute{
		"container": schema.StringAttribute{
			Required: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			MarkdownDescription: "The container's name or ID. By its name only a container that gantry made is meant: a stranger's has to be named by its ID.",
		},
		"engine":   engineOfAction(),
		"on_busy":  onBusyOfAction(),
		"timeouts": limitedAction(timeouts.AttributesWithOpts(ctx, timeouts.Opts{InvokeDescription: fmt.Sprintf("How long the action may take, with the wait for the container's other operations (`%q` by default).", defaultPowerText)})),
	}
	if a.graceful {
		attributes["stop_grace_period"] = schema.StringAttribute{
			Optional: true, CustomType: customtypes.Type{Kind: customtypes.Duration}, Validators: orLeftOut[validator.String](wholeSeconds{}),
			MarkdownDescription: "How long the stop waits before it kills, in whole seconds, for example `30s`. Left out, the container's own.",
		}
	}
	if a.waits {
		attributes["wait_for"] = schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "What to wait for after the start: `ready` (default; healthy if the container has a health check, else as `running`), `healthy`, `running` " +
				"(it still runs 500 ms later), or `completed` (a job: it ended with exit code 0).",
			Validators: orLeftOut[validator.String](stringvalidator.OneOf(string(container.WaitReady), string(container.WaitHealthy), string(container.WaitRunning), string(container.WaitCompleted))),
		}
	}
	if a.signals {
		attributes["signal"] = schema.StringAttribute{
			Optional: true, MarkdownDescription: "The signal, by its name (`HUP`, `SIGHUP`) or number. Default: `KILL`.", Validators: orLeftOut[validator.String](signalName{}),
		}
	}
	return attributes
}

func (a *powerAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.providerData = configured(req.ProviderData, &resp.Diagnostics)
}

func (a *powerAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	spec, timeout := a.read(ctx, req.Config, &resp.Diagnostics)
	var engine types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("engine"), &engine)...)
	if resp.Diagnostics.HasError() {
		return
	}
	one := a.usable(ctx, engine, &resp.Diagnostics)
	if one == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, err := one.Power(ctx, spec)
	if err != nil {
		addActionFault(&resp.Diagnostics, err)
		return
	}
	resp.SendProgress(action.InvokeProgressEvent{Message: fmt.Sprintf("container %q was %s; it is %s", out.Container.Name, a.done, stateText(out.Container.State))})
}

// read takes the configuration. Which attributes there are is the action's.
func (a *powerAction) read(ctx context.Context, config tfsdk.Config, diags *diag.Diagnostics) (conductor.PowerSpec, time.Duration) {
	var (
		target, onBusy, wait, signal types.String
		grace                        customtypes.Value
		limits                       timeouts.Value
	)
	get := func(has bool, name string, target any) {
		if has {
			diags.Append(config.GetAttribute(ctx, path.Root(name), target)...)
		}
	}
	get(true, "container", &target)
	get(true, "on_busy", &onBusy)
	get(true, "timeouts", &limits)
	get(a.graceful, "stop_grace_period", &grace)
	get(a.waits, "wait_for", &wait)
	get(a.signals, "signal", &signal)
	timeout, problems := limits.Invoke(ctx, defaultPowerTimeout)
	diags.Append(problems...)
	spec := conductor.PowerSpec{
		Kind: a.kind, Container: target.ValueString(), Reject: onBusy.ValueString() == busyReject,
		Wait: container.Wait(wait.ValueString()), Signal: signal.ValueString(),
	}
	if grace.ValueString() != "" {
		period := durationOf(grace)
		spec.Grace = &period
	}
	return spec, timeout
}

func engineOfAction() schema.Attribute {
	return schema.StringAttribute{
		Optional: true, MarkdownDescription: engineText, Validators: []validator.String{engineKey{}},
	}
}

func onBusyOfAction() schema.Attribute {
	return schema.StringAttribute{
		Optional: true, MarkdownDescription: "What to do while another operation on the container is in progress: `wait` (default), or `reject`: fail.",
		Validators: orLeftOut[validator.String](stringvalidator.OneOf(busyWait, busyReject)),
	}
}

// stateText says in a few words how a container is.
func stateText(s container.State) string {
	switch {
	case s.Ended():
		return fmt.Sprintf("%s with exit code %d", s.Status, s.ExitCode)
	case slices.Contains([]string{"", "none"}, s.Health):
		return s.Status
	default:
		return s.Status + ", " + s.Health
	}
}
