// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
)

var (
	_ resource.ResourceWithConfigure   = (*volumeResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*volumeResource)(nil)
	_ resource.ResourceWithImportState = (*volumeResource)(nil)
)

func newVolumeResource() resource.Resource { return &volumeResource{} }

// volumeResource is gantry_volume.
type volumeResource struct{ *providerData }

type volumeModel struct {
	Name         types.String            `tfsdk:"name"`
	Driver       types.String            `tfsdk:"driver"`
	DriverOpts   map[string]types.String `tfsdk:"driver_opts"`
	Labels       map[string]types.String `tfsdk:"labels"`
	ForceDestroy types.Bool              `tfsdk:"force_destroy"`
	Keep         types.Bool              `tfsdk:"keep_on_destroy"`
	Timeouts     timeouts.Value          `tfsdk:"timeouts"`
	placement
	ID         types.String `tfsdk:"id"`
	Mountpoint types.String `tfsdk:"mountpoint"`
	Scope      types.String `tfsdk:"scope"`
	Created    types.String `tfsdk:"created"`
}

func (r *volumeResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_volume"
}

func (r *volumeResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = volumeSchema(ctx)
}

func (r *volumeResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.providerData = configured(req.ProviderData, &resp.Diagnostics)
}

// ModifyPlan decides whether the volume stays on its engine.
func (r *volumeResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	r.planPlacement(ctx, req, resp)
}

func (r *volumeResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan volumeModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultObjectTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	one := r.usable(ctx, plan.Engine, &resp.Diagnostics)
	if one == nil {
		return
	}
	made, err := one.CreateVolume(ctx, plan.expand())
	if err != nil {
		addFault(&resp.Diagnostics, err)
		return
	}
	r.reportNotJournaled(made.NotJournaled, &resp.Diagnostics)
	plan.compute(made)
	r.on(ctx, one, &plan.placement, &resp.Diagnostics)
	keepVolume(ctx, resp.Private, made, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(context.WithoutCancel(ctx), plan)...)
}

func (r *volumeResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state volumeModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Read(ctx, defaultReadTimeout)
	resp.Diagnostics.Append(diags...)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	one := r.holding(ctx, &state.placement, fmt.Sprintf("volume %q", state.Name.ValueString()), &resp.Diagnostics)
	if resp.Diagnostics.HasError() || one.unknown() {
		return
	}
	found, err := one.InspectVolume(ctx, state.Name.ValueString())
	switch {
	case isMissing(err):
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		if !one.keepsWithout(err, &resp.Diagnostics) {
			addFault(&resp.Diagnostics, err)
		}
		return
	}
	imported := state.Driver.IsNull() // A moment ago: an import sets the name alone.
	before := state
	state.compute(found)
	state.Keep = types.BoolValue(state.Keep.ValueBool()) // A state of an older release does not have it.
	if imported {
		state.Driver = types.StringValue(found.Driver)
		state.DriverOpts, state.Labels, state.ForceDestroy = takenAll(found.DriverOpts), takenAll(found.Labels), types.BoolValue(false)
		state.Timeouts = unsetTimeouts(ctx, state.Timeouts)
		warnOfUnmanaged(fmt.Sprintf("Volume %q on engine %q", found.Name, found.Engine), found.Unmanaged, &resp.Diagnostics)
	} else {
		state.Driver = sameOr(plainVolumeDriver, before.Driver, found.Driver)
		state.DriverOpts, state.Labels = keptOptions(plainVolumeOptions, before.DriverOpts, found.DriverOpts), kept(before.Labels, found.Labels)
	}
	maker := volumeMaker(ctx, req.Private, &resp.Diagnostics)
	another := !maker.Made(found)
	if !another && found.Operation == "" && !before.Created.IsNull() {
		state.Created = before.Created // What the engine reports can move.
	}
	if !imported && another {
		resp.Diagnostics.AddWarning(fmt.Sprintf("Volume %q on engine %q was removed, and another one has its name", found.Name, found.Engine),
			fmt.Sprintf("The volume was made by %s, and the one that has the name now by %s: what the first one held is gone. The other one is not managed here, and is not touched. "+
				"An apply of a configuration that has it creates the volume anew, which fails as long as the name is taken. Give this one another name, or, if nothing else manages the other one, import that as \"%s/%s\".",
				makerOf(maker.Operation), makerOf(found.Operation), found.Engine, found.Name))
		resp.State.RemoveResource(ctx)
		return
	}
	keepVolume(ctx, resp.Private, found, &resp.Diagnostics)
	r.on(ctx, one, &state.placement, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// Update only takes over what says how gantry works: all else replaces the volume.
func (r *volumeResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan volumeModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	}
}

func (r *volumeResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state volumeModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultDeleteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() || state.Keep.ValueBool() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	one := r.holding(ctx, &state.placement, fmt.Sprintf("volume %q", state.Name.ValueString()), &resp.Diagnostics)
	if one == nil || !one.ready(&resp.Diagnostics) {
		return
	}
	left, err := one.RemoveVolume(ctx, state.Name.ValueString(), volumeMaker(ctx, req.Private, &resp.Diagnostics), state.ForceDestroy.ValueBool())
	addFault(&resp.Diagnostics, err)
	if left != nil {
		resp.Diagnostics.AddWarning(fmt.Sprintf("Volume %q on engine %q was gone already, and another one has its name", left.Name, left.Engine),
			fmt.Sprintf("The volume that has the name now was made by %s. It is not managed here, and was not touched.", makerOf(left.Operation)))
	}
}

// ImportState takes a volume's name, or engine/name. Read fills in the rest.
func (r *volumeResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	one, name := r.imported(ctx, "volume", req.ID, &resp.Diagnostics)
	if one == nil {
		return
	}
	found, err := one.InspectVolume(ctx, name)
	if err != nil {
		addImportFault(&resp.Diagnostics, "volume", err)
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("name"), found.Name)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("engine"), stringOrNull(one.name))...)
}

