// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// What runs on an engine, and is no object there, is planned for one that is configured, too.
func TestPlanOfAnUnknownEngine(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	data := &providerData{members: &members{byName: map[string]*member{"": {}, "edge1": {name: "edge1"}, "edge2": {name: "edge2"}}}}
	open := &providerData{members: &members{byName: map[string]*member{"": {}}, open: true}}
	plans := map[string]func(*providerData, any) diag.Diagnostics{
		"gantry_exec": func(data *providerData, engine any) diag.Diagnostics {
			r := &execResource{providerData: data}
			var described resource.SchemaResponse
			r.Schema(ctx, resource.SchemaRequest{}, &described)
			raw := value(t, described.Schema.Type().TerraformType(ctx), complete("gantry_exec").with(values{"engine": engine}))
			plan := tfsdk.Plan{Schema: described.Schema, Raw: raw}
			resp := resource.ModifyPlanResponse{Plan: plan}
			r.ModifyPlan(ctx, resource.ModifyPlanRequest{Plan: plan}, &resp)
			return resp.Diagnostics
		},
	}
	addAction := func(kind string, of func(*providerData) action.ActionWithModifyPlan) {
		plans["action."+kind] = func(data *providerData, engine any) diag.Diagnostics {
			a := of(data)
			var described action.SchemaResponse
			a.Schema(ctx, action.SchemaRequest{}, &described)
			raw := value(t, described.Schema.Type().TerraformType(ctx), complete("action."+kind).with(values{"engine": engine}))
			var resp action.ModifyPlanResponse
			a.ModifyPlan(ctx, action.ModifyPlanRequest{Config: tfsdk.Config{Schema: described.Schema, Raw: raw}}, &resp)
			return resp.Diagnostics
		}
	}
	addAction("gantry_exec", func(data *providerData) action.ActionWithModifyPlan { return &execAction{providerData: data} })
	for _, power := range powerActions() {
		addAction("gantry_"+string(power.kind), func(data *providerData) action.ActionWithModifyPlan {
			return &powerAction{providerData: data, power: power}
		})
	}
	for name, plan := range plans {
		t.Run(name, func(t *testing.T) {
			for _, engine := range []any{"edge1", nil, tftypes.UnknownValue} {
				if diags := plan(data, engine); diags.HasError() {
					t.Errorf("engine %v: %v", engine, diags)
				}
			}
			if diags := plan(open, "edge9"); diags.HasError() {
				t.Errorf("an engine that may be known later: %v", diags)
			}
			diags := plan(data, "edge9")
			if len(diags.Errors()) != 1 || !strings.Contains(diags.Errors()[0].Detail(), "The provider's engines are: edge1, edge2.") {
				t.Errorf("an unknown engine: %v", diags)
			}
		})
	}
}
