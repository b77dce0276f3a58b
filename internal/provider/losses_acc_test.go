// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// A container that has joined another one's name spaces loses them when that is started again, by
// somebody or by gantry: the plan shows it and restarts it alone, once.
func TestAccJoinedContainerRestarts(t *testing.T) {
	r := newRig(t)
	const joiner = "gantry_container.joiner"
	config := func(joins, trigger string) string {
		return r.container(`ipc = "shareable"`, trigger) + r.resource("joiner", joins)
	}
	const network, ipc = `network_mode = "container:${gantry_container.web.container_id}"`, `ipc = "container:${gantry_container.web.container_id}"`
	restart := func() {
		if err := r.Docker.ContainerRestart(t.Context(), r.Name("web"), container.StopOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	joined := []statecheck.StateCheck{
		statecheck.ExpectKnownValue(joiner, path("started_at"), knownvalue.NotNull()),
		stateCheck(func() error {
			if own, other := r.Inspect(r.Name("joiner")).State.StartedAt, r.Inspect(r.Name("web")).State.StartedAt; own < other {
				return fmt.Errorf("the container was started at %s, what it joined at %s", own, other)
			}
			return nil
		}),
	}
	r.run(
		resource.TestStep{Config: config(network, `restart_triggers = { a = "1" }`), ConfigStateChecks: joined},
		resource.TestStep{
			PreConfig: restart, Config: config(network, `restart_triggers = { a = "1" }`), ConfigStateChecks: joined,
			ConfigPlanChecks: plannedFor(joiner, plancheck.ResourceActionUpdate),
		},
		// Gantry restarts it: that shows in the plan after.
		resource.TestStep{Config: config(network, `restart_triggers = { a = "2" }`), ExpectNonEmptyPlan: true},
		resource.TestStep{Config: config(network, `restart_triggers = { a = "2" }`), ConfigStateChecks: joined, ConfigPlanChecks: plannedFor(joiner, plancheck.ResourceActionUpdate)},
		// Both in one apply.
		resource.TestStep{Config: config(network+"\nrestart_triggers = { web = gantry_container.web.started_at }", `restart_triggers = { a = "2" }`)},
		resource.TestStep{
			Config:           config(network+"\nrestart_triggers = { web = gantry_container.web.started_at }", `restart_triggers = { a = "3" }`),
			ConfigPlanChecks: plannedFor(joiner, plancheck.ResourceActionUpdate), ConfigStateChecks: joined,
		},
		resource.TestStep{Config: config(ipc, `restart_triggers = { a = "3" }`)},
		resource.TestStep{
			PreConfig: restart, Config: config(ipc, `restart_triggers = { a = "3" }`), ConfigStateChecks: joined,
			ConfigPlanChecks: plannedFor(joiner, plancheck.ResourceActionUpdate),
		},
	)
}

// What a replacement loses is said in its plan, and only there: not where the volumes are carried over.
func TestAccReplacementLosesVolumes(t *testing.T) {
	r := newRig(t)
	image := r.Engine.Image(enginetest.ImageOptions{Volumes: []string{"/anonymous"}})
	c := newCLI(t)
	warning := fmt.Sprintf("The replacement of container %q loses what is in its anonymous volumes", r.Name("web"))
	config := func(lines ...string) string { return r.container(append([]string{attr("image", image)}, lines...)...) }
	for _, step := range []struct {
		lines  []string
		apply  bool
		warned bool
	}{
		{nil, true, false},
		{nil, false, false},
		{[]string{`restart = "always"`}, false, false},
		{[]string{`environment = { A = "1" }`}, false, true},
		{[]string{`environment = { A = "1" }`, `update_order = "stop-first"`}, false, false},
		{[]string{`environment = { A = "1" }`}, true, true},
		{[]string{`environment = { A = "1" }`}, false, false},
	} {
		c.configure(config(step.lines...))
		command := []string{"plan"}
		if step.apply {
			command = []string{"apply", "-auto-approve"}
		}
		output := strings.Join(strings.Fields(strings.ReplaceAll(c.must(command...).output, "│", "")), " ")
		if strings.Contains(output, warning) != step.warned || step.warned && !strings.Contains(output, "/anonymous") {
			t.Errorf("%s with %v: warned is to be %v:\n%s", command[0], step.lines, step.warned, output)
		}
	}
	c.must("destroy", "-auto-approve")
}
