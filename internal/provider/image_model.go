// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/meaning"
)

type imageModel struct {
	Name            meaning.Value  `tfsdk:"name"`
	PullPolicy      types.String   `tfsdk:"pull_policy"`
	Platform        meaning.Value  `tfsdk:"platform"`
	Archive         types.String   `tfsdk:"archive"`
	Tags            []types.String `tfsdk:"tags"`
	KeepOnDestroy   types.Bool     `tfsdk:"keep_on_destroy"`
	WaitFor         types.String   `tfsdk:"wait_for"`
	Timeouts        timeouts.Value `tfsdk:"timeouts"`
	ID              types.String   `tfsdk:"id"`
	ImageID         types.String   `tfsdk:"image_id"`
	Digest          types.String   `tfsdk:"digest"`
	AvailableDigest types.String   `tfsdk:"available_digest"`
	ArchiveSHA256   types.String   `tfsdk:"archive_sha256"`
	RepoTags        types.List     `tfsdk:"repo_tags"`
	RepoDigests     types.List     `tfsdk:"repo_digests"`
	Size            types.Int64    `tfsdk:"size"`
	OSPlatform      types.String   `tfsdk:"os_platform"`
	Created         types.String   `tfsdk:"created"`
	Status          types.String   `tfsdk:"status"`
	OperationID     types.String   `tfsdk:"operation_id"`
	Fault           types.Object   `tfsdk:"fault"`
}

func (m *imageModel) expand() conductor.ImageSpec {
	return conductor.ImageSpec{
		Name: m.Name.ValueString(), PullPolicy: conductor.PullPolicy(m.PullPolicy.ValueString()), Platform: m.Platform.ValueString(),
		Archive: m.Archive.ValueString(), Tags: expandList(m.Tags),
	}
}

// names are all names that gantry gave the image.
func (m *imageModel) names() []string { return append(expandList(m.Tags), m.Name.ValueString()) }

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
	var tags []types.String
	for _, tag := range m.Tags {
		if slices.ContainsFunc(img.RepoTags, func(has string) bool { return meaning.Reference.Same(tag.ValueString(), has) }) {
			tags = append(tags, tag)
		}
	}
	m.Tags = tags
}

// moved says whether the registry has another image under the name than the engine.
func (m *imageModel) moved() bool {
	available := m.AvailableDigest.ValueString()
	if m.PullPolicy.ValueString() != string(conductor.PullAlways) || available == "" || m.Digest.ValueString() == available {
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

// checksum reads a whole file: an archive is compared by its content.
func checksum(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func siblingPath(name string) path.Expression { return path.MatchRelative().AtParent().AtName(name) }

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
	if _, err := meaning.NormaliseReference(s); err != nil || strings.Contains(s, "@") {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid tag %q", s), fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}
