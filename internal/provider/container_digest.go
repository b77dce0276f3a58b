// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// tracksTag reports whether the container is to follow its image's tag.
func (m *containerModel) tracksTag() bool {
	return m.PullPolicy.ValueString() == string(container.PullAlways)
}

// trackTag asks the registry what the image's tag leads to. A registry that can't be reached changes
// nothing: it is a warning, once for all containers of the image.
func (m *containerModel) trackTag(ctx context.Context, c *conductor.Conductor, diags *diag.Diagnostics) {
	if !m.tracksTag() {
		m.AvailableDigest = types.StringNull()
		return
	}
	image := m.Image.ValueString()
	digest, asked, err := c.AvailableDigest(ctx, image)
	switch {
	case err == nil:
		m.AvailableDigest = stringOrNull(digest)
	case asked:
		diags.AddWarning(fmt.Sprintf("Unable to find out whether there is a newer image %q", image), sentence(err)+".\n\nWhat was known before is kept.")
	}
	if m.ImageDigest.IsNull() && !m.ImageID.IsNull() {
		known, err := c.KnownDigest(ctx, m.ImageID.ValueString(), image, digest)
		if err != nil {
			diags.AddWarning(fmt.Sprintf("Unable to read the image of container %q", m.Name.ValueString()), sentence(err))
			return
		}
		m.ImageDigest = stringOrNull(known)
	}
}

// digests are what plans have shown for containers that this process removed. Terraform does not tell
// the create of a replacement what it replaces, but the same process carries out both.
type digests struct {
	mu    sync.Mutex
	shown map[tagged]string
}

// tagged is a container of an image whose tag is followed.
type tagged struct{ name, image string }

// keep notes what a plan has shown for a container, now that it is removed.
func (d *digests) keep(m *containerModel) {
	if m.AvailableDigest.IsNull() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shown == nil {
		d.shown = make(map[tagged]string)
	}
	d.shown[tagged{m.Name.ValueString(), m.Image.ValueString()}] = m.AvailableDigest.ValueString()
}

// of returns the digest that the plan of a replacement has shown; empty if it was none.
func (d *digests) of(m *containerModel) string {
	if !m.tracksTag() {
		return ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.shown[tagged{m.Name.ValueString(), m.Image.ValueString()}]
}

// rememberTag is what an operation that pulled knows: the tag led to what the container was made
// from.
func (m *containerModel) rememberTag() {
	if m.AvailableDigest.IsUnknown() && m.tracksTag() {
		m.AvailableDigest = m.ImageDigest
	}
}

// planDigest knows that there is no digest to come where the tag is not followed.
func planDigest(ctx context.Context, resp *resource.ModifyPlanResponse) {
	if resp.Plan.Raw.IsNull() {
		return
	}
	var policy, available types.String
	resp.Diagnostics.Append(resp.Plan.GetAttribute(ctx, path.Root("pull_policy"), &policy)...)
	resp.Diagnostics.Append(resp.Plan.GetAttribute(ctx, path.Root("available_digest"), &available)...)
	if available.IsUnknown() && !policy.IsUnknown() && policy.ValueString() != string(container.PullAlways) {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("available_digest"), types.StringNull())...)
	}
}

// movedTag reports whether the tag leads to another image than the container was made from, as far as
// the state knows both.
func movedTag(ctx context.Context, state tfsdk.State, plan tfsdk.Plan, diags *diag.Diagnostics) bool {
	var policy, available, used types.String
	diags.Append(plan.GetAttribute(ctx, path.Root("pull_policy"), &policy)...)
	diags.Append(state.GetAttribute(ctx, path.Root("available_digest"), &available)...)
	diags.Append(state.GetAttribute(ctx, path.Root("image_digest"), &used)...)
	return policy.ValueString() == string(container.PullAlways) && !available.IsNull() && !used.IsNull() && !available.Equal(used)
}
