// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// block is a family of attributes of gantry_container. Each has a file of its own, which begins with its part of
// the model, has a function that returns the block, and then what the block is made of, in the order of the members.
// What is nil has nothing of it. The resource's schema, its tables and its mapping are made from all blocks.
type block struct {
	// schema returns the attributes, without what the tables add to them.
	schema func(ctx context.Context) map[string]schema.Attribute
	// effects is what a change of each attribute does. What is nested has its parent's effect, unless it is in the
	// table itself, as "parent.child".
	effects func() map[string]effect
	// defaults is what leaving an attribute out means, where that is not what its zero means.
	defaults func() map[string]leftOut
	// expand tells the conductor what the configuration asks for.
	expand func(m *containerModel, s *container.Spec)
	// refresh takes over what the engine reports, as far as the configuration could have asked for it: what is
	// null in the state is the image's or the engine's, and no drift.
	refresh func(m *containerModel, o observation)
	// imports takes over what the engine reports of a container that was made elsewhere: only what deviates from
	// the image's and the engine's defaults, so that a configuration that says no more plans nothing.
	imports func(m *containerModel, o observation)
	// validate checks what concerns more than one attribute, or more than a pattern says.
	validate func(ctx context.Context, config tfsdk.Config) diag.Diagnostics
}

// containerBlocks are the blocks of gantry_container, in the order in which they look at a report. What is computed
// comes first: addresses go by the networks of the state before.
func containerBlocks() []block {
	return []block{
		computedBlock(), baseBlock(), commandBlock(), environmentBlock(), secretsBlock(), labelsBlock(), portsBlock(), mountsBlock(), networksBlock(),
		networkingBlock(), filesBlock(), healthcheckBlock(), lifecycleBlock(), limitsBlock(), securityBlock(), devicesBlock(), namespacesBlock(),
		processBlock(), exchangeBlock(), placementBlock(),
	}
}

// observation is what an engine reports of a container, beside what was asked for.
type observation struct {
	*container.Container
	// asked and plain are what the model asks for and what the engine reports, in the one spelling of all that means
	// the same to the engine.
	asked, plain container.Settings
	// image is what the image brings. A refresh does without it.
	image *container.ImageDefaults
}

func (m *containerModel) observe(c *container.Container, image *container.ImageDefaults) observation {
	return observation{Container: c, asked: m.expand().Plain(c.Defaults), plain: c.Settings.Plain(c.Defaults), image: image}
}

// containerSchema is the attributes of all blocks, completed by the tables, which know what a change of each does.
func containerSchema(ctx context.Context) schema.Schema {
	attributes := make(map[string]schema.Attribute)
	for _, b := range containerBlocks() {
		maps.Copy(attributes, b.schema(ctx))
	}
	return schema.Schema{
		MarkdownDescription: "A container on a Docker engine. Creating it waits until it is ready, and fails as soon as it can't become so, with the reason and the container's last log lines.",
		Attributes:          completion{containerTables()}.all(attributes),
	}
}

// validateContainer checks what concerns more than one attribute, or more than a pattern says.
func validateContainer(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, b := range containerBlocks() {
		if b.validate != nil {
			diags.Append(b.validate(ctx, config)...)
		}
	}
	return diags
}

// tables are what is known of the attributes of gantry_container by name, beside their schema: the unions of the blocks' tables.
type tables struct {
	effects  map[string]effect
	defaults map[string]leftOut
}

func containerTables() tables {
	t := tables{effects: make(map[string]effect), defaults: make(map[string]leftOut)}
	for _, b := range containerBlocks() {
		maps.Copy(t.effects, b.effects())
		if b.defaults != nil {
			maps.Copy(t.defaults, b.defaults())
		}
	}
	return t
}
