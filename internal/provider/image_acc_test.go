// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

const app = "gantry_image.app"

func (r *rig) image(name string, lines ...string) string {
	return fmt.Sprintf("resource \"gantry_image\" \"app\" {\n  name = %q\n%s}\n", name, indent(lines))
}

// heldImage is in a registry of its own whose answer for the layer waits for the gate.
func (r *rig) heldImage() (enginetest.Pushed, *enginetest.Gate) {
	r.t.Helper()
	registry := enginetest.NewRegistry(r.t, r.Engine)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 16})
	return pushed, registry.HoldBlob(pushed)
}

// both is a container, and for itself the image that it runs: they share the pull.
func (r *rig) both(ref string, lines ...string) string {
	return r.image(ref, lines...) + r.resource("web", append(lines, attr("image", ref))...)
}

func (r *rig) imageID(ref string) string {
	r.t.Helper()
	found, err := r.Docker.ImageInspect(r.t.Context(), ref)
	if errdefs.IsNotFound(err) {
		return ""
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return found.ID
}

func (r *rig) rmi(ref string) {
	r.t.Helper()
	if _, err := r.Docker.ImageRemove(r.t.Context(), ref, image.RemoveOptions{Force: true}); err != nil {
		r.t.Fatal(err)
	}
}

// An image from a registry: pulled once for itself and its container, named, followed when its tag
// moves, kept as long as a container needs it.
func TestAccImage(t *testing.T) {
	r := newRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 10})
	ref, tag := pushed.Reference, r.Name("alias")+":2"
	plain := r.provider() + r.image(ref)
	tagged := r.provider() + r.image(ref, fmt.Sprintf("tags = [%q]", tag))
	following := r.provider() + r.image(ref, `pull_policy = "always"`)
	var moved enginetest.Pushed
	r.run(
		resource.TestStep{
			Config: plain,
			ConfigStateChecks: []statecheck.StateCheck{
				in(app, "digest", text(pushed.Digest)), in(app, "id", text(r.HostName()+"/"+ref)), in(app, "available_digest", knownvalue.Null()),
				in(app, "size", knownvalue.NotNull()),
			},
		},
		resource.TestStep{
			Config: plain, ResourceName: app, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"operation_id", "archive", "platform", "wait_for"},
			ImportStateIdFunc: func(*terraform.State) (string, error) { return ref, nil },
		},
		resource.TestStep{
			Config: tagged, ConfigPlanChecks: plannedFor(app, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error {
				if r.imageID(tag) == "" || r.imageID(tag) != r.imageID(ref) {
					return fmt.Errorf("the tag %s is not the image's", tag)
				}
				return nil
			})},
		},
		// Somebody took the tag away: the plan gives it back.
		resource.TestStep{PreConfig: func() { r.rmi(tag) }, Config: tagged, ConfigPlanChecks: plannedFor(app, plancheck.ResourceActionUpdate)},
		resource.TestStep{
			Config: plain, ConfigPlanChecks: plannedFor(app, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error {
				if r.imageID(tag) != "" {
					return fmt.Errorf("the tag %s is still there", tag)
				}
				return nil
			})},
		},
		// A failure of the engine drops nothing; what was removed outside is pulled again.
		resource.TestStep{
			PreConfig: func() {
				r.Proxy.Fail(http.MethodGet, "/images/*/json", 1, http.StatusForbidden, "something broke")
			},
			Config:      plain,
			ExpectError: regexp.MustCompile(`something broke`),
		},
		resource.TestStep{PreConfig: func() { r.rmi(ref) }, Config: plain, ConfigPlanChecks: plannedFor(app, plancheck.ResourceActionCreate)},
		resource.TestStep{Config: following, ConfigPlanChecks: plannedFor(app, plancheck.ResourceActionUpdate)},
		resource.TestStep{
			PreConfig: func() { moved = registry.PushAgain(pushed, enginetest.ImageOptions{Random: 1 << 10}) },
			Config:    following, ConfigPlanChecks: plannedFor(app, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(app, path("digest"), knownvalue.StringFunc(func(digest string) error {
					if digest != moved.Digest {
						return fmt.Errorf("the digest is %s, the tag moved to %s", digest, moved.Digest)
					}
					return nil
				})),
			},
		},
		// The registry does not answer: the image is there all the same.
		resource.TestStep{
			PreConfig: func() { registry.FailManifest(moved, 2, http.StatusForbidden) },
			Config:    following, ConfigPlanChecks: plannedNothing(),
		},
		// In use by somebody: kept, and said so.
		resource.TestStep{
			PreConfig: func() { r.Run(r.Name("user"), enginetest.RunOptions{Image: ref, CreateOnly: true}) },
			Config:    r.provider(),
		},
	)
	if r.imageID(ref) == "" {
		t.Error("the image that a container uses was removed")
	}
}

// Two need one image: there is one pull. And one that can't be had.
func TestAccImagePulls(t *testing.T) {
	r := newRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 10})
	r.run(
		resource.TestStep{
			Config:      r.provider() + r.image(pushed.Reference+"-missing"),
			ExpectError: failure{summary: "Unable to pull image", line: "name", says: []string{"manifest unknown"}}.regexp(),
		},
		resource.TestStep{
			Config: r.provider() + r.image(pushed.Reference) + r.resource("web", attr("image", pushed.Reference)),
		},
		// Without a reference nothing would order the two removals, and the image might still be in use.
		resource.TestStep{Config: r.provider() + r.image(pushed.Reference)},
	)
	// One for what is missing, one for both of the others.
	if n := r.Proxy.Count(http.MethodPost, "/images/create"); n != 2 {
		t.Errorf("the engine was asked for %d pulls", n)
	}
	if r.imageID(pushed.Reference) != "" {
		t.Error("the image was not removed")
	}
}

