// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A provider ends in order when its Terraform is gone, whatever it is at: it holds no owner's lock any more,
// its operations have ended, and the next apply goes on with what it was about to make.
func TestAccTerraformKilled(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method, path string // What the engine is at.
		lines        []string
	}{
		"while health is waited for":    {lines: []string{healthcheck("health-fail", `start_period = "10m"`)}},
		"in a request to the engine":    {method: "POST", path: "/containers/*/start"},
		"while the engine is looked at": {method: "GET", path: "/info"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCastRig(t)
			r.cli.configure(r.config(r.resource("web", tt.lines...)))
			held := func() {
				r.Proxy.Await("POST", "/containers/*/start", 1)
				r.Proxy.AwaitEnded("POST", "/containers/*/start")
			}
			if tt.method != "" {
				gate := r.Proxy.Hold(tt.method, tt.path)
				defer gate.Open()
				held = gate.Await
			}
			apply := r.cli.start("apply", "-auto-approve")
			held()
			providers := r.cli.providers()
			if len(providers) == 0 {
				t.Fatal("there is no provider")
			}
			if err := apply.command.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			for _, p := range providers {
				if !p.ends() {
					t.Errorf("the provider %d lives on", p.pid)
					p.kill()
				}
			}
			apply.wait()
			if locks, err := filepath.Glob(filepath.Join(r.dir, "owners", "*.lock")); err != nil || len(locks) != 0 {
				t.Errorf("owners: %v, %v", locks, err)
			}
			for _, one := range r.journal() {
				if one.Outcome == "" {
					t.Errorf("the operation has not ended: %+v", one)
				}
			}
			// What it was about to make is in no state, and the next apply goes on with it.
			r.Proxy.Clear()
			r.cli.configure(r.config(r.resource("web")))
			r.settled()
			r.destroysAll()
		})
	}
}

// The same where nobody reads Terraform's output any more, as with `terraform apply | head`.
func TestAccTerraformOutputClosed(t *testing.T) {
	r := newCastRig(t)
	r.cli.configure(r.config(r.resource("web", healthcheck("health-fail", `start_period = "10m"`))))
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	apply := r.cli.startTo(writer, "apply", "-auto-approve")
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	r.Proxy.Await("POST", "/containers/*/start", 1)
	providers := r.cli.providers()
	if err := reader.Close(); err != nil { // It writes that it is still creating, every ten seconds.
		t.Fatal(err)
	}
	for _, p := range providers {
		if !p.ends() {
			t.Errorf("the provider %d lives on", p.pid)
			p.kill()
		}
	}
	apply.wait()
	r.cli.configure(r.config(r.resource("web")))
	r.settled()
	r.destroysAll()
}
