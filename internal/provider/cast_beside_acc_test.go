// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	dockerevents "github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// Two runs with states of their own work on one engine at the same time: each container is made and
// started once, by one operation after the other.
func TestAccTwoRunsAtOnce(t *testing.T) {
	const each = 20
	r := newCastRig(t)
	events := r.listen()
	runs := []*castRig{r, r.beside()}
	names := func(run int) (labels []string) {
		for i := range each {
			labels = append(labels, fmt.Sprintf("run%d-%d", run, i))
		}
		return labels
	}
	var applies []*process
	for i, run := range runs {
		var resources []string
		for _, label := range names(i) {
			resources = append(resources, run.cast(label))
		}
		run.cli.configure(run.config(resources...))
	}
	for _, run := range runs {
		applies = append(applies, run.cli.start("apply", "-auto-approve"))
	}
	for i, apply := range applies {
		if ended := apply.wait(); ended.code != 0 {
			t.Fatalf("run %d ended with code %d:\n%s", i, ended.code, ended.output)
		}
	}
	for i, run := range runs {
		run.idle()
		run.emptyPlan()
		for _, label := range names(i) {
			if c := r.Inspect(r.Name(label)); !c.State.Running {
				t.Errorf("%s is %s", label, c.State.Status)
			}
		}
	}
	if made := r.Containers(); len(made) != 2*each {
		t.Errorf("%d containers: %v", len(made), made)
	}
	// The updates of both runs, behind each other in the lanes.
	for i, run := range runs {
		var resources []string
		for _, label := range names(i) {
			resources = append(resources, run.cast(label, `memory = "32m"`, `restart_triggers = { run = "2" }`))
		}
		run.cli.configure(run.config(resources...))
		applies[i] = run.cli.start("apply", "-auto-approve")
	}
	for i, apply := range applies {
		if ended := apply.wait(); ended.code != 0 {
			t.Fatalf("run %d ended with code %d:\n%s", i, ended.code, ended.output)
		}
	}
	for _, run := range runs {
		run.idle()
		run.emptyPlan()
	}
	happened := events(3 * 2 * each)
	for i := range runs {
		for _, label := range names(i) {
			// Adding the first trigger restarts nothing.
			if got := strings.Join(happened[r.Name(label)], " "); got != "create start update" {
				t.Errorf("to %s happened: %s", label, got)
			}
		}
	}
	r.nothingUnsettled()
	for _, run := range runs {
		run.cli.must("destroy", "-auto-approve")
	}
}

// listen returns a function that waits until so much has happened to the test's containers since now,
// and tells what: by name, in order. The engine itself keeps only the last 256 events of all.
func (r *rig) listen() func(number int) map[string][]string {
	ctx, cancel := context.WithCancel(context.Background())
	messages, failed := r.Docker.Events(ctx, dockerevents.ListOptions{
		Filters: filters.NewArgs(filters.Arg("type", "container"), filters.Arg("event", "create"), filters.Arg("event", "start"),
			filters.Arg("event", "stop"), filters.Arg("event", "update"), filters.Arg("event", "die"), filters.Arg("event", "destroy")),
	})
	happened, ended := make(chan [2]string, 1<<12), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case m := <-messages:
				if name := m.Actor.Attributes["name"]; strings.HasPrefix(name, r.Name("")) {
					happened <- [2]string{name, string(m.Action)}
				}
			case <-failed: // The end of ctx, too.
				return
			}
		}
	}()
	r.t.Cleanup(func() {
		cancel()
		<-ended
	})
	return func(number int) map[string][]string {
		r.t.Helper()
		byName := make(map[string][]string)
		stuck := time.After(enginetest.Patience)
		for range number {
			select {
			case event := <-happened:
				byName[event[0]] = append(byName[event[0]], event[1])
			case <-stuck:
				r.t.Fatalf("the engine told only of %v", byName)
			}
		}
		return byName
	}
}

