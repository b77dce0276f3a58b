// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package faulttext

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// What a fault can have has words: a reason, what is left, and what to do.
func TestEverythingHasWords(t *testing.T) {
	f := new(fault.Fault)
	has := map[string]func(value string) bool{
		"Reason": func(v string) bool { return makers()[fault.Reason(v)] != nil },
		"Exists": func(v string) bool { return leftovers(f)[fault.Exists(v)] != "" },
		"Advice": func(v string) bool { return advices(f)[fault.Advice(v)] != "" },
	}
	names, err := filepath.Glob("../../conductor/fault/*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]int)
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			kind, _ := spec.Type.(*ast.Ident)
			literal, _ := spec.Values[0].(*ast.BasicLit)
			if kind == nil || literal == nil || has[kind.Name] == nil {
				return true
			}
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			seen[kind.Name]++
			if !has[kind.Name](value) {
				t.Errorf("%s has no words", spec.Names[0].Name)
			}
			return true
		})
	}
	for kind := range has {
		if seen[kind] == 0 {
			t.Errorf("no constant of type %s was found", kind)
		}
	}
}
