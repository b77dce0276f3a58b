// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package unknownkeys

import (
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// parseAttributes reads the arguments of a block.
func parseAttributes(t *testing.T, config string) map[string]hcl.Expression {
	t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(config), "main.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	attributes, diags := file.Body.JustAttributes()
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	out := make(map[string]hcl.Expression)
	for name, a := range attributes {
		out[name] = a.Expr
	}
	return out
}

// A block fits the configuration that is made of it, and no other.
func TestMatches(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, block string
		// other is the configuration that is validated; empty is the block's own.
		other string
		want  bool
	}{
		{"nothing", ``, ``, true},
		{"a literal", `name = "a"`, ``, true},
		{"another literal", `name = "a"`, `name = "b"`, false},
		{"a literal too many", `name = "a"`, `size = 1`, false},
		{"one that the block lacks", `name = "a"`, "name = \"a\"\nsize = 1", false},
		{"a reference", `name = var.text`, `name = "b"`, true},
		{"a reference that is null", `name = var.text`, ` `, true},
		{"null", `name = null`, ` `, true},
		{"null where there is a value", `name = null`, `name = "a"`, false},
		{"a number as text", `name = 8080`, `name = "8080"`, true},
		{"text as a number", `size = "8080"`, `size = 8080`, true},
		{"a fraction", `size = 0.1`, ``, true},
		{"a large number", `size = 123456789012345678901234567890.123`, ``, true},
		{"an empty map", `tags = {}`, ``, true},
		{"an empty map for null", `tags = {}`, ` `, false},
		{"a set in another order", `words = ["b", "a", "b"]`, `words = ["a", "b"]`, true},
		{"unknown keys", `single = { readonly = true, size = 1 }`, `single = { size = 1 }`, true},
		{"another value beside them", `single = { readonly = true, size = 1 }`, `single = { size = 2 }`, false},
		{"a key that the file lacks", `single = { readonly = true }`, `single = { read_only = true }`, false},
		{"partly known", `single = { size = 1, read_only = var.flag }`, `single = { size = 1, read_only = true }`, true},
		{"partly known and different", `single = { size = 1, read_only = var.flag }`, `single = { size = 2, read_only = true }`, false},
		{"partly known and null", `single = { size = 1, read_only = var.flag }`, ` `, false},
		{"partly known and unknown", `single = { size = 1, read_only = var.flag }`, `single = var.any`, true},
		{"partly known without a key", `single = { read_only = var.flag }`, `single = { size = 2 }`, false},
		{"a computed key", `single = { (local.key) = var.flag }`, `single = { size = 2 }`, true},
		{"a list", `list = [{ size = 1 }, { read_only = var.flag }]`, ``, true},
		{"a list of another length", `list = [{ size = 1 }, { read_only = var.flag }]`, `list = [{ size = 1 }]`, false},
		{"another element", `list = [{ size = 1 }, { read_only = var.flag }]`, `list = [{ size = 2 }, {}]`, false},
		{"a set", `set = [{ size = 1 }, { read_only = var.flag }]`, ``, true},
		{"another set", `set = [{ size = 1 }, { read_only = var.flag }]`, `set = [{ size = 2 }, {}]`, false},
		{"a larger set", `set = [{ size = 1, read_only = var.flag }]`, `set = [{ size = 1 }, { size = 2 }]`, false},
		{"a map", `map = { a = { read_only = var.flag } }`, ``, true},
		{"another key", `map = { a = { read_only = var.flag } }`, `map = { b = {} }`, false},
		{"a key more", `map = { a = { read_only = var.flag } }`, `map = { a = {}, b = {} }`, false},
		{"a computed key of a map", `map = { (var.text) = { size = 1 } }`, `map = { b = {} }`, true},
		{"a branch", `single = var.flag ? { size = 1 } : { size = 2 }`, `single = { size = 2 }`, true},
		{"no branch", `single = var.flag ? { size = 1 } : { size = 2 }`, `single = { size = 3 }`, false},
		{"no branch is null", `single = var.flag ? { size = 1 } : { size = 2 }`, ` `, false},
		{"a branch is null", `single = var.flag ? { size = 1 } : null`, ` `, true},
		{"a branch may be null", `single = var.flag ? { size = 1 } : var.any`, ` `, true},
		{"for", `list = [for x in [1, 2] : { size = x }]`, ``, true},
		{"for that differs", `list = [for x in [1, 2] : { size = x }]`, `list = [{ size = 1 }]`, false},
		{"for what is unknown", `list = [for x in var.any : { size = x }]`, `list = [{ size = 1 }]`, true},
		{"for is not null", `list = [for x in var.any : { size = x }]`, ` `, false},
		{"a call", `single = merge({ size = 1 })`, `single = { size = 2 }`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := block{typ: boxType(), attributes: parseAttributes(t, tt.block)}
			if tt.other == "" {
				tt.other = tt.block
			}
			config, err := evaluate(parseAttributes(t, tt.other), boxType())
			if err != nil {
				t.Fatal(err)
			}
			if got := b.matches(config); got != tt.want {
				t.Errorf("it fits: %t, want %t", got, tt.want)
			}
		})
	}
}
