// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

var (
	_ resource.ResourceWithConfigure   = (*barrierResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*barrierResource)(nil)
	_ resource.ResourceWithImportState = (*barrierResource)(nil)
)

const defaultBarrierTimeout = 20 * time.Minute

func newBarrierResource() resource.Resource { return &barrierResource{} }

// barrierResource is gantry_barrier: it waits for casts, and reports all their faults at once.
type barrierResource struct{ *providerData }

type barrierModel struct {
	Operations types.Map      `tfsdk:"operations"`
	Condition  types.String   `tfsdk:"condition"`
	Results    types.Map      `tfsdk:"results"`
	Timeouts   timeouts.Value `tfsdk:"timeouts"`
}

func (r *barrierResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_barrier"
}

func (r *barrierResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	computed := func(description string) schema.Attribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Waits for operations that were accepted and left to themselves (`wait_for = \"none\"`), all at once and beyond Terraform's parallelism, " +
			"and reports the failure of each. It hands out what the containers and images are by then.",
		Attributes: map[string]schema.Attribute{
			"operations": schema.MapAttribute{
				Required: true, ElementType: types.StringType,
				MarkdownDescription: "The operation IDs to wait for, by keys of your choice: `{ for k, c in gantry_container.app : k => c.operation_id }`. Those of images are waited for, too. " +
					"A null or empty one (of what was imported) is ignored, and with none at all the barrier passes at once. When an ID changes, the barrier waits anew, in place.",
			},
			"condition": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "One condition for all containers: `ready` (the default: what each is meant for), `healthy` or `running`; an image only has to be there. The last two " +
					"are asked of the engine that the barrier's own provider is connected to: with them all operations have to be on that one.",
				Validators: orLeftOut[validator.String](stringvalidator.OneOf(string(container.WaitReady), string(container.WaitHealthy),
					string(container.WaitRunning))),
			},
			"results": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "What became of each operation, by the same keys. Of one on another engine than that of the barrier's provider only the ID and `duration` are known.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"container_id": computed("The container's ID; null for an image."),
					"image_id":     computed("The ID of the container's image, or of the image itself."),
					"status":       computed("The engine's word for its power state."),
					"health":       computed("`healthy`, or null without a health check."),
					"exit_code":    schema.Int64Attribute{Computed: true, MarkdownDescription: "The exit code of a job."},
					"addresses": schema.MapAttribute{
						Computed: true, ElementType: types.StringType, MarkdownDescription: "Its address in each network, by the network's name.",
					},
					"ipv6_addresses": schema.MapAttribute{
						Computed: true, ElementType: types.StringType, MarkdownDescription: "Its IPv6 address in each network that has any, by the network's name.",
					},
					"published_ports": schema.MapAttribute{
						Computed: true, ElementType: types.Int64Type, MarkdownDescription: "The host's port for each published port, by `\"80/tcp\"`.",
					},
					"duration": computed("How long the operation took, from its acceptance to its end."),
				}},
			},
			"timeouts": limited(timeouts.Attributes(ctx, timeouts.Opts{
				Create: true, Update: true,
				CreateDescription: "How long to wait (`\"20m\"` by default).",
				UpdateDescription: "How long to wait when an operation ID changed (`\"20m\"` by default).",
			})),
		},
	}
}

func (r *barrierResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.providerData = configured(req.ProviderData, &resp.Diagnostics)
}

// ModifyPlan makes the results' keys known: only what is waited for anew is not.
func (r *barrierResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var operations, prior, results types.Map
	resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, path.Root("operations"), &operations)...)
	prior, results = types.MapNull(types.StringType), types.MapNull(types.ObjectType{AttrTypes: resultTypes()})
	if !req.State.Raw.IsNull() {
		if req.Plan.Raw.Equal(req.State.Raw) {
			return
		}
		resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("operations"), &prior)...)
		resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("results"), &results)...)
	}
	if resp.Diagnostics.HasError() || operations.IsUnknown() {
		return
	}
	planned := make(map[string]attr.Value)
	for key, operation := range operations.Elements() {
		planned[key] = types.ObjectUnknown(resultTypes())
		if isLeftOut(ctx, operation) {
			planned[key] = types.ObjectNull(resultTypes())
		}
		known, waited := results.Elements()[key]
		if before, ok := prior.Elements()[key]; ok && waited && before.Equal(operation) && !changesCondition(ctx, req) {
			planned[key] = known
		}
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("results"), types.MapValueMust(types.ObjectType{AttrTypes: resultTypes()}, planned))...)
}

func changesCondition(ctx context.Context, req resource.ModifyPlanRequest) bool {
	var before, after types.String
	if req.State.GetAttribute(ctx, path.Root("condition"), &before).HasError() || req.Plan.GetAttribute(ctx, path.Root("condition"), &after).HasError() {
		return true
	}
	return after.IsUnknown() || cmp.Or(before.ValueString(), string(container.WaitReady)) != cmp.Or(after.ValueString(), string(container.WaitReady))
}

