// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// localFile is a file that an attribute names, and what became of it on the engine.
type localFile struct {
	path  string
	write func(content string)
	// is returns an error if the engine does not have what the content stands for.
	is func(content string) error
}

// afterAPlan changes the file between a plan and its apply in each way there is, at a create and at an update.
func (r *castRig) afterAPlan(config, other string, f localFile, unreadable string) {
	r.t.Helper()
	remove := func() {
		if err := os.Remove(f.path); err != nil {
			r.t.Fatal(err)
		}
	}
	apply := func(moment, want string) {
		r.t.Helper()
		got := r.cli.run("apply", "plan.out")
		if got.code != 0 || strings.Contains(got.output, "inconsistent") {
			r.t.Errorf("%s: the apply ended with code %d:\n%s", moment, got.code, got.output)
		}
		if err := f.is(want); err != nil {
			r.t.Errorf("%s: %v", moment, err)
		}
		r.emptyPlan()
	}
	plan := func() { r.t.Helper(); r.cli.must("plan", "-out=plan.out") }
	refused := func(moment string) {
		r.t.Helper()
		got := r.cli.run("apply", "plan.out")
		if got.code == 0 || strings.Contains(got.output, "bug in the provider") || !strings.Contains(got.output, unreadable) || !strings.Contains(got.output, "no such file") {
			r.t.Errorf("%s: the apply ended with code %d:\n%s", moment, got.code, got.output)
		}
	}
	r.cli.configure(config)
	f.write("1")
	plan()
	remove()
	refused("removed, create")
	f.write("1")
	plan()
	f.write("2")
	apply("changed, create", "2")
	f.write("3")
	plan()
	f.write("4")
	apply("changed, update", "4")
	f.write("5")
	plan()
	remove()
	refused("removed, update")
	f.write("5")
	plan()
	f.write("4")
	apply("back again", "4")
	r.cli.configure(other)
	f.write("5")
	plan()
	f.write("6")
	apply("changed, with another change", "6")
	r.cli.configure(config)
	f.write("7")
	plan()
	f.write("6")
	apply("back again, with another change", "6")
}

// What is applied is the file as it is at the apply; never is it for Terraform to say that the provider has a bug.
func TestAccSourceChangesAfterThePlan(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"called", "cast"} {
		t.Run(name, func(t *testing.T) {
			r := newCastRig(t)
			source := filepath.Join(r.cli.folder, "app.conf")
			resource := r.resource
			if name == "cast" {
				resource = r.cast
			}
			with := func(more ...string) string {
				more = append(more, `files = { "/app.conf" = { source = "app.conf", restart_on_change = true }, "/other" = { content = "x" } }`)
				return r.config(resource("web", more...))
			}
			f := localFile{
				path: source, write: func(content string) { r.cli.write(source, content) },
				is: func(content string) error {
					r.idle()
					got, err := r.file(r.Name("web"), "/app.conf")
					if err == nil && got.content != content {
						err = fmt.Errorf("the file holds %q, want %q", got.content, content)
					}
					return err
				},
			}
			r.afterAPlan(with(), with(`memory = "64m"`), f, `Unable to read the source of file "/app.conf"`)
			f.write("8")
			r.cli.configure(with(`update_order = "start-first"`, `environment = { EXCHANGED = "1" }`))
			r.cli.must("plan", "-refresh=false", "-out=plan.out")
			f.write("9")
			r.cli.must("apply", "plan.out")
			if err := f.is("9"); err != nil {
				t.Errorf("exchanged: %v", err)
			}
			r.emptyPlan()
			r.destroysAll()
		})
	}
}

