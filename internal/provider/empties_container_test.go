// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// EmptyContainers are configurations that together have every value that means to leave an attribute of
// gantry_container out, but for those of skip, each with as many as go together.
func EmptyContainers(skip func(attribute string) bool) []map[string]any {
	var containers []map[string]any
	types, rows := containerSchema(context.Background()).Type().TerraformType(context.Background()), emptiesOfContainers()
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		if skip(name) {
			continue
		}
		for _, v := range rows[name].same(typeAt(types, name)) {
			containers = pack(containers, rows[name].around(name, v))
		}
	}
	return containers
}

// pack adds a configuration to the first that says nothing else.
func pack(containers []map[string]any, config values) []map[string]any {
	for i, c := range containers {
		if both, ok := merge(values(c), config); ok {
			containers[i] = both
			return containers
		}
	}
	return append(containers, config)
}

// merge returns what two configurations say together, if they do not contradict each other.
func merge(a, b values) (both values, ok bool) {
	both = maps.Clone(a)
	for name, v := range b {
		had, found := both[name]
		inner, isMap := v.(values)
		outer, wasMap := had.(values)
		switch {
		case !found:
			both[name] = v
		case isMap && wasMap && len(inner) > 0 && len(outer) > 0:
			if both[name], ok = merge(outer, inner); !ok {
				return nil, false
			}
		case !reflect.DeepEqual(had, v):
			return nil, false
		}
	}
	return both, true
}

// typeAt is the type of an attribute, nested or not.
func typeAt(typ tftypes.Type, name string) tftypes.Type {
	for at := range strings.SplitSeq(name, ".") {
		if element, ok := elementType(typ); ok {
			typ = element
		}
		object, ok := typ.(tftypes.Object)
		if !ok {
			return typ
		}
		typ = object.AttributeTypes[at]
	}
	return typ
}
