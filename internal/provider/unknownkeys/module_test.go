// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package unknownkeys

import (
	"slices"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// box is a resource with a typo on its first line.
const box = `resource "thing_box" "a" { single = { readonly = true } }`

// fixed is the same without.
const fixed = `resource "thing_box" "a" { single = { read_only = true } }`

// requiring requires one provider.
func requiring(name, provider string) string {
	return "terraform {\nrequired_providers {\n" + name + " = " + provider + "\n}\n}\n\n"
}

// manifest says where modules are: keys and directories in turns.
func manifest(entries ...string) string {
	out := `{"Modules":[{"Key":"","Source":"","Dir":"."}`
	for i := 0; i < len(entries); i += 2 {
		out += `,{"Key":"` + entries[i] + `","Source":"./x","Dir":"` + entries[i+1] + `"}`
	}
	return out + "]}"
}

// The files of a configuration are read as the host reads them.
func TestFiles(t *testing.T) {
	t.Parallel()
	const found = "single: readonly"
	modules := ".terraform/modules/modules.json"
	for _, tt := range []struct {
		name  string
		files map[string]string
		// terraform and openTofu are the findings under each host; openTofu is terraform where it is nil.
		terraform, openTofu []string
	}{
		{"a file", map[string]string{"main.tf": requires + box}, []string{"main.tf:7 " + found}, nil},
		{"a source with a host", map[string]string{"v.tf": requiring("thing", `{ source = "registry.example.com/acme/thing" }`), "main.tf": box}, []string{"main.tf:1 " + found}, nil},
		{"a source in capitals", map[string]string{"v.tf": requiring("thing", `{ source = "ACME/Thing" }`), "main.tf": box}, []string{"main.tf:1 " + found}, nil},
		{"a source in JSON", map[string]string{"v.tf.json": `{"terraform": {"required_providers": {"thing": {"source": "acme/thing"}}}}`, "main.tf": box}, []string{"main.tf:1 " + found}, nil},
		{"sources in an array", map[string]string{"v.tf.json": `{"terraform": [{"required_providers": [{"thing": {"source": "acme/thing"}}]}]}`, "main.tf": box}, []string{"main.tf:1 " + found}, nil},
		{"no source", map[string]string{"main.tf": box}, nil, nil},
		{"a version without a source", map[string]string{"v.tf": requiring("thing", `"1.0"`), "main.tf": box}, nil, nil},
		{"another source", map[string]string{"v.tf": requiring("thing", `{ source = "acme/things" }`), "main.tf": box}, nil, nil},
		{"another namespace", map[string]string{"v.tf": requiring("thing", `{ source = "other/thing" }`), "main.tf": box}, nil, nil},
		{"another local name", map[string]string{"main.tf": requiring("other", `{ source = "acme/thing" }`) + `resource "thing_box" "a" {
				provider = other.x
				single = { readonly = true }
			}`}, []string{"main.tf:9 " + found}, nil},
		{"another provider's", map[string]string{"main.tf": requires + `resource "thing_box" "a" {
				provider = other
				single = { readonly = true }
			}`}, nil, nil},
		{"an alias by a key", map[string]string{"main.tf": requires + `resource "thing_box" "a" {
				provider = thing.by[each.key]
				single = { readonly = true }
			}`}, []string{"main.tf:9 " + found}, nil},
		{"a provider by its name in JSON", map[string]string{"v.tf": requiring("other", `{ source = "acme/thing" }`), "main.tf.json": `{"resource": {"thing_box": {"a": {
				"provider": "other.x", "single": {"readonly": true}}}}}`}, []string{"main.tf.json:2 " + found}, nil},
		{"another type", map[string]string{"main.tf": requires + `resource "thing_crate" "a" { single = { readonly = true } }`}, nil, nil},
		{"a data source", map[string]string{"main.tf": requires + `data "thing_box" "a" { single = { readonly = true } }`}, []string{"main.tf:7 " + found}, nil},
		{"a data source of a check", map[string]string{"main.tf": requires + `check "c" {
				data "thing_box" "a" { single = { readonly = true } }
			}`}, []string{"main.tf:8 " + found}, nil},
		{"an action", map[string]string{"main.tf": requires + `action "thing_box" "a" {
				config { single = { readonly = true } }
			}`}, []string{"main.tf:8 " + found}, nil},
		{"a provider", map[string]string{"main.tf": requires + `provider "thing" { single = { sise = 1 } }`}, []string{"main.tf:7 single: sise"}, nil},
		{"another provider", map[string]string{"main.tf": requires + `provider "other" { single = { sise = 1 } }`}, nil, nil},

		{"hidden files", map[string]string{"v.tf": requires, ".main.tf": box, "main.tf~": box, "#main.tf#": box, "main.tf.bak": box, "sub/main.tf": box}, nil, nil},
		{"a directory with the name of a file", map[string]string{"v.tf": requires, "x.tf/main.tf": box, "main.tf": box}, []string{"main.tf:1 " + found}, nil},
		{"a file that can't be parsed", map[string]string{"main.tf": requires + box, "broken.tf": `resource "`}, nil, nil},
		{"JSON that can't be parsed", map[string]string{"main.tf": requires + box, "broken.tf.json": `{`}, nil, nil},

		{"an override of the attribute", map[string]string{"main.tf": requires + box, "override.tf": fixed}, nil, nil},
		{"an override of another attribute", map[string]string{"main.tf": requires + box, "override.tf": `resource "thing_box" "a" { size = 1 }`}, []string{"main.tf:7 " + found}, nil},
		{"a typo in an override", map[string]string{"main.tf": requires + fixed, "x_override.tf": box}, []string{"x_override.tf:1 " + found}, nil},
		{"the last override", map[string]string{"main.tf": requires + fixed, "a_override.tf": box, "b_override.tf.json": `{"resource": {"thing_box": {"a": {"single": {}}}}}`}, nil, nil},
		{"an override of another resource", map[string]string{"main.tf": requires + box, "override.tf": `resource "thing_box" "b" { single = {} }`}, []string{"main.tf:7 " + found}, nil},
		{"an override of the source", map[string]string{"main.tf": requires + box, "override.tf": requiring("thing", `{ source = "acme/other" }`)}, nil, nil},
		{"an override of the provider", map[string]string{"main.tf": requires + box, "override.tf": `resource "thing_box" "a" { provider = other }`}, nil, nil},
		{"not quite an override", map[string]string{"main.tf": requires + fixed, "overrides.tf": `resource "thing_box" "b" { single = { readonly = true } }`}, []string{"overrides.tf:1 " + found}, nil},

		{"only for OpenTofu", map[string]string{"v.tf": requires, "main.tofu": box}, nil, []string{"main.tofu:1 " + found}},
		{"corrected for OpenTofu", map[string]string{"v.tf": requires, "main.tf": `resource "thing_box" "a" { single = { readonly = true, size = 1 } }`, "main.tofu": fixed}, []string{"main.tf:1 " + found}, []string{}},
		{"wrong for both", map[string]string{"v.tf": requires, "main.tf": box, "other.tofu": `resource "thing_box" "b" { size = 1 }`}, []string{"main.tf:1 " + found}, nil},
		{"JSON for OpenTofu", map[string]string{"v.tf": requires, "main.tf.json": `{"resource": {"thing_box": {"a": {"single": {"readonly": true, "size": 1}}}}}`, "main.tofu.json": `{}`}, []string{"main.tf.json:1 " + found}, []string{}},
		{"JSON beside a file of OpenTofu", map[string]string{"v.tf": requires, "main.tf.json": `{"resource": {"thing_box": {"a": {"single": {"readonly": true}}}}}`, "main.tofu": ``}, []string{"main.tf.json:1 " + found}, nil},
		{"an override of OpenTofu", map[string]string{"v.tf": requires, "main.tf": box, "main_override.tofu": fixed}, []string{"main.tf:1 " + found}, []string{}},

		{"a module", map[string]string{"main.tf": `module "m" { source = "./mod" }`, "mod/main.tf": requires + box, modules: manifest("m", "mod")}, []string{"mod/main.tf:7 " + found}, nil},
		{"a module above", map[string]string{"main.tf": `module "m" { source = "../mod" }`, modules: manifest("m", "missing")}, nil, nil},
		{"a module in a module", map[string]string{
			"main.tf": `module "m" { source = "./mod" }`, "mod/main.tf": `module "n" { source = "./sub" }`, "mod/sub/x.tf": requires + box,
			modules: manifest("m", "mod", "m.n", "mod/sub"),
		}, []string{"mod/sub/x.tf:7 " + found}, nil},
		{"a module in JSON", map[string]string{"main.tf.json": `{"module": {"m": {"source": "./mod"}}}`, "mod/main.tf": requires + box, modules: manifest("m", "mod")}, []string{"mod/main.tf:7 " + found}, nil},
		{"a module called twice", map[string]string{"main.tf": "module \"m\" { source = \"./mod\" }\nmodule \"n\" { source = \"./mod\" }", "mod/main.tf": requires + box, modules: manifest("m", "mod", "n", "mod")}, []string{"mod/main.tf:7 " + found}, nil},
		{"a module called no more", map[string]string{"main.tf": requires, "mod/main.tf": requires + box, modules: manifest("m", "mod")}, nil, nil},
		{"a module that is not installed", map[string]string{"main.tf": `module "m" { source = "./mod" }`, "mod/main.tf": requires + box}, nil, nil},
		{"a module without a source of its own", map[string]string{"main.tf": requires + `module "m" { source = "./mod" }`, "mod/main.tf": box, modules: manifest("m", "mod")}, nil, nil},
		{"a manifest that can't be parsed", map[string]string{"main.tf": requires + box + "\nmodule \"m\" { source = \"./mod\" }", "mod/main.tf": requires + box, modules: "{"}, []string{"main.tf:7 " + found}, nil},
		{"a module of a test", map[string]string{"main.tf": requires, "setup/main.tf": requires + box, modules: manifest("test.main.setup", "setup")}, []string{"setup/main.tf:7 " + found}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, tt.files)
			openTofuWant := tt.openTofu
			if openTofuWant == nil {
				openTofuWant = tt.terraform
			}
			if got := mustFind(t, dir, terraform()); !slices.Equal(got, tt.terraform) {
				t.Errorf("with Terraform found %q, want %q", got, tt.terraform)
			}
			if got := mustFind(t, dir, openTofu()); !slices.Equal(got, openTofuWant) {
				t.Errorf("with OpenTofu found %q, want %q", got, openTofuWant)
			}
		})
	}
}

