// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// killedAt applies, and kills the provider when the engine has carried a POST out whose answer nobody
// gets.
func (r *castRig) killedAt(pattern string) {
	r.t.Helper()
	answer := r.Proxy.HoldAnswer(http.MethodPost, pattern)
	apply := r.cli.start("apply", "-auto-approve")
	answer.Await()
	kill("provider", r.cli.providers())
	if ended := apply.wait(); ended.code == 0 {
		r.t.Errorf("the apply whose provider was killed ended well:\n%s", ended.output)
	}
	r.Proxy.Clear()
	r.Proxy.Reset()
}

// A network and a volume whose provider was killed before Terraform knew of them are not in the way of
// the next apply; but what somebody uses by now, or another state has, is left alone.
func TestAccKilledNetworkAndVolume(t *testing.T) {
	r := newCastRig(t)
	subnet := func(third string) string {
		return r.network(`ipam = { config = [{ subnet = "10.214.` + third + `.0/24" }] }`)
	}
	r.cli.configure(r.config(subnet("1")))
	r.killedAt("/networks/create")
	r.cli.configure(r.config(subnet("2")))
	r.settled()
	if state := r.cli.attributes(front); state["network_id"] != r.inspectNetwork(r.Name("front")).ID {
		t.Errorf("the state has the network %v", state)
	}

	r.cli.configure(r.config(subnet("2"), r.volume()))
	r.killedAt("/volumes/create")
	made := r.volumeLabel()
	r.settled()
	if r.volumeLabel() != made {
		t.Error("the volume that was as asked for was made anew")
	}
	// It is this state's now.
	other := r.beside()
	other.cli.configure(other.config(subnet("2"), r.volume()))
	apply := other.cli.run("apply", "-auto-approve")
	if n := strings.Count(apply.output, "is already in use on engine"); apply.code == 0 || n != 2 {
		t.Errorf("the other state's apply ended with code %d, and does not tell of two conflicts:\n%s", apply.code, apply.output)
	}
	r.emptyPlan()
	r.destroysAll()

	// With other settings a volume is a conflict, also an empty one: it is never made anew.
	r.cli.configure(r.config(r.volume()))
	r.killedAt("/volumes/create")
	made = r.volumeLabel()
	r.cli.configure(r.config(r.volume(`labels = { tier = "data" }`)))
	apply = r.cli.run("apply", "-auto-approve")
	if apply.code == 0 || !strings.Contains(apply.output, "is already in use on engine") || r.volumeLabel() != made {
		t.Errorf("the apply ended with code %d, and does not tell of the conflict:\n%s", apply.code, apply.output)
	}
	r.cli.configure(r.config(r.volume()))
	r.settled()
	if r.volumeLabel() != made {
		t.Error("the volume that was as asked for was made anew")
	}
	r.destroysAll()

	// A network with other settings that somebody uses by now is left alone.
	r.cli.configure(r.config(subnet("6")))
	r.killedAt("/networks/create")
	user := r.Run(r.Name("user"), enginetest.RunOptions{Image: r.Image, CreateOnly: true})
	if err := r.Docker.NetworkConnect(t.Context(), r.Name("front"), user, nil); err != nil {
		t.Fatal(err)
	}
	r.cli.configure(r.config(subnet("7")))
	apply = r.cli.run("apply", "-auto-approve")
	if apply.code == 0 || !strings.Contains(apply.output, "is already in use on engine") {
		t.Errorf("the apply ended with code %d, and does not tell of the conflict:\n%s", apply.code, apply.output)
	}
	r.Remove(user)
	r.cli.must("apply", "-auto-approve")
	r.emptyPlan()
	r.destroysAll()
}

// volumeLabel is the operation that made the volume.
func (r *rig) volumeLabel() string {
	r.t.Helper()
	found, err := r.Docker.VolumeInspect(r.t.Context(), r.Name("data"))
	if err != nil {
		r.t.Fatal(err)
	}
	return found.Labels[container.LabelOperation]
}
