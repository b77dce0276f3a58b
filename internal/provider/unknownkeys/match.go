// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package unknownkeys

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// matches reports whether a configuration can come from the block: its literals have to be in there,
// and what it leaves out has to be null.
func (b *block) matches(config cty.Value) bool {
	if config.IsNull() || !config.IsKnown() || !config.Type().IsObjectType() {
		return false
	}
	for name := range b.typ.AttributeTypes() {
		if !config.Type().HasAttribute(name) {
			return false
		}
		v := config.GetAttr(name)
		expr, set := b.attributes[name]
		if !set {
			if !v.IsNull() {
				return false
			}
			continue
		}
		if !fits(expr, b.typ.AttributeType(name), v) {
			return false
		}
	}
	return true
}

// fits reports whether an expression of this type can have the value.
func fits(expr hcl.Expression, typ cty.Type, v cty.Value) bool {
	if constant, ok := literal(expr); ok {
		want, err := convert.Convert(constant, lenient(typ))
		return err == nil && want.RawEquals(v)
	}
	if v.IsNull() || !v.IsKnown() {
		return couldBe(expr, v)
	}
	switch s := shapeOf(expr).(type) {
	case branches:
		return fits(s[0], typ, v) || fits(s[1], typ, v)
	case object:
		if typ.IsObjectType() {
			return fitsObject(s, typ, v)
		}
		return !typ.IsMapType() || fitsMap(s, typ.ElementType(), v)
	case list:
		switch {
		case typ.IsListType():
			return fitsList(s, typ.ElementType(), v)
		case typ.IsSetType():
			return fitsSet(s, typ.ElementType(), v)
		}
	}
	return true
}

// couldBe reports whether an expression that is not all literal can be null or unknown.
func couldBe(expr hcl.Expression, v cty.Value) bool {
	if !v.IsNull() {
		return true
	}
	switch s := shapeOf(expr).(type) {
	case object, list, eachElement, eachValue:
		return false
	case branches:
		for _, result := range s {
			if constant, ok := literal(result); ok && constant.IsNull() || !ok && couldBe(result, v) {
				return true
			}
		}
		return false
	}
	return true
}

func fitsObject(s object, typ cty.Type, v cty.Value) bool {
	given := make(map[string]hcl.Expression)
	for _, p := range s {
		if !p.known {
			return true // It may be any of them.
		}
		given[p.name] = p.value
	}
	for name, t := range typ.AttributeTypes() {
		expr, ok := given[name]
		if !ok && !v.GetAttr(name).IsNull() || ok && !fits(expr, t, v.GetAttr(name)) {
			return false
		}
	}
	return true
}

func fitsMap(s object, element cty.Type, v cty.Value) bool {
	given := make(map[string]hcl.Expression)
	for _, p := range s {
		if !p.known {
			return true
		}
		given[p.name] = p.value
	}
	if v.LengthInt() != len(given) {
		return false
	}
	for key, expr := range given {
		at := cty.StringVal(key)
		if !v.HasIndex(at).True() || !fits(expr, element, v.Index(at)) {
			return false
		}
	}
	return true
}

func fitsList(s list, element cty.Type, v cty.Value) bool {
	if v.LengthInt() != len(s) {
		return false
	}
	for i, item := range s {
		if !fits(item, element, v.Index(cty.NumberIntVal(int64(i)))) {
			return false
		}
	}
	return true
}

// fitsSet reports whether each item can be an element, and each element an item: a set has no order,
// and equal ones only once.
func fitsSet(s list, element cty.Type, v cty.Value) bool {
	elements := v.AsValueSlice()
	for _, item := range s {
		if !slices.ContainsFunc(elements, func(v cty.Value) bool { return fits(item, element, v) }) {
			return false
		}
	}
	for _, v := range elements {
		if !slices.ContainsFunc(s, func(item hcl.Expression) bool { return fits(item, element, v) }) {
			return false
		}
	}
	return true
}

// lenient is a type to which a value converts as Terraform converts it: objects may lack keys.
func lenient(typ cty.Type) cty.Type {
	switch {
	case typ.IsObjectType():
		attributes, names := make(map[string]cty.Type), make([]string, 0, len(typ.AttributeTypes()))
		for name, t := range typ.AttributeTypes() {
			attributes[name] = lenient(t)
			names = append(names, name)
		}
		return cty.ObjectWithOptionalAttrs(attributes, names)
	case typ.IsMapType():
		return cty.Map(lenient(typ.ElementType()))
	case typ.IsListType():
		return cty.List(lenient(typ.ElementType()))
	case typ.IsSetType():
		return cty.Set(lenient(typ.ElementType()))
	}
	return typ
}