func (m *volumeModel) compute(v *conductor.Volume) {
	m.ID = types.StringValue(v.Engine + "/" + v.Name)
	m.Mountpoint, m.Scope, m.Created = stringOrNull(v.Mountpoint), stringOrNull(v.Scope), types.StringNull()
	if !v.Created.IsZero() {
		m.Created = types.StringValue(v.Created.UTC().Format(time.RFC3339))
	}
}

const (
	// volumeKey is where the private state has the operation that made the volume.
	volumeKey = "made_by"
	// volumeSettingsKey is where it has what the volume was like when it was seen last.
	volumeSettingsKey = "settings"
)

// keepVolume notes which volume of its name this is.
func keepVolume(ctx context.Context, private privateState, v *conductor.Volume, diags *diag.Diagnostics) {
	for key, value := range map[string]string{volumeKey: v.Operation, volumeSettingsKey: v.SettingsDigest()} {
		content, err := json.Marshal(value)
		if err != nil {
			diags.AddError("gantry can't note which volume this is", err.Error())
			return
		}
		diags.Append(private.SetKey(ctx, key, content)...)
	}
}

// volumeMaker returns who made the volume that the state knows, as far as keepVolume has noted it.
func volumeMaker(ctx context.Context, private privateReader, diags *diag.Diagnostics) (m conductor.VolumeMaker) {
	noted := func(key string, value *string) bool {
		content, found := private.GetKey(ctx, key)
		diags.Append(found...)
		return content != nil && json.Unmarshal(content, value) == nil
	}
	m.Known = noted(volumeKey, &m.Operation)
	noted(volumeSettingsKey, &m.Settings)
	return m
}

func (m *volumeModel) expand() conductor.VolumeSpec {
	return conductor.VolumeSpec{
		Name: m.Name.ValueString(), Driver: m.Driver.ValueString(), DriverOpts: expandMap(m.DriverOpts), Labels: expandMap(m.Labels),
	}
}

func makerOf(operation string) string {
	if operation == "" {
		return "no operation of gantry's"
	}
	return "gantry's operation " + operation
}
