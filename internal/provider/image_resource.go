// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/meaning"
)

var (
	_ resource.ResourceWithConfigure   = (*imageResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*imageResource)(nil)
	_ resource.ResourceWithImportState = (*imageResource)(nil)
)

func newImageResource() resource.Resource { return &imageResource{} }

// imageResource is gantry_image.
type imageResource struct{ *providerData }

func (r *imageResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_image"
}

func (r *imageResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = imageSchema(ctx)
}

func (r *imageResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.providerData = configured(req.ProviderData, &resp.Diagnostics)
}

// ModifyPlan plans a pull where the state says that the tag has moved, and a load where the archive is
// another one. What the image will be then is not known.
func (r *imageResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var plan imageModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	sum := types.StringNull()
	switch {
	case plan.Archive.IsUnknown():
		sum = types.StringUnknown()
	case !plan.Archive.IsNull():
		hash, err := checksum(plan.Archive.ValueString())
		if err != nil {
			resp.Diagnostics.AddAttributeError(path.Root("archive"), fmt.Sprintf("Unable to read the archive of image %q", plan.Name.ValueString()), err.Error())
			return
		}
		sum = types.StringValue(hash)
	}
	if req.State.Raw.IsNull() {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("archive_sha256"), sum)...)
		return
	}
	var state imageModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	again := !sum.Equal(state.ArchiveSHA256) || plan.Archive.IsNull() && state.withPolicyOf(&plan).moved()
	if !again && !req.Plan.Raw.Equal(req.State.Raw) {
		// In place nothing but names changes, unless it is the archive.
		plan.ImageID, plan.Digest, plan.AvailableDigest = state.ImageID, state.Digest, state.AvailableDigest
		plan.RepoDigests, plan.Size, plan.OSPlatform, plan.Created = state.RepoDigests, state.Size, state.OSPlatform, state.Created
		if plan.PullPolicy.ValueString() != state.PullPolicy.ValueString() {
			plan.AvailableDigest = types.StringUnknown()
		}
	}
	if again {
		plan.ImageID, plan.Digest, plan.AvailableDigest = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
		plan.RepoTags, plan.RepoDigests = types.ListUnknown(types.StringType), types.ListUnknown(types.StringType)
		plan.Size, plan.OSPlatform, plan.Created = types.Int64Unknown(), types.StringUnknown(), types.StringUnknown()
	}
	plan.ArchiveSHA256 = sum
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

func (m *imageModel) withPolicyOf(plan *imageModel) *imageModel {
	out := *m
	out.PullPolicy = plan.PullPolicy
	return &out
}

func (r *imageResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan imageModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultCreateTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if !r.bring(ctx, &plan, "create", &resp.Diagnostics) {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(context.WithoutCancel(ctx), plan)...)
}

// bring has the image on the engine, and says so in the model.
func (r *imageResource) bring(ctx context.Context, plan *imageModel, timeout string, diags *diag.Diagnostics) bool {
	img, err := r.conductor.BringImage(ctx, plan.expand(), timeout)
	if err != nil {
		addFault(diags, err)
		return false
	}
	plan.compute(img)
	plan.AvailableDigest = types.StringNull()
	if plan.PullPolicy.ValueString() == string(conductor.PullAlways) && plan.Archive.IsNull() {
		plan.AvailableDigest = plan.Digest // What the pull brought was just available.
	}
	return true
}

func (r *imageResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state imageModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Read(ctx, defaultReadTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() || r.conductor == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	img, err := r.conductor.InspectImage(ctx, state.Name.ValueString())
	switch {
	case isMissing(err):
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		addFault(&resp.Diagnostics, err)
		return
	}
	if state.PullPolicy.IsNull() { // Imported a moment ago.
		state.PullPolicy, state.KeepOnDestroy = types.StringValue(string(conductor.PullMissing)), types.BoolValue(false)
	}
	state.compute(img)
	if state.PullPolicy.ValueString() == string(conductor.PullAlways) && state.Archive.IsNull() {
		available, err := r.conductor.RegistryDigest(ctx, state.Name.ValueString())
		if f := faultOf(err); f != nil {
			// The image is there; what the registry has now can wait.
			resp.Diagnostics.AddWarning(fmt.Sprintf("Image %q can't be compared with its registry", state.Name.ValueString()), f.Detail())
		} else {
			state.AvailableDigest = stringOrNull(available)
		}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

func (r *imageResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state imageModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := plan.Timeouts.Update(ctx, defaultUpdateTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	spec := plan
	again := plan.ImageID.IsUnknown()
	if !again { // Only names change: what is there is not pulled or loaded.
		spec.Archive, spec.PullPolicy = types.StringNull(), types.StringValue(string(conductor.PullNever))
	}
	if !r.bring(ctx, &spec, "update", &resp.Diagnostics) {
		return
	}
	if !again { // What the plan promised.
		spec.Digest, spec.RepoDigests, spec.AvailableDigest = plan.Digest, plan.RepoDigests, plan.AvailableDigest
		if spec.AvailableDigest.IsUnknown() {
			spec.AvailableDigest = types.StringNull()
		}
	}
	spec.Archive, spec.PullPolicy = plan.Archive, plan.PullPolicy
	spec.Tags = plan.Tags
	var dropped []string
	for _, tag := range state.Tags {
		if !slices.ContainsFunc(plan.names(), func(name string) bool { return meaning.Reference.Same(name, tag.ValueString()) }) {
			dropped = append(dropped, tag.ValueString())
		}
	}
	addFault(&resp.Diagnostics, r.conductor.UntagImage(ctx, state.ImageID.ValueString(), state.Name.ValueString(), dropped))
	if resp.Diagnostics.HasError() {
		return
	}
	if again && !plan.KeepOnDestroy.ValueBool() && !spec.ImageID.Equal(state.ImageID) {
		r.conductor.RemoveUnnamed(ctx, state.ImageID.ValueString())
	}
	if img, err := r.conductor.InspectImage(ctx, plan.Name.ValueString()); err == nil {
		spec.RepoTags = sortedList(img.RepoTags)
	}
	resp.Diagnostics.Append(resp.State.Set(context.WithoutCancel(ctx), spec)...)
}

func (r *imageResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state imageModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultDeleteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() || state.KeepOnDestroy.ValueBool() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	users, err := r.conductor.RemoveImage(ctx, state.ImageID.ValueString(), state.Name.ValueString(), state.names(), "delete")
	addFault(&resp.Diagnostics, err)
	if users != "" {
		engine, _, _ := strings.Cut(state.ID.ValueString(), "/")
		resp.Diagnostics.AddWarning(fmt.Sprintf("Image %q on engine %q was kept: it is in use", state.Name.ValueString(), engine),
			fmt.Sprintf("It is used by %s. It is not managed any more; remove it by hand when nothing needs it (docker rmi %s).", users, state.Name.ValueString()))
	}
}

// ImportState takes an image's name, or engine/name. Read fills in the rest.
func (r *imageResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	name, ok := r.importRef(ctx, "image", req.ID, &resp.Diagnostics)
	if !ok {
		return
	}
	if _, err := r.conductor.InspectImage(ctx, name); err != nil {
		addFault(&resp.Diagnostics, err)
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("name"), name)...)
}
