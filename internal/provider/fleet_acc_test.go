// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	containertypes "github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// fleet is a test's view of several real engines: the machine's own as the default one, and others, all of which
// report the same host name.
type fleet struct {
	*rig
	cli    *cli
	others map[string]*enginetest.Own
	images map[string]string
}

func newFleet(t *testing.T, names ...string) *fleet {
	t.Helper()
	f := &fleet{rig: newRig(t), others: make(map[string]*enginetest.Own), images: make(map[string]string)}
	for _, name := range names {
		f.others[name] = enginetest.NewOwn(t)
		f.images[name] = f.others[name].Image(enginetest.ImageOptions{})
	}
	f.cli = newCLI(t)
	return f
}

// fleetProvider is a provider block with engines by name; lines are within it.
func (f *fleet) fleetProvider(hosts map[string]string, lines ...string) string {
	var engines strings.Builder
	for name, host := range hosts {
		fmt.Fprintf(&engines, "    %s = { host = %q }\n", name, host)
	}
	return f.provider(append(lines, "engines = {\n"+engines.String()+"  }")...)
}

func (f *fleet) hosts() map[string]string {
	hosts := make(map[string]string)
	for name, own := range f.others {
		hosts[name] = own.Host
	}
	return hosts
}

// on is a network, a volume and a container that uses both, on an engine; lines are the container's.
func (f *fleet) on(engine, key string, lines ...string) string {
	label := f.Name(engine)
	line := ""
	if key != "" {
		line = fmt.Sprintf("  engine = %q\n", key)
	}
	image := f.Image
	if own := f.images[engine]; own != "" {
		image = own
	}
	return fmt.Sprintf(`
resource "gantry_network" %[1]q {
  name = %[2]q
%[3]s}
resource "gantry_volume" %[1]q {
  name = %[2]q
%[3]s}
resource "gantry_container" %[1]q {
  name  = %[2]q
  image = %[4]q
%[3]s  networks = { front = { network = gantry_network.%[1]s.name } }
  mounts = { "/data" = { type = "volume", source = gantry_volume.%[1]s.name } }
%[5]s
}
`, engine, label, line, image, strings.Join(lines, "\n"))
}

