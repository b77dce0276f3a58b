// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Two workspaces, each with a state directory of its own that is new with each run, as in CI, and a network of the one that
// a container of the other is in. Replacing the network takes the own container along, found by the plan's refresh, and
// never the other one: that keeps the network, and is named.
func TestAccNetworkBesideAnotherWorkspace(t *testing.T) {
	r := newCastRig(t)
	other := &castRig{rig: r.rig, cli: newCLI(t), dir: t.TempDir()}
	t.Cleanup(func() { other.idle() })
	fresh := func(labels string, more ...string) {
		t.Helper()
		var err error
		if r.dir, err = os.MkdirTemp(t.TempDir(), "state"); err != nil {
			t.Fatal(err)
		}
		r.cli.configure(r.config(append(more, r.network(fmt.Sprintf("labels = { tier = %q }", labels)),
			r.resource("web", command("sleep"), `networks = { front = { network = gantry_network.front.name } }`))...))
	}
	fresh("one")
	r.cli.must("apply", "-auto-approve")
	other.cli.configure(other.config(other.resource("guest", command("sleep"), fmt.Sprintf("networks = { front = { network = %q } }", r.Name("front")))))
	other.cli.must("apply", "-auto-approve")
	web, network := r.Inspect(r.Name("web")).ID, r.inspectNetwork(r.Name("front")).ID

	fresh("two")
	apply := r.cli.run("apply", "-auto-approve")
	said := flat(apply.output)
	for _, want := range []string{"Unable to remove network", "it is in use", r.Name("guest"), "perhaps for another Terraform state"} {
		if !strings.Contains(said, want) {
			t.Errorf("the apply ended with code %d, and does not say %q:\n%s", apply.code, want, apply.output)
		}
	}
	if strings.Contains(said, fmt.Sprintf("used by container %q", r.Name("web"))) {
		t.Errorf("the workspace's own container is taken for another one's:\n%s", apply.output)
	}
	for _, name := range []string{"web", "guest"} {
		if r.connected(r.Name(name), r.Name("front")) == "" || r.inspectNetwork(r.Name("front")).ID != network {
			t.Errorf("%s lost its network", name)
		}
	}
	other.emptyPlan()

	// A plan without a refresh, and no directory that has one, shows nothing of the own container either.
	other.cli.must("destroy", "-auto-approve")
	fresh("two")
	apply = r.cli.run("apply", "-auto-approve", "-refresh=false")
	if said := flat(apply.output); apply.code == 0 || !strings.Contains(said, r.Name("web")) || !strings.Contains(said, "not with -refresh=false") {
		t.Errorf("without a refresh the apply ended with code %d:\n%s", apply.code, apply.output)
	}

	fresh("two")
	r.cli.must("plan", "-out=saved")
	r.cli.must("apply", "saved")
	if r.Inspect(r.Name("web")).ID != web || r.connected(r.Name("web"), r.Name("front")) == "" || r.inspectNetwork(r.Name("front")).ID == network {
		t.Error("the network's replacement does not have the container")
	}
	r.emptyPlan()
	r.cli.must("destroy", "-auto-approve")
}
