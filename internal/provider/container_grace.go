// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

// limit is a timeout that a stop has to fit in.
type limit struct {
	// name is its key in timeouts, and byDefault what holds where it is left out.
	name      string
	byDefault time.Duration
}

// stopsWithin are the timeouts of a container's operations that stop it.
func stopsWithin() []limit {
	return []limit{{"delete", defaultDeleteTimeout}, {"update", defaultUpdateTimeout}}
}

// tooShort returns in words which of the timeouts end before a stop that takes its whole grace period; empty is the
// engine's own one. What is not known yet is not judged. It is pure.
func tooShort(grace string, timeouts tftypes.Value, limits []limit) []string {
	period, err := customtypes.ParseDuration(grace)
	if err != nil {
		period = conductor.OwnGrace
	}
	set := make(map[string]tftypes.Value)
	if !timeouts.IsNull() && (!timeouts.IsKnown() || timeouts.As(&set) != nil) {
		return nil
	}
	var short []string
	for _, one := range limits {
		text, isSet := textOf(set[one.name])
		allowed, err := time.ParseDuration(text)
		switch {
		case isSet && err == nil && allowed <= period:
			short = append(short, fmt.Sprintf("timeouts.%s is %s", one.name, text))
		case set[one.name].IsNull() && one.byDefault <= period:
			short = append(short, fmt.Sprintf("timeouts.%s is %s by default", one.name, customtypes.FormatDuration(one.byDefault)))
		}
	}
	return short
}

// warnOfGrace tells of timeouts that end before the container has had the time to end that it is promised: an
// operation that stops it can't succeed if the container needs that time.
func warnOfGrace(req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	limits, raw := stopsWithin(), resp.Plan.Raw
	if req.Plan.Raw.IsNull() {
		limits, raw = limits[:1], req.State.Raw
	}
	attributes := make(map[string]tftypes.Value)
	if raw.As(&attributes) != nil {
		return
	}
	desired, _ := textOf(attributes["desired_state"])
	if state := container.DesiredState(desired); state == container.DesiredStopped || state == container.DesiredCompleted {
		return // What has ended is not stopped.
	}
	resp.Diagnostics.Append(graceWarning(attributes, "name", limits)...)
}

// ModifyPlan tells of a timeout that ends before a stop that takes its whole grace period.
func (a *powerAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	a.checkEngine(ctx, req.Config, &resp.Diagnostics)
	attributes := make(map[string]tftypes.Value)
	if !a.graceful || req.Config.Raw.As(&attributes) != nil || isZero(attributes["stop_grace_period"]) {
		return // The container's own grace period is known to the engine alone.
	}
	resp.Diagnostics.Append(graceWarning(attributes, "container", []limit{{"invoke", defaultPowerTimeout}})...)
}

// graceWarning is the warning of what these attributes ask for, if it needs one. Named is the attribute that names
// the container.
func graceWarning(attributes map[string]tftypes.Value, named string, limits []limit) diag.Diagnostics {
	grace := attributes["stop_grace_period"]
	if !grace.IsKnown() {
		return nil
	}
	text, isSet := textOf(grace)
	short := tooShort(text, attributes["timeouts"], limits)
	if len(short) == 0 {
		return nil
	}
	says := text + " (stop_grace_period)"
	if !isSet {
		says = customtypes.FormatDuration(conductor.OwnGrace) + " (the engine's default, as stop_grace_period is left out)"
	}
	name, _ := textOf(attributes[named])
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("stop_grace_period"), fmt.Sprintf("Container %q may need longer to stop than its timeouts allow", name),
		fmt.Sprintf("A stop may take %s, but %s: if the container uses its whole grace period, what stops it fails, though the engine goes on with the stop. "+
			"Make the timeout longer than the grace period, or set a shorter stop_grace_period.", says, strings.Join(short, " and ")))}
}

// textOf is a text, if it is known and not left out.
func textOf(v tftypes.Value) (text string, ok bool) {
	if !v.IsKnown() || v.IsNull() || v.As(&text) != nil {
		return "", false
	}
	return text, text != ""
}
