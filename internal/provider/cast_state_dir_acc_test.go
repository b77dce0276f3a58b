// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// Without a state directory that can be written there is no background conductor: a cast completes
// before it returns, and says so. Nothing is lost that the engine knows.
func TestAccStateDirUnusable(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(r *castRig) string{
		"a directory that can't be written, not even by root": func(*castRig) string { return "/proc/gantry" },
		"a file in the place of the engines' directory": func(r *castRig) string {
			r.cli.write(filepath.Join(r.dir, "engines"), "")
			return r.dir
		},
		"a full disk": func(r *castRig) string { return fullDisk(r.t) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newCastRig(t)
			r.dir = spoil(r)
			r.cli.configure(r.config(r.cast("web", `memory = "32m"`), r.resource("other")))
			apply := r.cli.must("apply", "-auto-approve")
			if !strings.Contains(apply.output, "Casts complete before they return") || !strings.Contains(apply.output, "state directory") {
				t.Errorf("the apply does not say that the cast completed, and why:\n%s", apply.output)
			}
			if n := strings.Count(apply.output, "Warning: Operations are not noted in the state directory"); n != 1 {
				t.Errorf("the apply says %d times that its calls are not noted:\n%s", n, apply.output)
			}
			if background := r.cli.background(); len(background) != 0 {
				t.Errorf("background conductors: %v", background)
			}
			made := r.Inspect(r.Name("web"))
			if state := r.cli.attributes(web); !made.State.Running || state["status"] != "running" || state["container_id"] != made.ID {
				t.Errorf("the container is %s, and the state has %v", made.State.Status, state)
			}
			r.emptyPlan()
			r.cli.configure(r.config(r.cast("web", `memory = "64m"`), r.resource("other")))
			r.cli.must("apply", "-auto-approve")
			if now := r.Inspect(r.Name("web")); now.ID != made.ID || now.HostConfig.Memory != 64<<20 {
				t.Errorf("the container %s is now %s with %d bytes of memory", made.ID, now.ID, now.HostConfig.Memory)
			}
			r.emptyPlan()
			r.cli.must("destroy", "-auto-approve")
			if names := r.Containers(); len(names) != 0 {
				t.Errorf("containers after the destroy: %v", names)
			}
		})
	}
}

// fullDisk returns a directory on a file system of its own that has no room left. It needs root.
func fullDisk(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		t.Fatalf("Unable to mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(folder, "fill"), make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the file system is not full: %v", err)
	}
	return folder
}

// A torn record, and one of a newer gantry, are told of at every plan and in the log, and left as they
// are; all else goes on, by what the engine knows.
func TestAccUnreadableRecords(t *testing.T) {
	r := newCastRig(t)
	r.cli.configure(r.config(r.cast("web", `memory = "32m"`)))
	r.cli.must("apply", "-auto-approve")
	r.idle()
	first := r.Inspect(r.Name("web"))
	own := r.journal()[0].path
	whole, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	// The record that the state names, and two more of the same lane.
	folder := filepath.Dir(own)
	_, lane, _ := strings.Cut(filepath.Base(own), ".")
	r.cli.write(own, string(whole[:len(whole)/2]))
	another := func(content string) {
		r.cli.write(filepath.Join(folder, uuid.Must(uuid.NewV7()).String()+"."+lane), content)
	}
	another("")
	another(`{"version": 99, "id": 7}`)

	r.emptyPlan()
	plan := r.cli.must("plan")
	for _, says := range []string{"Warning: The state directory has records that can't be read (3)", filepath.Base(own), "from a newer gantry"} {
		if !strings.Contains(flat(plan.output), says) {
			t.Errorf("the plan does not say %q:\n%s", says, plan.output)
		}
	}
	r.cli.configure(r.config(r.cast("web", `memory = "64m"`)))
	r.cli.env = append(r.cli.env, "TF_LOG_PROVIDER=WARN")
	r.cli.must("apply", "-auto-approve")
	r.idle()
	log, err := os.ReadFile(filepath.Join(r.dir, "background.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"can't be read", "from a newer gantry"} {
		if !strings.Contains(string(log), says) {
			t.Errorf("the background conductor's log does not say %q:\n%s", says, log)
		}
	}
	if now := r.Inspect(r.Name("web")); now.ID != first.ID || now.HostConfig.Memory != 64<<20 {
		t.Errorf("the container %s is now %s with %d bytes of memory", first.ID, now.ID, now.HostConfig.Memory)
	}
	r.emptyPlan()
	r.destroyed(r.cli)
	if torn, err := os.ReadFile(own); err != nil || len(torn) != len(whole)/2 {
		t.Errorf("the torn record was touched: %q, %v", torn, err)
	}
	r.dir = "" // There are records that the test can't read either.
}

// No secret reaches the state directory, a log, or the arguments and environment of a process.
func TestAccCastKeepsSecrets(t *testing.T) {
	const token, password = "s3cret-token-of-the-app", "s3cret-password-of-the-registry"
	r := newCastRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	registry.RequireAuth("robot", password)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 16})
	gate := registry.HoldBlob(pushed)
	r.cli.write(filepath.Join(r.cli.folder, "terraform.tfvars"), attr("token", token)+"\n"+attr("password", password)+"\n")
	config := func(lines ...string) string {
		return r.provider(attr("state_dir", r.dir), fmt.Sprintf("registry_auth = { %q = { username = \"robot\", password = var.password } }", registry.Host)) +
			r.cast("web", append(lines, attr("image", pushed.Reference), `environment = { TOKEN = var.token }`)...) +
			"variable \"token\" {\n  sensitive = true\n}\nvariable \"password\" {\n  sensitive = true\n}\n"
	}
	r.cli.configure(config(command("exit", "3", "100ms", "the token is $TOKEN")))
	r.cli.env = append(r.cli.env, "TF_LOG_PROVIDER=TRACE", "TF_LOG_CORE=OFF")
	var said []string
	said = append(said, r.cli.must("apply", "-auto-approve").output)
	gate.Await()
	for _, p := range r.cli.background() {
		for _, name := range []string{"cmdline", "environ"} {
			content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.pid, name))
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, string(content))
			if name == "environ" && strings.Contains(string(content), "TF_") {
				t.Errorf("the background conductor has variables of Terraform: %q", content)
			}
		}
	}
	gate.Open()
	r.idle()
	plan := r.plansChange("must be replaced", web)
	r.warns(plan, r.Name("web"), "the token is (masked)")
	said = append(said, plan, r.cli.must("apply", "-refresh-only", "-auto-approve").output)
	r.cli.configure(config())
	said = append(said, r.cli.must("apply", "-auto-approve").output)
	r.idle()
	said = append(said, r.cli.must("destroy", "-auto-approve").output)

	kept := r.stateFolder()
	said = append(said, kept...)
	if _, err := os.Stat(filepath.Join(r.dir, "background.log")); err != nil || len(kept) < 4 {
		t.Errorf("the state directory has %d files; the background conductor's log: %v", len(kept), err)
	}
	for _, secret := range []string{token, password} {
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
			for _, text := range said {
				if at := strings.Index(text, form); at >= 0 {
					t.Errorf("%q is in …%s…", secret, text[max(0, at-300):min(len(text), at+200)])
				}
			}
		}
	}
}

// stateFolder returns all that is in the state directory, a text for each file.
func (r *castRig) stateFolder() (files []string) {
	r.t.Helper()
	err := filepath.WalkDir(r.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files = append(files, path+": "+string(content))
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return files
}
