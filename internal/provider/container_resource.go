// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

var (
	_ resource.ResourceWithConfigure      = (*containerResource)(nil)
	_ resource.ResourceWithValidateConfig = (*containerResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*containerResource)(nil)
	_ resource.ResourceWithImportState    = (*containerResource)(nil)
	_ resource.ResourceWithIdentity       = (*containerResource)(nil)
)

const (
	defaultCreateTimeout = 20 * time.Minute
	defaultReadTimeout   = time.Minute
	defaultUpdateTimeout = 20 * time.Minute
	defaultDeleteTimeout = 10 * time.Minute
)

func newContainerResource() resource.Resource { return &containerResource{} }

// containerResource is gantry_container. Its embedded data is nil until Configure has run.
type containerResource struct{ *providerData }

func (r *containerResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_container"
	resp.ResourceBehavior.MutableIdentity = true
}

func (r *containerResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = containerSchema(ctx)
}

func (r *containerResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.providerData = configured(req.ProviderData, &resp.Diagnostics)
}

func (r *containerResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	resp.Diagnostics.Append(validateContainer(ctx, req.Config)...)
}

func (r *containerResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	one := r.planPlacement(ctx, req, resp)
	req.Plan = resp.Plan
	keepMeaning(ctx, req, resp)
	req.Plan = resp.Plan
	planContainer(ctx, req, resp)
	planConnections(ctx, req, resp)
	r.checkEngine(ctx, one, resp)
	if one != nil {
		one.labels.plan(ctx, req, resp)
	}
	planDigest(ctx, resp)
	planExchange(ctx, req, resp)
	planSources(ctx, req, resp)
	warnOfGiven(ctx, req, resp)
	warnOfVolumes(ctx, req, resp)
	warnOfGrace(req, resp)
}

func (r *containerResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan containerModel
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
	one.labels.complete(&plan)
	spec := plan.expand()
	resp.Diagnostics.Append(plan.complete(ctx, req.Config, &spec)...)
	if resp.Diagnostics.HasError() {
		return
	}
	state := plan
	wait := effectiveWait(&plan, r.wait)
	done, err := r.carryOut(ctx, one, conductor.CreateRequest{Spec: spec, Wait: wait, Digest: r.digests.of(&plan)}, spec.Name, wait, timeout, &resp.Diagnostics)
	addFault(&resp.Diagnostics, plan.concerned(err))
	r.on(ctx, one, &state.placement, &resp.Diagnostics)
	switch {
	case done.accepted:
		state.accepted(statusCreateInProgress, done.OperationID)
	case done.Container == nil:
		return // Nothing is there: nothing is kept.
	default:
		state.compute(done.Container)
		state.rememberTag()
		state.record(conductor.KindCreate, done.Outcome, faultOf(err))
	}
	keepLosses(context.WithoutCancel(ctx), resp.Private, done.Container, &resp.Diagnostics)
	// The request's context may be over; what is there has to be kept all the same.
	resp.Diagnostics.Append(resp.State.Set(context.WithoutCancel(ctx), state)...)
	state.identify(context.WithoutCancel(ctx), resp.Identity, &resp.Diagnostics)
}

