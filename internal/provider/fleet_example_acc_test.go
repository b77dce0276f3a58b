// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// The example of a fleet: the canary gets a change first, and the rest only after it is healthy there.
func TestAccExampleFleet(t *testing.T) {
	f := newFleet(t, "edge1", "edge2")
	image, engines := f.Name("service")+":1", make(map[string]any)
	for key, own := range f.others {
		engines[key] = map[string]any{"host": own.Host}
		if err := own.Docker.ImageTag(t.Context(), f.images[key], image); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(f.cli.folder, "examples"), os.DirFS("../../examples")); err != nil {
		t.Fatal(err)
	}
	folder := "-chdir=" + filepath.Join(f.cli.folder, "examples", "fleet")
	set := func(environment string, health ...string) {
		t.Helper()
		content, err := json.Marshal(map[string]any{
			"engines": engines, "canary": "edge1", "name": f.Name("web"), "image": image,
			"environment": map[string]string{"VALUE": environment}, "health_test": append([]string{"CMD", enginetest.Program}, health...),
		})
		if err != nil {
			t.Fatal(err)
		}
		f.cli.write(filepath.Join(f.cli.folder, "examples", "fleet", "terraform.tfvars.json"), string(content))
	}
	empty := func() {
		t.Helper()
		if p := f.cli.run(folder, "plan", "-detailed-exitcode"); p.code != 0 {
			t.Fatalf("there is something to do after the apply:\n%s", p.output)
		}
	}
	has := func(key, environment string) bool {
		return slices.Contains(f.others[key].Inspect(f.Name("web")).Config.Env, "VALUE="+environment)
	}
	set("1", "health")
	f.cli.must(folder, "get")
	f.cli.must(folder, "apply", "-auto-approve")
	empty()
	set("2", "health")
	f.cli.must(folder, "apply", "-auto-approve")
	empty()
	if !has("edge1", "2") || !has("edge2", "2") {
		t.Error("the change did not come to all engines")
	}
	// A change that is not healthy on the canary comes to no other engine.
	set("3", "exit", "1")
	if got := f.cli.run(folder, "apply", "-auto-approve"); got.code != 1 || !strings.Contains(unwrapped(got.output), "is unhealthy") {
		t.Errorf("a canary that is not healthy: code %d\n%s", got.code, got.output)
	}
	if !has("edge2", "2") {
		t.Error("the change that failed on the canary came to another engine")
	}
	set("4", "health")
	f.cli.must(folder, "apply", "-auto-approve")
	empty()
	f.cli.must(folder, "destroy", "-auto-approve")
	for key, own := range f.others {
		if left := own.Containers(); len(left) != 0 {
			t.Errorf("left on %s: %v", key, left)
		}
	}
}
