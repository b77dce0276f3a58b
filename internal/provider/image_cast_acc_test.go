// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// castImage is an image that nobody waits for.
func (r *castRig) castImage(ref string, lines ...string) string {
	return r.image(ref, append(lines, `wait_for = "none"`)...)
}

// gatherImage is a barrier of the image alone.
const gatherImage = "resource \"gantry_barrier\" \"all\" {\n  operations = { app = gantry_image.app.operation_id }\n}\n"

// hasStatus asserts what a refresh says of the image, and gives all that the state has of it.
func (r *castRig) hasStatus(status string) map[string]any {
	r.t.Helper()
	r.cli.must("apply", "-refresh-only", "-auto-approve")
	state := r.cli.attributes(app)
	if state["status"] != status {
		r.t.Errorf("the image's status is %v, want %s", state["status"], status)
	}
	return state
}

// warnsOfImage asserts that an output warns of the failure of the image's cast.
func (r *castRig) warnsOfImage(output, ref string, says ...string) {
	r.t.Helper()
	says = append(says, fmt.Sprintf("Warning: Image %q on engine %q failed after the last apply", ref, r.HostName()))
	for _, text := range says {
		if !strings.Contains(flat(output), text) {
			r.t.Errorf("no warning of %s with %q:\n%s", ref, text, output)
		}
	}
}

// A cast returns while the image is being pulled, and plans have nothing to do at any time.
func TestAccImageCast(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	ref := pushed.Reference
	r.cli.configure(r.config(r.castImage(ref)))
	r.cli.must("apply", "-auto-approve") // It ends with the gate closed.
	gate.Await()
	state := r.cli.attributes(app)
	operation, _ := state["operation_id"].(string)
	if state["id"] != r.HostName()+"/"+ref || !strings.HasPrefix(operation, r.HostName()+"/image:") || strings.Count(operation, "/") != 2 {
		t.Errorf("the state has the id %v and the operation %v", state["id"], operation)
	}
	if state["status"] != "create_in_progress" || state["image_id"] != nil || state["fault"] != nil {
		t.Errorf("the state has %v", state)
	}
	if output, code := r.operations("list", "--in-progress"); code != 0 || !strings.Contains(output, "image "+ref) {
		t.Errorf("list ended with code %d:\n%s", code, output)
	}
	r.emptyPlan()
	r.hasStatus("create_in_progress")

	gate.Open()
	r.idle()
	r.emptyPlan()
	if state := r.hasStatus("present"); state["image_id"] != r.imageID(ref) || state["digest"] != pushed.Digest || state["operation_id"] != operation {
		t.Errorf("after a refresh the state has %v", state)
	}
	r.emptyPlan()
	r.nothingUnsettled()
	r.destroysAll()
	if r.imageID(ref) != "" {
		t.Error("the image is still there after the destroy")
	}
}

// A barrier waits for casts of images and of containers alike. What is cast for both is pulled once.
func TestAccImageCastGathered(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	ref := pushed.Reference
	r.cli.configure(r.config(r.castImage(ref), r.cast("web", attr("image", ref)),
		"resource \"gantry_barrier\" \"all\" {\n  operations = { app = gantry_image.app.operation_id, web = gantry_container.web.operation_id }\n}\n",
		"output \"image\" {\n  value = gantry_barrier.all.results[\"app\"].image_id\n}\n"))
	apply := r.cli.start("apply", "-auto-approve")
	gate.Await()
	gate.Open()
	if ended := apply.wait(); ended.code != 0 || !strings.Contains(ended.output, r.imageID(ref)) {
		t.Fatalf("the apply ended with code %d, and does not put out the image's ID:\n%s", ended.code, ended.output)
	}
	if got := r.result("app"); got["image_id"] != r.imageID(ref) || got["container_id"] != nil || got["status"] != nil || got["duration"] == nil {
		t.Errorf("the barrier has of the image %v", got)
	}
	if got := r.result("web"); got["image_id"] != r.imageID(ref) || got["status"] != "running" {
		t.Errorf("the barrier has of the container %v", got)
	}
	if n := r.Proxy.Count(http.MethodPost, "/images/create"); n != 1 {
		t.Errorf("the engine was asked for %d pulls", n)
	}
	r.idle()
	r.emptyPlan()
	r.destroysAll()
}

// An image that can't be had: the barrier says so at once; without one the next refresh does, and
// every one until the plan has repaired it.
func TestAccImageCastFails(t *testing.T) {
	r := newCastRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 10})
	ref := pushed.Reference
	registry.FailManifest(pushed, -1, http.StatusForbidden)
	r.cli.configure(r.config(r.castImage(ref), gatherImage))
	apply := r.cli.run("apply", "-auto-approve")
	if says := fmt.Sprintf("Error: Unable to pull image %q on engine %q", ref, r.HostName()); apply.code == 0 || !strings.Contains(flat(apply.output), says) {
		t.Errorf("the apply ended with code %d, and does not say %q:\n%s", apply.code, says, apply.output)
	}
	r.idle()
	for range 2 {
		r.warnsOfImage(r.plansChange("will be updated in-place", app), ref, "An apply of a configuration that has it does it again, or replaces it.")
	}
	fault, _ := r.hasStatus("create_failed")["fault"].(map[string]any)
	if fault["kind"] != "pull_denied" || fault["operation"] != "create" {
		t.Errorf("the state has the fault %v", fault)
	}
	registry.Clear()
	r.settled()
	if got := r.result("app"); got["image_id"] != r.imageID(ref) {
		t.Errorf("the barrier has of the image %v", got)
	}
	r.destroysAll()
}

