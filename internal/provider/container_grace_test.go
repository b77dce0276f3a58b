// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
)

// A plan tells of each timeout that ends before the grace period of a stop, and of no other.
func TestPlanWarnsOfGrace(t *testing.T) {
	t.Parallel()
	limits := func(changes values) values { return values{"timeouts": changes} }
	for name, tt := range map[string]struct {
		config values
		// says is what the warning has; nil is that there is none. A removal has fewer: onRemoval.
		says, onRemoval []string
	}{
		"nothing":                  {values{}, nil, nil},
		"a usual one":              {values{"stop_grace_period": "30s"}, nil, nil},
		"longer than the defaults": {values{"stop_grace_period": "1h"}, []string{"timeouts.delete is 10m by default", "timeouts.update is 20m by default"}, []string{"timeouts.delete is 10m by default"}},
		"longer than one default":  {values{"stop_grace_period": "15m"}, []string{"timeouts.delete is 10m by default"}, []string{"timeouts.delete is 10m by default"}},
		"as long as the timeout":   {limits(values{"delete": "30s"}).with(values{"stop_grace_period": "30s"}), []string{"timeouts.delete is 30s"}, []string{"timeouts.delete is 30s"}},
		"shorter":                  {limits(values{"delete": "31s"}).with(values{"stop_grace_period": "30s"}), nil, nil},
		"for an update":            {limits(values{"update": "5s"}).with(values{"stop_grace_period": "30s"}), []string{"timeouts.update is 5s"}, nil},
		"for a create":             {limits(values{"create": "5s"}).with(values{"stop_grace_period": "30s"}), nil, nil},
		"left out":                 {limits(values{"delete": "2s"}), []string{"timeouts.delete is 2s", "as stop_grace_period is left out"}, []string{"timeouts.delete is 2s"}},
		"none":                     {limits(values{"delete": "2s"}).with(values{"stop_grace_period": "0s"}), nil, nil},
		"of what does not run":     {limits(values{"delete": "2s"}).with(values{"desired_state": "stopped"}), nil, nil},
		"of a job":                 {limits(values{"delete": "2s"}).with(values{"desired_state": "completed"}), nil, nil},
		"of what is paused":        {limits(values{"delete": "2s"}).with(values{"desired_state": "paused"}), []string{"timeouts.delete is 2s"}, []string{"timeouts.delete is 2s"}},
		"not known":                {limits(values{"delete": "2s"}).with(values{"stop_grace_period": unknown{}}), nil, nil},
		"a timeout not known":      {limits(values{"delete": unknown{}}).with(values{"stop_grace_period": "1h"}), []string{"timeouts.update is 20m by default"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCore(t)
			config := minimal().with(tt.config)
			created := c.answer(t, tftypes.NewValue(c.typ, nil), config)
			wantWarning(t, created.Diagnostics, tt.says)
			if strings.HasSuffix(name, "not known") {
				return
			}
			planned, err := created.PlannedState.Unmarshal(c.typ)
			if err != nil {
				t.Fatal(err)
			}
			state := modelOf(t, planned)
			state.compute(report(state.expand(), nil))
			state.record(conductor.KindCreate, conductor.Outcome{OperationID: "edge1/web/x"}, nil)
			removed, err := c.server.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
				TypeName: "gantry_container", PriorState: c.dynamic(t, c.raw(t, state)), Config: c.dynamic(t, tftypes.NewValue(c.typ, nil)),
				ProposedNewState: c.dynamic(t, tftypes.NewValue(c.typ, nil)),
			})
			if err != nil {
				t.Fatal(err)
			}
			wantWarning(t, removed.Diagnostics, tt.onRemoval)
		})
	}
}

// wantWarning asserts one warning of the container web, or none.
func wantWarning(t *testing.T, diags []*tfprotov6.Diagnostic, says []string) {
	t.Helper()
	if says == nil {
		fatalDiagnostics(t, diags)
		return
	}
	if len(diags) != 1 || diags[0].Severity != tfprotov6.DiagnosticSeverityWarning || !strings.Contains(diags[0].Summary, `"web"`) {
		t.Fatalf("want one warning, got %v", diags)
	}
	for _, text := range says {
		if !strings.Contains(diags[0].Detail, text) {
			t.Errorf("it does not say %q: %s", text, diags[0].Detail)
		}
	}
	if strings.Count(diags[0].Detail, "timeouts.") != strings.Count(strings.Join(says, " "), "timeouts.") {
		t.Errorf("it names other timeouts: %s", diags[0].Detail)
	}
}

// The same for the actions that stop a container.
func TestActionsWarnOfGrace(t *testing.T) {
	t.Parallel()
	var graceful []string
	for _, newAction := range newGantry("test", hclog.NewNullLogger(), nil).Actions(t.Context()) {
		a, ok := newAction().(*powerAction)
		if !ok {
			continue
		}
		if a.graceful {
			graceful = append(graceful, string(a.kind))
		}
		a.providerData = configured(nil, nil)
		own := schema.Schema{Attributes: a.attributes(t.Context())}
		typ := own.Type().TerraformType(t.Context())
		for _, tt := range []struct {
			config values
			warns  bool
		}{
			{values{"container": "web", "timeouts": values{"invoke": "2s"}}, false},
			{values{"container": "web", "timeouts": values{"invoke": "2s"}, "stop_grace_period": "1s"}, false},
			{values{"container": "web", "timeouts": values{"invoke": "2s"}, "stop_grace_period": "2s"}, true},
			{values{"container": "web", "stop_grace_period": "5m"}, true},
			{values{"container": "web", "timeouts": unknown{}, "stop_grace_period": "5m"}, false},
		} {
			if !a.graceful {
				delete(tt.config, "stop_grace_period")
			}
			var resp action.ModifyPlanResponse
			a.ModifyPlan(t.Context(), action.ModifyPlanRequest{Config: tfsdk.Config{Raw: value(t, typ, tt.config), Schema: own}}, &resp)
			if warned := resp.Diagnostics.WarningsCount() == 1; warned != (tt.warns && a.graceful) || resp.Diagnostics.HasError() {
				t.Errorf("%s %v: %v", a.kind, tt.config, resp.Diagnostics)
			}
		}
	}
	slices.Sort(graceful)
	if !slices.Equal(graceful, []string{"restart", "stop"}) {
		t.Errorf("the actions that stop are %v", graceful)
	}
}
