// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// sweeps is how many rounds of the fault sweep run, each with a fault in each of its phases, called and
// cast; GANTRY_FAULTS has another number. No fault comes twice before each has come once.
const sweeps = 3

// One call to the engine goes wrong: any call, in any way, while a network, a volume, an image and two
// containers with files and a health check are made, changed, read and destroyed, called and cast. The
// command tells of it or gets over it. The next one converges: each object is there once, the plan is
// empty, nothing is left in the end, and a stranger beside them is as it was. A command that ends well has
// left nothing to the next one, and a plan of what did not change never has anything to do.
func TestAccFaultSweep(t *testing.T) {
	t.Parallel()
	rounds := sweeps
	if text := os.Getenv("GANTRY_FAULTS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		rounds = n
	}
	for _, wait := range []string{"ready", "none"} {
		t.Run(wait, func(t *testing.T) {
			s := newSweep(t, wait)
			calls := s.undisturbed()
			t.Logf("calls without a fault: %v", calls)
			for round := range rounds {
				if t.Failed() {
					break
				}
				s.round(round, calls)
			}
			t.Logf("%d faults were tried: %v", s.tried, s.ways)
		})
	}
}

// sweep is the ground of a fault sweep.
type sweep struct {
	*castRig
	registry *enginetest.Registry
	image    enginetest.Pushed
	wait     string
	stranger watched
	// size counts the changes.
	size  int
	tried int
	ways  map[enginetest.Disturbance]int
	// decks are the faults of each phase that have not come yet.
	decks map[string][]sweepFault
}

// sweepFault is what goes wrong with which call of a command.
type sweepFault struct {
	after int
	how   enginetest.Disturbance
}

// sweepPhases are the commands of a round.
func sweepPhases() []string { return []string{"create", "refresh", "update", "destroy"} }

func newSweep(t *testing.T, wait string) *sweep {
	t.Helper()
	r := newCastRig(t)
	registry := enginetest.NewRegistry(t, r.Engine)
	stranger := r.Run(r.Name("stranger"), enginetest.RunOptions{Image: r.Image})
	return &sweep{
		castRig: r, registry: registry, image: registry.Push("app", enginetest.ImageOptions{Random: 1 << 12}), wait: wait,
		stranger: r.watch(stranger), ways: make(map[enginetest.Disturbance]int), decks: make(map[string][]sweepFault),
	}
}

func (s *sweep) configure() {
	s.t.Helper()
	const timeouts = `timeouts = { create = "15s", update = "15s", delete = "15s" }`
	both := func(label string, lines ...string) string {
		return s.resource(label, append(lines, `image = gantry_image.app.name`, attr("wait_for", s.wait), timeouts, `stop_grace_period = "1s"`,
			fmt.Sprintf("memory = \"%dm\"", 32+s.size), fmt.Sprintf("files = { \"/etc/app.conf\" = { content = \"size %d\" } }", s.size), healthcheck("health"))...)
	}
	resources := []string{
		s.network(`timeouts = { create = "15s", delete = "15s" }`), s.volume(`timeouts = { create = "15s", delete = "15s" }`, `force_destroy = true`),
		s.castRig.image(s.image.Reference, timeouts),
		both("web", `networks = { front = { network = gantry_network.front.name } }`, `mounts = { "/data" = { type = "volume", source = gantry_volume.data.name } }`),
		both("worker", `depends_on = [gantry_container.web]`),
	}
	if s.wait == "none" {
		resources = append(resources, `resource "gantry_barrier" "all" {
  operations = { web = gantry_container.web.operation_id, worker = gantry_container.worker.operation_id }
  timeouts   = { create = "30s", update = "30s" }
}
`)
	}
	s.cli.configure(s.config(resources...))
}

// command prepares a phase, and returns the command that it is about.
func (s *sweep) command(phase string) []string {
	s.t.Helper()
	switch phase {
	case "create":
		s.configure()
	case "update":
		s.size++
		s.configure()
	case "refresh":
		return []string{"plan", "-detailed-exitcode"}
	case "destroy":
		return []string{"destroy", "-auto-approve"}
	}
	return []string{"apply", "-auto-approve"}
}

// undisturbed goes through the phases without a fault, and counts the calls of each.
func (s *sweep) undisturbed() map[string]int {
	s.t.Helper()
	calls := make(map[string]int)
	for _, phase := range sweepPhases() {
		args := s.command(phase)
		s.Proxy.Reset()
		s.cli.must(args...)
		s.idle()
		calls[phase] = s.Proxy.Count("", "")
		if phase != "destroy" {
			s.emptyPlan()
		}
	}
	return calls
}

