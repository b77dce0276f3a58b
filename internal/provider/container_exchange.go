// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// exchangeModel is how a container gives way to another one.
type exchangeModel struct {
	UpdateOrder     types.String `tfsdk:"update_order"`
	AvailableDigest types.String `tfsdk:"available_digest"`
}

// exchangeBlock is how a container gives way to another one. An engine has nothing of it.
func exchangeBlock() block {
	return block{
		schema:  exchangeSchema,
		effects: exchangeEffects,
	}
}

func exchangeSchema(context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"update_order": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Makes an exchange inside one update of what would be a replacement: `start-first` (the new container is ready beside the old one before it takes its place) " +
				"or `stop-first` (the old one is stopped before the new one starts). If the new one does not become ready, the old one is back as it was, and the update fails. " +
				"Left out, the container is replaced: removed, then created. What `-replace`, `replace_triggered_by` or a taint asks for is a replacement in any case, and Terraform shows no warning of a " +
				"provider about it: what is in anonymous volumes is lost, and so are settings of an imported container that the plan shows as `-> null`.",
			Validators: []validator.String{stringvalidator.OneOf(string(container.StartFirst), string(container.StopFirst))},
		},
		"available_digest": schema.StringAttribute{
			Computed: true,
			MarkdownDescription: "With `pull_policy = \"always\"`, the digest to which the image's tag led at its registry at the last refresh. If it is another one than `image_digest`, " +
				"the plan replaces the container, or exchanges it with `update_order`.",
			PlanModifiers: []planmodifier.String{stringplanmodifier.UseNonNullStateForUnknown()},
		},
	}
}

func exchangeEffects() map[string]effect {
	return map[string]effect{
		"update_order":     providerOnly,
		"available_digest": computed,
	}
}

// exchangeKey is where the private state of a plan says that its update is an exchange. The apply
// takes it away again.
const exchangeKey = "exchange"

// exchangeInstead notes that an attribute needs another container, and says whether the exchange
// that update_order asks for is to bring it, instead of a replacement, which is noted, too.
func exchangeInstead(ctx context.Context, config tfsdk.Config, private privateState, diags *diag.Diagnostics) bool {
	if updateOrder(ctx, config, diags) == "" {
		diags.Append(private.SetKey(ctx, replacedKey, []byte("true"))...)
		return false
	}
	diags.Append(private.SetKey(ctx, exchangeKey, []byte("true"))...)
	return true
}

// attributed is a configuration or a plan.
type attributed interface {
	GetAttribute(ctx context.Context, at path.Path, target any) diag.Diagnostics
}

// updateOrder returns the order that is configured, or planned; empty if there is none, or if it is not known.
// While attributes are planned one by one, the configuration alone has all of them.
func updateOrder(ctx context.Context, of attributed, diags *diag.Diagnostics) container.Order {
	var order types.String
	diags.Append(of.GetAttribute(ctx, path.Root("update_order"), &order)...)
	return container.Order(order.ValueString())
}

