// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package pruned

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// shape is a schema with what values of it look like.
type shape struct {
	schema schema.Schema
	typ    tftypes.Object
	// null has every attribute.
	null map[string]tftypes.Value
}

func newShape(ctx context.Context, s schema.Schema) shape {
	out := shape{schema: s, typ: tftypes.Object{AttributeTypes: make(map[string]tftypes.Type, len(s.Attributes))}, null: make(map[string]tftypes.Value, len(s.Attributes))}
	for name, a := range s.Attributes {
		typ := a.GetType().TerraformType(ctx)
		out.typ.AttributeTypes[name], out.null[name] = typ, tftypes.NewValue(typ, nil)
	}
	return out
}

// attributes reads an object of the shape; nil is that there is none. It is not ok if it is no
// such object.
func (s shape) attributes(v *tfprotov6.DynamicValue) (attributes map[string]tftypes.Value, ok bool) {
	if v == nil {
		return nil, true
	}
	raw, err := v.Unmarshal(s.typ)
	if err != nil {
		return nil, false
	}
	return attributesOf(raw)
}

func attributesOf(raw tftypes.Value) (attributes map[string]tftypes.Value, ok bool) {
	if raw.IsNull() {
		return nil, true
	}
	if !raw.IsKnown() {
		return nil, false
	}
	return attributes, raw.As(&attributes) == nil
}

// of returns an object of another shape this one: attributes that this one hasn't are left out, and
// those that the other hasn't are null.
func (s shape) of(raw tftypes.Value) tftypes.Value { return s.with(raw, nil) }

// with is of, where attributes that the other shape hasn't may have a value nevertheless.
func (s shape) with(raw tftypes.Value, more findings) tftypes.Value {
	attributes, ok := attributesOf(raw)
	switch {
	case !ok:
		return tftypes.NewValue(s.typ, tftypes.UnknownValue)
	case attributes == nil:
		return tftypes.NewValue(s.typ, nil)
	}
	out := make(map[string]tftypes.Value, len(s.null))
	for _, values := range []map[string]tftypes.Value{s.null, more, attributes} {
		for name, v := range values {
			if _, ok := s.null[name]; ok {
				out[name] = v
			}
		}
	}
	return tftypes.NewValue(s.typ, out)
}

// beyond returns the attributes of an object that are not null and that the shape hasn't.
func (s shape) beyond(raw tftypes.Value) findings {
	attributes, _ := attributesOf(raw)
	found := make(findings)
	for name, v := range attributes {
		if _, ok := s.null[name]; !ok && !v.IsNull() {
			found[name] = v
		}
	}
	return found
}
