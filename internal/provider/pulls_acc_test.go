// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// helped gives the CLI a Docker configuration, and a credential helper named "gantrytest" which says
// what the file "answer" beside it says, or fails with the content of "refusal".
func (c *cli) helped(config string) (folder string) {
	c.t.Helper()
	folder = c.t.TempDir()
	c.write(filepath.Join(folder, "config.json"), config)
	helper := filepath.Join(folder, "docker-credential-gantrytest")
	c.write(helper, "#!/bin/sh\ncd \"${0%/*}\" || exit 2\nif [ -e refusal ]; then cat refusal; exit 1; fi\ncat answer\n")
	if err := os.Chmod(helper, 0o700); err != nil { //nolint:gosec // It has to be run.
		c.t.Fatal(err)
	}
	c.env = append(c.env, "DOCKER_CONFIG="+folder, "PATH="+folder+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return folder
}

// The Docker CLI's configuration names who knows the credentials. What is configured in the provider
// goes first, and no credential is left anywhere.
func TestAccCredentialHelper(t *testing.T) {
	const password = "s3cret-of-the-helper"
	for _, key := range []string{"credHelpers", "credsStore"} {
		t.Run(key, func(t *testing.T) {
			r := newCastRig(t)
			registry := enginetest.NewRegistry(t, r.Engine)
			registry.RequireAuth("reader", password)
			pushed, second := registry.Push("app", enginetest.ImageOptions{Random: 1000}), registry.Push("second", enginetest.ImageOptions{Random: 1000})
			config := `{"credsStore": "gantrytest"}`
			if key == "credHelpers" {
				config = fmt.Sprintf(`{"credHelpers": {%q: "gantrytest"}}`, registry.Host)
			}
			folder := r.cli.helped(config)
			r.cli.env = append(r.cli.env, "TF_LOG_PROVIDER=TRACE", "TF_LOG_CORE=OFF")
			answer, refusal := filepath.Join(folder, "answer"), filepath.Join(folder, "refusal")

			r.cli.write(refusal, "the keychain is locked")
			resources := r.resource("web", attr("image", pushed.Reference)) + r.image(second.Reference)
			r.cli.configure(r.config(resources))
			apply := r.cli.run("apply", "-auto-approve")
			said := []string{apply.output}
			for _, says := range []string{"the keychain is locked", "credential helper", "nothing was created"} {
				if apply.code == 0 || !strings.Contains(flat(apply.output), says) {
					t.Errorf("the apply ended with %d, and does not say %q:\n%s", apply.code, says, flat(apply.output))
				}
			}

			if err := os.Remove(refusal); err != nil {
				t.Fatal(err)
			}
			r.cli.write(answer, fmt.Sprintf(`{"ServerURL": %q, "Username": "reader", "Secret": %q}`, registry.Host, password))
			said = append(said, r.cli.must("apply", "-auto-approve").output)
			r.emptyPlan()
			if n := registry.Manifests(pushed); n == 0 {
				t.Error("nothing was pulled")
			}
			state, err := os.ReadFile(filepath.Join(r.cli.folder, "terraform.tfstate"))
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, string(state), r.cli.must("destroy", "-auto-approve").output)

			// The helper knows a wrong password now, and the provider the right one.
			r.cli.write(answer, fmt.Sprintf(`{"ServerURL": %q, "Username": "reader", "Secret": "wrong"}`, registry.Host))
			apply = r.cli.run("apply", "-auto-approve")
			if apply.code == 0 || !strings.Contains(flat(apply.output), "credentials: the Docker CLI's configuration") {
				t.Errorf("the apply ended with %d:\n%s", apply.code, apply.output)
			}
			r.cli.write(filepath.Join(r.cli.folder, "terraform.tfvars"), attr("password", password)+"\n")
			r.cli.configure(r.provider(attr("state_dir", r.dir), fmt.Sprintf("registry_auth = { %q = { username = \"reader\", password = var.password } }", registry.Host)) +
				resources + "variable \"password\" {\n  sensitive = true\n}\n")
			said = append(said, r.cli.must("apply", "-auto-approve").output, r.cli.must("destroy", "-auto-approve").output)

			err = filepath.WalkDir(r.dir, func(path string, entry fs.DirEntry, err error) error {
				if err != nil || entry.IsDir() {
					return err
				}
				content, err := os.ReadFile(path)
				said = append(said, path+": "+string(content))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range said {
				for _, form := range []string{password, base64.StdEncoding.EncodeToString([]byte("reader:" + password))} {
					if at := strings.Index(text, form); at >= 0 {
						t.Errorf("%q is in …%s…", form, text[max(0, at-300):min(len(text), at+200)])
					}
				}
			}
		})
	}
}

// A helper that is not installed is named.
func TestAccCredentialHelperMissing(t *testing.T) {
	r := newCastRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1000})
	r.cli.helped(`{"credsStore": "gantry-is-not-there"}`)
	r.cli.configure(r.config(r.resource("web", attr("image", pushed.Reference)), r.image(pushed.Reference)))
	apply := r.cli.run("apply", "-auto-approve")
	if n := strings.Count(flat(apply.output), "docker-credential-gantry-is-not-there"); apply.code == 0 || n < 2 {
		t.Errorf("the apply ended with %d:\n%s", apply.code, apply.output)
	}
}

// A layer that is not what its digest promises, and a registry that stalls in the middle of one: the
// reason is told, and how far the pull had come, and nothing is left.
func TestAccBrokenPulls(t *testing.T) {
	for name, tt := range map[string]struct {
		line    string
		disturb func(*enginetest.Registry, enginetest.Pushed) (mend func())
		says    []string
	}{
		"broken": {
			disturb: func(registry *enginetest.Registry, pushed enginetest.Pushed) func() {
				registry.BreakBlob(pushed)
				return nil
			},
			says: []string{"filesystem layer verification failed", "credentials: none", "layers that are complete are kept"},
		},
		"stalled": {
			line: `timeouts = { create = "4s" }`,
			disturb: func(registry *enginetest.Registry, pushed enginetest.Pushed) func() {
				return registry.HoldBlob(pushed).Open
			},
			says: []string{"took too long", "of 2 layers were complete; nothing came for the last", "raise timeouts.create"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCastRig(t)
			registry := enginetest.NewRegistry(t, r.Engine)
			pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 20})
			mend := tt.disturb(registry, pushed)
			for _, config := range []string{r.resource("web", attr("image", pushed.Reference), tt.line), r.image(pushed.Reference, tt.line)} {
				r.cli.configure(r.config(config))
				apply := r.cli.run("apply", "-auto-approve")
				for _, says := range tt.says {
					if apply.code == 0 || !strings.Contains(flat(apply.output), says) {
						t.Errorf("the apply ended with %d, and does not say %q:\n%s", apply.code, says, apply.output)
					}
				}
				if left := r.Containers(); len(left) != 0 || r.imageID(pushed.Reference) != "" {
					t.Errorf("left: containers %v, image %q", left, r.imageID(pushed.Reference))
				}
			}
			if mend == nil {
				return
			}
			mend()
			r.cli.must("apply", "-auto-approve")
			r.emptyPlan()
			r.cli.must("destroy", "-auto-approve")
		})
	}
}
