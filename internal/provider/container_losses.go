// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

const (
	// lossesKey is where the private state has what a refresh found that a plan has to speak of.
	lossesKey = "losses"
	// replacedKey is where attributes note, while a plan is made, that they need another container.
	replacedKey = "replaced"
)

// losses are what a container has lost, and what a replacement would lose.
type losses struct {
	// Attribute and Container are the name space that the container shared with another one, which was
	// started again since.
	Attribute string `json:"attribute,omitempty"`
	Container string `json:"container,omitempty"`
	// Volumes are the paths of its anonymous volumes.
	Volumes []string `json:"volumes,omitempty"`
	// Directories are those that are volumes for the sake of files.
	Folders []string `json:"folders,omitempty"`
}

// places are where files can be put into a container whose root is read-only, besides its mounts.
func (l losses) places() []string { return slices.Concat(l.Volumes, l.Folders) }

// keepLosses notes them. Of a container that an operation has not brought yet nothing is known.
func keepLosses(ctx context.Context, private privateState, c *container.Container, diags *diag.Diagnostics) {
	var found losses
	if c != nil {
		found.Volumes, found.Folders = c.AnonymousVolumes(), slices.Sorted(maps.Keys(c.FileFolders))
		if lost, ok := c.Lost(); ok {
			found.Attribute, found.Container = lost.Attribute, lost.Name
		}
	}
	value, err := json.Marshal(found)
	if err != nil {
		diags.AddError("gantry can't note what a plan has to speak of", err.Error())
		return
	}
	diags.Append(private.SetKey(ctx, lossesKey, value)...)
}

// keptLosses returns what the last refresh found; nothing for a state of before.
func keptLosses(ctx context.Context, private privateReader, diags *diag.Diagnostics) losses {
	value, found := private.GetKey(ctx, lossesKey)
	diags.Append(found...)
	var kept losses
	if value == nil || json.Unmarshal(value, &kept) != nil {
		return losses{}
	}
	return kept
}

// planLost reports whether the container has to be restarted, because it shared a name space with another
// one that was started again since: what it has is nobody else's any more.
func planLost(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) bool {
	lost := keptLosses(ctx, req.Private, &resp.Diagnostics)
	var name, desired types.String
	resp.Diagnostics.Append(resp.Plan.GetAttribute(ctx, path.Root("name"), &name)...)
	resp.Diagnostics.Append(resp.Plan.GetAttribute(ctx, path.Root("desired_state"), &desired)...)
	if lost.Container == "" || resp.Diagnostics.HasError() || desired.ValueString() == string(container.DesiredStopped) {
		return false
	}
	resp.Diagnostics.AddAttributeWarning(path.Root(lost.Attribute), fmt.Sprintf("Container %q has lost what it shared with container %q", name.ValueString(), lost.Container),
		fmt.Sprintf("Container %q was started again after container %q had joined it (%s), and has another name space since. The plan restarts container %q, which joins it anew. "+
			"With restart_triggers that hold the other container's started_at, both are restarted in one apply.",
			lost.Container, name.ValueString(), lost.Attribute, name.ValueString()))
	return true
}

// Terraform plans a replacement as a change first and then as a create, and shows no warning of the second. So nothing is
// said where only -replace, replace_triggered_by or a taint asks for it: these come after the first, or without it.

// warnOfVolumes tells what a replacement loses: the new container gets volumes of its own where nobody
// named one.
func warnOfVolumes(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	noted, found := req.Private.GetKey(ctx, replacedKey)
	resp.Diagnostics.Append(found...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, replacedKey, nil)...)
	if req.State.Raw.IsNull() || req.Plan.Raw.IsNull() || resp.Diagnostics.HasError() || noted == nil && len(resp.RequiresReplace) == 0 {
		return
	}
	volumes := keptLosses(ctx, req.Private, &resp.Diagnostics).Volumes
	if len(volumes) == 0 {
		return
	}
	var name types.String
	var remove types.Bool
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("name"), &name)...)
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("remove_volumes"), &remove)...)
	becomes := "are removed with the container (remove_volumes = false keeps them, but the new container does not get them)"
	if !remove.IsNull() && !remove.ValueBool() {
		becomes = "stay on the engine, and the new container does not get them"
	}
	resp.Diagnostics.AddWarning(fmt.Sprintf("The replacement of container %q loses what is in its anonymous volumes", name.ValueString()),
		fmt.Sprintf("Nobody named the volumes at %s: they %s. With update_order = %q or %q the new container gets them, with what is in them; a volume with a name in mounts stays in any case.",
			strings.Join(volumes, ", "), becomes, container.StartFirst, container.StopFirst))
}

// warnOfGiven tells what a replacement may lose of an imported container: settings that somebody asked for, which look
// like those that the engine's own configuration gives, and which the configuration does not have.
func warnOfGiven(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	noted, found := req.Private.GetKey(ctx, replacedKey)
	resp.Diagnostics.Append(found...)
	if !exists(req.State, resp.Plan) || resp.Diagnostics.HasError() || noted == nil && len(resp.RequiresReplace) == 0 {
		return
	}
	prior, err := valuesOf(req.State.Raw)
	configured, other := valuesOf(req.Config.Raw)
	var name, id types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("name"), &name)...)
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("container_id"), &id)...)
	f := readForce(ctx, req.Private, &resp.Diagnostics)
	if err != nil || other != nil || resp.Diagnostics.HasError() || !f.Imported || f.ContainerID != id.ValueString() {
		return
	}
	asked, ok := comparison{ctx: ctx, schema: containerSchema(ctx), prior: prior, force: f}.asked(configured)
	if !ok {
		return
	}
	lost := slices.DeleteFunc(spellGiven(f.Inherited.Given.Uncertain(asked.Settings, f.Defaults)), func(setting string) bool {
		attribute, _, _ := strings.Cut(setting, " ")
		return !configured[attribute].IsFullyKnown()
	})
	if len(lost) == 0 {
		return
	}
	resp.Diagnostics.AddWarning(fmt.Sprintf("The replacement of container %q may lose settings that the configuration does not have", name.ValueString()),
		fmt.Sprintf("The container was imported, and an engine does not tell whether somebody asked for a setting or its own configuration (daemon.json) gives it. "+
			"The new container gets what the engine gives. To keep what the old one has, write it down:\n\n%s", strings.Join(lost, "\n")))
}

// spellGiven writes down, as a configuration has it, what an engine gives.
func spellGiven(g container.Given) []string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if g.ShmSize != 0 {
		add("shm_size = %q", customtypes.FormatSize(g.ShmSize))
	}
	if g.Ulimits != nil {
		var ulimits []string
		for _, name := range slices.Sorted(maps.Keys(g.Ulimits)) {
			ulimits = append(ulimits, fmt.Sprintf("%s = %q", name, customtypes.FormatUlimit(g.Ulimits[name].Soft, g.Ulimits[name].Hard)))
		}
		add("ulimits = { %s }", strings.Join(ulimits, ", "))
	}
	if g.LogOptions != nil {
		var options []string
		for _, key := range slices.Sorted(maps.Keys(g.LogOptions)) {
			options = append(options, fmt.Sprintf("%q = %q", key, g.LogOptions[key]))
		}
		add("logging = { options = { %s } }", strings.Join(options, ", "))
	}
	if g.IPC != "" {
		add("ipc = %q", g.IPC)
	}
	if g.Cgroup != "" {
		add("cgroup = %q", g.Cgroup)
	}
	return lines
}
