// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// change is one step of a test about changes: lines of the configuration, and what the engine
// must show afterwards.
type change struct {
	lines  []string
	engine func(container.InspectResponse) error
}

// inPlace applies the changes one after the other. Each but the first is an update that keeps the
// container.
func (r *rig) inPlace(changes ...change) {
	r.t.Helper()
	kept := statecheck.CompareValue(compare.ValuesSame())
	var steps []resource.TestStep
	for i, c := range changes {
		step := resource.TestStep{
			Config: r.container(c.lines...),
			ConfigStateChecks: []statecheck.StateCheck{
				kept.AddStateValue(web, path("container_id")),
				stateCheck(func() error {
					if c.engine == nil {
						return nil
					}
					return c.engine(r.Inspect(r.onlyContainer()))
				}),
			},
		}
		if i > 0 {
			step.ConfigPlanChecks = planned(plancheck.ResourceActionUpdate)
		}
		steps = append(steps, step)
	}
	r.run(steps...)
}

// onlyContainer is the name of the one container that the test has.
func (r *rig) onlyContainer() string {
	r.t.Helper()
	names := r.Containers()
	if len(names) != 1 {
		r.t.Fatalf("containers %v, want one", names)
	}
	return names[0]
}

func TestAccUpdateMemory(t *testing.T) {
	r := newRig(t)
	limit := func(memory int64) func(container.InspectResponse) error {
		return func(c container.InspectResponse) error {
			if c.HostConfig.Memory != memory {
				return fmt.Errorf("the limit is %d, want %d", c.HostConfig.Memory, memory)
			}
			return nil
		}
	}
	r.inPlace(
		change{nil, limit(0)},
		change{[]string{`memory = "64m"`}, limit(64 << 20)},
		change{[]string{`memory = "256m"`}, limit(256 << 20)}, // above the old limit of memory and swap
		change{[]string{`memory = "32m"`}, limit(32 << 20)},
	)
}

func TestAccUpdateRestart(t *testing.T) {
	r := newRig(t)
	policy := func(name container.RestartPolicyMode, retries int) func(container.InspectResponse) error {
		return func(c container.InspectResponse) error {
			if got := c.HostConfig.RestartPolicy; got.Name != name || got.MaximumRetryCount != retries {
				return fmt.Errorf("the policy is %v, want %s:%d", got, name, retries)
			}
			return nil
		}
	}
	r.inPlace(
		change{nil, policy("no", 0)},
		change{[]string{`restart = "always"`}, policy("always", 0)},
		change{[]string{`restart = "on-failure:3"`}, policy("on-failure", 3)},
		change{[]string{`restart = "on-failure"`}, policy("on-failure", 0)},
		change{[]string{`restart = "unless-stopped"`}, policy("unless-stopped", 0)},
		change{[]string{`restart = "no"`}, policy("no", 0)},
	)
}

func TestAccUpdateNetworks(t *testing.T) {
	r := newRig(t)
	front, back := r.Network("front"), r.Network("back")
	networks := func(entries ...string) []string {
		return []string{"networks = { " + strings.Join(entries, ", ") + " }"}
	}
	on := func(want ...string) func(container.InspectResponse) error {
		return func(c container.InspectResponse) error {
			if got := slices.Sorted(maps.Keys(c.NetworkSettings.Networks)); !slices.Equal(got, want) {
				return fmt.Errorf("connected to %v, want %v", got, want)
			}
			return nil
		}
	}
	toFront, toBack := fmt.Sprintf("front = { network = %q }", front), fmt.Sprintf("back = { network = %q }", back)
	r.inPlace(
		change{nil, on("bridge")},
		change{networks(toFront), on(front)},
		change{networks(toFront, toBack), on(back, front)},
		change{networks(toBack), on(back)},
		change{networks(toFront), on(front)},
		change{networks(fmt.Sprintf("another = { network = %q }", front)), on(front)},
	)
}

