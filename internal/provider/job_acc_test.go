// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

const completed = `desired_state = "completed"`

func TestAccJob(t *testing.T) {
	r := newRig(t)
	job := r.container(completed, command("exit", "0", "200ms"))
	same := &sameContainer{rig: r}
	r.run(
		resource.TestStep{
			Config: job,
			ConfigStateChecks: []statecheck.StateCheck{
				has("status", text("exited")), has("exit_code", knownvalue.Int64Exact(0)), same.is(r.Name("web")),
			},
		},
		resource.TestStep{
			Config:           job,
			ConfigPlanChecks: plannedNothing(),
			ConfigStateChecks: []statecheck.StateCheck{same.is(r.Name("web")), stateCheck(func() error {
				if starts := r.Proxy.Count("POST", "/containers/*/start"); starts != 1 {
					return fmt.Errorf("the job was started %d times", starts)
				}
				return nil
			})},
		},
	)
}

func TestAccJobFails(t *testing.T) {
	r := newRig(t)
	r.run(
		resource.TestStep{
			Config: r.container(completed, command("exit", "3", "100ms", "the table is locked")),
			ExpectError: failure{
				summary: fmt.Sprintf("Container %q exited with code 3 after", r.Name("web")),
				line:    `resource "gantry_container"`,
				says:    []string{"the table is locked"},
			}.regexp(),
		},
		resource.TestStep{
			Config:            r.container(completed, command("exit", "0")),
			ConfigPlanChecks:  planned(plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: []statecheck.StateCheck{r.only(r.Name("web"))},
		},
	)
}

func TestAccJobWithExpectedExitCode(t *testing.T) {
	r := newRig(t)
	r.run(
		resource.TestStep{
			Config:            r.container(completed, command("exit", "3"), "expected_exit_codes = [0, 3]"),
			ConfigStateChecks: []statecheck.StateCheck{has("exit_code", knownvalue.Int64Exact(3)), has("fault", knownvalue.Null())},
		},
		resource.TestStep{
			// Other expectations, which the finished job meets, change no container.
			Config:           r.container(completed, command("exit", "3"), "expected_exit_codes = [3]"),
			ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error {
				if starts := r.Proxy.Count("POST", "/containers/*/start"); starts != 1 {
					return fmt.Errorf("the job was started %d times", starts)
				}
				return nil
			})},
		},
	)
}
