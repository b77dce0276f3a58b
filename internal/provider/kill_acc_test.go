// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// kills is how often TestAccKilled kills a provider, and a background conductor; GANTRY_KILLS has
// another number.
const kills = 2

// killedAtOnce is how many casts and calls an apply has that TestAccKilled cuts off.
const killedAtOnce = 20

// killed is a container of TestAccKilled, as it is to be.
type killed struct {
	label  string
	cast   bool
	memory int
	mark   int // A label of the container, whose change replaces it.
	gone   bool
}

func (k killed) config(r *castRig) string {
	if k.gone {
		return ""
	}
	wait := "ready"
	if k.cast {
		wait = "none"
	}
	return r.resource(k.label, attr("wait_for", wait), attr("memory", fmt.Sprintf("%dm", k.memory)),
		fmt.Sprintf("labels = { mark = %q }", strconv.Itoa(k.mark)), fmt.Sprintf("wait_for_removal = %t", !k.cast))
}

// Provider and background conductor are killed at random moments of an apply that creates, updates,
// replaces and removes, by casts and by calls. After the next apply every container is there once
// and as configured, the plan is empty, and no failure was kept from the user.
func TestAccKilled(t *testing.T) {
	wanted := kills
	if text := os.Getenv("GANTRY_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		wanted = n
	}
	random := rand.New(rand.NewPCG(rand.Uint64(), 0))

	r := newCastRig(t)
	all := make([]killed, killedAtOnce)
	for i := range all {
		all[i] = killed{label: fmt.Sprintf("c%d", i), cast: i%2 == 0, memory: 32}
	}
	r.configureAll(all)
	done := map[string]int{}
	for round := 0; done["provider"] < wanted || done["background"] < wanted; round++ {
		for i := range all {
			switch n := random.IntN(10); {
			case n < 3:
				all[i].memory = 32 + 8*random.IntN(4)
			case n < 6:
				all[i].mark++
			case n < 7 || all[i].gone:
				all[i].gone = !all[i].gone
			}
		}
		r.configureAll(all)
		t.Logf("round %d: %+v", round, all)
		for _, victim := range r.killAround(random) {
			done[victim]++
		}
		r.convergesAfterKill(random.IntN(2) == 0, all)
		for _, k := range all {
			r.checkKilled(k)
		}
		if t.Failed() {
			break
		}
	}
	t.Logf("killed %v", done)
	// A removal that was cut off is resumed when its name is used again.
	for i := range all {
		all[i].gone = false
	}
	r.configureAll(all)
	r.cli.must("apply", "-auto-approve")
	r.idle()
	r.cli.must("destroy", "-auto-approve")
	r.idle()
	r.nothingUnsettled()
}

func (r *castRig) configureAll(all []killed) {
	r.t.Helper()
	var resources []string
	for _, k := range all {
		resources = append(resources, k.config(r))
	}
	r.cli.configure(r.config(resources...))
}

// killAround applies, and kills the provider, the background conductor, or both at a random moment.
func (r *castRig) killAround(random *rand.Rand) (victims []string) {
	r.t.Helper()
	r.Proxy.Reset()
	apply := r.cli.start("apply", "-auto-approve")
	ended := make(chan result, 1)
	go func() { ended <- apply.wait() }()
	// The moment is some call to the engine, and a little later, between it and the next.
	reached := r.Proxy.Reached(1 + random.IntN(4*killedAtOnce))
	later := time.NewTimer(time.Duration(random.IntN(50)) * time.Millisecond)
	defer later.Stop()
	which := random.IntN(3)
	var done *result
	select {
	case <-reached:
		<-later.C
	case got := <-ended:
		done = &got // The background conductor may still be at work.
	}
	if which != 1 {
		victims = kill("provider", r.cli.providers())
	}
	if which != 0 {
		victims = append(victims, kill("background", r.cli.background())...)
	}
	calls := r.Proxy.Count("", "")
	if done == nil {
		got := <-ended
		done = &got
	}
	r.t.Logf("killed %v after %d calls; the apply ended with code %d", victims, calls, done.code)
	return victims
}

func kill(what string, processes []child) (victims []string) {
	for _, p := range processes {
		p.kill()
		victims = append(victims, what)
	}
	return victims
}