// deal returns the next fault of a phase with so many calls: all of them come, in any order, before one
// comes again.
func (s *sweep) deal(phase string, calls int) sweepFault {
	if len(s.decks[phase]) == 0 {
		for after := range calls {
			for _, how := range enginetest.Disturbances() {
				s.decks[phase] = append(s.decks[phase], sweepFault{after, how})
			}
		}
		rand.Shuffle(len(s.decks[phase]), func(i, j int) {
			s.decks[phase][i], s.decks[phase][j] = s.decks[phase][j], s.decks[phase][i]
		})
	}
	dealt := s.decks[phase][0]
	s.decks[phase] = s.decks[phase][1:]
	return dealt
}

func (s *sweep) round(round int, calls map[string]int) {
	s.t.Helper()
	for _, phase := range sweepPhases() {
		args := s.command(phase)
		fault := s.deal(phase, calls[phase])
		nth := s.Proxy.DisturbNth(fault.after, fault.how)
		got := s.cli.run(args...)
		s.idle()
		s.Proxy.Clear()
		hit := nth.Hit()
		if hit == nil { // It took fewer calls this time.
			hit = &enginetest.Call{Method: "no call"}
		} else {
			s.tried++
			s.ways[fault.how]++
		}
		what := fmt.Sprintf("round %d, %s, call %d (%s), %s", round, phase, fault.after+1, hit, fault.how)
		if phase == "refresh" && got.code == 2 {
			s.t.Errorf("%s: nothing changed, and the plan has something to do:\n%s", what, got.output)
		}
		if got.code == 1 && !strings.Contains(got.output, "Error: ") {
			s.t.Errorf("%s: the command failed and does not say why:\n%s", what, got.output)
		}
		s.converges(what, phase, got)
		if s.t.Failed() {
			s.t.Logf("%s; the command ended with code %d:\n%s", what, got.code, got.output)
			return
		}
	}
}

// converges asserts that the command after the fault does all that is left to do, and that what the
// first one did not tell it had no need to.
func (s *sweep) converges(what, phase string, first result) {
	s.t.Helper()
	if phase == "destroy" {
		if first.code == 0 {
			s.nothingLeft(what + ", right after a destroy that ended well")
		}
		again := s.cli.run("destroy", "-auto-approve")
		s.idle()
		if again.code != 0 {
			s.t.Errorf("%s: the next destroy ended with code %d:\n%s", what, again.code, again.output)
		}
		s.nothingLeft(what)
		return
	}
	if first.code == 0 {
		if plan := s.cli.run("plan", "-detailed-exitcode"); plan.code != 0 {
			s.t.Errorf("%s: the command ended well, and the plan after it has something to do (%d):\n%s", what, plan.code, plan.output)
		}
	}
	again := s.cli.run("apply", "-auto-approve")
	s.idle()
	if again.code != 0 {
		s.t.Errorf("%s: the next apply ended with code %d:\n%s", what, again.code, again.output)
	}
	s.emptyPlan()
	want := []string{s.Name("stranger"), s.Name("web"), s.Name("worker")}
	if got := slices.Sorted(slices.Values(s.Containers())); !slices.Equal(got, want) {
		s.t.Errorf("%s: the containers are %v, want %v", what, got, want)
	}
	for _, name := range want[1:] {
		if c := s.Inspect(name); !c.State.Running || c.HostConfig.Memory != int64(32+s.size)<<20 {
			s.t.Errorf("%s: %s is %s, with %d bytes of memory", what, name, c.State.Status, c.HostConfig.Memory)
		}
		if file, err := s.file(name, "/etc/app.conf"); err != nil || file.content != fmt.Sprintf("size %d", s.size) {
			s.t.Errorf("%s: %s has the file %q, %v", what, name, file.content, err)
		}
	}
	s.untouched(what)
	s.nothingUnsettled()
}

func (s *sweep) untouched(what string) {
	s.t.Helper()
	if err := s.stranger.untouched(); err != nil {
		s.t.Errorf("%s: %v", what, err)
	}
}

func (s *sweep) nothingLeft(what string) {
	s.t.Helper()
	s.untouched(what)
	if left := s.Containers(); !slices.Equal(left, []string{s.Name("stranger")}) {
		s.t.Errorf("%s: containers after the destroy: %v", what, left)
	}
	if _, err := s.Docker.NetworkInspect(s.t.Context(), s.Name("front"), network.InspectOptions{}); !errdefs.IsNotFound(err) {
		s.t.Errorf("%s: the network is still there: %v", what, err)
	}
	if s.VolumeExists(s.Name("data")) {
		s.t.Errorf("%s: the volume is still there", what)
	}
	if id := s.imageID(s.image.Reference); id != "" {
		s.t.Errorf("%s: the image is still there: %s", what, id)
	}
	s.nothingUnsettled()
}
