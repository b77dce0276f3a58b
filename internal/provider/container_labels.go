// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// labelsModel is the labels of the configuration, and with those of the provider.
type labelsModel struct {
	Labels          map[string]types.String `tfsdk:"labels"`
	EffectiveLabels types.Map               `tfsdk:"effective_labels"`
}

// labelsBlock is the labels, which the provider's configuration adds to.
func labelsBlock() block {
	return block{
		schema:  labelsSchema,
		effects: labelsEffects,
		expand:  func(m *containerModel, s *container.Spec) { s.Labels = m.labels() },
		refresh: func(m *containerModel, o observation) { m.flattenLabels(o.Container) },
		imports: func(m *containerModel, o observation) { m.Labels = importMap(withoutTools(o.Labels), o.image.Labels) },
	}
}

func labelsSchema(context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"labels": schema.MapAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Labels. They add to the image's; only the ones named here are compared.",
			Validators:          []validator.Map{mapvalidator.KeysAre(foreignLabel{}), mapvalidator.NoNullValues()},
		},
		"effective_labels": schema.MapAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "The container's `labels` with the provider's `default_labels`; null for an imported container that lacks one of those. A change replaces the container.",
		},
	}
}

func labelsEffects() map[string]effect {
	return map[string]effect{
		"labels":           replaces,
		"effective_labels": computed,
	}
}

// labels are those that the container is to have.
func (m *containerModel) labels() map[string]string {
	if m.EffectiveLabels.IsNull() || m.EffectiveLabels.IsUnknown() {
		return expandMap(m.Labels)
	}
	out := make(map[string]string, len(m.EffectiveLabels.Elements()))
	for key, value := range m.EffectiveLabels.Elements() {
		if s, ok := value.(types.String); ok {
			out[key] = s.ValueString()
		}
	}
	return out
}

// flattenLabels looks at the keys that gantry gave; others come from the image or other tools.
func (m *containerModel) flattenLabels(c *container.Container) {
	m.Labels = refreshMap(m.Labels, c.Labels)
	if m.EffectiveLabels.IsNull() || m.EffectiveLabels.IsUnknown() {
		return
	}
	seen := make(map[string]attr.Value)
	for key := range m.EffectiveLabels.Elements() {
		if value, ok := c.Labels[key]; ok {
			seen[key] = types.StringValue(value)
		}
	}
	m.EffectiveLabels = types.MapValueMust(types.StringType, seen)
}

// withoutTools leaves out the labels of gantry and of other tools.
func withoutTools(labels map[string]string) map[string]string {
	labels = maps.Clone(labels)
	maps.DeleteFunc(labels, func(key, _ string) bool { return isOwnLabel(key) || isToolLabel(key) })
	return labels
}

