// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

// baseModel is which container it is, and what it is made from.
type baseModel struct {
	Name       types.String      `tfsdk:"name"`
	Image      customtypes.Value `tfsdk:"image"`
	PullPolicy types.String      `tfsdk:"pull_policy"`
	Platform   customtypes.Value `tfsdk:"platform"`
}

// baseBlock is the container's name and its image.
func baseBlock() block {
	return block{
		schema:   baseSchema,
		effects:  baseEffects,
		defaults: baseDefaults,
		expand:   (*containerModel).expandBase,
		refresh:  (*containerModel).refreshBase,
		imports:  (*containerModel).importBase,
	}
}

func baseSchema(context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name": schema.StringAttribute{
			Required:            true,
			MarkdownDescription: "The container's name on its engine.",
			Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`),
				`must begin with a letter or a digit and have at least two of the characters a-z, A-Z, 0-9, "_", "." and "-"`)},
		},
		"image": schema.StringAttribute{
			Required: true, CustomType: customtypes.Type{Kind: customtypes.Reference},
			MarkdownDescription: "The image to create the container from: `[registry/]name[:tag][@digest]`.",
			PlanModifiers:       []planmodifier.String{customtypes.KeepSpelling(customtypes.Reference)},
		},
		"pull_policy": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(string(container.PullMissing)),
			MarkdownDescription: "When a create pulls the image: `missing` (default: when the engine does not have it), `always` or `never`.",
			PlanModifiers:       []planmodifier.String{keepDefault{string(container.PullMissing)}},
			Validators:          orLeftOut[validator.String](stringvalidator.OneOf(string(container.PullMissing), string(container.PullAlways), string(container.PullNever))),
		},
		"platform": schema.StringAttribute{
			Optional: true, CustomType: customtypes.Type{Kind: customtypes.Platform},
			MarkdownDescription: "The platform of the image: `os/architecture[/variant]`. Left out, the engine's own.",
			PlanModifiers:       []planmodifier.String{customtypes.KeepSpelling(customtypes.Platform)},
		},
	}
}

func baseEffects() map[string]effect {
	return map[string]effect{
		"name":        inPlace,
		"image":       replaces,
		"pull_policy": providerOnly,
		"platform":    replaces,
	}
}

func baseDefaults() map[string]leftOut {
	return map[string]leftOut{"pull_policy": {nullOnly: true}}
}

func (m *containerModel) expandBase(s *container.Spec) {
	s.Name, s.Image, s.Platform = m.Name.ValueString(), m.Image.ValueString(), m.Platform.ValueString()
	s.PullPolicy = container.PullPolicy(cmp.Or(m.PullPolicy.ValueString(), string(container.PullMissing)))
}

func (m *containerModel) refreshBase(o observation) {
	m.Name = types.StringValue(o.Name)
	m.Image = m.Image.Or(o.Image)
}

func (m *containerModel) importBase(o observation) {
	m.Name = types.StringValue(o.Name)
	m.Image = customtypes.New(customtypes.Reference, o.Image)
	m.PullPolicy = types.StringValue(string(container.PullMissing))
	m.Platform = customtypes.Null(customtypes.Platform)
	if o.Defaults.Foreign(o.image.Platform) { // No engine tells whether somebody asked for it.
		m.Platform = customtypes.New(customtypes.Platform, o.image.Platform)
	}
}
