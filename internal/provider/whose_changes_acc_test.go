// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
)

// A workspace is killed while it removes a container, or puts another one in its place. The container is in its state
// still: another workspace that wants the name touches nothing, and the first one goes on with what it began.
func TestAccKilledChangeBesideAnotherWorkspace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, method, call string
		settings           [2]string
		change             []string
	}{
		{"a removal", http.MethodDelete, "/containers/*", [2]string{"", ""}, []string{"destroy", "-auto-approve"}},
		{
			"an exchange", http.MethodPost, "/containers/*/rename", [2]string{`environment = { V = "1" }`, `environment = { V = "2" }`},
			[]string{"apply", "-auto-approve"},
		},
		{
			"an exchange that stops first", http.MethodPost, "/containers/*/start", [2]string{`environment = { V = "1" }`, `environment = { V = "2" }`},
			[]string{"apply", "-auto-approve"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newCastRig(t)
			other := r.beside()
			order := map[bool]string{true: `update_order = "stop-first"`, false: `update_order = "start-first"`}[strings.HasSuffix(tt.name, "first")]
			configure := func(i int) { r.cli.configure(r.config(r.resource("web", order, tt.settings[i]))) }
			configure(0)
			r.cli.must("apply", "-auto-approve")
			configure(1)
			gate := r.Proxy.Hold(tt.method, tt.call)
			change := r.cli.start(tt.change...)
			gate.Await()
			kill("provider", r.cli.providers())
			change.wait()
			r.Proxy.Clear()

			before := r.containersNamed("web")
			if len(before) == 0 {
				t.Fatal("no container is left")
			}
			other.cli.configure(other.config(other.resource("web", `environment = { V = "other" }`)))
			said := other.cli.run("apply", "-auto-approve")
			if said.code == 0 || !strings.Contains(flat(said.output), "is already in use on engine") {
				t.Errorf("the other workspace's apply ended with code %d:\n%s", said.code, said.output)
			}
			if after := r.containersNamed("web"); !slices.Equal(before, after) {
				t.Errorf("the other workspace changed %q to %q", before, after)
			}
			r.cli.must("apply", "-auto-approve")
			r.emptyPlan()
			if last := r.containersNamed("web"); len(last) != 1 {
				t.Errorf("at last there are %q", last)
			}
			r.cli.must("destroy", "-auto-approve")
		})
	}
}

// containersNamed are the IDs and the names of the containers whose name begins so.
func (r *castRig) containersNamed(name string) []string {
	r.t.Helper()
	list, err := r.Docker.ContainerList(r.t.Context(), container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("name", r.Name(name)))})
	if err != nil {
		r.t.Fatal(err)
	}
	var all []string
	for _, c := range list {
		all = append(all, c.ID+" "+c.Names[0]+" "+c.State)
	}
	slices.Sort(all)
	return all
}

// A network and a volume that get another address while a container still uses them: the message names what helps, and
// not an import, which would put one object under two addresses. The next apply is right.
func TestAccObjectsUnderAnotherAddress(t *testing.T) {
	r := newCastRig(t)
	under := func(label string) string {
		network := strings.Replace(r.network(), `resource "gantry_network" "front"`, fmt.Sprintf("resource \"gantry_network\" %q", label), 1)
		volume := strings.Replace(r.volume(), `resource "gantry_volume" "data"`, fmt.Sprintf("resource \"gantry_volume\" %q", label), 1)
		user := strings.Replace(r.resource("web", command("sleep"), `stop_grace_period = "2s"`, `stop_signal = "SIGUSR1"`,
			fmt.Sprintf(`networks = { n = { network = gantry_network.%s.name } }`, label),
			fmt.Sprintf(`mounts = { "/d" = { type = "volume", source = gantry_volume.%s.name } }`, label)), `"web"`, strconv.Quote(label), 1)
		return r.config(network, volume, user)
	}
	r.cli.configure(under("first"))
	r.cli.must("apply", "-auto-approve")
	r.cli.configure(under("second"))
	said := r.cli.run("apply", "-auto-approve")
	if said.code == 0 || !strings.Contains(flat(said.output), "by a moved block") {
		t.Errorf("it ended with code %d and does not tell of a moved block:\n%s", said.code, said.output)
	}
	r.cli.must("apply", "-auto-approve")
	r.emptyPlan()
	r.cli.must("destroy", "-auto-approve")
}
