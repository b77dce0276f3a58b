// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package unknownkeys

import (
	"slices"
	"testing"
)

// What leads directly from an attribute to an object of the schema is searched, and nothing else.
func TestExpressions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, attribute string
		// want are the path and the key of each finding, on the resource's only line.
		want []string
	}{
		{"an object", `single = { readonly = true }`, []string{"single: readonly"}},
		{"a known key", `single = { read_only = true }`, nil},
		{"two keys", `single = { readonly = true, read_only = true, sise = 1 }`, []string{"single: readonly", "single: sise"}},
		{"a quoted key", `single = { "readonly" = true }`, []string{"single: readonly"}},
		{"a colon", `single = { readonly : true }`, []string{"single: readonly"}},
		{"a number as a key", `single = { 1 = true }`, []string{"single: 1"}},
		{"null", `single = { readonly = null }`, []string{"single: readonly"}},
		{"parentheses", `single = ({ readonly = true })`, []string{"single: readonly"}},
		{"an element of a list", `list = [{}, { readonly = true }]`, []string{"list[1]: readonly"}},
		{"an element of a set", `set = [{ readonly = true }]`, []string{"set: readonly"}},
		{"a value of a map", `map = { "/z" = { readonly = true } }`, []string{"map[/z]: readonly"}},
		{"a value below a computed key", `map = { (local.key) = { readonly = true } }`, []string{"map: readonly"}},
		{"deep down", `deep = { a = { inner = { readonly = true } } }`, []string{"deep[a].inner: readonly"}},
		{"below a set", `deep = { a = { items = [{ readonly = true }] } }`, []string{"deep[a].items: readonly"}},
		{"a map in a list", `deep = { a = { all = [{ b = { readonly = true } }] } }`, []string{"deep[a].all[0][b]: readonly"}},
		{"the first branch", `single = var.flag ? { readonly = true } : null`, []string{"single: readonly"}},
		{"the second branch", `single = var.flag ? null : { readonly = true }`, []string{"single: readonly"}},
		{"a branch in a list", `list = [var.flag ? { readonly = true } : null]`, []string{"list[0]: readonly"}},
		{"a list in a branch", `list = var.flag ? [{ readonly = true }] : []`, []string{"list[0]: readonly"}},
		{"for a list", `list = [for x in [1] : { readonly = true }]`, []string{"list: readonly"}},
		{"for a set", `set = [for x in [1] : { size = x, readonly = true } if x > 0]`, []string{"set: readonly"}},
		{"for a map", `map = { for x in ["a"] : x => { readonly = true } }`, []string{"map: readonly"}},
		{"for within for", `deep = { for x in ["a"] : x => { items = [for y in [1] : { readonly = true }] } }`, []string{"deep: readonly"}},
		{"beside a reference", `single = { readonly = true, size = var.number }`, []string{"single: readonly"}},

		{"nothing", ``, nil},
		{"an empty object", `single = {}`, nil},
		{"null for an object", `single = null`, nil},
		{"a key of a map", `tags = { readonly = "true" }`, nil},
		{"a key of a nested map", `single = { tags = { readonly = "true" } }`, nil},
		{"a key of a map of objects", `map = { readonly = {} }`, nil},
		{"a computed key", `single = { (local.key) = true }`, nil},
		{"a template as a key", `single = { "${local.key}" = true }`, nil},
		{"a constant template as a key", `single = { "read${"only"}" = true }`, nil},
		{"a reference", `single = local.object`, nil},
		{"a call", `single = merge({ readonly = true }, {})`, nil},
		{"a call in a branch", `single = var.flag ? merge({ readonly = true }) : null`, nil},
		{"an index", `single = [{ readonly = true }][0]`, nil},
		{"an attribute of an object", `single = { readonly = { size = 1 } }.readonly`, nil},
		{"a splat", `list = [{ readonly = { size = 1 } }][*].readonly`, nil},
		{"a template of an object", `single = "${{ readonly = true }}"`, nil},
		{"for an object", `single = { for k in ["readonly"] : k => true }`, nil},
		{"the list of a for", `list = [for x in [{ readonly = 1 }] : { size = x.readonly }]`, nil},
		{"the condition of a for", `list = [for x in [1] : { size = x } if { readonly = true }.readonly]`, nil},
		{"the condition of a conditional", `single = { readonly = true }.readonly ? {} : {}`, nil},
		{"a call around a list", `list = merge({ a = [{ readonly = true }] })["a"]`, nil},
		{"an object that is only looked into", `single = { read_only = { readonly = true }.readonly }`, nil},
		{"something unknown", `single = var.any`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := "resource \"thing_box\" \"a\" {\n" + tt.attribute + "\n}"
			dir := write(t, map[string]string{"main.tf": config, "versions.tf": requires})
			var want []string
			for _, w := range tt.want {
				want = append(want, "main.tf:2 "+w)
			}
			if got := mustFind(t, dir, terraform()); !slices.Equal(got, want) {
				t.Errorf("found %q, want %q", got, want)
			}
		})
	}
}

// The same in JSON, where every string can be a template.
func TestJSON(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		attributes string
		want       []string
	}{
		"an object":          {`"single": {"readonly": true}`, []string{"single: readonly"}},
		"an array":           {`"list": [{}, {"readonly": true}]`, []string{"list[1]: readonly"}},
		"a map":              {`"map": {"/z": {"readonly": true}}`, []string{"map[/z]: readonly"}},
		"beside a template":  {`"single": {"readonly": true, "size": "${var.number}"}`, []string{"single: readonly"}},
		"a comment":          {`"single": {"//": "readonly"}`, nil},
		"a comment above":    {`"//": {"readonly": true}, "single": {}`, nil},
		"a template":         {`"single": "${{ readonly = true }}"`, nil},
		"a template as key":  {`"single": {"${local.key}": true}`, nil},
		"a constant as key":  {`"single": {"${\"readonly\"}": true}`, nil},
		"an escaped key":     {`"tags": {"$${readonly}": "x"}`, nil},
		"a reference":        {`"single": "${local.object}"`, nil},
		"a key of a map":     {`"tags": {"readonly": "true"}`, nil},
		"null":               {`"single": null`, nil},
		"a directive as key": {`"single": {"%{ if local.flag }readonly%{ endif }": true}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, map[string]string{
				"main.tf.json": `{"resource": {"thing_box": {"a": {` + "\n" + tt.attributes + "\n}}}}",
				"versions.tf":  requires,
			})
			var want []string
			for _, w := range tt.want {
				want = append(want, "main.tf.json:2 "+w)
			}
			if got := mustFind(t, dir, terraform()); !slices.Equal(got, want) {
				t.Errorf("found %q, want %q", got, want)
			}
		})
	}
}

// The nearest key is what was meant, and none if none is near.
func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"read_only", "published", "interval", "start_period", "test", "type", "uid"}
	for key, want := range map[string]string{
		"readonly": "read_only", "readOnly": "read_only", "read-only": "read_only", "publishd": "published", "intervall": "interval",
		"startPeriod": "start_period", "tests": "test", "readony": "read_only", "timeout": "", "x": "", "gid": "uid", "abc": "",
	} {
		if got := nearest(key, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", key, got, want)
		}
	}
}