// The life of a fleet: created, empty plan, keys that change, a move, an entry that leaves, imports, and the end.
func TestAccFleet(t *testing.T) {
	f := newFleet(t, "edge1", "edge2")
	hosts := f.hosts()
	all := f.on("main", "") + f.on("edge1", "edge1") + f.on("edge2", "edge2", `wait_for = "none"`) +
		fmt.Sprintf("resource \"gantry_exec\" \"edge1\" {\n  engine = \"edge1\"\n  container = gantry_container.edge1.name\n  command = [%q, \"exit\", \"0\"]\n}\n", enginetest.Program) +
		"resource \"gantry_barrier\" \"edge\" {\n  operations = { edge2 = gantry_container.edge2.operation_id }\n  condition = \"running\"\n}\n"
	f.cli.configure(f.fleetProvider(hosts) + all)
	f.cli.must("apply", "-auto-approve")
	f.cli.converges()
	for name, own := range f.others {
		if got := own.Inspect(f.Name(name)); !got.State.Running {
			t.Errorf("%s is %s", name, got.State.Status)
		}
	}
	if n := len(f.Containers()); n != 1 {
		t.Errorf("%d containers on the default engine", n)
	}

	// Another key of the same engine is no change, and so is another address.
	west := filepath.Join(t.TempDir(), "west.sock")
	if err := os.Symlink(strings.TrimPrefix(hosts["edge1"], "unix://"), west); err != nil {
		t.Fatal(err)
	}
	renamed := map[string]string{"west": "unix://" + west, "edge2": hosts["edge2"]}
	f.cli.configure(f.fleetProvider(renamed) + strings.ReplaceAll(all, `engine = "edge1"`, `engine = "west"`))
	f.cli.converges()
	f.cli.must("apply", "-auto-approve")

	// A name that is not there is an error of the plan, and so is an entry that has left while the state needs it.
	f.cli.configure(f.fleetProvider(renamed) + strings.ReplaceAll(all, `engine = "edge1"`, `engine = "elsewhere"`))
	if got := f.cli.run("plan"); got.code != 1 || !strings.Contains(unwrapped(got.output), `The provider's engines are: edge2, west.`) {
		t.Errorf("an unknown engine: code %d\n%s", got.code, got.output)
	}
	f.cli.configure(f.fleetProvider(map[string]string{"edge2": hosts["edge2"]}) + f.on("main", "") + f.on("edge2", "edge2"))
	if got := f.cli.run("plan"); got.code != 1 || !strings.Contains(unwrapped(got.output), fmt.Sprintf("The engine of container %q is not configured any more", f.Name("edge1"))) {
		t.Errorf("an entry that has left: code %d\n%s", got.code, got.output)
	}

	// One engine under two names is said once.
	twins := map[string]string{"west": "unix://" + west, "edge1": hosts["edge1"], "edge2": hosts["edge2"]}
	f.cli.configure(f.fleetProvider(twins) + all)
	if got := f.cli.must("plan"); strings.Count(unwrapped(got.output), "are one engine") > 1 {
		t.Errorf("more than one warning of two names:\n%s", got.output)
	}

	// What moves is made on the other engine, and is gone from the one before.
	moved := strings.ReplaceAll(all, `engine = "edge1"`, `engine = "edge2"`)
	moved = strings.ReplaceAll(moved, f.images["edge1"], f.images["edge2"])
	f.cli.configure(f.fleetProvider(hosts) + moved)
	if got := f.cli.must("apply", "-auto-approve"); !strings.Contains(got.output, "must be replaced") {
		t.Errorf("a move replaces nothing:\n%s", got.output)
	}
	f.cli.converges()
	if f.others["edge1"].Exists(f.Name("edge1")) || !f.others["edge2"].Exists(f.Name("edge1")) {
		t.Error("the container is not where it is said to be")
	}

	// By the key of the engine it is imported again.
	f.cli.must("state", "rm", "gantry_container.edge1", "gantry_volume.edge1", "gantry_network.edge1")
	for _, kind := range []string{"network", "volume", "container"} {
		f.cli.must("import", "gantry_"+kind+".edge1", "edge2/"+f.Name("edge1"))
	}
	f.cli.converges()
	f.cli.must("destroy", "-auto-approve")
	for name, own := range f.others {
		if n := len(own.Containers()); n != 0 || own.VolumeExists(f.Name(name)) {
			t.Errorf("%d containers, or the volume, are left on %s", n, name)
		}
	}
}

// An engine that is away is one clear failure, or a warning, and the others go on.
func TestAccSickEngine(t *testing.T) {
	f := newFleet(t, "edge1")
	hosts := f.hosts()
	all := func(value string) string {
		return f.on("main", "", environment(value)) + f.on("edge1", "edge1", environment(value))
	}
	f.cli.configure(f.fleetProvider(hosts) + all("1"))
	f.cli.must("apply", "-auto-approve")
	f.others["edge1"].Kill()

	if got := f.cli.run("plan"); got.code != 1 || !strings.Contains(got.output, "with gantry_volume.edge1") || strings.Contains(got.output, ".main,") {
		t.Errorf("an engine that is away: code %d\n%s", got.code, got.output)
	}
	warn := `on_unreachable = "warn"`
	f.cli.configure(f.fleetProvider(hosts, warn) + all("1"))
	kept := f.cli.must("plan", "-detailed-exitcode")
	if text := unwrapped(kept.output); strings.Count(text, "its objects are left as the state has them") != 1 {
		t.Errorf("the plan does not say once that the engine is away:\n%s", kept.output)
	}

	// A change is planned as configured, fails there, and is made everywhere else.
	f.cli.configure(f.fleetProvider(hosts, warn) + all("2"))
	if got := f.cli.run("apply", "-auto-approve"); got.code != 1 || strings.Count(got.output, "Error: ") != 1 || !strings.Contains(unwrapped(got.output), fmt.Sprintf("engine %q for container %q", "edge1", f.Name("edge1"))) {
		t.Errorf("an apply with an engine that is away: code %d\n%s", got.code, got.output)
	}
	if env := f.Inspect(f.Name("main")).Config.Env; !strings.Contains(strings.Join(env, " "), "VALUE=2") {
		t.Errorf("the container on the other engine has %q", env)
	}
	// A destroy there is refused, and nothing is forgotten.
	if got := f.cli.run("destroy", "-auto-approve"); got.code != 1 {
		t.Errorf("a destroy with an engine that is away: code %d\n%s", got.code, got.output)
	}
	if state := f.cli.must("state", "list").output; !strings.Contains(state, "gantry_container.edge1") || strings.Contains(state, "gantry_container.main") {
		t.Errorf("the state after it:\n%s", state)
	}

	f.others["edge1"].Start()
	f.cli.configure(f.fleetProvider(hosts, warn) + all("2"))
	f.cli.must("apply", "-auto-approve")
	f.cli.converges()
	f.cli.must("destroy", "-auto-approve")
}

