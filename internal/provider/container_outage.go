// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
)

// mostOutages is of how many containers a run tells in full that they are not what they were left as: each has the
// last lines of a log. Of more the warnings have one summary, which Terraform prints once, with their number.
const mostOutages = 10

// tellOutage warns of a container that ended, keeps ending or became unhealthy since it was brought up: the plan
// shows at most that it starts it again, not why. M is the state before the look.
func (d *providerData) tellOutage(ctx context.Context, s conductor.Standing, m *containerModel, diags *diag.Diagnostics) {
	goal := conductor.Spec{DesiredState: conductor.DesiredState(m.DesiredState.ValueString()), ExpectedExitCodes: m.exitCodes()}
	kind := conductor.OutageOf(goal, effectiveWait(m, d.wait), s, time.Now())
	if kind == "" {
		return
	}
	asked, full := m.expand(), d.outages.Add(1) <= mostOutages
	files, problems := expandFiles(maps.Clone(m.Files), nil)
	asked.Files = files
	hidden := problems.HasError() || anyWriteOnly(files) // What is secret in them can't be masked in a log.
	f := d.conductor.Outage(ctx, kind, s, asked, full && !hidden)
	switch {
	case f == nil:
	case full:
		diags.AddWarning(fmt.Sprintf("%s (engine %q)", f.Summary, f.Engine), f.Detail())
	default:
		diags.AddWarning(fmt.Sprintf("More containers on engine %q are not as they were left", f.Engine), f.Summary+".\n"+f.Detail())
	}
}

func anyWriteOnly(files map[string]conductor.File) bool {
	for _, f := range files {
		if f.WriteOnly {
			return true
		}
	}
	return false
}
