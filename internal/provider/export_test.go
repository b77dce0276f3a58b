// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
)

// What a change of an attribute does, for tests outside of this package.
const (
	InPlace              = inPlace
	InPlaceUnlessRemoved = inPlaceUnlessRemoved
	Replaces             = replaces
	ProviderOnly         = providerOnly
	Places               = places
	Computed             = computed
)

// Effect is what a change of an attribute does.
type Effect = effect

// AttributesWithZero are those of gantry_container that an import gives the zero that means nothing.
func AttributesWithZero(ctx context.Context) []string { return attributesWithZero(ctx) }

// ContainerAttributes returns what a change does by the name of each attribute of gantry_container that
// has a value of its own; what is nested is "parent.child", and has the effect of the nearest that is
// in the table.
func ContainerAttributes(ctx context.Context) map[string]Effect {
	table, out := containerTables().effects, make(map[string]Effect)
	var walk func(prefix string, attributes map[string]schema.Attribute, e effect)
	walk = func(prefix string, attributes map[string]schema.Attribute, e effect) {
		for name, a := range attributes {
			at, own := prefix+name, e
			if listed, ok := table[at]; ok {
				own = listed
			}
			switch a := a.(type) {
			case schema.SingleNestedAttribute:
				walk(at+".", a.Attributes, own)
			case schema.NestedAttribute:
				nested := make(map[string]schema.Attribute)
				for name, n := range a.GetNestedObject().GetAttributes() {
					nested[name] = n
				}
				walk(at+".", nested, own)
			default:
				out[at] = own
			}
		}
	}
	walk("", containerSchema(ctx).Attributes, 0)
	return out
}