// A destroy in the middle of a pull cancels it, and whoever dies in the middle of one is told of.
func TestAccImageCastCutOff(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	ref := pushed.Reference
	r.cli.configure(r.config(r.castImage(ref)))
	r.cli.must("apply", "-auto-approve")
	gate.Await()
	r.cli.must("destroy", "-auto-approve")
	r.idle() // The gate is still closed.
	if r.imageID(ref) != "" || r.cli.attributes(app) != nil {
		t.Error("the image, or its state, is still there after the destroy")
	}
	r.nothingUnsettled()

	r.cli.must("apply", "-auto-approve")
	r.Proxy.Await(http.MethodPost, "/images/create", 2)
	kill("background", r.cli.background())
	r.warnsOfImage(r.plansChange("will be updated in-place", app), ref, "was interrupted while pulling", "An apply of a configuration that has it does it again, or replaces it.")
	r.hasStatus("interrupted")
	gate.Open()
	r.settled()
	r.hasStatus("present")
	r.destroysAll()
	if r.imageID(ref) != "" {
		t.Error("the image is still there after the destroy")
	}
}

// An update can be cast, too: it pulls what a tag has moved to, takes names away, and the image before
// it once that has none. What it did not come to do the next one does.
func TestAccImageCastUpdates(t *testing.T) {
	r := newCastRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 16})
	ref, alias, other := pushed.Reference, r.Name("alias")+":1", r.Name("other")+":1"
	config := func(tag string) string {
		return r.config(r.castImage(ref, `pull_policy = "always"`, fmt.Sprintf("tags = [%q]", tag)))
	}
	r.cli.configure(config(alias))
	r.settled()
	r.hasStatus("present")
	before := r.imageID(ref)
	r.emptyPlan()

	moved := registry.PushAgain(pushed, enginetest.ImageOptions{Random: 1 << 16})
	gate := registry.HoldBlob(moved)
	r.cli.configure(config(other))
	r.cli.must("apply", "-auto-approve")
	gate.Await()
	r.hasStatus("update_in_progress")
	r.emptyPlan()
	kill("background", r.cli.background())
	r.hasStatus("present") // It is the image before; that the tag has moved is what the plan goes by.
	r.plansChange("will be updated in-place", app)
	gate.Open()
	r.settled()
	state := r.hasStatus("present")
	if now := r.imageID(ref); now == before || state["image_id"] != now || r.imageID(other) != now || r.imageID(alias) != "" || r.imageID(before) != "" {
		t.Errorf("the image is %s (%s before), its tags are %s and %s, and the state has %v", now, before, r.imageID(other), r.imageID(alias), state)
	}
	r.emptyPlan()
	r.destroysAll()
	if r.imageID(other) != "" {
		t.Error("the image is still there after the destroy")
	}
}

// An archive is read by the background conductor, which works in another directory. That it could not be
// loaded is told, and it is loaded again.
func TestAccImageCastFromArchive(t *testing.T) {
	r := newCastRig(t)
	name, archive := r.Name("loaded")+":1", filepath.Join(r.cli.folder, "app.tar")
	first := r.saveImage(archive, enginetest.ImageOptions{Env: map[string]string{"N": "1"}})
	r.cli.configure(r.config(r.castImage(name, `archive = "app.tar"`)))
	r.settled()
	if got := r.hasStatus("present")["image_id"]; got != first {
		t.Errorf("the image is %v, want %s", got, first)
	}
	if err := os.WriteFile(archive, []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.cli.must("apply", "-auto-approve")
	r.idle()
	r.warnsOfImage(r.plansChange("will be updated in-place", app), name, "Unable to load image", "An apply of a configuration that has it does it again, or replaces it.")
	r.hasStatus("update_failed")
	second := r.saveImage(archive, enginetest.ImageOptions{Env: map[string]string{"N": "2"}})
	r.settled()
	if got := r.hasStatus("present")["image_id"]; got != second || r.imageID(first) != "" {
		t.Errorf("the image is %v, want %s; the first is %q", got, second, r.imageID(first))
	}
	r.destroysAll()
	if r.imageID(second) != "" {
		t.Error("the image is still there after the destroy")
	}
}

// Without a background conductor a cast completes before it returns.
func TestAccImageCastWithoutBackground(t *testing.T) {
	r := newCastRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	ref := registry.Push("app", enginetest.ImageOptions{Random: 1 << 10}).Reference
	r.cli.configure(r.provider(attr("state_dir", r.dir), `background = "off"`) + r.castImage(ref) + gatherImage)
	apply := r.cli.must("apply", "-auto-approve")
	if !strings.Contains(apply.output, "Casts complete before they return") {
		t.Errorf("the apply does not say that casts complete:\n%s", apply.output)
	}
	if state := r.cli.attributes(app); state["status"] != "present" || state["image_id"] != r.imageID(ref) || r.result("app")["image_id"] != r.imageID(ref) {
		t.Errorf("the state has %v", state)
	}
	r.emptyPlan()
	r.destroysAll()
}
