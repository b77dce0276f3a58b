// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

func linksAttribute() schema.Attribute {
	return schema.SetAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: "Links of the engine's default network, each `\"db\"` or `\"db:alias\"`: Docker keeps them for old containers, and advises against them. Containers in a network of their own find each other by name: use `networks`. " +
			"The other container has to run before this one starts; an operation on it that was accepted before is waited for. A link is to that very container: when it is replaced, the link leads nowhere, " +
			"and the next plan replaces this container, too. Named by its `container_id` (`\"${gantry_container.db.container_id}:db\"`), both are replaced in the same apply.",
		Validators:    linkValidators(),
		PlanModifiers: []planmodifier.Set{keepSet{oneByOne(container.PlainLink)}},
	}
}

func networkLinksAttribute() schema.Attribute {
	return schema.SetAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: "Names that this container alone has for others in this network, each `\"db:alias\"` (`\"db\"` says nothing that the network does not). `aliases` of the other container are better: " +
			"everybody in the network knows them. The engine's default network has none: there, use `links` of the container.",
		Validators: linkValidators(),
	}
}

func linkValidators() []validator.Set {
	const name = `[a-zA-Z0-9][a-zA-Z0-9_.-]+`
	return []validator.Set{
		setvalidator.NoNullValues(),
		setvalidator.ValueStringsAre(stringvalidator.RegexMatches(regexp.MustCompile(`^`+name+`(:[^\s:/]+)?$`), `must be the name of a container, and perhaps an alias: "db" or "db:data"`)),
	}
}

// validateLinks refuses links that an engine would drop without a word, and an alias of two containers.
func validateLinks(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	var diags diag.Diagnostics
	var networks map[string]networkModel
	known(ctx, config, "networks", &networks, &diags)
	for _, key := range slices.Sorted(maps.Keys(networks)) {
		m := networks[key]
		if len(m.Links) > 0 && networkOf(key, m) == defaultNetwork {
			diags.AddAttributeError(path.Root("networks"), fmt.Sprintf("links in network %q", defaultNetwork),
				"An engine drops them there. Use links of the container, or better a network of its own, where containers find each other by name.")
		}
		diags.Append(validateAliases(path.Root("networks"), m.Links)...)
	}
	var m containerModel
	if !known(ctx, config, "links", &m.Links, &diags) || len(m.Links) == 0 {
		return diags
	}
	at := path.Root("links")
	diags.Append(validateAliases(at, m.Links)...)
	if known(ctx, config, "network_mode", &m.NetworkMode, &diags) && known(ctx, config, "networks", &m.Networks, &diags) && !m.expand().OfDefaultNetwork() {
		diags.AddAttributeError(at, "links outside of the engine's default network",
			"An engine knows them only in containers that are made in its default network; elsewhere it drops or refuses them. In a network of its own containers find each other by name; for another name use networks.<key>.links, or aliases of the other container.")
	}
	return diags
}

func validateAliases(at path.Path, links []types.String) diag.Diagnostics {
	var diags diag.Diagnostics
	seen := make(map[string]string)
	for _, link := range spelled(links, container.PlainLink) {
		ref, alias := container.ParseLink(link)
		if other, ok := seen[alias]; ok {
			diags.AddAttributeError(at, fmt.Sprintf("Two links are called %q", alias), fmt.Sprintf("Containers %q and %q can't have the same alias. Name one of them otherwise.", other, ref))
		}
		seen[alias] = ref
	}
	return diags
}

// refreshLinks keeps the links that the container has, in their spelling, and shows others.
func refreshLinks(prior []types.String, c *container.Container) []types.String {
	var kept, others []types.String
	known := make(map[string]bool)
	for _, link := range prior {
		if c.HasLink(link.ValueString()) {
			_, alias := container.ParseLink(link.ValueString())
			kept, known[alias] = append(kept, link), true
		}
	}
	for _, link := range c.Links {
		if _, alias := container.ParseLink(link); !known[alias] {
			others = append(others, types.StringValue(link))
		}
	}
	if len(kept) == len(prior) && others == nil {
		return prior
	}
	return append(append([]types.String{}, kept...), others...)
}