func (r *containerResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state containerModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Read(ctx, defaultReadTimeout)
	resp.Diagnostics.Append(diags...)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	one := r.holding(ctx, &state.placement, fmt.Sprintf("container %q", state.Name.ValueString()), &resp.Diagnostics)
	if resp.Diagnostics.HasError() || one.unknown() {
		state.identify(ctx, resp.Identity, &resp.Diagnostics)
		return
	}
	warnings, before := &resp.Diagnostics, state
	var imported *container.ImageDefaults
	standing, err := one.Observe(ctx, state.Name.ValueString(), state.ContainerID.ValueString(), state.OperationID.ValueString())
	if u, ok := state.unheard(standing, effectiveWait(&state, r.wait)); err == nil && ok {
		standing, err = one.JudgeUnheard(ctx, standing, u)
	}
	if standing.Fault != nil && r.told.Has(standing.Fault.Operation) {
		warnings = new(diag.Diagnostics)
	}
	switch {
	case err != nil:
		if !one.keepsWithout(err, &resp.Diagnostics) {
			addFault(&resp.Diagnostics, err)
		}
		state.identify(ctx, resp.Identity, &resp.Diagnostics)
		return
	case state.Name.IsNull() && standing.Container != nil: // Imported a moment ago.
		image, err := one.ImageDefaults(ctx, standing.Container.ImageID)
		if err != nil {
			addFault(&resp.Diagnostics, err)
			return
		}
		imported = image
		state.importFrom(standing.Container, image)
		refused, err := state.takeOver(ctx, standing.Container)
		if err != nil {
			resp.Diagnostics.AddError(fmt.Sprintf("Unable to import container %q", standing.Container.Name), sentence(err))
			return
		}
		one.labels.imported(&state)
		object := fmt.Sprintf("Container %q on engine %q", standing.Container.Name, standing.Container.Engine)
		warnOfUnmanaged(object, standing.Container.Unmanaged, &resp.Diagnostics)
		warnOfRefused(object, refused, &resp.Diagnostics)
	case !state.judge(standing, effectiveWait(&state, r.wait), time.Now(), r.settles, warnings):
		one.gone(ctx, &state, &resp.Diagnostics)
		resp.State.RemoveResource(ctx)
		state.identify(ctx, resp.Identity, &resp.Diagnostics) // The framework wants one even of what is gone.
		return
	}
	if standing.Container != nil {
		keepForce(ctx, resp.Private, &state, standing.Container, imported, &resp.Diagnostics)
		keepLosses(ctx, resp.Private, standing.Container, &resp.Diagnostics)
	}
	if imported == nil {
		strange := readForce(ctx, resp.Private, &resp.Diagnostics).strange(before.ContainerID.ValueString())
		r.reportOutage(ctx, one, standing, &before, strange, &resp.Diagnostics)
	}
	if standing.Container != nil && !standing.InProgress {
		state.trackTag(ctx, one.Conductor, &resp.Diagnostics)
	}
	r.on(ctx, one, &state.placement, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
	if imported != nil && !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(writeZeros(ctx, &resp.State)...)
	}
	state.identify(ctx, resp.Identity, &resp.Diagnostics)
}

func (r *containerResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, prior containerModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &prior)...)
	timeout, diags := plan.Timeouts.Update(ctx, defaultUpdateTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	one := r.holding(ctx, &prior.placement, fmt.Sprintf("container %q", prior.Name.ValueString()), &resp.Diagnostics)
	if one == nil || !one.ready(&resp.Diagnostics) {
		return
	}
	spec := plan.expand()
	if len(plan.Networks) == 0 && len(prior.Networks) > 0 {
		// No networks mean the engine's default, and nil would mean to leave them.
		spec.Networks = map[string]container.NetworkAttachment{defaultNetwork: {Network: defaultNetwork}}
	}
	resp.Diagnostics.Append(plan.complete(ctx, req.Config, &spec)...)
	if resp.Diagnostics.HasError() {
		return
	}
	upload, restart := changedFiles(prior.Files, plan.Files)
	wait := effectiveWait(&plan, r.wait)
	update := conductor.UpdateRequest{
		Spec: spec, ContainerID: prior.ContainerID.ValueString(), OperationID: prior.OperationID.ValueString(),
		Restart: restart || triggered(prior.RestartTriggers, plan.RestartTriggers), Upload: upload,
		PriorName: prior.Name.ValueString(), Wait: wait,
		Imported: readForce(ctx, req.Private, &resp.Diagnostics).strange(prior.ContainerID.ValueString()),
	}
	request, kind := conductor.Request(update), conductor.KindUpdate
	if exchanges(ctx, req, resp) {
		request, kind, upload = exchangeRequest(update, &plan, &prior), conductor.KindExchange, nil
	}
	done, err := r.carryOut(ctx, one, request, spec.Name, wait, timeout, &resp.Diagnostics)
	addFault(&resp.Diagnostics, plan.concerned(err))
	state := plan
	switch {
	case done.accepted:
		state.accepted(statusUpdateInProgress, done.OperationID)
	case err == nil:
		state.compute(done.Container)
		state.rememberTag()
		state.record(kind, done.Outcome, nil)
		state.keepPromises(plan)
	default:
		// What was not done stays different from the configuration: the next plan shows it.
		state = prior
		state.Files = prior.Files.without(upload)
		state.record(conductor.KindUpdate, done.Outcome, faultOf(err))
		if done.Container != nil {
			state.refresh(done.Container)
		}
	}
	if err == nil && kind == conductor.KindExchange {
		handOn(context.WithoutCancel(ctx), req.Private, resp.Private, done, &resp.Diagnostics)
	}
	keepLosses(context.WithoutCancel(ctx), resp.Private, done.Container, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(context.WithoutCancel(ctx), state)...)
	state.identify(context.WithoutCancel(ctx), resp.Identity, &resp.Diagnostics)
}

