// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// A container that ended or became unhealthy after the apply: the plan says once why, whether or not it changes
// anything, and shows no secret.
func TestAccOutage(t *testing.T) {
	t.Parallel()
	ended := func(c container.InspectResponse) bool { return c.State.Status == "exited" }
	unhealthy := func(c container.InspectResponse) bool { return c.State.Health.Status == container.Unhealthy }
	sicken := func(r *rig, control string) {
		if err := os.Remove(filepath.Join(control, "healthy")); err != nil {
			r.t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		lines []string
		// become is what becomes of it after the apply.
		become func(r *rig, control string)
		until  func(container.InspectResponse) bool
		says   []string
		// hides is what the plan must not say.
		hides string
		// starts says that the plan starts it again.
		starts bool
	}{
		"ended by itself": {
			lines: []string{command("exit", "3", "3s", "the disk is full")}, until: ended, starts: true,
			says: []string{"exited with code 3 after", "the disk is full", "it ended at", "an apply of a configuration that has it running starts it again", `with restart = "unless-stopped"`},
		},
		"killed for memory": {
			lines: []string{command("hog", "3s"), `memory = "16m"`, `memory_swap = "16m"`}, until: ended, starts: true,
			says: []string{"exited with code 137 after", "it ran out of memory and was killed", "taking memory", "raise memory"},
		},
		"stopped by somebody": {
			lines: []string{command("sleep")}, until: ended, starts: true, says: []string{"exited with code 0 after", "it ended at"},
			become: func(r *rig, _ string) {
				if err := r.Docker.ContainerStop(r.t.Context(), r.Name("web"), container.StopOptions{}); err != nil {
					r.t.Fatal(err)
				}
			},
		},
		"says a secret": {
			lines: []string{command("exit", "3", "3s", "opened with $KEY"), `environment_wo = { KEY = "abracadabra" }`}, until: ended, starts: true,
			says: []string{"exited with code 3 after", "opened with (masked)"}, hides: "abracadabra",
		},
		"has a secret file": {
			lines: []string{command("exit", "3", "3s", "opened with abracadabra"), `files = { "/key" = { content_wo = "abracadabra" } }`}, until: ended, starts: true,
			says: []string{"exited with code 3 after"}, hides: "abracadabra",
		},
		"unhealthy": {
			lines: []string{command("sleep")}, become: sicken, until: unhealthy,
			says: []string{"is unhealthy after", "no such file or directory", "it runs on; that alone plans no change"},
		},
		"unhealthy, has a secret file": {
			lines: []string{command("sleep"), `files = { "/key" = { content_wo = "abracadabra" } }`}, become: sicken, until: unhealthy,
			says: []string{"is unhealthy after", "it runs on; that alone plans no change"}, hides: "no such file or directory",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			c := newCLI(t)
			control := t.TempDir()
			if err := os.WriteFile(filepath.Join(control, "healthy"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			// What an image has in its environment is no secret.
			lines := append([]string{attr("image", r.Engine.Image(enginetest.ImageOptions{Env: map[string]string{"WORD": "disk"}}))}, tt.lines...)
			if strings.HasPrefix(name, "unhealthy") {
				lines = append(lines, fmt.Sprintf("healthcheck = { test = [\"CMD\", %q, \"health-file\", \"/control/healthy\"], interval = \"100ms\", retries = 1 }", enginetest.Program),
					fmt.Sprintf("mounts = { \"/control\" = { type = \"bind\", source = %q, read_only = true } }", control))
			}
			c.configure(r.container(lines...))
			c.must("apply", "-auto-approve")
			if tt.become != nil {
				tt.become(r, control)
			}
			r.Await(r.Name("web"), name, tt.until)
			plan := c.run("plan", "-detailed-exitcode")
			if want := map[bool]int{true: 2}[tt.starts]; plan.code != want {
				t.Errorf("the plan ended with code %d, want %d:\n%s", plan.code, want, plan.output)
			}
			output := unwrapped(plan.output)
			for _, says := range append(tt.says, fmt.Sprintf("Container %q", r.Name("web"))) {
				if !strings.Contains(output, says) {
					t.Errorf("the plan does not say %q:\n%s", says, plan.output)
				}
			}
			if n := outages(plan.output); n != 1 {
				t.Errorf("the plan has %d warnings:\n%s", n, plan.output)
			}
			if tt.hides != "" && strings.Contains(output, tt.hides) {
				t.Errorf("the plan shows %q:\n%s", tt.hides, plan.output)
			}
			c.must("destroy", "-auto-approve")
		})
	}
}

// What an imported container was given elsewhere nobody knows here: neither a plan nor an update shows what it writes.
func TestAccImportedContainerShowsNoWords(t *testing.T) {
	t.Parallel()
	const secret = "abracadabra"
	for name, given := range map[string][]string{
		"a file":     {`files = { "/key" = { content_wo = "abracadabra" } }`},
		"a variable": {`environment_wo = { WORD = "abracadabra" }`},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			control := t.TempDir()
			marker := filepath.Join(control, secret)
			if err := os.WriteFile(marker, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			lines := []string{
				command("sleep"), fmt.Sprintf("healthcheck = { test = [\"CMD\", %q, \"health-file\", \"/control/%s\"], interval = \"100ms\", retries = 1 }", enginetest.Program, secret),
				fmt.Sprintf("mounts = { \"/control\" = { type = \"bind\", source = %q, read_only = true } }", control),
			}
			there := newCLI(t)
			there.configure(r.container(append(lines, given...)...))
			there.must("apply", "-auto-approve")
			here := newCLI(t)
			here.configure(r.provider(attr("state_dir", t.TempDir())) + r.resource("web", lines...))
			here.must("import", "gantry_container.web", r.Name("web"))
			if err := os.Remove(marker); err != nil {
				t.Fatal(err)
			}
			r.Await(r.Name("web"), "unhealthy", func(c container.InspectResponse) bool { return c.State.Health.Status == container.Unhealthy })
			shows := func(output string, says ...string) {
				t.Helper()
				output = unwrapped(output)
				for _, text := range append(says, fmt.Sprintf("Container %q is unhealthy after", r.Name("web"))) {
					if !strings.Contains(output, text) {
						t.Errorf("it does not say %q:\n%s", text, output)
					}
				}
				if strings.Contains(output, secret+": no such file") {
					t.Errorf("what the container wrote is shown:\n%s", output)
				}
			}
			shows(here.must("plan").output, "docker logs "+r.Name("web"))
			if name == "a file" { // The variable would be in the way of an update in place.
				here.configure(r.provider(attr("state_dir", t.TempDir())) + r.resource("web", append(lines, `files = { "/other" = { content = "x" } }`)...))
				shows(here.run("apply", "-auto-approve").output)
			}
			there.must("destroy", "-auto-approve")
		})
	}
}

// outages counts the warnings of a plan, but for the one of every provider that is no release.
func outages(output string) int {
	return strings.Count(output, "Warning: ") - strings.Count(output, "Warning: Provider development overrides")
}

// Of many containers ten are told of in full, and the rest in one warning.
func TestAccOutageOfMany(t *testing.T) {
	const many = 12
	r := newRig(t)
	c := newCLI(t)
	c.configure(r.provider() + fmt.Sprintf("resource \"gantry_container\" \"many\" {\n  count = %d\n  name = \"%s-${count.index}\"\n  image = %q\n  command = [\"sleep\"]\n}\n", many, r.Name("web"), r.Image))
	c.must("apply", "-auto-approve")
	for i := range many {
		if err := r.Docker.ContainerKill(t.Context(), fmt.Sprintf("%s-%d", r.Name("web"), i), "KILL"); err != nil {
			t.Fatal(err)
		}
	}
	plan := c.must("plan")
	output := unwrapped(plan.output)
	if full, more := strings.Count(output, "exited with code 137"), strings.Count(output, "Warning: More containers on engine"); full < 10 || more != 1 {
		t.Errorf("%d are told of, and %d warnings tell of more:\n%s", full, more, plan.output)
	}
	if n := outages(plan.output); n != 11 {
		t.Errorf("the plan has %d warnings:\n%s", n, plan.output)
	}
	c.must("destroy", "-auto-approve")
}