func TestAccUpdateName(t *testing.T) {
	r := newRig(t)
	kept := statecheck.CompareValue(compare.ValuesSame())
	called := func(name string) resource.TestStep {
		name = r.Name(name)
		return resource.TestStep{
			Config: r.container(attr("name", name)),
			ConfigStateChecks: []statecheck.StateCheck{
				kept.AddStateValue(web, path("container_id")),
				has("id", text(r.HostName()+"/"+name)),
				r.only(name),
			},
		}
	}
	first, second := called("first"), called("second")
	second.ConfigPlanChecks = planned(plancheck.ResourceActionUpdate)
	r.run(first, second)
}

func TestAccUpdateDesiredState(t *testing.T) {
	r := newRig(t)
	to := func(desired, status string) change {
		return change{[]string{attr("desired_state", desired)}, func(c container.InspectResponse) error {
			if c.State.Status != status {
				return fmt.Errorf("the container is %s, want %s", c.State.Status, status)
			}
			return nil
		}}
	}
	r.inPlace(
		to("stopped", "created"),
		to("running", "running"),
		to("stopped", "exited"),
		to("paused", "paused"),
		to("running", "running"),
		to("paused", "paused"),
		to("stopped", "exited"),
		to("running", "running"),
	)
}

func TestAccUpdateToCompleted(t *testing.T) {
	r := newRig(t)
	job := command("exit", "0", "100ms")
	r.inPlace(
		change{lines: []string{job, `desired_state = "stopped"`}},
		change{[]string{job, completed}, func(c container.InspectResponse) error {
			if c.State.Status != "exited" || c.State.ExitCode != 0 || strings.HasPrefix(c.State.StartedAt, "0001") {
				return fmt.Errorf("the job is %s", c.State.Status)
			}
			return nil
		}},
		change{lines: []string{job, `desired_state = "stopped"`}},
	)
}

// What says how gantry goes about it, and not what the container is, changes no container.
func TestAccUpdateOfManners(t *testing.T) {
	r := newRig(t)
	same := &sameContainer{rig: r}
	quiet := planCheck(func() error { r.Proxy.Reset(); return nil })
	undisturbed := stateCheck(func() error {
		for call := range r.Proxy.Tally() {
			if strings.HasPrefix(call, "POST") || strings.HasPrefix(call, "DELETE") {
				return fmt.Errorf("the update called %s", call)
			}
		}
		return nil
	})
	steps := []resource.TestStep{{
		Config: r.container(), ConfigStateChecks: []statecheck.StateCheck{same.is(r.Name("web"))},
	}}
	for _, line := range []string{
		`wait_for = "running"`,
		`pull_policy = "never"`,
		`remove_volumes = false`,
		`timeouts = { create = "3m" }`,
	} {
		steps = append(steps, resource.TestStep{
			Config: r.container(line),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(web, plancheck.ResourceActionUpdate), quiet,
			}},
			ConfigStateChecks: []statecheck.StateCheck{undisturbed, same.is(r.Name("web"))},
		})
	}
	r.run(steps...)
}