// planExchange completes the plan of an update where all else is planned: it makes an exchange of
// what would be a replacement, and plans another container for a tag that has moved.
func planExchange(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.State.Raw.IsNull() || req.Plan.Raw.IsNull() || resp.Diagnostics.HasError() {
		return
	}
	diags := &resp.Diagnostics
	noted, found := req.Private.GetKey(ctx, exchangeKey)
	diags.Append(found...)
	diags.Append(resp.Private.SetKey(ctx, exchangeKey, nil)...)
	failed := failedOperation(ctx, req, resp)
	if leavesNone(failed) {
		return // What is there is no container to keep meanwhile.
	}
	moved := movedTag(ctx, req.State, resp.Plan, diags)
	again := failed == string(conductor.KindExchange)
	if noted == nil && len(resp.RequiresReplace) == 0 && !moved && !again {
		return
	}
	order := updateOrder(ctx, resp.Plan, diags)
	if order == "" {
		// A replacement needs a path that differs.
		differs := path.Root("container_id")
		if moved {
			differs = path.Root("image_digest")
		}
		if moved || again {
			diags.Append(resp.Plan.SetAttribute(ctx, differs, types.StringUnknown())...)
			resp.RequiresReplace = append(resp.RequiresReplace, differs)
		}
		return
	}
	resp.RequiresReplace = nil
	unknown := []string{"container_id", "started_at", "image_id", "image_digest"}
	if changed := changes(req); slices.Contains(changed, "image") || slices.Contains(changed, "platform") {
		unknown = append(unknown, "available_digest") // What is known is another image's.
		moved = false
	}
	for _, name := range unknown {
		diags.Append(resp.Plan.SetAttribute(ctx, path.Root(name), types.StringUnknown())...)
	}
	if moved { // That is what is pulled.
		var available types.String
		diags.Append(req.State.GetAttribute(ctx, path.Root("available_digest"), &available)...)
		diags.Append(resp.Plan.SetAttribute(ctx, path.Root("image_digest"), available)...)
	}
	planAgain(ctx, resp)
	planMove(ctx, &resp.Plan, diags)
	diags.Append(resp.Private.SetKey(ctx, exchangeKey, []byte("true"))...)
	warnOfGap(ctx, order, req, resp)
}

// warnOfGap says where start-first can't be what its name says.
func warnOfGap(ctx context.Context, order container.Order, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var name types.String
	var before, after types.Set
	resp.Diagnostics.Append(resp.Plan.GetAttribute(ctx, path.Root("name"), &name)...)
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("ports"), &before)...)
	resp.Diagnostics.Append(resp.Plan.GetAttribute(ctx, path.Root("ports"), &after)...)
	if order != container.StartFirst || resp.Diagnostics.HasError() {
		return
	}
	shared := container.SharedPorts(knownPorts(ctx, before), knownPorts(ctx, after))
	if len(shared) > 0 {
		resp.Diagnostics.AddAttributeWarning(path.Root("update_order"), fmt.Sprintf("The exchange of container %q has a short gap", name.ValueString()),
			fmt.Sprintf("The old and the new container publish %s, and only one of them can: the new one is created beside the old one, but the old one is stopped just before the new one starts. "+
				"If the new one does not become ready, the old one is started again.", strings.Join(shared, ", ")))
	}
}

// knownPorts returns the ports that are known.
func knownPorts(ctx context.Context, set types.Set) []container.Port {
	var ports []container.Port
	for _, element := range set.Elements() {
		var one []portModel
		alone, diags := types.SetValue(set.ElementType(ctx), []attr.Value{element})
		if raw, err := element.ToTerraformValue(ctx); err != nil || !raw.IsFullyKnown() || diags.HasError() {
			continue
		}
		if !alone.ElementsAs(ctx, &one, false).HasError() {
			ports = append(ports, expandPorts(one)...)
		}
	}
	return ports
}

// exchanges reports whether the plan of an update is one of an exchange, and forgets it: the state is
// to keep nothing of it.
func exchanges(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) bool {
	noted, diags := req.Private.GetKey(ctx, exchangeKey)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, exchangeKey, nil)...)
	return noted != nil
}

// exchangeRequest makes an exchange of the request of an update: the new container gets everything
// at once.
func exchangeRequest(r conductor.UpdateRequest, plan, prior *containerModel) conductor.ExchangeRequest {
	exchange := conductor.ExchangeRequest{
		Spec: r.Spec, ContainerID: r.ContainerID, OperationID: r.OperationID, PriorName: r.PriorName, Wait: r.Wait,
		Order: container.Order(plan.UpdateOrder.ValueString()), RemoveVolumes: plan.RemoveVolumes.ValueBool(),
	}
	if plan.tracksTag() && plan.Image.Equal(prior.Image) && plan.Platform.Equal(prior.Platform) {
		exchange.Digest = prior.AvailableDigest.ValueString()
	}
	return exchange
}
