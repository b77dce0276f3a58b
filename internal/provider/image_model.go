// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

type imageModel struct {
	Name          customtypes.Value `tfsdk:"name"`
	PullPolicy    types.String      `tfsdk:"pull_policy"`
	Platform      customtypes.Value `tfsdk:"platform"`
	Archive       types.String      `tfsdk:"archive"`
	Tags          types.Set         `tfsdk:"tags"`
	KeepOnDestroy types.Bool        `tfsdk:"keep_on_destroy"`
	WaitFor       types.String      `tfsdk:"wait_for"`
	Timeouts      timeouts.Value    `tfsdk:"timeouts"`
	placement
	ID              types.String `tfsdk:"id"`
	ImageID         types.String `tfsdk:"image_id"`
	Digest          types.String `tfsdk:"digest"`
	AvailableDigest types.String `tfsdk:"available_digest"`
	ArchiveSHA256   types.String `tfsdk:"archive_sha256"`
	RepoTags        types.List   `tfsdk:"repo_tags"`
	RepoDigests     types.List   `tfsdk:"repo_digests"`
	Size            types.Int64  `tfsdk:"size"`
	OSPlatform      types.String `tfsdk:"os_platform"`
	Created         types.String `tfsdk:"created"`
	Status          types.String `tfsdk:"status"`
	OperationID     types.String `tfsdk:"operation_id"`
	Fault           types.Object `tfsdk:"fault"`
}

func (m *imageModel) expand() conductor.ImageSpec {
	return conductor.ImageSpec{
		Name: m.Name.ValueString(), PullPolicy: container.PullPolicy(m.PullPolicy.ValueString()), Platform: m.Platform.ValueString(),
		Archive: m.Archive.ValueString(), Tags: m.tags(),
	}
}

// names are all names that gantry gave the image.
func (m *imageModel) names() []string { return append(m.tags(), m.Name.ValueString()) }

// tags are the further names of the image.
func (m *imageModel) tags() []string {
	var tags []string
	for _, tag := range m.Tags.Elements() {
		if s, ok := tag.(types.String); ok {
			tags = append(tags, s.ValueString())
		}
	}
	return tags
}

// hasArchive reports whether the image is loaded from an archive, as far as that is known.
func (m *imageModel) hasArchive() bool { return m.Archive.IsUnknown() || m.Archive.ValueString() != "" }

// imported completes what an import knows nothing of: what was left out has its zero.
func (m *imageModel) imported(ctx context.Context) {
	m.PullPolicy, m.KeepOnDestroy = types.StringValue(string(container.PullMissing)), types.BoolValue(false)
	m.Platform, m.Archive, m.WaitFor = customtypes.New(customtypes.Platform, ""), types.StringValue(""), types.StringValue("")
	m.Tags = types.SetValueMust(types.StringType, nil)
	m.Timeouts = unsetTimeouts(ctx, m.Timeouts)
}

// compute takes over what the engine reports. A digest that a pull brought stays as long as the image
// is the same.
func (m *imageModel) compute(img *conductor.Image) {
	if img.Digest != "" || m.ImageID.ValueString() != img.ID {
		m.Digest = stringOrNull(img.Digest)
	}
	m.ID, m.Status = types.StringValue(img.Engine+"/"+m.Name.ValueString()), types.StringValue(statusPresent)
	m.ImageID, m.Size, m.OSPlatform = types.StringValue(img.ID), types.Int64Value(img.Size), stringOrNull(img.Platform)
	m.RepoTags, m.RepoDigests = sortedList(img.RepoTags), sortedList(img.RepoDigests)
	m.Created = types.StringNull()
	if !img.Created.IsZero() {
		m.Created = types.StringValue(img.Created.UTC().Format(time.RFC3339))
	}
	if m.Tags.IsNull() {
		return
	}
	var tags []attr.Value
	for _, tag := range m.tags() {
		if slices.ContainsFunc(img.RepoTags, func(has string) bool { return customtypes.Reference.Same(tag, has) }) {
			tags = append(tags, types.StringValue(tag))
		}
	}
	m.Tags = types.SetValueMust(types.StringType, tags)
}

// moved reports whether the registry has another image under the name than the engine.
func (m *imageModel) moved() bool {
	available := m.AvailableDigest.ValueString()
	if m.PullPolicy.ValueString() != string(container.PullAlways) || available == "" || m.Digest.ValueString() == available {
		return false
	}
	for _, d := range m.RepoDigests.Elements() {
		if s, ok := d.(types.String); ok && strings.HasSuffix(s.ValueString(), "@"+available) {
			return false
		}
	}
	return true
}

func sortedList(values []string) types.List {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return stringList(sorted)
}

// archiveWithoutPlatform refuses a platform beside an archive: what is loaded is what is in the file.
type archiveWithoutPlatform struct{}

func (archiveWithoutPlatform) Description(context.Context) string {
	return "an archive has its own platform"
}
func (v archiveWithoutPlatform) MarkdownDescription(ctx context.Context) string {
	return v.Description(ctx)
}

// ValidateString validates an archive that is known.
func (archiveWithoutPlatform) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	var platform customtypes.Value
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("platform"), &platform)...)
	if req.ConfigValue.ValueString() != "" && platform.ValueString() != "" {
		resp.Diagnostics.AddAttributeError(path.Root("platform"), "A platform beside an archive",
			"What is loaded from an archive is what is in the file, whatever the platform. Remove platform, or archive.")
	}
}

// replacePlatform replaces an image for another platform. The one that it is for asks for nothing else.
type replacePlatform struct{}

func (replacePlatform) Description(context.Context) string {
	return "another platform replaces the image"
}
func (m replacePlatform) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

// PlanModifyString decides.
func (replacePlatform) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if !exists(req.State, req.Plan) || resp.PlanValue.Equal(req.StateValue) {
		return
	}
	var own types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("os_platform"), &own)...)
	prior, planned := req.StateValue.ValueString(), resp.PlanValue.ValueString()
	same := planned == "" && prior == "" || prior == "" && own.ValueString() != "" && customtypes.Platform.Same(planned, own.ValueString())
	if resp.RequiresReplace = resp.PlanValue.IsUnknown() || !same; !resp.RequiresReplace && !req.StateValue.IsNull() {
		resp.PlanValue = req.StateValue
	}
}

// taggedReference validates a name that an image can be given: a digest can't be given.
type taggedReference struct{}

func (taggedReference) Description(context.Context) string {
	return `must be a name with a tag and without a digest, for example "shop:1.4"`
}
func (v taggedReference) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v taggedReference) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	s := req.ConfigValue.ValueString()
	if _, err := customtypes.NormaliseReference(s); err != nil || strings.Contains(s, "@") {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid tag %q", s), fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}
