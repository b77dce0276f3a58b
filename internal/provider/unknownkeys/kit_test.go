// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package unknownkeys

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"github.com/zclconf/go-cty/cty/msgpack"
)

// boxType has each kind of attribute.
func boxType() cty.Type {
	leaf := cty.Object(map[string]cty.Type{"read_only": cty.Bool, "size": cty.Number, "words": cty.List(cty.String), "tags": cty.Map(cty.String)})
	return cty.Object(map[string]cty.Type{
		"name": cty.String, "size": cty.Number, "tags": cty.Map(cty.String), "words": cty.Set(cty.String),
		"single": leaf, "list": cty.List(leaf), "set": cty.Set(leaf), "map": cty.Map(leaf),
		"deep": cty.Map(cty.Object(map[string]cty.Type{"inner": leaf, "items": cty.Set(leaf), "all": cty.List(cty.Map(leaf))})),
	})
}

func testSource(dir string) Source {
	return Source{
		Dir: dir, DataDir: ".terraform", Provider: "acme/thing",
		Schemas: Schemas{
			Resource: {"thing_box": boxType()}, Data: {"thing_box": boxType()}, Action: {"thing_box": boxType()},
			Provider: {"": cty.Object(map[string]cty.Type{"single": cty.Object(map[string]cty.Type{"size": cty.Number})})},
		},
	}
}

const requires = `
terraform {
  required_providers {
    thing = { source = "acme/thing" }
  }
}
`

// write makes a configuration of files by their paths, and returns its directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// context is what Terraform has while it validates: variables are not known.
func context() *hcl.EvalContext {
	return &hcl.EvalContext{
		Variables: map[string]cty.Value{
			"var": cty.ObjectVal(map[string]cty.Value{
				"text": cty.UnknownVal(cty.String), "flag": cty.UnknownVal(cty.Bool), "any": cty.DynamicVal, "number": cty.UnknownVal(cty.Number),
			}),
			"local": cty.ObjectVal(map[string]cty.Value{
				"key": cty.StringVal("readonly"), "flag": cty.True,
				"object": cty.ObjectVal(map[string]cty.Value{"readonly": cty.True, "size": cty.NumberIntVal(1)}),
			}),
		},
		Functions: map[string]function.Function{"merge": stdlib.MergeFunc},
	}
}

// evaluate makes of expressions what Terraform hands to a provider. The error is Terraform's own.
func evaluate(attributes map[string]hcl.Expression, typ cty.Type) (cty.Value, error) {
	values := make(map[string]cty.Value)
	for name, want := range typ.AttributeTypes() {
		values[name] = cty.NullVal(want)
		expr, ok := attributes[name]
		if !ok {
			continue
		}
		v, diags := expr.Value(context())
		if diags.HasErrors() {
			return cty.NilVal, diags
		}
		converted, err := convert.Convert(v, lenient(want))
		if err != nil {
			return cty.NilVal, err
		}
		values[name] = converted
	}
	wire, err := msgpack.Marshal(cty.ObjectVal(values), typ)
	if err != nil {
		return cty.NilVal, err
	}
	return msgpack.Unmarshal(wire, typ)
}

// validated returns the findings of all blocks, each validated with what the files of this host say,
// in the form "main.tf:3 single: readonly". The error is Terraform's own.
func validated(dir string, host host) ([]string, error) {
	source := testSource(dir)
	read := newReader(source).read(host)
	all := Find(source)
	found := make(map[string]bool)
	for _, b := range slices.Concat(read.blocks, read.tested) {
		config, err := evaluate(b.attributes, b.typ)
		if err != nil {
			return nil, err
		}
		for _, f := range all.For(b.kind, b.typeName, config) {
			found[describe(f)] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// mustFind is validated for files that Terraform takes.
func mustFind(t *testing.T, dir string, host host) []string {
	t.Helper()
	found, err := validated(dir, host)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func describe(f Finding) string {
	at := ""
	for _, step := range f.Path {
		switch step := step.(type) {
		case cty.GetAttrStep:
			at += "." + step.Name
		case cty.IndexStep:
			key, err := convert.Convert(step.Key, cty.String)
			if err != nil {
				panic(err)
			}
			at += "[" + key.AsString() + "]"
		}
	}
	return fmt.Sprintf("%s:%d %s: %s", filepath.ToSlash(f.Range.Filename), f.Range.Start.Line, at[1:], f.Key)
}

func terraform() host { return hosts()[0] }
func openTofu() host  { return hosts()[1] }
