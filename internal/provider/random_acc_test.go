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
)

// imagined is a container in the model of TestAccRandomSequences: what the configuration asks for,
// and what must be there after an apply.
type imagined struct {
	label  string
	cast   bool
	absent bool
	// breaks has the container end with code 3 after its start.
	breaks bool
	memory int
	mark   int
}

func (m imagined) config(r *castRig) string {
	if m.absent {
		return ""
	}
	run, wait := command("sleep"), "ready"
	if m.breaks {
		run = command("exit", "3", "50ms", "out of cheese")
	}
	if m.cast {
		wait = "none"
	}
	return r.resource(m.label, run, attr("wait_for", wait), attr("memory", fmt.Sprintf("%dm", m.memory)),
		fmt.Sprintf("labels = { mark = %q }", strconv.Itoa(m.mark)), fmt.Sprintf("wait_for_removal = %t", !m.cast))
}

// Random sequences of changes, applies by call and by cast, failures, refreshes, deaths of the
// background conductor and destroys, against a model: after each step the engine has what the model
// has, every failure has been told of, and once all is mended the plan is empty. GANTRY_SEED repeats
// a sequence.
func TestAccRandomSequences(t *testing.T) {
	seed := rand.Uint64()
	if text := os.Getenv("GANTRY_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("GANTRY_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	const steps = 12
	r := newCastRig(t)
	model := make([]imagined, 5)
	for i := range model {
		model[i] = imagined{label: fmt.Sprintf("c%d", i), cast: i%2 == 0, memory: 32}
	}
	for step := range steps {
		mutate(random, model)
		r.configureModel(model)
		t.Logf("step %d: %+v", step, model)
		switch random.IntN(6) {
		case 0:
			r.cli.run("plan")
		case 1:
			r.cli.must("apply", "-refresh-only", "-auto-approve")
		case 2:
			r.cli.run("apply", "-auto-approve")
			for _, b := range r.cli.background() {
				b.kill()
			}
			r.idle()
			r.applied(model)
		case 3:
			r.cli.must("destroy", "-auto-approve")
			r.idle()
			if left := r.Containers(); len(left) != 0 && !unfinishedRemovals(r) {
				t.Errorf("after the destroy there are %v", left)
			}
		default:
			r.applied(model)
		}
		if t.Failed() {
			return
		}
	}
	for i := range model {
		model[i].breaks, model[i].absent = false, false
	}
	r.configureModel(model)
	r.applied(model)
	r.emptyPlan()
	r.cli.must("destroy", "-auto-approve")
	r.idle()
	r.nothingUnsettled()
}

// unfinishedRemovals reports whether the journal has a removal that was cut off: the next create of the
// same name resumes it.
func unfinishedRemovals(r *castRig) bool {
	return slices.ContainsFunc(r.journal(), func(one record) bool { return one.Kind == "remove" && one.Outcome != "done" && !one.Settled })
}

func mutate(random *rand.Rand, model []imagined) {
	for i := range model {
		m := &model[i]
		switch n := random.IntN(10); {
		case n < 2:
			m.memory = 32 + 8*random.IntN(4)
		case n < 4:
			m.mark++
		case n < 6:
			m.breaks = !m.breaks
		case n < 7 && i > 0: // Without any resource Terraform doesn't start the provider, and nobody tells of anything.
			m.absent = !m.absent
		}
	}
}

func (r *castRig) configureModel(model []imagined) {
	r.t.Helper()
	var resources []string
	for _, m := range model {
		resources = append(resources, m.config(r))
	}
	r.cli.configure(r.config(resources...))
}

// applied applies, and asserts that the engine has what the model has, and that the apply, or for
// casts the next plan, tells of what breaks.
func (r *castRig) applied(model []imagined) {
	r.t.Helper()
	apply := r.cli.run("apply", "-auto-approve")
	r.idle()
	plan := r.cli.run("plan", "-detailed-exitcode")
	if broken := slices.ContainsFunc(model, func(m imagined) bool { return m.breaks && !m.absent }); !broken && (apply.code != 0 || plan.code != 0) {
		r.t.Errorf("the apply ended with code %d:\n%s\nthe plan after it with %d:\n%s", apply.code, apply.output, plan.code, plan.output)
	}
	for _, m := range model {
		name := r.Name(m.label)
		found := slices.Contains(r.Containers(), name)
		// The resource of a cast removal has left the state: what was cut off is told of.
		unfinished := strings.Contains(plan.output, fmt.Sprintf("The removal of container %q", name))
		switch {
		case m.absent && found != unfinished, !m.absent && !found:
			r.t.Errorf("%+v: it is there: %t; an unfinished removal is told of: %t\n%s", m, found, unfinished, apply.output)
			continue
		case m.absent:
			continue
		}
		c := r.Inspect(name)
		if c.HostConfig.Memory != int64(m.memory)<<20 || c.Config.Labels["mark"] != strconv.Itoa(m.mark) || c.State.Running == m.breaks {
			r.t.Errorf("%+v is %s, with %d bytes of memory and the mark %s\n%s", m, c.State.Status, c.HostConfig.Memory, c.Config.Labels["mark"], apply.output)
		}
		told, says := apply.output, fmt.Sprintf("Container %q exited with code 3", name)
		if m.cast {
			// Where the background conductor died between start and end, it did not see the end.
			told, says = plan.output, fmt.Sprintf("Container %q on engine %q failed after the last apply", name, r.HostName())
		}
		if m.breaks && !strings.Contains(told, says) {
			r.t.Errorf("%+v: it is not told of:\n%s\nby the plan after it:\n%s", m, apply.output, plan.output)
		}
	}
}