// A plan that leaves a container as it is promises nothing about a file that changes after it.
func TestAccSourceOfAnUnchangedContainer(t *testing.T) {
	r := newCastRig(t)
	source := filepath.Join(r.cli.folder, "app.conf")
	web := r.resource("web", `files = { "/app.conf" = { source = "app.conf" } }`)
	r.cli.write(source, "1")
	r.cli.configure(r.config(web))
	r.cli.must("apply", "-auto-approve")
	r.cli.configure(r.config(web, "resource \"terraform_data\" \"other\" {}\n"))
	r.cli.must("plan", "-out=plan.out")
	r.cli.write(source, "2")
	r.cli.must("apply", "plan.out")
	if got, err := r.file(r.Name("web"), "/app.conf"); err != nil || got.content != "1" {
		t.Errorf("the file is %+v: %v", got, err)
	}
	r.plansChange("will be updated in-place", "gantry_container.web")
	r.destroysAll()
}

// A file may be made by another resource of the same apply.
func TestAccLocalFilesMadeInTheApply(t *testing.T) {
	r := newCastRig(t)
	saved := filepath.Join(t.TempDir(), "app.tar")
	id := r.saveImage(saved, enginetest.ImageOptions{Env: map[string]string{"N": "1"}})
	made := fmt.Sprintf(`resource "terraform_data" "made" {
  provisioner "local-exec" {
    command = "echo made > app.conf && cp %s app.tar"
  }
}
`, saved)
	name := r.Name("loaded") + ":1"
	r.cli.configure(r.config(made, r.image(name, `archive = "app.tar"`, `depends_on = [terraform_data.made]`),
		r.resource("web", `files = { "/app.conf" = { source = "app.conf" } }`, `depends_on = [terraform_data.made]`)))
	plan := r.cli.must("plan")
	for _, warning := range []string{`The source of file "/app.conf" does not exist yet`, fmt.Sprintf("The archive of image %q does not exist yet", name)} {
		if !strings.Contains(plan.output, warning) {
			t.Errorf("the plan does not warn: %s\n%s", warning, plan.output)
		}
	}
	r.cli.must("apply", "-auto-approve")
	got, err := r.file(r.Name("web"), "/app.conf")
	if err != nil || got.content != "made\n" || r.imageID(name) != id {
		t.Errorf("the file is %+v (%v), the image %q, want %q", got, err, r.imageID(name), id)
	}
	r.emptyPlan()
	r.destroysAll()
}

// An archive is a local file as well.
func TestAccArchiveChangesAfterThePlan(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"called", "cast"} {
		t.Run(mode, func(t *testing.T) {
			r := newCastRig(t)
			archive, ids, name, image := filepath.Join(r.cli.folder, "app.tar"), make(map[string]string), r.Name("loaded")+":1", r.image
			if mode == "cast" {
				image = r.castImage
			}
			folder := t.TempDir()
			saved := func(content string) string { return filepath.Join(folder, content) }
			f := localFile{
				path: archive, write: func(content string) {
					if _, made := ids[content]; !made {
						ids[content] = r.saveImage(saved(content), enginetest.ImageOptions{Env: map[string]string{"N": content}})
					}
					bytes, err := os.ReadFile(saved(content))
					if err != nil {
						t.Fatal(err)
					}
					r.cli.write(archive, string(bytes))
				},
				is: func(content string) (err error) {
					r.idle()
					if got := r.imageID(name); got != ids[content] {
						err = errors.New("the image is " + got + ", want " + ids[content])
					}
					return err
				},
			}
			tagged := image(name, `archive = "app.tar"`, fmt.Sprintf("tags = [%q]", r.Name("loaded")+":2"))
			r.afterAPlan(r.config(image(name, `archive = "app.tar"`)), r.config(tagged), f, "Unable to read the archive of image")

			// A plan of names alone loads nothing, and an archive that changes after it is not for Terraform to complain of.
			r.cli.configure(r.config(tagged))
			r.cli.must("plan", "-out=plan.out")
			f.write("8")
			got := r.cli.run("apply", "plan.out")
			if got.code == 0 || strings.Contains(got.output, "bug in the provider") || !strings.Contains(flat(got.output), "Plan again, with a refresh") {
				t.Errorf("names alone: the apply ended with code %d:\n%s", got.code, got.output)
			}
			r.cli.must("apply", "-auto-approve")
			if err := f.is("8"); err != nil {
				t.Error(err)
			}
			r.emptyPlan()
			r.destroysAll()
		})
	}
}
