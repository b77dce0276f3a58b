// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

const required = `terraform {
  required_providers {
    gantry = { source = "gantry-provider/gantry" }
  }
}
`

// newKeyCore is a provider whose working directory has these files.
func newKeyCore(tb testing.TB, files map[string]string) *core {
	tb.Helper()
	server, ok := NewServer("test", hclog.NewNullLogger())().(*actionServer)
	if !ok {
		tb.Fatal("the provider's server checks no keys")
	}
	server.dir = tb.TempDir()
	for name, content := range files {
		path := filepath.Join(server.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return newCoreOf(tb, server)
}

// configure configures the provider with these settings.
func (c *core) configure(t testing.TB, settings values) {
	t.Helper()
	config, err := tfprotov6.NewDynamicValue(c.provider.ValueType(), value(t, c.provider.ValueType(), settings))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: &config})
	if err != nil {
		t.Fatal(err)
	}
	fatalDiagnostics(t, resp.Diagnostics)
}

func oneDiagnostic(t *testing.T, diags []*tfprotov6.Diagnostic) *tfprotov6.Diagnostic {
	t.Helper()
	if len(diags) != 1 {
		t.Fatalf("%d diagnostics, want one: %v", len(diags), diags)
	}
	return diags[0]
}

// The error names the block, the place and the key that was meant; it is told once.
func TestUnknownKeyIsReported(t *testing.T) {
	t.Parallel()
	c := newKeyCore(t, map[string]string{"main.tf": required + `
resource "gantry_container" "web" {
  name   = "web"
  image  = "shop"
  mounts = {
    "/z" = {
      type     = "bind"
      source   = "/srv"
      readonly = true
    }
  }
}
`})
	config := values{"name": "web", "image": "shop", "mounts": values{"/z": values{"type": "bind", "source": "/srv"}}}
	if other := c.validate(t, config.with(values{"name": "other"})); len(other) > 0 {
		t.Errorf("another configuration is told of %v", other)
	}
	d := oneDiagnostic(t, c.validate(t, config))
	if d.Severity != tfprotov6.DiagnosticSeverityError || d.Summary != `Unknown key "readonly" in mounts["/z"] of gantry_container.web` {
		t.Errorf("%s: %s", d.Severity, d.Summary)
	}
	for _, says := range []string{"main.tf:14 ", `Did you mean "read_only"?`} {
		if !strings.Contains(d.Detail, says) {
			t.Errorf("it does not say %q: %s", says, d.Detail)
		}
	}
	if got, want := d.Attribute.String(), `AttributeName("mounts")`; got != want {
		t.Errorf("it is at %s, want %s", got, want)
	}
	if again := c.validate(t, config); len(again) > 0 {
		t.Errorf("it is told again: %v", again)
	}
}

// A configured provider plans or applies: a saved plan may come from other files.
func TestUnknownKeyIsNoErrorWhileApplying(t *testing.T) {
	t.Parallel()
	c := newKeyCore(t, map[string]string{"main.tf": required + `resource "gantry_container" "web" {
  name  = "web"
  image = "shop"
  ports = [{ target = 80, publishd = 8080 }]
}
provider "gantry" {
  registry_auth = { "ghcr.io" = { username = "u", password = "p", pasword = "p" } }
}`})
	c.configure(t, values{})
	fatalDiagnostics(t, c.validate(t, values{"name": "web", "image": "shop", "ports": []any{values{"target": 80}}}))
}

// The settings of the provider are validated before it is known what for: they are reported with the
// first resource.
func TestUnknownKeyOfTheProvider(t *testing.T) {
	t.Parallel()
	c := newKeyCore(t, map[string]string{"main.tf": required + `provider "gantry" {
  registry_auth = { "ghcr.io" = { username = "u", password = "p", pasword = "p" } }
}`})
	typ := c.provider.ValueType()
	settings, err := tfprotov6.NewDynamicValue(typ, value(t, typ, values{"registry_auth": values{"ghcr.io": values{"username": "u", "password": "p"}}}))
	if err != nil {
		t.Fatal(err)
	}
	own, err := c.server.ValidateProviderConfig(t.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: &settings})
	if err != nil {
		t.Fatal(err)
	}
	fatalDiagnostics(t, own.Diagnostics)
	d := oneDiagnostic(t, c.validate(t, minimal()))
	if d.Summary != `Unknown key "pasword" in registry_auth["ghcr.io"] of provider "gantry"` {
		t.Error(d.Summary)
	}
	fatalDiagnostics(t, c.validate(t, minimal()))
}

// The user can't edit an installed module: that is a warning. Where no key is near, all are named.
func TestUnknownKeyOfAnInstalledModule(t *testing.T) {
	t.Parallel()
	c := newKeyCore(t, map[string]string{
		"main.tf":                         `module "shop" { source = "acme/shop/docker" }`,
		".terraform/modules/modules.json": `{"Modules":[{"Key":"shop","Source":"acme/shop/docker","Dir":".terraform/modules/shop"}]}`,
		".terraform/modules/shop/main.tf": required + `resource "gantry_container" "web" {
  name        = "web"
  image       = "shop"
  healthcheck = { test = ["CMD", "true"], command = ["true"] }
}`,
	})
	d := oneDiagnostic(t, c.validate(t, values{"name": "web", "image": "shop", "healthcheck": values{"test": []any{"CMD", "true"}}}))
	if d.Severity != tfprotov6.DiagnosticSeverityWarning {
		t.Errorf("it is no warning: %s", d.Severity)
	}
	for _, says := range []string{"Its keys are ", "interval, ", "the module's author"} {
		if !strings.Contains(d.Detail, says) {
			t.Errorf("it does not say %q: %s", says, d.Detail)
		}
	}
}

// BenchmarkUnknownKeys reads a configuration of 1,000 containers, as each validation does once.
func BenchmarkUnknownKeys(b *testing.B) {
	var files strings.Builder
	files.WriteString(required)
	for i := range 1000 {
		fmt.Fprintf(&files, `resource "gantry_container" "c%[1]d" {
  name        = "c%[1]d"
  image       = var.image
  memory      = "64m"
  environment = { A = "1", B = "x-${var.b}" }
  mounts      = { "/z" = { type = "bind", source = "/tmp", read_only = true } }
  ports       = [{ target = 80, published = "%[2]d" }]
  healthcheck = { test = ["CMD-SHELL", "true"], interval = "5s" }
}
`, i, 10000+i)
	}
	c := newKeyCore(b, map[string]string{"main.tf": files.String()})
	server, ok := c.server.(*actionServer)
	if !ok {
		b.Fatal("the provider's server checks no keys")
	}
	for b.Loop() {
		server.read = false
		server.prepare(b.Context())
	}
}
