// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

const migrate = "gantry_exec.migrate"

func execution(lines ...string) string {
	return "resource \"gantry_exec\" \"migrate\" {\n  container = gantry_container.web.name\n" + indent(lines) + "}\n"
}

func run(args ...string) string { return command(append([]string{enginetest.Program}, args...)...) }

func TestAccExec(t *testing.T) {
	r := newRig(t)
	runs := func(n int) stateCheck {
		return func() error {
			if got := r.Proxy.Count(http.MethodPost, "/exec/*/start"); got != n {
				return fmt.Errorf("%d commands ran, want %d", got, n)
			}
			return nil
		}
	}
	base := r.container()
	r.run(
		resource.TestStep{
			Config: base + execution(run("exit", "0", "0s", "hello", "$WHO"), `environment = { WHO = "operator" }`, `working_dir = "/"`),
			ConfigStateChecks: []statecheck.StateCheck{
				in(migrate, "exit_code", knownvalue.Int64Exact(0)), in(migrate, "stdout", text("hello operator\n")), in(migrate, "stderr", text("hello operator\n")),
				in(migrate, "truncated", knownvalue.Bool(false)), runs(1),
			},
		},
		// How it waits is no reason to run it again; a trigger is.
		resource.TestStep{
			Config:            base + execution(run("exit", "0", "0s", "hello", "$WHO"), `environment = { WHO = "operator" }`, `working_dir = "/"`, `on_busy = "reject"`),
			ConfigPlanChecks:  plannedFor(migrate, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{runs(1)},
		},
		resource.TestStep{
			Config:            base + execution(run("exit", "7"), `expected_exit_codes = [0, 7]`, `triggers = { version = "2" }`),
			ConfigPlanChecks:  plannedFor(migrate, plancheck.ResourceActionReplace),
			ConfigStateChecks: []statecheck.StateCheck{runs(2), in(migrate, "exit_code", knownvalue.Int64Exact(7))},
		},
		// What fails says what it wrote, but for what it was told.
		resource.TestStep{
			Config: base + execution(run("exit", "3", "0s", "no table", "$SECRET"), `environment = { SECRET = "s3cret-value" }`),
			ExpectError: failure{
				summary: fmt.Sprintf("The command in container %q ended with exit code 3", r.Name("web")), line: "command", says: []string{"no table (masked)"},
			}.regexp(),
		},
		resource.TestStep{
			Config:      base + execution(command("/nonexistent")),
			ExpectError: regexp.MustCompile(`(?s)The\s+command\s+in\s+container.*exit\s+code\s+12[67]|Unable\s+to\s+run\s+a\s+command`),
		},
		resource.TestStep{
			Config:      r.container(`desired_state = "stopped"`) + execution(run("exit", "0")),
			ExpectError: failure{summary: fmt.Sprintf("Unable to run a command in container %q", r.Name("web")), line: "container", says: []string{"not running"}}.regexp(),
		},
	)
}
