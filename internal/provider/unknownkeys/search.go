// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package unknownkeys

import (
	"maps"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// place is a path that ends where it can't be told any further.
type place struct {
	path  cty.Path
	ended bool
}

func (p place) attribute(name string) place {
	if !p.ended {
		p.path = append(p.path[:len(p.path):len(p.path)], cty.GetAttrStep{Name: name})
	}
	return p
}

func (p place) index(key cty.Value) place {
	if !p.ended {
		p.path = append(p.path[:len(p.path):len(p.path)], cty.IndexStep{Key: key})
	}
	return p
}

func (p place) end() place {
	p.ended = true
	return p
}

// search looks for keys that the type lacks wherever literals lead to an object of it.
func (b *block) search(expr hcl.Expression, typ cty.Type, at place) {
	switch s := shapeOf(expr).(type) {
	case branches:
		for _, result := range s {
			b.search(result, typ, at)
		}
	case object:
		switch {
		case typ.IsObjectType():
			for _, p := range s {
				b.searchPair(p, typ, at)
			}
		case typ.IsMapType():
			for _, p := range s {
				below := at.end()
				if p.known {
					below = at.index(cty.StringVal(p.name))
				}
				b.search(p.value, typ.ElementType(), below)
			}
		}
	case list:
		if !typ.IsListType() && !typ.IsSetType() {
			return
		}
		for i, item := range s {
			below := at.end()
			if typ.IsListType() {
				below = at.index(cty.NumberIntVal(int64(i)))
			}
			b.search(item, typ.ElementType(), below)
		}
	case eachElement:
		if typ.IsListType() || typ.IsSetType() {
			b.search(s.Expression, typ.ElementType(), at.end())
		}
	case eachValue:
		if typ.IsMapType() {
			b.search(s.Expression, typ.ElementType(), at.end())
		}
	}
}

// searchPair looks at an entry of an object.
func (b *block) searchPair(p pair, typ cty.Type, at place) {
	switch {
	case !p.known || p.comment:
	case typ.HasAttribute(p.name):
		b.search(p.value, typ.AttributeType(p.name), at.attribute(p.name))
	default:
		known := slices.Sorted(maps.Keys(typ.AttributeTypes()))
		b.findings = append(b.findings, Finding{
			Kind: b.kind, Name: b.name, Range: p.at, Path: at.path, Key: p.name, Nearest: nearest(p.name, known), Known: known,
		})
	}
}

// tolerance is how many letters a typo may change, as in Terraform's own suggestions.
const tolerance = 2

// nearest returns the name that was probably meant, or "". Another way to join words (readOnly,
// read-only, readonly) counts for nothing.
func nearest(key string, names []string) string {
	best, distance := "", tolerance+1
	for _, name := range names {
		if d := levenshtein.Distance(joined(key), joined(name), nil); d < distance && d < len(name) {
			best, distance = name, d
		}
	}
	return best
}

func joined(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}
