// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// oncePerProcess are the calls that a provider process may make once, whatever it does.
var oncePerProcess = []string{"HEAD /_ping", "GET /_ping", "GET /info", "GET /events"}

// spent compares the recorded calls with what is allowed, and forgets them. The calls that a
// process makes once are not in want.
func (r *rig) spent(during string, want map[string]int) error {
	got := r.Proxy.Tally()
	defer r.Proxy.Reset()
	if pings := got["HEAD /_ping"] + got["GET /_ping"]; pings > 1 {
		return fmt.Errorf("%s pinged the engine %d times", during, pings)
	}
	for _, call := range oncePerProcess {
		if got[call] > 1 {
			return fmt.Errorf("%s called %s %d times", during, call, got[call])
		}
		delete(got, call)
	}
	if !maps.Equal(got, want) {
		return fmt.Errorf("%s made the calls %v, want %v", during, got, want)
	}
	return nil
}

func TestAccCalls(t *testing.T) {
	r := newRig(t)
	reset := planCheck(func() error { r.Proxy.Reset(); return nil })
	config := r.container(
		`environment = { A = "1" }`,
		`labels = { b = "2" }`,
		`ports = [{ target = 8080 }]`,
	)
	r.run(
		resource.TestStep{
			Config:           config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{reset}},
			ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error {
				return r.spent("a create", map[string]int{
					"POST /containers/create":  1,
					"POST /containers/*/start": 1,
					"GET /containers/*/json":   1,
				})
			})},
		},
		resource.TestStep{
			Config:   config,
			PlanOnly: true,
			ConfigPlanChecks: resource.ConfigPlanChecks{
				PostApplyPreRefresh: []plancheck.PlanCheck{reset},
				PostApplyPostRefresh: []plancheck.PlanCheck{planCheck(func() error {
					return r.spent("a refresh", map[string]int{"GET /containers/*/json": 1})
				})},
			},
		},
		resource.TestStep{
			Config:  config,
			Destroy: true,
			ConfigPlanChecks: resource.ConfigPlanChecks{
				PreApply: []plancheck.PlanCheck{reset},
				PostApplyPreRefresh: []plancheck.PlanCheck{planCheck(func() error {
					return r.spent("a removal", map[string]int{"POST /containers/*/stop": 1, "DELETE /containers/*": 1})
				})},
			},
		},
	)
}

// Five containers cost five times as much as one, and no more calls per process.
func TestAccCallsOfFive(t *testing.T) {
	r := newRig(t)
	config := r.provider() + fmt.Sprintf(`
resource "gantry_container" "many" {
  count = 5
  name  = "%s-${count.index}"
  image = %q
}
`, r.Name("many"), r.Image)
	r.run(resource.TestStep{
		Config: config,
		ConfigPlanChecks: resource.ConfigPlanChecks{
			PreApply: []plancheck.PlanCheck{planCheck(func() error { r.Proxy.Reset(); return nil })},
			PostApplyPreRefresh: []plancheck.PlanCheck{planCheck(func() error {
				r.Proxy.Reset()
				return nil
			})},
			PostApplyPostRefresh: []plancheck.PlanCheck{planCheck(func() error {
				return r.spent("a refresh of five", map[string]int{"GET /containers/*/json": 5})
			})},
		},
		ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error {
			return r.spent("a create of five", map[string]int{
				"POST /containers/create":  5,
				"POST /containers/*/start": 5,
				"GET /containers/*/json":   5,
			})
		})},
	})
}

// Five containers that need one missing image make one pull.
func TestAccOnePullForFive(t *testing.T) {
	r := newRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 12})
	config := r.provider() + fmt.Sprintf(`
resource "gantry_container" "many" {
  count = 5
  name  = "%s-${count.index}"
  image = %q
}
`, r.Name("many"), pushed.Reference)

	// The pull goes on until all five have asked for a container, and learned that there is no
	// image.
	gate := registry.HoldBlob(pushed)
	go func() {
		r.Proxy.Await("POST", "/containers/create", 5)
		r.Proxy.AwaitEnded("POST", "/containers/create")
		gate.Open()
	}()
	r.run(resource.TestStep{
		Config: config,
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("gantry_container.many[4]", path("image_digest"), text(pushed.Digest)),
			stateCheck(func() error {
				if pulls := r.Proxy.Count("POST", "/images/create"); pulls != 1 {
					return fmt.Errorf("%d pulls", pulls)
				}
				if manifests, blobs := registry.Manifests(pushed), registry.Blobs(pushed); manifests != 1 || blobs != 1 {
					return fmt.Errorf("%d manifests and %d blobs fetched", manifests, blobs)
				}
				return nil
			}),
		},
	})
}