// saveImage writes an image into an archive, by these names beside its own, takes it from the engine,
// and returns its ID.
func (r *rig) saveImage(archive string, options enginetest.ImageOptions, names ...string) (id string) {
	r.t.Helper()
	ref := r.Engine.Image(options)
	id = r.imageID(ref)
	for _, name := range names {
		if err := r.Docker.ImageTag(r.t.Context(), ref, name); err != nil {
			r.t.Fatal(err)
		}
	}
	stream, err := r.Docker.ImageSave(r.t.Context(), append(names, ref))
	if err != nil {
		r.t.Fatal(err)
	}
	defer stream.Close()
	file, err := os.Create(archive)
	if err != nil {
		r.t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.Copy(file, stream); err != nil {
		r.t.Fatal(err)
	}
	for _, name := range append(names, ref) {
		r.rmi(name)
	}
	return id
}

// An archive brings names of its own along: they go again, and what had one gets it back.
func TestAccImageFromArchiveWithNames(t *testing.T) {
	r := newRig(t)
	archive, name, other := filepath.Join(t.TempDir(), "app.tar"), r.Name("loaded")+":1", r.Name("other")+":1"
	id := r.saveImage(archive, enginetest.ImageOptions{Env: map[string]string{"N": "2"}}, other)
	r.Engine.Load(other, enginetest.ImageOptions{Env: map[string]string{"N": "3"}})
	before := r.imageID(other)
	r.run(resource.TestStep{
		Config: r.provider() + r.image(name, fmt.Sprintf("archive = %q", archive)),
		ConfigStateChecks: []statecheck.StateCheck{
			in(app, "image_id", text(id)),
			in(app, "repo_tags", knownvalue.ListExact([]knownvalue.Check{text(name)})),
		},
	})
	if r.imageID(id) != "" || r.imageID(other) != before {
		t.Errorf("after the destroy the engine has %q of the image, and %s is %q, before %q", r.imageID(id), other, r.imageID(other), before)
	}
}

// An archive that the engine can load only in part takes no name from another image, and leaves none.
func TestAccImageFromBrokenArchive(t *testing.T) {
	r := newRig(t)
	archive, name, other := filepath.Join(t.TempDir(), "app.tar"), r.Name("loaded")+":1", r.Name("other")+":1"
	id := r.saveImage(archive, enginetest.ImageOptions{Env: map[string]string{"N": "2"}}, other, name)
	breakArchive(t, archive)
	r.Engine.Load(other, enginetest.ImageOptions{Env: map[string]string{"N": "3"}})
	before := r.imageID(other)
	r.run(resource.TestStep{
		Config:      r.provider() + r.image(name, fmt.Sprintf("archive = %q", archive)),
		ExpectError: failure{summary: fmt.Sprintf("Unable to load image %q", name), line: "archive"}.regexp(),
	})
	if r.imageID(other) != before || r.imageID(id) != "" || r.imageID(name) != "" {
		t.Errorf("%s is %q, before %q; of the archive the engine has %q, by its name %q", other, r.imageID(other), before, r.imageID(id), r.imageID(name))
	}
}

// breakArchive adds an image to an archive whose files are not in it.
func breakArchive(t *testing.T, archive string) {
	t.Helper()
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	from, to := tar.NewReader(bytes.NewReader(content)), tar.NewWriter(&out)
	for {
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		file, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		if header.Name == "manifest.json" {
			file = append(bytes.TrimRight(file, "]\n "), `,{"Config":"nowhere.json","RepoTags":null,"Layers":[]}]`...)
			header.Size = int64(len(file))
		}
		if err := to.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(file); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(to.Close(), os.WriteFile(archive, out.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestAccImageFromArchive(t *testing.T) {
	r := newRig(t)
	archive := filepath.Join(t.TempDir(), "app.tar")
	save := func(options enginetest.ImageOptions) string { return r.saveImage(archive, options) }
	first, second := save(enginetest.ImageOptions{Env: map[string]string{"N": "1"}}), ""
	name := r.Name("loaded") + ":1"
	config := r.provider() + r.image(name, fmt.Sprintf("archive = %q", archive)) + r.resource("web", `image = gantry_image.app.image_id`)
	is := func(id *string) stateCheck {
		return func() error {
			if got := r.imageID(name); got != *id {
				return fmt.Errorf("the image is %s, want %s", got, *id)
			}
			return nil
		}
	}
	r.run(
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{is(&first)}},
		resource.TestStep{
			PreConfig: func() { second = save(enginetest.ImageOptions{Env: map[string]string{"N": "2"}}) },
			Config:    config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(app, plancheck.ResourceActionUpdate), plancheck.ExpectResourceAction(web, plancheck.ResourceActionReplace),
			}},
			ConfigStateChecks: []statecheck.StateCheck{is(&second)},
		},
		resource.TestStep{
			Config:      r.provider() + r.image(name, `archive = "/nonexistent.tar"`),
			ExpectError: regexp.MustCompile(`(?s)Unable to read the archive.*no such file`),
		},
	)
	for _, id := range []string{first, second} {
		if r.imageID(id) != "" {
			t.Errorf("the image %s is still there after the destroy", id)
		}
	}
}
