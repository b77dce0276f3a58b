// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// A health check without a test is the image's, run in another way: the container becomes healthy by it,
// nothing is planned afterwards, a change of it replaces, and an import finds only what differs.
func TestAccHealthcheckOfTheImage(t *testing.T) {
	r := newRig(t)
	test := []string{"CMD", enginetest.Program, "health"}
	image := attr("image", r.Engine.Image(enginetest.ImageOptions{Health: test}))
	has := func(interval time.Duration, retries int) []statecheck.StateCheck {
		return []statecheck.StateCheck{has("health", text("healthy")), stateCheck(func() error {
			h := r.Inspect(r.Name("web")).Config.Healthcheck
			if !slices.Equal(h.Test, test) || h.Interval != interval || h.Retries != retries {
				return fmt.Errorf("the check is %+v", h)
			}
			return nil
		})}
	}
	first, second := r.container(image, `healthcheck = { interval = "250ms" }`), r.container(image, `healthcheck = { interval = "250ms", retries = 5 }`)
	r.run(
		resource.TestStep{Config: first, ConfigStateChecks: has(250*time.Millisecond, 2)},
		resource.TestStep{Config: second, ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate), ConfigStateChecks: has(250*time.Millisecond, 5)},
		resource.TestStep{
			ResourceName: web, ImportState: true, ImportStateId: r.Name("web"), ImportStateVerify: true, ImportStateVerifyIgnore: leftOut(t, second),
		},
		// Written down, the image's own are no change.
		resource.TestStep{
			Config:           r.container(image, fmt.Sprintf(`healthcheck = { test = ["CMD", %q, "health"], interval = "250ms", retries = 5 }`, enginetest.Program)),
			ConfigPlanChecks: plannedNothing(), ConfigStateChecks: has(250*time.Millisecond, 5),
		},
	)
}

// An engine drops a check without a test, if the image has none either, without a word.
func TestAccHealthcheckOfNoImage(t *testing.T) {
	r := newRig(t)
	disabled := r.Engine.Image(enginetest.ImageOptions{Health: []string{"NONE"}})
	for _, image := range []string{r.Image, disabled} {
		r.run(resource.TestStep{
			Config: r.container(attr("image", image), `healthcheck = { interval = "1s" }`),
			ExpectError: failure{
				summary: fmt.Sprintf("Unable to create container %q: its health check has no test", r.Name("web")), line: "healthcheck =",
				says: []string{image, "healthcheck.test"},
			}.regexp(),
		})
	}
	if r.Exists(r.Name("web")) {
		t.Error("it was created all the same")
	}
}

// A variable that is null is not set in the container, though the image sets it.
func TestAccUnsetVariable(t *testing.T) {
	r := newRig(t)
	image := attr("image", r.Engine.Image(enginetest.ImageOptions{Env: map[string]string{"MODE": "image", "KEPT": "image"}, Command: []string{"print", "MODE", "KEPT"}}))
	writes := func(variables string) statecheck.StateCheck {
		return stateCheck(func() error {
			r.AwaitLog(r.Name("web"))
			if got := r.Logs(r.Name("web")); !slices.Equal(got, []string{variables}) {
				return fmt.Errorf("the program has %q, want %q", got, variables)
			}
			return nil
		})
	}
	unset := r.container(image, "environment = { MODE = null, NOBODYS = null }")
	r.run(
		resource.TestStep{Config: unset, ConfigStateChecks: []statecheck.StateCheck{writes("KEPT=image")}},
		resource.TestStep{
			ResourceName: web, ImportState: true, ImportStateId: r.Name("web"), ImportStateVerify: true, ImportStateVerifyIgnore: leftOut(t, unset),
		},
		resource.TestStep{
			Config: r.container(image, `environment = { MODE = "own" }`), ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: []statecheck.StateCheck{writes("MODE=own KEPT=image")},
		},
		resource.TestStep{
			Config: unset, ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate), ConfigStateChecks: []statecheck.StateCheck{writes("KEPT=image")},
		},
		resource.TestStep{
			Config: r.container(image), ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: []statecheck.StateCheck{writes("MODE=image KEPT=image")},
		},
	)
}

// The provider's own command writes what a container leaves to its image, and nothing more.
func TestAccImportConfigOfInherited(t *testing.T) {
	r := newRig(t)
	image := r.Engine.Image(enginetest.ImageOptions{Env: map[string]string{"MODE": "image"}, Health: []string{"CMD", enginetest.Program, "health"}})
	var names []string
	for i, flags := range [][]string{
		{"--env", "MODE"}, {"--health-interval", "2s"}, {"--health-retries", "7", "--env", "MODE", "--env", "OTHER=1"}, {"--health-timeout", "3s", "--health-start-period", "1s"},
		{"--no-healthcheck"},
	} {
		name := r.Name(fmt.Sprint("inherits-", i))
		r.docker(append(append([]string{"run", "--detach", "--name", name}, flags...), image)...)
		r.Leaves(name)
		names = append(names, name)
	}
	c := newCLI(t)
	c.configure(r.provider(attr("state_dir", t.TempDir())) + importConfig(t, r, c, names))
	imported(t, c, len(names))
	c.must("destroy", "-auto-approve")
}
