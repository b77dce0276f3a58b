// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// Each fault is fixed in the configuration, and the next apply converges with exactly one
// container. What is left over after the destroy fails the test by itself.
func (r *rig) only(names ...string) statecheck.StateCheck {
	return stateCheck(func() error {
		got := r.Containers()
		if len(got) != len(names) {
			return fmt.Errorf("containers %v, want %v", got, names)
		}
		for _, name := range names {
			if !r.Exists(name) {
				return fmt.Errorf("containers %v, want %v", got, names)
			}
		}
		return nil
	})
}

func TestAccCrash(t *testing.T) {
	r := newRig(t)
	r.run(
		resource.TestStep{
			Config: r.container(command("exit", "3", "100ms", "no such configuration")),
			ExpectError: failure{
				summary: fmt.Sprintf("Container %q exited with code 3 after", r.Name("web")),
				line:    `resource "gantry_container"`,
				says:    []string{"no such configuration", `desired_state = "completed"`},
			}.regexp(),
		},
		resource.TestStep{
			// It is kept for inspection, until the next apply replaces it.
			PreConfig: func() {
				if c := r.Inspect(r.Name("web")); c.State.Running || c.State.ExitCode != 3 {
					t.Errorf("the crashed container is %s with code %d", c.State.Status, c.State.ExitCode)
				}
			},
			Config:            r.container(),
			ConfigPlanChecks:  planned(plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: []statecheck.StateCheck{r.only(r.Name("web")), has("status", text("running")), has("fault", knownvalue.Null())},
		},
	)
}

func TestAccCrashWithoutMending(t *testing.T) {
	r := newRig(t)
	crash := failure{
		summary: fmt.Sprintf("Container %q exited with code 3 after", r.Name("web")),
		line:    `resource "gantry_container"`,
	}.regexp()
	r.run(
		resource.TestStep{Config: r.container(command("exit", "3", "100ms")), ExpectError: crash},
		resource.TestStep{Config: r.container(command("exit", "3", "100ms")), ExpectError: crash},
	)
}

// A restart policy that starts the crashing container again and again doesn't make it ready.
func TestAccCrashLoop(t *testing.T) {
	r := newRig(t)
	r.run(resource.TestStep{
		Config: r.container(command("exit", "3", "100ms"), `restart = "always"`),
		ExpectError: failure{
			summary: fmt.Sprintf("Container %q keeps exiting: code 3", r.Name("web")),
			line:    `resource "gantry_container"`,
		}.regexp(),
	})
}

// An engine calls a container unhealthy that it does not watch, because it is being restarted: what failed is
// the program, not a check that never ran.
func TestAccCrashLoopBehindHealthcheck(t *testing.T) {
	r := newCastRig(t)
	lines := []string{`restart = "unless-stopped"`, command("exit", "4", "300ms", "no such database"), healthcheck("health", `interval = "30s"`)}
	r.cli.configure(r.config(r.resource("called", lines...), r.cast("cast", lines...), gather([]string{"cast"})))
	apply := r.cli.run("apply", "-auto-approve")
	for _, label := range []string{"called", "cast"} {
		if want := fmt.Sprintf(`Container "%s" keeps exiting: code 4, restarted`, r.Name(label)); !strings.Contains(flat(apply.output), want) {
			t.Errorf("the apply does not say %q:\n%s", want, apply.output)
		}
	}
	if strings.Contains(apply.output, "unhealthy") || strings.Count(apply.output, "no such database") < 2 {
		t.Errorf("the apply calls it unhealthy, or lacks the log:\n%s", apply.output)
	}
	r.idle()
	// The restart policy goes on, and so does the truth.
	plan := r.cli.run("plan")
	if !strings.Contains(flat(plan.output), "keeps exiting: code 4") || strings.Contains(plan.output, "unhealthy") {
		t.Errorf("the plan says:\n%s", plan.output)
	}
	r.destroysAll()
}

// What its restart policy brings up at a later try is up.
func TestAccUpAtALaterTry(t *testing.T) {
	r := newCastRig(t)
	folder := t.TempDir()
	needed := filepath.Join(folder, "needed")
	config := func(trigger string) string {
		lines := []string{
			`restart = "always"`, command("need", "/probe/needed"), fmt.Sprintf(`restart_triggers = { run = %q }`, trigger),
			fmt.Sprintf(`mounts = { "/probe" = { type = "bind", source = %q } }`, folder),
		}
		return r.config(r.cast("checked", append(lines, healthcheck("health", `interval = "2s"`))...), gather([]string{"checked"}))
	}
	if err := os.WriteFile(needed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.cli.configure(config("first"))
	r.cli.must("apply", "-auto-approve")
	if err := os.Remove(needed); err != nil {
		t.Fatal(err)
	}
	r.cli.configure(config("second"))
	apply := r.cli.start("apply", "-auto-approve")
	r.Await(r.Name("checked"), "restarted", func(c container.InspectResponse) bool { return c.RestartCount >= 2 })
	if err := os.WriteFile(needed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := apply.wait(); got.code != 0 {
		t.Fatalf("the apply failed:\n%s", got.output)
	}
	if c := r.Inspect(r.Name("checked")); c.State.Health.Status != container.Healthy || c.RestartCount < 2 {
		t.Errorf("it is %s, restarted %d times", c.State.Health.Status, c.RestartCount)
	}
	r.emptyPlan()
	r.destroysAll()
}

func TestAccUnhealthy(t *testing.T) {
	r := newRig(t)
	r.run(
		resource.TestStep{
			Config: r.container(healthcheck("health-fail"), command("sleep")),
			ExpectError: failure{
				summary: fmt.Sprintf("Container %q is unhealthy after", r.Name("web")),
				line:    "healthcheck",
				says:    []string{"not ok", "start_period"},
			}.regexp(),
		},
		resource.TestStep{
			Config:           r.container(healthcheck("health"), command("sleep")),
			ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: []statecheck.StateCheck{
				r.only(r.Name("web")), has("status", text("running")), has("health", text("healthy")),
			},
		},
	)
}

// The image's own health check counts like one of the configuration.
func TestAccHealthOfTheImage(t *testing.T) {
	r := newRig(t)
	bad := r.Engine.Image(enginetest.ImageOptions{Health: []string{"CMD", enginetest.Program, "health-fail"}})
	good := r.Engine.Image(enginetest.ImageOptions{Health: []string{"CMD", enginetest.Program, "health"}})
	r.run(
		resource.TestStep{
			Config: r.container(attr("image", bad)),
			ExpectError: failure{
				summary: fmt.Sprintf("Container %q is unhealthy after", r.Name("web")),
				line:    `resource "gantry_container"`,
			}.regexp(),
		},
		resource.TestStep{
			Config:            r.container(attr("image", good), `wait_for = "healthy"`),
			ConfigStateChecks: []statecheck.StateCheck{has("health", text("healthy"))},
		},
	)
}

// A container that ends while its health is waited for fails at once.
func TestAccExitDuringHealthWait(t *testing.T) {
	r := newRig(t)
	r.run(resource.TestStep{
		Config: r.container(healthcheck("health-fail", `start_period = "10m"`), command("exit", "3", "1s")),
		ExpectError: failure{
			summary: fmt.Sprintf("Container %q exited with code 3 after", r.Name("web")),
			line:    `resource "gantry_container"`,
		}.regexp(),
	})
}

// Whoever waits for health without a check learns so, at the plan or at the start.
func TestAccHealthyWithoutCheck(t *testing.T) {
	r := newRig(t)
	r.run(resource.TestStep{
		Config:      r.container(`wait_for = "healthy"`),
		ExpectError: failure{line: "wait_for"}.regexp(),
	})
}

func TestAccMissingImage(t *testing.T) {
	r := newRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	missing := registry.Host + "/" + r.Name("nothing") + ":1"
	r.run(
		resource.TestStep{
			Config: r.container(attr("image", missing)),
			ExpectError: failure{
				summary: fmt.Sprintf("Unable to pull image %q for container %q", missing, r.Name("web")),
				line:    "image",
				says:    []string{"unknown", `pull_policy = "never"`},
			}.regexp(),
		},
		resource.TestStep{
			Config:            r.container(),
			ConfigPlanChecks:  planned(plancheck.ResourceActionCreate),
			ConfigStateChecks: []statecheck.StateCheck{r.only(r.Name("web"))},
		},
	)
}

func TestAccMissingNetwork(t *testing.T) {
	r := newRig(t)
	config := r.container(fmt.Sprintf("networks = { front = { network = %q } }", r.Name("front")))
	r.run(
		resource.TestStep{
			Config: config,
			ExpectError: failure{
				summary: fmt.Sprintf("Unable to connect container %q: network %q does not exist on engine %q", r.Name("web"), r.Name("front"), r.HostName()),
				line:    "networks",
				says:    []string{"create the network first"},
			}.regexp(),
		},
		resource.TestStep{
			PreConfig:         func() { r.Network("front") },
			Config:            config,
			ConfigStateChecks: []statecheck.StateCheck{r.only(r.Name("web")), has("status", text("running"))},
		},
	)
}

func TestAccPortTakenByContainer(t *testing.T) {
	r := newRig(t)
	port, other := r.FreePort(), r.FreePort()
	r.Run(r.Name("stranger"), enginetest.RunOptions{Image: r.Image, Publish: []string{port + ":8080"}})
	stranger := r.watch(r.Name("stranger"))
	published := func(port, user string) string {
		return r.container(fmt.Sprintf("ports = [{ target = 8080, published = %q }]", port), attr("user", user))
	}
	taken := failure{
		summary: fmt.Sprintf("Unable to start container %q: host port %s/tcp is taken", r.Name("web"), port),
		line:    "ports",
		says:    []string{r.Name("stranger")},
	}.regexp()
	r.runCase(resource.TestCase{
		Steps: []resource.TestStep{
			{Config: published(port, "0"), ExpectError: taken},
			{
				// Still taken: the replacement fails in the same way.
				Config: published(port, "1"), ExpectError: taken,
			},
			{
				Config: published(other, "1"),
				ConfigStateChecks: []statecheck.StateCheck{
					has("published_ports", knownvalue.MapExact(map[string]knownvalue.Check{"8080/tcp": number(other)})),
					r.only(r.Name("web"), r.Name("stranger")),
					stateCheck(stranger.untouched),
				},
			},
			{
				// A container that runs well can't move to the port either.
				Config: published(port, "1"), ExpectError: taken,
			},
			{
				Config:            published(other, "2"),
				ConfigStateChecks: []statecheck.StateCheck{r.only(r.Name("web"), r.Name("stranger"))},
			},
		},
	})
	if err := stranger.untouched(); err != nil {
		t.Error(err)
	}
}

func TestAccPortTakenByProcess(t *testing.T) {
	r := newRig(t)
	listener, err := net.Listen("tcp", ":"+r.FreePort())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	config := r.container(fmt.Sprintf("ports = [{ target = 8080, published = %q }]", port))
	r.run(
		resource.TestStep{
			Config: config,
			ExpectError: failure{
				summary: fmt.Sprintf("Unable to start container %q: host port %s/tcp is taken", r.Name("web"), port),
				line:    "ports",
				says:    []string{"outside"},
			}.regexp(),
		},
		resource.TestStep{
			PreConfig: func() {
				if c := r.Inspect(r.Name("web")); c.State.Status != "created" {
					t.Errorf("the container is %s", c.State.Status)
				}
				if err := listener.Close(); err != nil {
					t.Error(err)
				}
			},
			Config:           config,
			ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: []statecheck.StateCheck{
				has("published_ports", knownvalue.MapExact(map[string]knownvalue.Check{"8080/tcp": number(port)})),
				r.only(r.Name("web")),
			},
		},
	)
}

func TestAccNameTaken(t *testing.T) {
	r := newRig(t)
	r.Run(r.Name("stranger"), enginetest.RunOptions{Image: r.Image})
	stranger := r.watch(r.Name("stranger"))
	taken := failure{
		summary: fmt.Sprintf("Container name %q is already in use on engine %q", r.Name("stranger"), r.HostName()),
		line:    "name",
		says:    []string{stranger.id[:12], r.HostName() + "/" + r.Name("stranger")},
	}.regexp()
	called := func(name string, lines ...string) string {
		return r.container(append(lines, attr("name", r.Name(name)))...)
	}
	r.run(
		resource.TestStep{Config: called("stranger"), ExpectError: taken},
		resource.TestStep{Config: called("stranger"), ExpectError: taken},
		resource.TestStep{
			Config:            called("web"),
			ConfigPlanChecks:  planned(plancheck.ResourceActionCreate),
			ConfigStateChecks: []statecheck.StateCheck{r.only(r.Name("web"), r.Name("stranger")), stateCheck(stranger.untouched)},
		},
		// A rename and a replacement meet the stranger too.
		resource.TestStep{Config: called("stranger"), ExpectError: taken},
		resource.TestStep{Config: called("stranger", `user = "1"`), ExpectError: taken},
		resource.TestStep{
			Config:            called("web", `user = "2"`),
			ConfigStateChecks: []statecheck.StateCheck{r.only(r.Name("web"), r.Name("stranger")), stateCheck(stranger.untouched)},
		},
	)
	if err := stranger.untouched(); err != nil {
		t.Error(err)
	}
}

// A container from an image that was committed from a gantry container has gantry's labels. They
// prove nothing about it.
func TestAccNameTakenByContainerWithInheritedLabel(t *testing.T) {
	r := newRig(t)
	image := r.Name("committed") + ":1"
	r.run(
		resource.TestStep{Config: r.container()},
		resource.TestStep{
			PreConfig: func() {
				r.Commit(r.Name("web"), image)
				r.Run(r.Name("stranger"), enginetest.RunOptions{Image: image})
			},
			Config: r.container() + r.resource("second", attr("name", r.Name("stranger"))),
			ExpectError: regexp.MustCompile(spaced(
				fmt.Sprintf("Container name %q is already in use on engine %q", r.Name("stranger"), r.HostName()))),
		},
		resource.TestStep{
			Config:            r.container(attr("user", "1")),
			ConfigStateChecks: []statecheck.StateCheck{r.only(r.Name("web"), r.Name("stranger"))},
		},
	)
	if !r.Inspect(r.Name("stranger")).State.Running {
		t.Error("the stranger doesn't run any more")
	}
}

func TestAccEngineUnreachable(t *testing.T) {
	r := newRig(t)
	host := "unix://" + filepath.Join(t.TempDir(), "no-engine.sock")
	r.run(resource.TestStep{
		Config:      strings.Replace(r.container(), r.Proxy.Host, host, 1),
		ExpectError: regexp.MustCompile(`Error: ` + spaced(fmt.Sprintf("Unable to reach engine %q", host))),
	})
}

// One error explains why the engine can't be reached, and those of everything else refer to it.
func TestAccEngineUnreachableForAll(t *testing.T) {
	r := newRig(t)
	c := newCLI(t)
	host := "unix://" + filepath.Join(t.TempDir(), "no-engine.sock")
	c.configure(strings.ReplaceAll(r.container(), r.Proxy.Host, host) + r.network() + r.volume() + r.image("app:1"))
	apply := c.run("apply", "-auto-approve")
	for says, times := range map[string]int{"Error: Unable to reach engine": 4, "check that it is right": 1, "the same as for": 3, "see that error": 3} {
		if n := strings.Count(flat(apply.output), says); n != times {
			t.Errorf("the apply says %q %d times, want %d:\n%s", says, n, times, apply.output)
		}
	}
}

// A fault brings the last lines of the log, but no value of the environment that they show.
func TestAccSecretsAreMasked(t *testing.T) {
	r := newRig(t)
	const secret = "correct-horse-battery"
	c := newCLI(t)
	c.configure(r.container(
		fmt.Sprintf("environment = { TOKEN = %q }", secret),
		command("exit", "3", "100ms", "the token is $TOKEN, sorry"),
	))
	failed := c.run("apply", "-auto-approve")
	if failed.code == 0 || !regexp.MustCompile(`the\s+token\s+is`).MatchString(failed.output) {
		t.Errorf("the apply ended with code %d, and doesn't show the log:\n%s", failed.code, failed.output)
	}
	// The plan before it shows the attribute, which is not sensitive.
	if _, diagnostic, ok := strings.Cut(failed.output, "Error: "); !ok || strings.Contains(diagnostic, secret) {
		t.Errorf("the error shows the secret:\n%s", failed.output)
	}
	shown := c.must("state", "show", web)
	if strings.Count(shown.output, secret) > 1 {
		t.Errorf("the state has the secret in more than the attribute:\n%s", shown.output)
	}
	if log := strings.Join(r.Logs(r.Name("web")), "\n"); !strings.Contains(log, secret) {
		t.Errorf("the test is void: the container didn't print the secret: %s", log)
	}
	c.must("destroy", "-auto-approve")
}
