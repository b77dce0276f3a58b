// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package pruned

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// narrowed is a resource as a variant's server knows it. Inside, the resource has whole objects.
type narrowed struct {
	Resource
	provider Provider
	variant  *variant
}

// Schema has the variant's attributes.
func (n *narrowed) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = n.variant.part.schema
}

// Configure takes what the provider's own server was configured with: the variant's never is.
func (n *narrowed) Configure(ctx context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	req.ProviderData = n.provider.ResourceData()
	n.Resource.Configure(ctx, req, resp)
}

// ValidateConfig validates the whole configuration.
func (n *narrowed) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	req.Config = n.wholeConfig(req.Config)
	n.Resource.ValidateConfig(ctx, req, resp)
}

// ModifyPlan modifies the whole plan.
func (n *narrowed) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	req.Config, req.State, req.Plan = n.wholeConfig(req.Config), n.wholeState(req.State), n.wholePlan(req.Plan)
	resp.Plan = n.wholePlan(resp.Plan)
	n.Resource.ModifyPlan(ctx, req, resp)
	n.keepWithin(tfsdk.State(resp.Plan), &resp.Diagnostics)
	resp.Plan = tfsdk.Plan{Raw: n.variant.part.of(resp.Plan.Raw), Schema: n.variant.part.schema}
}

// Create creates what is planned.
func (n *narrowed) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	req.Config, req.Plan = n.wholeConfig(req.Config), n.wholePlan(req.Plan)
	resp.State = n.wholeState(resp.State)
	n.Resource.Create(ctx, req, resp)
	n.narrow(&resp.State, &resp.Diagnostics)
}

// Read reads everything.
func (n *narrowed) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	req.State, resp.State = n.wholeState(req.State), n.wholeState(resp.State)
	n.Resource.Read(ctx, req, resp)
	if found, ok := ctx.Value(findingsKey{}).(findings); ok {
		maps.Copy(found, n.variant.part.beyond(resp.State.Raw))
	}
	resp.State = tfsdk.State{Raw: n.variant.part.of(resp.State.Raw), Schema: n.variant.part.schema}
}

// Update changes what is planned.
func (n *narrowed) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	req.Config, req.Plan, req.State = n.wholeConfig(req.Config), n.wholePlan(req.Plan), n.wholeState(req.State)
	resp.State = n.wholeState(resp.State)
	n.Resource.Update(ctx, req, resp)
	n.narrow(&resp.State, &resp.Diagnostics)
}

// Delete deletes.
func (n *narrowed) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	req.State = n.wholeState(req.State)
	resp.State = n.wholeState(resp.State)
	n.Resource.Delete(ctx, req, resp)
	n.narrow(&resp.State, &resp.Diagnostics)
}

func (n *narrowed) wholeConfig(c tfsdk.Config) tfsdk.Config {
	return tfsdk.Config{Raw: n.variant.whole.of(c.Raw), Schema: n.variant.whole.schema}
}

func (n *narrowed) wholePlan(p tfsdk.Plan) tfsdk.Plan {
	return tfsdk.Plan{Raw: n.variant.whole.of(p.Raw), Schema: n.variant.whole.schema}
}

func (n *narrowed) wholeState(s tfsdk.State) tfsdk.State {
	return tfsdk.State{Raw: n.variant.whole.of(s.Raw), Schema: n.variant.whole.schema}
}

func (n *narrowed) narrow(s *tfsdk.State, diags *diag.Diagnostics) {
	n.keepWithin(*s, diags)
	*s = tfsdk.State{Raw: n.variant.part.of(s.Raw), Schema: n.variant.part.schema}
}

// keepWithin says it if the resource gave a value to an attribute that was null and is not computed.
// Terraform would not take that either.
func (n *narrowed) keepWithin(s tfsdk.State, diags *diag.Diagnostics) {
	if beyond := n.variant.part.beyond(s.Raw); len(beyond) > 0 {
		names := strings.Join(slices.Sorted(maps.Keys(beyond)), ", ")
		diags.AddError("Unexpected value from the provider",
			fmt.Sprintf("Nothing was planned for %s, and the provider gave a value. This is a mistake in the provider: please report it.", names))
	}
}

// findings are attributes that a read found a value for, and that the variant does not know: what
// somebody changed outside, or an import's.
type findings map[string]tftypes.Value

type findingsKey struct{}

// withFindings has a read leave its findings here: the framework's server has no place for them.
func withFindings(ctx context.Context) (context.Context, findings) {
	found := make(findings)
	return context.WithValue(ctx, findingsKey{}, found), found
}
