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
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

// mostOutages is of how many containers a run tells in full that they are not what they were left as: each has the
// last lines of a log. Of more the warnings have one summary, which Terraform prints once, with their number.
const mostOutages = 10

// reportOutage warns of a container that ended, keeps ending or became unhealthy since it was brought up: the plan
// shows at most that it starts it again, not why. M is the state before the look; strange says that somebody else made
// the container.
func (d *providerData) reportOutage(ctx context.Context, one *member, s conductor.Status, m *containerModel, strange bool, diags *diag.Diagnostics) {
	goal := container.Spec{DesiredState: container.DesiredState(m.DesiredState.ValueString()), ExpectedExitCodes: m.exitCodes()}
	kind := conductor.OutageOf(goal, effectiveWait(m, d.wait), s, time.Now())
	if kind == "" {
		return
	}
	full := d.outages.Add(1) <= mostOutages
	asked, hidden := m.expandStored()
	f := faulttext.Of(one.Outage(ctx, kind, s, asked, hidden || strange || !full))
	switch {
	case f == nil:
	case full && strange:
		diags.AddWarning(fmt.Sprintf("%s (engine %q)", f.Summary, f.Engine), fmt.Sprintf("%s\n\nThe container was imported, so it may have been given secrets that "+
			"this state does not know, and what it wrote is not shown here. To see that: docker logs %s", f.Detail(), s.Container.Name))
	case full:
		diags.AddWarning(fmt.Sprintf("%s (engine %q)", f.Summary, f.Engine), f.Detail())
	default:
		diags.AddWarning(fmt.Sprintf("More containers on engine %q are not as they were left", f.Engine), f.Summary+".\n"+f.Detail())
	}
}

// expandStored is expand with the files, as far as the state has them. Hidden says that it lacks the content of one:
// what is secret in it can't be masked in what the container writes.
func (m *containerModel) expandStored() (spec container.Spec, hidden bool) {
	spec = m.expand()
	now := maps.Clone(m.Files)
	contents, problems := expandFiles(now, nil)
	spec.Files = contents
	return spec, problems.HasError() || spec.AnyWriteOnly() || !maps.EqualFunc(now, m.Files, fileModel.same)
}