// convergesAfterKill applies once, and asserts that nothing is left to do then, and that each
// operation that was cut off and that the state knows was told of.
func (r *castRig) convergesAfterKill(wait bool, all []killed) {
	r.t.Helper()
	if wait {
		r.idle()
	}
	var dead []record
	if wait { // Else operations may still be under way.
		for _, one := range r.journal() {
			// Who waited for a call has seen the provider die.
			if one.Cast && (one.Outcome == "" || one.Outcome == "interrupted" || one.Outcome == "failed") && !one.Settled {
				dead = append(dead, one)
			}
		}
	}
	apply := r.cli.run("apply", "-auto-approve")
	r.idle()
	if imported := r.importDelivered(all); len(imported) > 0 {
		r.t.Logf("imported %v", imported)
		r.cli.must("apply", "-auto-approve")
	} else if apply.code != 0 {
		r.t.Errorf("the apply after the kill ended with code %d:\n%s", apply.code, apply.output)
	}
	for _, one := range dead {
		if !strings.Contains(apply.output, fmt.Sprintf("%q on engine", one.Container)) && !toldTogether(apply.output, len(dead)) {
			r.t.Errorf("the apply does not tell of %+v:\n%s", one, apply.output)
		}
	}
	r.idle()
	plan := r.cli.run("plan", "-detailed-exitcode")
	if plan.code != 0 {
		r.t.Errorf("the plan is not empty (%d):\n%s\nafter the apply:\n%s", plan.code, plan.output, apply.output)
	}
	// What was interrupted when there was nothing left to do is told of until the next change.
	open := slices.DeleteFunc(r.journal(), func(one record) bool { return one.Outcome == "done" || one.Settled || !one.Cast })
	for _, one := range open {
		switch {
		case toldTogether(plan.output, len(open)):
		case strings.Contains(plan.output, fmt.Sprintf("The removal of container %q on engine", one.Container)): // It is in no state any more,
		case strings.Contains(plan.output, fmt.Sprintf("The %s of container %q on engine", one.Kind, one.Container)): // or never got into one.
		default:
			r.warns(plan.output, one.Container, "interrupted", "By now it is as it should be")
		}
	}
}

// toldTogether reports whether a single warning has all these failures, which names the newest of them alone.
func toldTogether(output string, failures int) bool {
	return strings.Contains(output, fmt.Sprintf("Warning: %d operations on engine", failures))
}

// importDelivered imports what a create made whose answer had begun when the provider was killed, and which Terraform
// has not saved: for all that can be known a state has it, so that an apply finds a conflict. Nothing else may be one.
func (r *castRig) importDelivered(all []killed) (imported []string) {
	r.t.Helper()
	there := r.Containers()
	for _, k := range all {
		address, name := "gantry_container."+k.label, r.Name(k.label)
		state := r.cli.attributes(address)
		if k.gone || !slices.Contains(there, name) || state["container_id"] != nil {
			continue
		}
		operation := r.Inspect(name).Config.Labels[container.LabelOperation]
		if state["operation_id"] == operation { // A cast that has ended since.
			continue
		}
		ticket := operation[strings.LastIndex(operation, "/")+1:]
		if open, err := filepath.Glob(filepath.Join(r.dir, "engines", "*", "operations", ticket+".*.open")); err != nil || len(open) > 0 {
			r.t.Errorf("%s is a conflict, though no answer to its create began", k.label)
		}
		if state != nil {
			r.cli.must("state", "rm", address)
		}
		r.cli.must("import", address, name)
		imported = append(imported, k.label)
	}
	return imported
}

func (r *castRig) checkKilled(k killed) {
	r.t.Helper()
	var found int
	for _, name := range r.Containers() {
		if name == r.Name(k.label) {
			found++
		}
	}
	switch {
	case k.gone && found != 0:
		// Its removal was cut off, and is told of: nothing has used the name since.
		cut := slices.ContainsFunc(r.journal(), func(one record) bool {
			return one.Container == r.Name(k.label) && one.Kind == "remove" && one.Outcome != "done" && !one.Settled
		})
		if !cut || !k.cast {
			r.t.Errorf("%s is still there", k.label)
		}
	case k.gone:
	case found != 1:
		r.t.Errorf("%s is there %d times", k.label, found)
	default:
		c := r.Inspect(r.Name(k.label))
		if !c.State.Running || c.HostConfig.Memory != int64(k.memory)<<20 || c.Config.Labels["mark"] != strconv.Itoa(k.mark) {
			r.t.Errorf("%+v is %s, with %d bytes of memory and the mark %s", k, c.State.Status, c.HostConfig.Memory, c.Config.Labels["mark"])
		}
		state := r.cli.attributes("gantry_container." + k.label)
		if id := state["container_id"]; id != nil && id != c.ID {
			r.t.Errorf("%s has the ID %s, and in the state %v", k.label, c.ID, id)
		}
	}
}