// Everything together: what was asked for is what the engine has, and the plan afterwards is empty.
func TestAccEverything(t *testing.T) {
	r := newRig(t)
	image := r.Engine.Image(enginetest.ImageOptions{
		Env: map[string]string{"FROM_IMAGE": "yes"}, Labels: map[string]string{"from": "image"},
		Health: []string{"CMD", enginetest.Program, "health"}, Volumes: []string{"/anonymous"}, Expose: []string{"9000/tcp"},
	})
	front, data, folder := r.Network("front"), r.Volume("data"), t.TempDir()
	port := r.FreePort()
	config := r.container(
		attr("image", image),
		fmt.Sprintf("entrypoint = [%q]", enginetest.Program),
		command("serve", "8080"),
		`environment = { A = "1", EMPTY = "" }`,
		`labels = { "com.example.role" = "web" }`,
		fmt.Sprintf(`ports = [{ target = 8080, published = %q, host_ip = "127.0.0.1" }, { target = 9000, protocol = "udp" }]`, port),
		fmt.Sprintf(`mounts = {
  "/data" = { type = "volume", source = %q }
  "/host" = { type = "bind", source = %q, read_only = true }
  "/tmp"  = { type = "tmpfs" }
}`, data, folder),
		fmt.Sprintf("networks = { front = { network = %q } }", front),
		healthcheck("health", `timeout = "2s"`, `start_period = "1s"`),
		`restart = "unless-stopped"`,
		`memory = "64m"`,
		`cpus = 0.5`,
		`user = "0"`,
		`working_dir = "/data"`,
		`hostname = "host-of-web"`,
		`stop_signal = "SIGTERM"`,
		`stop_grace_period = "5s"`,
		`wait_for = "healthy"`,
		`timeouts = { create = "2m", update = "2m", delete = "2m", read = "1m" }`,
	)
	r.run(resource.TestStep{
		Config: config,
		ConfigStateChecks: []statecheck.StateCheck{
			has("id", text(r.HostName()+"/"+r.Name("web"))),
			has("status", text("running")),
			has("health", text("healthy")),
			has("fault", knownvalue.Null()),
			has("operation_id", knownvalue.NotNull()),
			has("image_id", knownvalue.NotNull()),
			has("addresses", knownvalue.MapExact(map[string]knownvalue.Check{"front": knownvalue.NotNull()})),
			statecheck.ExpectKnownValue(web, path("published_ports", "8080/tcp"), number(port)),
			statecheck.ExpectKnownValue(web, path("published_ports", "9000/udp"), knownvalue.NotNull()),
			stateCheck(func() error {
				c := r.Inspect(r.Name("web"))
				var wrong []error
				for what, ok := range map[string]bool{
					"environment":       slices.Contains(c.Config.Env, "A=1") && slices.Contains(c.Config.Env, "EMPTY=") && slices.Contains(c.Config.Env, "FROM_IMAGE=yes"),
					"labels":            c.Config.Labels["com.example.role"] == "web" && c.Config.Labels["from"] == "image",
					"command":           slices.Equal(c.Config.Cmd, []string{"serve", "8080"}),
					"memory":            c.HostConfig.Memory == 64<<20,
					"cpus":              c.HostConfig.NanoCPUs == 5e8,
					"restart":           c.HostConfig.RestartPolicy.Name == "unless-stopped",
					"hostname":          c.Config.Hostname == "host-of-web",
					"user":              c.Config.User == "0",
					"working_dir":       c.Config.WorkingDir == "/data",
					"stop_signal":       c.Config.StopSignal == "SIGTERM",
					"stop_grace_period": c.Config.StopTimeout != nil && *c.Config.StopTimeout == 5,
					"mounts":            len(c.Mounts) == 4,
					"networks":          len(c.NetworkSettings.Networks) == 1 && c.NetworkSettings.Networks[front] != nil,
				} {
					if !ok {
						wrong = append(wrong, fmt.Errorf("the engine has another %s", what))
					}
				}
				return errors.Join(wrong...)
			}),
		},
	})
	if !r.VolumeExists(data) {
		t.Error("the named volume was removed")
	}
}

// A stop that uses its grace period, and anonymous volumes that go or stay with the container.
func TestAccRemoval(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		line  string
		stays bool
	}{
		{"volumes go", "", false},
		{"volumes stay", "remove_volumes = false", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			image := r.Engine.Image(enginetest.ImageOptions{Volumes: []string{"/anonymous"}})
			var volume string
			r.run(resource.TestStep{
				Config: r.container(attr("image", image), command("ignore-term"), `stop_grace_period = "1s"`, tt.line),
				ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error {
					mounts := r.Inspect(r.Name("web")).Mounts
					if len(mounts) != 1 {
						return fmt.Errorf("mounts %v", mounts)
					}
					volume = mounts[0].Name
					return nil
				})},
			})
			if got := r.VolumeExists(volume); got != tt.stays {
				t.Errorf("the volume exists: %v, want %v", got, tt.stays)
			}
			if tt.stays {
				r.RemoveVolume(volume)
			}
		})
	}
}