func TestAccPullPolicy(t *testing.T) {
	r := newRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	registry.RequireAuth("somebody", "open sesame")
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 12})
	with := func(user, password string, lines ...string) string {
		return r.provider(fmt.Sprintf(`registry_auth = { %q = { username = %q, password = %q } }`, registry.Host, user, password)) +
			r.resource("web", append(lines, attr("image", pushed.Reference))...)
	}
	pulls := func(want int) statecheck.StateCheck {
		return stateCheck(func() error {
			if got := r.Proxy.Count("POST", "/images/create"); got != want {
				return fmt.Errorf("%d pulls, want %d", got, want)
			}
			return nil
		})
	}
	moved := enginetest.Pushed{}
	r.run(
		resource.TestStep{
			Config: with("somebody", "open sesame", `pull_policy = "never"`),
			ExpectError: failure{
				summary: fmt.Sprintf("Image %q for container %q is not on engine %q", pushed.Reference, r.Name("web"), r.HostName()),
				line:    "image",
				says:    []string{`pull_policy = "missing"`},
			}.regexp(),
		},
		resource.TestStep{
			Config: with("somebody", "wrong"),
			ExpectError: failure{
				summary: fmt.Sprintf("Unable to pull image %q for container %q", pushed.Reference, r.Name("web")),
				line:    "image",
				says:    []string{"registry_auth"},
			}.regexp(),
		},
		resource.TestStep{
			PreConfig:         r.Proxy.Reset,
			Config:            with("somebody", "open sesame"),
			ConfigPlanChecks:  planned(plancheck.ResourceActionCreate),
			ConfigStateChecks: []statecheck.StateCheck{pulls(1), has("image_digest", text(pushed.Digest))},
		},
		resource.TestStep{
			// The image is there by now: a replacement pulls nothing.
			PreConfig:         r.Proxy.Reset,
			Config:            with("somebody", "open sesame", `user = "1000"`),
			ConfigPlanChecks:  planned(plancheck.ResourceActionReplace),
			ConfigStateChecks: []statecheck.StateCheck{pulls(0)},
		},
		resource.TestStep{
			// The tag moves. A replacement that always pulls finds the new image.
			PreConfig: func() {
				r.Proxy.Reset()
				moved = registry.PushAgain(pushed, enginetest.ImageOptions{Random: 1 << 12})
			},
			Config:           with("somebody", "open sesame", `pull_policy = "always"`, `user = "1001"`),
			ConfigPlanChecks: planned(plancheck.ResourceActionReplace),
			ConfigStateChecks: []statecheck.StateCheck{pulls(1), has("image_digest", knownvalue.StringFunc(func(got string) error {
				if got != moved.Digest {
					return fmt.Errorf("digest %s, want %s", got, moved.Digest)
				}
				return nil
			}))},
		},
	)
}

// A registry that is out of order for a moment is asked again.
func TestAccPullIsTriedAgain(t *testing.T) {
	r := newRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 12})
	r.Proxy.Fail("POST", "/images/create", 1, 500, "received unexpected HTTP status: 503 Service Unavailable")
	r.run(resource.TestStep{
		Config:            r.container(attr("image", pushed.Reference)),
		ConfigStateChecks: []statecheck.StateCheck{has("status", text("running"))},
	})
}

// What the engine did before its answer was lost is found, and not done twice.
func TestAccLostAnswers(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"POST /containers/create", "POST /containers/*/start"} {
		t.Run(call, func(t *testing.T) {
			r := newRig(t)
			method, path, _ := strings.Cut(call, " ")
			r.Proxy.DropAnswer(method, path, 1)
			r.run(resource.TestStep{
				Config: r.container(),
				ConfigStateChecks: []statecheck.StateCheck{
					has("status", text("running")),
					stateCheck(func() error {
						if names := r.Containers(); len(names) != 1 {
							return fmt.Errorf("containers %v", names)
						}
						return nil
					}),
				},
			})
		})
	}
}