// A fleet of an engine on this machine, one over SSH and one over TLS: one connection carries all for each.
func TestAccFleetConnections(t *testing.T) {
	f := newFleet(t, "edge1", "edge2")
	sshd := enginetest.NewSSHD(t)
	tls, ca := enginetest.ServeTLS(t, f.others["edge2"].Host)
	configuration := func(ca string) string {
		return f.provider(fmt.Sprintf(`engines = {
    edge1 = {
      host = %q
      ssh  = { key = %q, known_hosts = %q, socket = %q }
    }
    edge2 = {
      host = %q
      tls  = { ca = %q, server_name = %q }
    }
  }`, sshd.Host(), sshd.Key, sshd.KnownHosts, strings.TrimPrefix(f.others["edge1"].Host, "unix://"), tls, ca, enginetest.TLSName))
	}
	all := func(value string) string {
		var out strings.Builder
		for engine, key := range map[string]string{"main": "", "edge1": "edge1", "edge2": "edge2"} {
			out.WriteString(f.on(engine, key, environment(value), `wait_for = "none"`))
		}
		return out.String() + "resource \"gantry_barrier\" \"all\" {\n  operations = { a = gantry_container.main.operation_id, b = gantry_container.edge1.operation_id, c = gantry_container.edge2.operation_id }\n}\n"
	}
	f.cli.configure(configuration(ca) + all("1"))
	before := sshd.Connections()
	f.cli.must("apply", "-auto-approve")
	// Terraform plans and applies in processes of their own, and casts have one more.
	if n := sshd.Connections() - before; n > 3 {
		t.Errorf("an apply made %d SSH connections", n)
	}
	f.cli.converges()
	f.cli.configure(configuration(ca) + all("2"))
	f.cli.must("apply", "-auto-approve")
	f.cli.converges()
	for name, own := range f.others {
		if env := strings.Join(own.Inspect(f.Name(name)).Config.Env, " "); !strings.Contains(env, "VALUE=2") {
			t.Errorf("the container on %s has %q", name, env)
		}
	}
	f.cli.must("destroy", "-auto-approve")
}

func environment(value string) string { return fmt.Sprintf("environment = { VALUE = %q }", value) }

