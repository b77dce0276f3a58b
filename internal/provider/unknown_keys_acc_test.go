// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Terraform drops unknown keys of nested objects: gantry reports them, with file and line, before
// anything is planned.
func TestAccUnknownKeys(t *testing.T) {
	r := newRig(t)
	c := newCLI(t)
	for name, tt := range map[string]struct {
		files map[string]string
		// says is what validate and plan say.
		says []string
	}{
		"a mount": {
			map[string]string{"main.tf": r.container(`mounts = {`, `  "/z" = {`, `    type = "bind"`, `    source = "/tmp"`, `    readonly = true`, `  }`, `}`)},
			[]string{`Unknown key "readonly" in mounts["/z"] of gantry_container.web`, "main.tf:11 ", `Did you mean "read_only"?`},
		},
		"a port":           {map[string]string{"main.tf": r.container(`ports = [{ target = 80, publishd = 8080 }]`)}, []string{`Unknown key "publishd" in ports of`, "main.tf:7 ", `"published"?`}},
		"a health check":   {map[string]string{"main.tf": r.container(`healthcheck = { test = ["CMD", "x"], intervall = "5s" }`)}, []string{`Unknown key "intervall" in healthcheck of`, "main.tf:7 ", `"interval"?`}},
		"timeouts":         {map[string]string{"main.tf": r.container(`timeouts = { creat = "5m" }`)}, []string{`Unknown key "creat" in timeouts of`, `"create"?`}},
		"a network":        {map[string]string{"main.tf": r.provider() + `resource "gantry_network" "n" {` + "\n" + attr("name", r.Name("n")) + "\n" + `ipam = { config = [{ subnett = "10.9.0.0/24" }] }` + "\n}"}, []string{`of gantry_network.n`, `Unknown key`}},
		"an override":      {map[string]string{"main.tf": r.container(), "x_override.tf": `resource "gantry_container" "web" { ports = [{ target = 80, publishd = 8080 }] }`}, []string{"x_override.tf:1 "}},
		"JSON":             {map[string]string{"main.tf": r.provider(), "web.tf.json": `{"resource": {"gantry_container": {"web": {"name": "web", "image": "x",` + "\n" + `"ports": [{"target": 80, "publishd": "${8000+80}"}]}}}}`}, []string{"web.tf.json:2 "}},
		"a module":         {map[string]string{"main.tf": r.provider() + `module "m" { source = "./mod" }`, "mod/main.tf": r.resource("web", `ports = [{ target = 80, publishd = 8080 }]`), "mod/versions.tf": requirement(c)}, []string{"mod/main.tf:4 ", "with module.m.gantry_container.web"}},
		"with count":       {map[string]string{"main.tf": r.container(`count = 2`, `ports = [{ target = 80, publishd = 8080 + count.index }]`)}, []string{"main.tf:8 "}},
		"a provider":       {map[string]string{"main.tf": strings.Replace(r.container(), "host =", `registry_auth = { "ghcr.io" = { username = "u", password = "p", pasword = "p" } }`+"\n  host =", 1)}, []string{"main.tf:2 ", `of provider "gantry"`}},
		"an unknown value": {map[string]string{"main.tf": r.container(`ports = [{ target = var.port, publishd = 8080 }]`) + `variable "port" { default = 80 }`}, []string{"main.tf:7 "}},
	} {
		folder := filepath.Join(c.folder, strings.ReplaceAll(name, " ", "-"))
		if err := os.MkdirAll(filepath.Join(folder, "mod"), 0o700); err != nil {
			t.Fatal(err)
		}
		c.write(filepath.Join(folder, "versions.tf"), requirement(c))
		for file, content := range tt.files {
			c.write(filepath.Join(folder, file), content)
		}
		c.must("-chdir="+folder, "get")
		for _, command := range []string{"validate", "plan"} {
			got := c.run("-chdir="+folder, command)
			if got.code == 0 {
				t.Errorf("%s: %s succeeds:\n%s", name, command, got.output)
			}
			for _, says := range tt.says {
				if !strings.Contains(flat(got.output), says) {
					t.Errorf("%s: %s does not say %q:\n%s", name, command, says, got.output)
				}
			}
		}
	}
	if r.Exists(r.Name("web")) {
		t.Error("a container was made")
	}
}

// requirement is the file that requires the provider.
func requirement(c *cli) string {
	c.t.Helper()
	content, err := os.ReadFile(filepath.Join(c.folder, "versions.tf"))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(content)
}

// What is let go, is let go with the real Terraform, too.
func TestAccKeysThatAreNotUnknown(t *testing.T) {
	r := newRig(t)
	c := newCLI(t)
	c.configure(`
locals {
  key   = "readonly"
  mount = { type = "tmpfs", readonly = true }
}
` + r.container(`mounts = {`,
		`  "/a" = local.mount`,
		`  "/b" = merge(local.mount, { readonly = false })`,
		`  "/c" = { type = "tmpfs", (local.key) = true }`,
		`  "/d" = { for k, v in { type = "tmpfs", readonly = "x" } : k => v if k == "type" }`,
		`}`, `labels = { readonly = "true" }`, `environment = { publishd = "1" }`))
	c.must("validate")
	c.must("plan")
}

// A saved plan is applied whatever the files are by now; a test of a module that is valid passes.
func TestAccUnknownKeyAfterThePlan(t *testing.T) {
	r := newRig(t)
	c := newCLI(t)
	config := r.container(`timeouts = { create = "5m" }`)
	c.configure(config)
	c.must("plan", "-out=saved")
	c.configure(strings.Replace(config, `create = "5m"`, `create = "5m", creat = "5m"`, 1))
	c.must("apply", "saved")
	if !r.Exists(r.Name("web")) {
		t.Error("the container was not made")
	}
	c.configure(config)
	c.write(filepath.Join(c.folder, "main.tftest.hcl"), "run \"plan\" {\n  command = plan\n}\n")
	c.must("test")
	c.configure(strings.Replace(config, `create = "5m"`, `create = "5m", creat = "5m"`, 1))
	if got := c.run("test"); got.code == 0 || !strings.Contains(flat(got.output), `Unknown key "creat"`) {
		t.Errorf("the test ended with %d:\n%s", got.code, got.output)
	}
	c.configure(config)
	c.must("destroy", "-auto-approve")
}