// isToolLabel recognises the labels by which other tools find what is theirs. A container that is made
// anew is not theirs any more.
func isToolLabel(key string) bool {
	for _, prefix := range []string{
		"com.docker.compose.", "com.docker.stack.", "com.docker.swarm.", "desktop.docker.io/", "com.docker.desktop.", "org.testcontainers", "devcontainer.",
		"io.podman.compose.", "PODMAN_SYSTEMD_UNIT", "io.kubernetes.", "com.amazonaws.ecs.", "com.hashicorp.nomad.",
	} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// isOwnLabel recognises the labels that gantry sets for itself.
func isOwnLabel(key string) bool { return strings.HasPrefix(key, container.LabelPrefix) }

// foreignLabel refuses labels in gantry's own name space.
type foreignLabel struct{}

func (foreignLabel) Description(context.Context) string {
	return "must not begin with " + container.LabelPrefix + ", which gantry uses itself"
}

func (v foreignLabel) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v foreignLabel) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if isOwnLabel(req.ConfigValue.ValueString()) {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid label %q", req.ConfigValue.ValueString()), fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}

// defaultLabels are the labels that every container of a provider configuration gets.
type defaultLabels struct {
	// known is false while the configuration depends on what is not known yet.
	known  bool
	values map[string]types.String
}

// readDefaultLabels reads them also where other parts of the configuration are not known yet.
func readDefaultLabels(ctx context.Context, req provider.ConfigureRequest, diags *diag.Diagnostics) defaultLabels {
	object := make(map[string]tftypes.Value)
	if err := req.Config.Raw.As(&object); err != nil || !object["default_labels"].IsFullyKnown() {
		diags.AddAttributeWarning(path.Root("default_labels"), "The default labels are not known yet",
			"Containers that are there keep the labels that they have. If the default labels turn out to be others, the plan after this apply replaces these containers.")
		return defaultLabels{}
	}
	d := defaultLabels{known: true}
	diags.Append(req.Config.GetAttribute(ctx, path.Root("default_labels"), &d.values)...)
	return d
}

// with returns them with those of an engine above them.
func (d defaultLabels) with(ctx context.Context, labels types.Map, diags *diag.Diagnostics) defaultLabels {
	raw, err := labels.ToTerraformValue(ctx)
	if err != nil || !d.known || !raw.IsFullyKnown() {
		return defaultLabels{}
	}
	own := make(map[string]types.String)
	diags.Append(labels.ElementsAs(ctx, &own, false)...)
	all := defaultLabels{known: true, values: maps.Clone(d.values)}
	for key, value := range own {
		all.values = container.Put(all.values, key, value)
	}
	return all
}

// under returns the labels that a container with these of its own gets.
func (d defaultLabels) under(own map[string]types.String) types.Map {
	all := make(map[string]attr.Value, len(d.values)+len(own))
	for key, value := range d.values {
		all[key] = value
	}
	for key, value := range own {
		all[key] = value
	}
	return types.MapValueMust(types.StringType, all)
}

// plan says which labels the container has or is to get. One that lacks default labels is replaced
// when they change, but not if it was imported: then the state has null.
func (d defaultLabels) plan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	at := path.Root("effective_labels")
	prior, own, before, current := types.MapNull(types.StringType), types.MapNull(types.StringType), types.MapNull(types.StringType), types.MapNull(types.StringType)
	resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, path.Root("labels"), &own)...)
	resp.Diagnostics.Append(resp.Plan.GetAttribute(ctx, at, &current)...)
	create := req.State.Raw.IsNull()
	if !create {
		resp.Diagnostics.Append(req.State.GetAttribute(ctx, at, &prior)...)
		resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("labels"), &before)...)
	}
	raw, err := own.ToTerraformValue(ctx)
	if resp.Diagnostics.HasError() || err != nil {
		return
	}
	planned := prior
	switch {
	case !create && prior.IsNull(): // Imported without them.
	case !d.known && !create: // What is not known can't be said to change.
	case !d.known || !raw.IsFullyKnown():
		planned = types.MapUnknown(types.StringType)
	default:
		values := make(map[string]types.String)
		resp.Diagnostics.Append(own.ElementsAs(ctx, &values, false)...)
		planned = d.under(values)
	}
	if !planned.Equal(current) {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, at, planned)...)
	}
	if !create && !planned.Equal(prior) && own.Equal(before) {
		resp.RequiresReplace = append(resp.RequiresReplace, at)
	}
}

// complete fills in the labels that were not known when the create was planned.
func (d defaultLabels) complete(m *containerModel) {
	if m.EffectiveLabels.IsUnknown() {
		m.EffectiveLabels = d.under(m.Labels)
	}
}

// imported sorts the labels of an imported container into the provider's and its own. If it lacks
// one of the provider's, it is left as it is.
func (d defaultLabels) imported(m *containerModel) {
	m.EffectiveLabels = types.MapNull(types.StringType)
	for key := range d.values {
		if _, ok := m.Labels[key]; !ok {
			return
		}
	}
	m.EffectiveLabels = d.under(m.Labels)
	maps.DeleteFunc(m.Labels, func(key string, value types.String) bool { return value.Equal(d.values[key]) })
	if len(m.Labels) == 0 {
		m.Labels = nil
	}
}