func (r *containerResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state containerModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultDeleteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	one := r.holding(ctx, &state.placement, fmt.Sprintf("container %q", state.Name.ValueString()), &resp.Diagnostics)
	if one == nil || !one.ready(&resp.Diagnostics) {
		return
	}
	request := conductor.RemoveRequest{
		Name: state.Name.ValueString(), ContainerID: state.ContainerID.ValueString(), OperationID: state.OperationID.ValueString(),
		RemoveVolumes: state.RemoveVolumes.ValueBool(), Exchanged: state.UpdateOrder.ValueString() != "",
	}
	if state.ContainerID.IsNull() {
		request.Expected = state.deadline()
	}
	wait := container.WaitReady
	if !state.WaitForRemoval.IsNull() && !state.WaitForRemoval.ValueBool() {
		wait = container.WaitNone
	}
	done, err := r.carryOut(ctx, one, request, request.Name, wait, timeout, &resp.Diagnostics)
	addFault(&resp.Diagnostics, err)
	reportStillMade(&state, done.Elsewhere, &resp.Diagnostics)
	r.digests.keep(&state)
}

// done is what became of a request: it was carried out, or only accepted.
type done struct {
	conductor.Outcome
	accepted bool
}

// carryOut calls or casts, as the wait says.
func (r *containerResource) carryOut(
	ctx context.Context, one *member, req conductor.Request, name string, wait container.Wait, limit time.Duration, diags *diag.Diagnostics,
) (done, error) {
	if wait != container.WaitNone {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		out, err := one.Call(ctx, req)
		if len(out.Warnings) > 0 {
			diags.AddWarning(fmt.Sprintf("The engine warns about container %q", name), strings.Join(out.Warnings, "\n"))
		}
		r.reportNotJournaled(out.NotJournaled, diags)
		return done{Outcome: out}, err
	}
	cast, err := one.Cast(ctx, req, limit)
	r.reportCast(cast.Completed, cast.Why, err, diags)
	return done{
		Outcome:  conductor.Outcome{OperationID: cast.OperationID, Container: cast.Container},
		accepted: err == nil && !cast.Completed,
	}, err
}

// ImportState takes a container's name, its full or short ID, or engine/name. Read fills in the rest.
func (r *containerResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	one, ref := r.imported(ctx, "container", importReference(ctx, req, &resp.Diagnostics), &resp.Diagnostics)
	if one == nil {
		return
	}
	c, err := one.Inspect(ctx, ref)
	if err != nil {
		addImportFault(&resp.Diagnostics, "container", err)
		return
	}
	if err := checkImport(c); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("Unable to import container %q", c.Name), sentence(err)+".")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("container_id"), c.ID)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), c.Engine+"/"+c.Name)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("engine"), stringOrNull(one.name))...)
}

// triggered reports whether a restart trigger changed. Adding the first ones is no change: an imported
// container is not restarted for that.
func triggered(prior, plan map[string]types.String) bool {
	return len(prior) > 0 && len(plan) > 0 && !maps.EqualFunc(prior, plan, func(a, b types.String) bool { return a.Equal(b) })
}

// record notes the operation and its outcome. What was not even accepted has no ID: then the one
// before is still the last, and its failure may not have been told.
func (m *containerModel) record(kind conductor.Kind, out conductor.Outcome, f *fault.Fault) {
	m.settle()
	if out.OperationID != "" {
		m.OperationID = types.StringValue(out.OperationID)
	}
	m.Fault = flattenFault(string(kind), f)
}

// gone warns if a container is missing because the provider is connected to another engine than
// the one that had it.
func (m *member) gone(ctx context.Context, state *containerModel, diags *diag.Diagnostics) {
	engine, _, _ := strings.Cut(state.ID.ValueString(), "/")
	connected, err := m.Conductor.Engine(ctx)
	if err != nil || engine == "" || engine == connected {
		return
	}
	diags.AddWarning(fmt.Sprintf("Container %q was on engine %q", state.Name.ValueString(), engine),
		fmt.Sprintf("What the configuration names is now engine %q, which does not have it: an apply of a configuration that has it creates it there. If engine %q still exists, "+
			"the container there is not touched and not managed any more.", connected, engine))
}

// configured takes the provider's data; it is missing while Terraform only validates.
func configured(data any, diags *diag.Diagnostics) *providerData {
	if data == nil {
		return &providerData{members: &members{}}
	}
	d, ok := data.(*providerData)
	if !ok {
		diags.AddError("Unexpected provider data", fmt.Sprintf("The provider's data has the type %T. Please report this.", data))
		return &providerData{members: &members{}}
	}
	return d
}
