// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package unknownkeys

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// What an expression of either syntax is made of, where that can be told without evaluating it.
type (
	// object is an object constructor.
	object []pair
	// list is a tuple constructor.
	list []hcl.Expression
	// branches are the results of a conditional.
	branches []hcl.Expression
	// eachElement is the element of a for expression that makes a tuple, and eachValue the value of
	// one that makes an object.
	eachElement struct{ hcl.Expression }
	eachValue   struct{ hcl.Expression }
)

// pair is an entry of an object constructor.
type pair struct {
	// name is known if the key is a literal.
	name  string
	known bool
	at    hcl.Range
	value hcl.Expression
	// comment reports that the key is what JSON has instead of comments.
	comment bool
}

// shapeOf returns one of the types above, or nil.
func shapeOf(expr hcl.Expression) any {
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return shapeOf(e.Expression)
	case *hclsyntax.ConditionalExpr:
		return branches{e.TrueResult, e.FalseResult}
	case *hclsyntax.TupleConsExpr:
		return list(e.ExprList())
	case *hclsyntax.ForExpr:
		switch {
		case e.KeyExpr == nil:
			return eachElement{e.ValExpr}
		case !e.Group:
			return eachValue{e.ValExpr}
		}
		return nil
	case *hclsyntax.ObjectConsExpr:
		out := make(object, 0, len(e.Items))
		for _, item := range e.Items {
			name, known := nativeKey(item.KeyExpr)
			out = append(out, pair{name: name, known: known, at: item.KeyExpr.Range(), value: item.ValueExpr})
		}
		return out
	case hclsyntax.Expression:
		return nil
	}
	if items, diags := hcl.ExprList(expr); !diags.HasErrors() {
		return list(items)
	}
	if pairs, diags := hcl.ExprMap(expr); !diags.HasErrors() {
		out := make(object, 0, len(pairs))
		for _, p := range pairs {
			name, known := jsonKey(p.Key)
			out = append(out, pair{name: name, known: known, at: p.Key.Range(), value: p.Value, comment: name == "//"})
		}
		return out
	}
	return nil
}

// nativeKey returns a key that is a word, a number or a quoted string. Keys in parentheses and
// templates are evaluated, and not known.
func nativeKey(expr hclsyntax.Expression) (string, bool) {
	key, ok := expr.(*hclsyntax.ObjectConsKeyExpr)
	if !ok || key.ForceNonLiteral {
		return "", false
	}
	if word := hcl.ExprAsKeyword(key); word != "" {
		return word, true
	}
	switch wrapped := key.Wrapped.(type) {
	case *hclsyntax.TemplateExpr:
		if !wrapped.IsStringLiteral() {
			return "", false
		}
	case *hclsyntax.LiteralValueExpr:
	default:
		return "", false
	}
	return asName(key.Wrapped.Value(nil))
}

// jsonKey returns a key that is no template. Without a context the string itself is the value.
func jsonKey(expr hcl.Expression) (string, bool) {
	evaluated, ok := literal(expr)
	raw, diags := expr.Value(nil)
	if !ok || diags.HasErrors() || !raw.RawEquals(evaluated) {
		return "", false
	}
	return asName(raw, nil)
}

func asName(v cty.Value, diags hcl.Diagnostics) (string, bool) {
	s, err := convert.Convert(v, cty.String)
	if diags.HasErrors() || err != nil || s.IsNull() || !s.IsKnown() {
		return "", false
	}
	return s.AsString(), true
}

// literal returns the value of an expression that refers to nothing and calls nothing.
func literal(expr hcl.Expression) (cty.Value, bool) {
	if len(expr.Variables()) > 0 {
		return cty.NilVal, false
	}
	v, diags := expr.Value(&hcl.EvalContext{})
	return v, !diags.HasErrors()
}