// Two states want the same name: the second one's create waits for the end of the first one's, and is
// a conflict then, which stands until it is mended, whatever the first one does.
func TestAccTwoStatesOneName(t *testing.T) {
	r := newCastRig(t)
	other := r.beside()
	pushed, gate := r.heldImage()
	r.cli.configure(r.config(r.cast("web", attr("image", pushed.Reference), `labels = { of = "first" }`)))
	r.cli.must("apply", "-auto-approve")
	gate.Await()
	other.cli.configure(other.config(other.cast("web", `labels = { of = "second" }`)))
	other.cli.must("apply", "-auto-approve")
	if posts := r.Proxy.Calls("POST", "/containers/create"); len(posts) != 1 {
		t.Errorf("the engine was asked to create %d times while the first create was under way", len(posts))
	}
	gate.Open()
	r.idle()
	other.idle()

	made := r.watch(r.Name("web"))
	first := r.journal()[0]
	posts := r.Proxy.Calls("POST", "/containers/create")
	if last := posts[len(posts)-1]; last.Start.Before(first.Ended) || last.Status != 409 {
		t.Errorf("the second create came at %s, and was answered with %d; the first one ended at %s", last.Start, last.Status, first.Ended)
	}
	if second := r.journal()[1]; first.Owner == second.Owner {
		t.Errorf("both operations were carried out by %s", first.Owner)
	}
	r.emptyPlan()
	other.warns(other.plansChange("must be replaced", web), r.Name("web"), "already in use")
	r.cli.configure(r.config(r.cast("web", attr("image", pushed.Reference), `labels = { of = "first" }`, `memory = "64m"`)))
	r.cli.must("apply", "-auto-approve")
	r.idle()
	other.warns(other.plansChange("must be replaced", web), r.Name("web"), "already in use")
	other.cli.must("apply", "-auto-approve")
	other.idle()
	other.warns(other.plansChange("must be replaced", web), r.Name("web"), "already in use")
	if err := made.untouched(); err != nil {
		t.Error(err)
	}
	other.cli.must("destroy", "-auto-approve")
	if err := made.untouched(); err != nil {
		t.Error(err)
	}
	r.emptyPlan()
	r.nothingUnsettled()
	r.destroyed(r.cli)
}

// A create that waits behind another state's, which fails, is refused with that reason, and takes
// nothing of what the failed one left.
func TestAccTwoStatesOneNameFirstFails(t *testing.T) {
	r := newCastRig(t)
	other := r.beside()
	pushed, gate := r.heldImage()
	r.cli.configure(r.config(r.cast("web", attr("image", pushed.Reference), command("exit", "3", "100ms", "out of cheese"))))
	r.cli.must("apply", "-auto-approve")
	gate.Await()
	other.cli.configure(other.config(other.cast("web")))
	other.cli.must("apply", "-auto-approve")
	gate.Open()
	r.idle()
	other.idle()
	r.warns(r.plansChange("must be replaced", web), r.Name("web"), "out of cheese")
	other.warns(other.plansChange("must be replaced", web), r.Name("web"), "exited with code 3")
	left := r.Inspect(r.Name("web"))
	other.cli.must("apply", "-auto-approve")
	other.idle()
	other.warns(other.plansChange("must be replaced", web), r.Name("web"), "already in use")
	if !r.Exists(left.ID) {
		t.Error("the first state's container is gone")
	}
	r.cli.must("destroy", "-auto-approve")
	other.settled()
	other.destroyed(other.cli)
}

// A cast that another machine carries out is left alone, and a destroy waits for what it makes.
func TestAccAnotherMachine(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	cast := r.cast("web", attr("image", pushed.Reference))
	r.cli.configure(r.config(cast))
	r.cli.must("apply", "-auto-approve")
	gate.Await()

	// The other machine has the state, and a state directory of its own.
	there := &castRig{rig: r.rig, cli: r.cli, dir: t.TempDir()}
	there.cli.configure(there.config(cast))
	there.emptyPlan()
	if plan := there.cli.run("plan"); !strings.Contains(flat(plan.output), fmt.Sprintf("Container %q may be under way on another machine", r.Name("web"))) {
		t.Errorf("the plan does not say what it goes by:\n%s", plan.output)
	}
	r.Proxy.Reset()
	destroy := r.cli.start("destroy", "-auto-approve")
	// The refresh looks for the container, the removal does, and looks again.
	r.Proxy.Await("GET", "/containers/*/json", 3)
	gate.Open()
	if ended := destroy.wait(); ended.code != 0 {
		t.Errorf("the destroy ended with code %d:\n%s", ended.code, ended.output)
	}
	r.idle()
	if left := r.Containers(); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}
