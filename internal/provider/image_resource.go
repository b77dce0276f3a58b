// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
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
	r.planPlacement(ctx, req, resp)
	req.Plan = resp.Plan
	if req.Plan.Raw.IsNull() || resp.Diagnostics.HasError() {
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
	case plan.hasArchive():
		sum = planArchive(&plan, &resp.Diagnostics)
		if resp.Diagnostics.HasError() {
			return
		}
	}
	if req.State.Raw.IsNull() {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("archive_sha256"), plan.archiveSumAfter())...)
		return
	}
	var state imageModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	changes := configuredChanges(req)
	if changes && !sum.Equal(state.ArchiveSHA256) {
		checkArchive(ctx, req.Private, &plan, &state, &resp.Diagnostics)
	}
	// What is not known yet is brought with the next change: that waits for what is under way.
	again := !sum.Equal(state.ArchiveSHA256) || !plan.hasArchive() && state.withPolicyOf(&plan).moved() || state.failed() || changes && state.ImageID.IsNull()
	switch {
	case again:
		plan.ImageID, plan.Digest, plan.AvailableDigest = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
		plan.RepoTags, plan.RepoDigests = types.ListUnknown(types.StringType), types.ListUnknown(types.StringType)
		plan.Size, plan.OSPlatform, plan.Created = types.Int64Unknown(), types.StringUnknown(), types.StringUnknown()
		plan.Status, plan.OperationID, plan.Fault = types.StringUnknown(), types.StringUnknown(), types.ObjectUnknown(faultTypes())
		plan.ArchiveSHA256 = plan.archiveSumAfter()
	case changes:
		// In place nothing but names changes, unless it is the archive.
		plan.ImageID, plan.Digest, plan.AvailableDigest = state.ImageID, state.Digest, state.AvailableDigest
		plan.RepoDigests, plan.Size, plan.OSPlatform, plan.Created = state.RepoDigests, state.Size, state.OSPlatform, state.Created
		plan.RepoTags, plan.ArchiveSHA256 = types.ListUnknown(types.StringType), sum
		plan.Status, plan.OperationID, plan.Fault = types.StringUnknown(), types.StringUnknown(), types.ObjectUnknown(faultTypes())
		if plan.PullPolicy.ValueString() != state.PullPolicy.ValueString() {
			plan.AvailableDigest = types.StringUnknown()
		}
	default:
		// The framework made computed values unknown for a change that was one of spelling.
		resp.Plan.Raw = req.State.Raw
		return
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

// configuredChanges reports whether an attribute is planned to change that the configuration may have.
func configuredChanges(req resource.ModifyPlanRequest) bool {
	attributes := req.Plan.Schema.GetAttributes()
	return slices.ContainsFunc(changes(req), func(name string) bool { return attributes[name].IsOptional() || attributes[name].IsRequired() })
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
	one := r.usable(ctx, plan.Engine, &resp.Diagnostics)
	if one == nil {
		return
	}
	if r.carryOut(ctx, one, &plan, conductor.ImageRequest{Spec: plan.expand()}, plan.casts(), timeout, &resp.Diagnostics) {
		resp.Diagnostics.Append(resp.State.Set(context.WithoutCancel(ctx), plan)...)
	}
}

// carryOut brings the image, or casts that, and completes the model. It says whether there is anything
// to keep.
func (r *imageResource) carryOut(ctx context.Context, one *member, m *imageModel, req conductor.ImageRequest, cast bool, limit time.Duration, diags *diag.Diagnostics) bool {
	var out conductor.ImageOutcome
	var err error
	if req.Spec.Archive != "" {
		sum, err := readArchive(req.Spec.Archive, cast)
		if err != nil {
			diags.AddAttributeError(path.Root("archive"), fmt.Sprintf("Unable to read the archive of image %q", req.Spec.Name), unreadable(err))
			return false
		}
		req.Spec.ArchiveSHA256 = sum
	}
	if cast {
		var accepted conductor.AcceptedImage
		accepted, err = one.CastImage(ctx, req, limit)
		r.reportCast(accepted.Completed, accepted.Why, err, diags)
		if err == nil && !accepted.Completed {
			r.on(ctx, one, &m.placement, diags)
			m.accepted(req.Kind(), accepted.OperationID)
			m.loaded(req.Spec.ArchiveSHA256)
			return true
		}
		out = accepted.ImageOutcome
	} else {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		out, err = one.EnsureImage(ctx, req)
		r.reportNotJournaled(out.NotJournaled, diags)
	}
	addFault(diags, err)
	if out.Image == nil {
		return false
	}
	r.on(context.WithoutCancel(ctx), one, &m.placement, diags)
	m.compute(out.Image)
	m.loaded(out.ArchiveSHA256)
	m.OperationID, m.Fault = types.StringValue(out.OperationID), flattenFault("", nil)
	m.AvailableDigest = types.StringNull()
	if m.PullPolicy.ValueString() == string(container.PullAlways) && !m.hasArchive() {
		m.AvailableDigest = m.Digest // What the pull brought was just available.
	}
	return true
}

func (r *imageResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state imageModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Read(ctx, defaultReadTimeout)
	resp.Diagnostics.Append(diags...)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	one := r.holding(ctx, &state.placement, fmt.Sprintf("image %q", state.Name.ValueString()), &resp.Diagnostics)
	if resp.Diagnostics.HasError() || one.unknown() {
		return
	}
	standing, err := one.ObserveImage(ctx, state.Name.ValueString(), state.OperationID.ValueString())
	if err == nil && !standing.Known && state.ImageID.IsNull() && !state.OperationID.IsNull() {
		standing, err = one.JudgeUnheardImage(ctx, standing, state.Name.ValueString(), state.OperationID.ValueString(), castDeadline(state.OperationID, state.Timeouts))
	}
	if err != nil {
		if !one.keepsWithout(err, &resp.Diagnostics) {
			addFault(&resp.Diagnostics, err)
		}
		return
	}
	if state.PullPolicy.IsNull() { // Imported a moment ago.
		state.imported(ctx)
	}
	warnings := &resp.Diagnostics
	if standing.Fault != nil && r.told.Has(standing.Fault.Operation) {
		warnings = new(diag.Diagnostics)
	}
	if !state.judge(standing, r.settles, warnings) {
		resp.State.RemoveResource(ctx)
		return
	}
	noteArchive(ctx, resp.Private, &state, &resp.Diagnostics)
	if state.Status.ValueString() == statusPresent && state.PullPolicy.ValueString() == string(container.PullAlways) && !state.hasArchive() {
		available, err := one.RegistryDigest(ctx, state.Name.ValueString())
		if f := faultOf(err); f != nil {
			// The image is there; what the registry has now can wait.
			resp.Diagnostics.AddWarning(fmt.Sprintf("Image %q can't be compared with its registry", state.Name.ValueString()), f.Detail())
		} else {
			state.AvailableDigest = stringOrNull(available)
		}
	}
	r.on(ctx, one, &state.placement, &resp.Diagnostics)
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
	one := r.holding(ctx, &state.placement, fmt.Sprintf("image %q", state.Name.ValueString()), &resp.Diagnostics)
	if one == nil || !one.ready(&resp.Diagnostics) {
		return
	}
	request := conductor.ImageRequest{Spec: plan.expand(), Update: true, Prior: state.ImageID.ValueString(), KeepPrior: plan.KeepOnDestroy.ValueBool()}
	again := plan.ImageID.IsUnknown()
	if !again { // Only names change: what is there is not pulled or loaded.
		request.Spec.Archive, request.Spec.PullPolicy = "", container.PullNever
	}
	for _, tag := range state.tags() {
		if !slices.ContainsFunc(plan.names(), func(name string) bool { return customtypes.Reference.Same(name, tag) }) {
			request.Dropped = append(request.Dropped, tag)
		}
	}
	after := plan
	if !r.carryOut(ctx, one, &after, request, again && plan.casts(), timeout, &resp.Diagnostics) {
		return
	}
	if !again { // What the plan promised.
		after.Digest, after.RepoDigests, after.AvailableDigest = plan.Digest, plan.RepoDigests, plan.AvailableDigest
		if after.AvailableDigest.IsUnknown() {
			after.AvailableDigest = types.StringNull()
		}
	}
	after.Tags = plan.Tags
	resp.Diagnostics.Append(resp.State.Set(context.WithoutCancel(ctx), after)...)
}

func (r *imageResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state imageModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultDeleteTimeout)
	resp.Diagnostics.Append(diags...)
	keep := state.KeepOnDestroy.ValueBool()
	if resp.Diagnostics.HasError() || keep && state.Status.ValueString() == statusPresent {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	names := state.names()
	if keep { // What is under way ends all the same.
		names = nil
	}
	one := r.holding(ctx, &state.placement, fmt.Sprintf("image %q", state.Name.ValueString()), &resp.Diagnostics)
	if one == nil || !one.ready(&resp.Diagnostics) {
		return
	}
	kept, err := one.RemoveImage(ctx, state.ImageID.ValueString(), state.Name.ValueString(), names)
	addFault(&resp.Diagnostics, err)
	if !keep {
		reportKept(state.ID.ValueString(), state.Name.ValueString(), kept, &resp.Diagnostics)
	}
}

// reportKept warns of an image that stays though its resource has left the state. ID is engine/name.
func reportKept(id, name string, kept conductor.KeptImage, diags *diag.Diagnostics) {
	engine, _, _ := strings.Cut(id, "/")
	later := fmt.Sprintf("It is not managed any more; remove it by hand when nothing needs it (docker rmi %s).", name)
	switch {
	case kept.By != "":
		diags.AddWarning(fmt.Sprintf("Image %q on engine %q was kept: it is in use", name, engine), fmt.Sprintf("It is used by %s. %s", kept.By, later))
	case kept.Unknown:
		diags.AddWarning(fmt.Sprintf("Image %q on engine %q was kept: it may be somebody else's", name, engine),
			"Neither the state nor the state directory of this machine knows which image this resource brought, and the name proves nothing. "+later)
	}
}

// ImportState takes an image's name, or engine/name. Read fills in the rest.
func (r *imageResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	one, name := r.imported(ctx, "image", req.ID, &resp.Diagnostics)
	if one == nil {
		return
	}
	if _, err := one.InspectImage(ctx, name); err != nil {
		addImportFault(&resp.Diagnostics, "image", err)
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("name"), name)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("engine"), stringOrNull(one.name))...)
}