// Connections that are known only in the apply, keys that are swapped, a default engine that becomes another one, a move
// that makes the new one first, and an engine that is left behind with what is on it.
func TestAccFleetChanges(t *testing.T) {
	f := newFleet(t, "edge1", "edge2")
	hosts := f.hosts()
	one := f.on("edge1", "edge1")
	two := f.on("edge2", "edge2")
	address := func(name string) string {
		return fmt.Sprintf("resource \"terraform_data\" %q {\n  input = %q\n}\n", name, hosts[name])
	}
	unknown := strings.ReplaceAll(f.fleetProvider(map[string]string{"edge1": "ONE", "edge2": hosts["edge2"]}), `"ONE"`, "terraform_data.edge1.output")
	f.cli.configure(unknown + address("edge1") + one + two)
	f.cli.must("apply", "-auto-approve")
	f.cli.converges()
	for name, own := range f.others {
		if !own.Exists(f.Name(name)) {
			t.Errorf("nothing is on %s", name)
		}
	}

	// Both keys have the other's engine now, and so have the resources: nothing changes.
	swapped := map[string]string{"edge1": hosts["edge2"], "edge2": hosts["edge1"]}
	place := func(text, from, to string) string {
		return strings.ReplaceAll(text, fmt.Sprintf("engine = %q", from), fmt.Sprintf("engine = %q", to))
	}
	f.cli.configure(f.fleetProvider(swapped) + address("edge1") + place(one, "edge1", "edge2") + place(two, "edge2", "edge1"))
	f.cli.converges()

	// The same without a refresh.
	f.cli.must("apply", "-auto-approve")
	f.cli.configure(f.fleetProvider(hosts) + address("edge1") + one + two)
	if got := f.cli.must("plan", "-refresh=false"); strings.Contains(got.output, "must be replaced") {
		t.Errorf("keys that are swapped back replace something:\n%s", got.output)
	}
	f.cli.must("apply", "-auto-approve")
	f.cli.converges()

	// What moves can be made there before it is gone here.
	first := `lifecycle {
    create_before_destroy = true
  }`
	moved := strings.ReplaceAll(f.on("edge1", "edge2", first), f.images["edge1"], f.images["edge2"])
	f.cli.configure(f.fleetProvider(hosts) + address("edge1") + moved + two)
	f.cli.must("apply", "-auto-approve")
	f.cli.converges()
	if f.others["edge1"].Exists(f.Name("edge1")) || !f.others["edge2"].Exists(f.Name("edge1")) {
		t.Error("the container is not where it is said to be")
	}

	// An entry leaves, and what is on its engine is left behind.
	gone := f.Name("edge2")
	f.cli.configure(f.fleetProvider(map[string]string{"edge2": hosts["edge2"]}) + address("edge1") + moved + two)
	f.cli.must("apply", "-auto-approve")
	left := ""
	for _, address := range []string{"gantry_container", "gantry_volume", "gantry_network"} {
		for _, label := range []string{"edge1", "edge2"} {
			left += fmt.Sprintf("removed {\n  from = %s.%s\n  lifecycle {\n    destroy = false\n  }\n}\n", address, label)
		}
	}
	f.cli.configure(f.fleetProvider(map[string]string{"west": hosts["edge1"]}) + address("edge1") + left)
	f.cli.must("apply", "-auto-approve")
	if !f.others["edge2"].Exists(gone) {
		t.Error("what was to be left behind is gone")
	}
	f.cli.converges()
	f.cli.must("destroy", "-auto-approve")
	f.others["edge2"].Leaves(gone)
	f.others["edge2"].Leaves(f.Name("edge1"))
}

// The provider is killed in the middle of an apply over two engines: the next apply converges on both, with every
// container once.
func TestAccFleetKilled(t *testing.T) {
	f := newFleet(t, "edge1", "edge2")
	proxy := enginetest.NewProxy(t, f.others["edge1"].Engine)
	hosts := map[string]string{"edge1": proxy.Host, "edge2": f.others["edge2"].Host}
	var all strings.Builder
	names := make(map[string][]string)
	for engine := range hosts {
		for i, wait := range []string{"ready", "none", "ready", "none"} {
			name := f.Name(fmt.Sprintf("%s-%d", engine, i))
			names[engine] = append(names[engine], name)
			fmt.Fprintf(&all, "resource \"gantry_container\" %q {\n  engine = %q\n  name = %q\n  image = %q\n  wait_for = %q\n}\n", name, engine, name, f.images[engine], wait)
		}
	}
	f.cli.configure(f.fleetProvider(hosts, fmt.Sprintf("state_dir = %q", t.TempDir())) + all.String())
	for _, calls := range []int{3, 8, 14} {
		proxy.Reset()
		reached := proxy.Reached(calls)
		apply := f.cli.start("apply", "-auto-approve")
		<-reached
		for _, provider := range f.cli.providers() {
			provider.kill()
		}
		apply.wait()
		for _, background := range f.cli.background() {
			background.ends()
		}
		f.cli.must("apply", "-auto-approve")
		for _, background := range f.cli.background() {
			background.ends()
		}
		f.cli.must("apply", "-auto-approve") // What casts made is in the state now.
		f.cli.converges()
		for engine, wanted := range names {
			for _, name := range wanted {
				if c := f.others[engine].Inspect(name); !c.State.Running {
					t.Errorf("%s is %s", name, c.State.Status)
				}
			}
			list, err := f.others[engine].Docker.ContainerList(t.Context(), containertypes.ListOptions{All: true})
			if err != nil || len(list) != len(wanted) {
				t.Errorf("%d containers on %s instead of %d, %v", len(list), engine, len(wanted), err)
			}
		}
		f.cli.must("destroy", "-auto-approve")
	}
}