// A module is installed if its files are where Terraform puts what it downloads.
func TestInstalled(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		dir, dataDir string
		want         bool
	}{
		"local":                  {"mod", ".terraform", false},
		"installed":              {".terraform/modules/m", ".terraform", true},
		"local within installed": {".terraform/modules/m/sub", ".terraform", true},
		"another data directory": {"data/modules/m", "data", true},
		"beside":                 {".terraform/modules.local/m", ".terraform", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := testSource(write(t, map[string]string{
				"main.tf": `module "m" { source = "x" }`, tt.dir + "/main.tf": requires + box,
				tt.dataDir + "/modules/modules.json": manifest("m", tt.dir),
			}))
			source.DataDir = tt.dataDir
			blocks := newReader(source).read(terraform()).blocks
			if len(blocks) != 1 || len(blocks[0].findings) != 1 {
				t.Fatalf("found %v", blocks)
			}
			if got := blocks[0].findings[0].Installed; got != tt.want {
				t.Errorf("installed is %t", got)
			}
		})
	}
}

// The data directory can be an absolute path.
func TestAbsoluteDataDir(t *testing.T) {
	t.Parallel()
	data := write(t, map[string]string{"modules/modules.json": manifest("m", "mod")})
	source := testSource(write(t, map[string]string{"main.tf": `module "m" { source = "./mod" }`, "mod/main.tf": requires + box}))
	source.DataDir = data
	if !Find(source).Some() {
		t.Error("nothing is found")
	}
}

// A directory without files is no error.
func TestNoFiles(t *testing.T) {
	t.Parallel()
	source := testSource(t.TempDir())
	source.Dir += "/missing"
	if f := Find(source); f.Some() || f.For(Resource, "thing_box", cty.DynamicVal) != nil {
		t.Errorf("found %v", f)
	}
}
