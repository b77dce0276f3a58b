// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// A cast has the credentials of whoever cast it: of a helper that reads the environment, named by a relative
// DOCKER_CONFIG. Another caller beside it has its own environment, and not the first one's.
func TestAccCastHelperOfTheCaller(t *testing.T) {
	const password = "s3cret-of-the-helper"
	r := newCastRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	registry.RequireAuth("robot", password)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 16}) // No engine has its layers.
	gate := registry.HoldBlob(pushed)

	caller := func(c *cli, more ...string) helpers {
		h := newHelpers(c)
		h.add("reads", fmt.Sprintf(`[ "$HELPER_SECRET" = open ] || { echo 'the vault is sealed'; exit 1; }; echo '{"ServerURL":"x","Username":"robot","Secret":%q}'`, password))
		h.use(map[string]any{"credHelpers": map[string]string{registry.Host: "reads"}})
		relative, err := filepath.Rel(c.folder, h.folder)
		if err != nil {
			t.Fatal(err)
		}
		c.env = append(c.env, append(more, "DOCKER_CONFIG="+relative)...)
		return h
	}
	config := func(label string) string {
		return r.provider(attr("state_dir", r.dir)) + r.cast(label, attr("image", pushed.Reference))
	}
	first := caller(r.cli, "HELPER_SECRET=open")
	first.configure(config("web"))
	first.must("apply", "-auto-approve")
	gate.Await() // The first one's background conductor is at work.

	second := caller(newCLI(t))
	second.configure(config("other"))
	second.must("apply", "-auto-approve")
	plan := second.plans("the vault is sealed")
	if !strings.Contains(plan, "docker-credential-reads") {
		t.Errorf("the plan does not name the helper:\n%s", plan)
	}

	gate.Open()
	r.idle()
	if made := r.Inspect(r.Name("web")); !made.State.Running {
		t.Errorf("the container is %s", made.State.Status)
	}
	if names := r.Containers(); len(names) != 1 {
		t.Errorf("the containers are %v", names)
	}
	first.must("destroy", "-auto-approve")
	second.must("destroy", "-auto-approve")
}

// plans plans until the plan says something, as the outcome of a cast is not there at once.
func (c *cli) plans(says string) string {
	c.t.Helper()
	var last string
	for range 20 {
		if last = c.must("plan").output; strings.Contains(strings.Join(strings.Fields(last), " "), says) {
			return last
		}
	}
	c.t.Errorf("no plan says %q:\n%s", says, last)
	return last
}
