// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

var (
	_ resource.ResourceWithConfigure      = (*networkResource)(nil)
	_ resource.ResourceWithImportState    = (*networkResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*networkResource)(nil)
	_ resource.ResourceWithValidateConfig = (*networkResource)(nil)
)

// defaultObjectTimeout bounds what an engine does at once: a network or a volume.
const defaultObjectTimeout = 2 * time.Minute

func newNetworkResource() resource.Resource { return &networkResource{} }

// networkResource is gantry_network.
type networkResource struct{ *providerData }

func (r *networkResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_network"
}

func (r *networkResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = networkSchema(ctx)
}

func (r *networkResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.providerData = configured(req.ProviderData, &resp.Diagnostics)
}

// ModifyPlan refuses a setting that the engine is too old for, and the create of a network that it has by itself. It
// connects only for these. What is not known yet is checked by the apply.
func (r *networkResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	one := r.planPlacement(ctx, req, resp)
	if one == nil || one.unknown() || resp.Diagnostics.HasError() {
		return
	}
	var plan wholeNetworkModel // As far as it matters.
	resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, path.Root("name"), &plan.Name)...)
	resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, path.Root("enable_ipv4"), &plan.EnableIPv4)...)
	if !resp.Diagnostics.HasError() {
		err := one.CheckNetwork(ctx, plan.expand(), req.State.Raw.IsNull())
		if !one.keepsWithout(err, &resp.Diagnostics) {
			addFault(&resp.Diagnostics, err)
		}
	}
}

func (r *networkResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan wholeNetworkModel
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
	made, left, err := one.CreateNetwork(ctx, plan.expand())
	addFault(&resp.Diagnostics, err)
	for _, f := range left {
		f = faulttext.Of(f)
		// The network is as it should be: the container's own refresh finds what it misses.
		resp.Diagnostics.AddWarning(f.Summary, f.Detail())
	}
	if made == nil {
		return
	}
	r.reportNotJournaled(made.NotJournaled, &resp.Diagnostics)
	plan.compute(made)
	r.on(ctx, one, &plan.placement, &resp.Diagnostics)
	if err != nil {
		plan.Keep = types.BoolValue(false) // It is tainted: left there, it would be in its own way.
	}
	resp.Diagnostics.Append(resp.State.Set(context.WithoutCancel(ctx), plan)...)
}

func (r *networkResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state wholeNetworkModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Read(ctx, defaultReadTimeout)
	resp.Diagnostics.Append(diags...)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	one := r.holding(ctx, &state.placement, fmt.Sprintf("network %q", state.Name.ValueString()), &resp.Diagnostics)
	if resp.Diagnostics.HasError() || one.unknown() {
		return
	}
	found, err := find(ctx, one, &state, &resp.Diagnostics)
	switch {
	case isMissing(err):
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		if !one.keepsWithout(err, &resp.Diagnostics) {
			addFault(&resp.Diagnostics, err)
		}
		return
	case state.Name.IsNull(): // Imported a moment ago.
		state.importFrom(found)
		state.Timeouts = unsetTimeouts(ctx, state.Timeouts)
	default:
		state.refresh(found)
	}
	r.on(ctx, one, &state.placement, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// find reads the network by its ID. Another one that has its name by now is somebody else's.
func find(ctx context.Context, one *member, state *wholeNetworkModel, diags *diag.Diagnostics) (*conductor.Network, error) {
	found, missing := one.InspectNetwork(ctx, state.NetworkID.ValueString())
	if !isMissing(missing) || state.Name.IsNull() {
		return found, missing
	}
	name := state.Name.ValueString()
	other, err := one.InspectNetwork(ctx, name)
	if err == nil && other.Name == name { // The engine takes a name for the beginning of an ID.
		diags.AddWarning(fmt.Sprintf("Network %q on engine %q was removed, and another one has its name", name, other.Engine),
			fmt.Sprintf("Its ID was %s. The network that has the name now, %s, was created at %s and is not managed here: it is not touched. An apply of a configuration that has it creates the network anew, "+
				"which fails as long as the name is taken. Give this one another name, or, if nothing else manages the other one, import that as \"%s/%s\".",
				state.NetworkID.ValueString(), other.ID, other.Created.UTC().Format(time.RFC3339), other.Engine, name))
	}
	return nil, missing
}

// Update only takes over what says how gantry works: all else replaces the network.
func (r *networkResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan wholeNetworkModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	}
}

func (r *networkResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state wholeNetworkModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultDeleteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() || state.Keep.ValueBool() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	one := r.holding(ctx, &state.placement, fmt.Sprintf("network %q", state.Name.ValueString()), &resp.Diagnostics)
	if one == nil || !one.ready(&resp.Diagnostics) {
		return
	}
	kept, err := one.RemoveNetwork(ctx, state.NetworkID.ValueString(), state.Name.ValueString())
	addFault(&resp.Diagnostics, err)
	if kept {
		engine, _, _ := strings.Cut(state.ID.ValueString(), "/")
		resp.Diagnostics.AddWarning(fmt.Sprintf("Network %q on engine %q was kept: the engine has it by itself", state.Name.ValueString(), engine),
			"Nobody can remove it, and no container was disconnected from it. It is not managed any more.")
	}
}

// ImportState takes a network's name, its full or short ID, or engine/name. Read fills in the rest.
func (r *networkResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	one, ref := r.imported(ctx, "network", req.ID, &resp.Diagnostics)
	if one == nil {
		return
	}
	found, err := one.InspectNetwork(ctx, ref)
	if err != nil {
		addImportFault(&resp.Diagnostics, "network", err)
		return
	}
	if err := one.CheckNetwork(ctx, conductor.NetworkSpec{Name: found.Name}, true); err != nil {
		addImportFault(&resp.Diagnostics, "network", err)
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("network_id"), found.ID)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("engine"), stringOrNull(one.name))...)
}