func (r *barrierResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan barrierModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultBarrierTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	r.gather(ctx, &plan, timeout, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return // The barrier did not hold: the next apply waits again.
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

func (r *barrierResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {
	// What a barrier waited for has happened: nothing of it can change.
}

func (r *barrierResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan barrierModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Update(ctx, defaultBarrierTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	r.gather(ctx, &plan, timeout, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return // The prior state stays, and with it the difference to the configuration.
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

func (r *barrierResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
	// There is nothing to take away.
}

// ImportState refuses: a barrier is a wait, and exists nowhere but in a state.
func (r *barrierResource) ImportState(_ context.Context, _ resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resp.Diagnostics.AddError("A barrier can't be imported", "A gantry_barrier is a wait for operations, and nothing on an engine. Without an import the next apply waits for them.")
}

// gather waits for all operations whose results are not known, at the same time, and fills the
// results in. Each failure becomes a diagnostic.
func (r *barrierResource) gather(ctx context.Context, plan *barrierModel, limit time.Duration, diags *diag.Diagnostics) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	operations := make(map[string]types.String)
	diags.Append(plan.Operations.ElementsAs(ctx, &operations, false)...)
	results := make(map[string]attr.Value)
	failures, recovered := make(map[string]error), make(map[string]*fault.Fault)
	var mu sync.Mutex
	var waiting sync.WaitGroup
	for key, operation := range operations {
		if known, ok := plan.Results.Elements()[key]; ok && !known.IsUnknown() {
			results[key] = known
			continue
		}
		if operation.ValueString() == "" {
			results[key] = types.ObjectNull(resultTypes())
			continue
		}
		waiting.Go(func() {
			// The error, if any, is a fault.
			c := r.fleet.ConductorOf(operation.ValueString())
			got, err := c.Await(ctx, operation.ValueString(), container.Wait(plan.Condition.ValueString()))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures[key] = err
				return
			}
			results[key] = flattenResult(got)
			if got.Recovered != nil {
				recovered[key] = got.Recovered
			}
		})
	}
	waiting.Wait()
	for _, key := range slices.Sorted(maps.Keys(failures)) {
		// The fault's own attribute is the container's: here it is the operation that failed.
		f := faultOf(failures[key])
		diags.AddAttributeError(path.Root("operations"), f.Summary, f.Detail())
	}
	for _, key := range slices.Sorted(maps.Keys(recovered)) {
		f := faulttext.Of(recovered[key])
		diags.AddWarning(fmt.Sprintf("%s on engine %q failed and recovered", upper(f.Subject()), f.Engine),
			fmt.Sprintf("%s, at %s.\n%s\n\nBy now it is as it should be, and the barrier passes.", f.Summary, f.Time.UTC().Format(time.RFC3339), f.Detail()))
		r.fleet.ConductorOf(operations[key].ValueString()).Heard(operations[key].ValueString())
	}
	if !diags.HasError() {
		plan.Results = types.MapValueMust(types.ObjectType{AttrTypes: resultTypes()}, results)
	}
}

func resultTypes() map[string]attr.Type {
	return map[string]attr.Type{
		"container_id": types.StringType, "image_id": types.StringType, "status": types.StringType, "health": types.StringType,
		"exit_code": types.Int64Type, "addresses": types.MapType{ElemType: types.StringType}, "ipv6_addresses": types.MapType{ElemType: types.StringType},
		"published_ports": types.MapType{ElemType: types.Int64Type}, "duration": types.StringType,
	}
}

// flattenResult returns what is known of a container, or of an image. One of another engine is known by the journal
// alone.
func flattenResult(got conductor.Gathered) types.Object {
	values := map[string]attr.Value{
		"container_id": stringOrNull(got.ContainerID), "image_id": types.StringNull(), "status": types.StringNull(), "health": types.StringNull(),
		"exit_code": types.Int64Null(), "addresses": types.MapNull(types.StringType), "ipv6_addresses": types.MapNull(types.StringType), "published_ports": types.MapNull(types.Int64Type),
		"duration": types.StringNull(),
	}
	if got.Duration > 0 {
		values["duration"] = types.StringValue(customtypes.FormatDuration(got.Duration.Round(time.Millisecond)))
	}
	if got.ImageID != "" {
		values["image_id"] = types.StringValue(got.ImageID)
	}
	if c := got.Container; c != nil {
		values["image_id"], values["status"], values["health"] = types.StringValue(c.ImageID), types.StringValue(c.State.Status), stringOrNull(c.State.Health)
		values["addresses"], values["ipv6_addresses"], values["published_ports"] = addresses(nil, c), addressesIPv6(nil, c), publishedPorts(c)
		if c.State.Ended() {
			values["exit_code"] = types.Int64Value(int64(c.State.ExitCode))
		}
	}
	return types.ObjectValueMust(resultTypes(), values)
}
