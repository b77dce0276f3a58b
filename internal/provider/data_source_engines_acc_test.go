// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// engineFound is what gantry_engines has of an engine.
type engineFound struct {
	Reachable         *bool
	Error             *string
	ID, Name, Latency *string
	Containers        *int
	Running           *int `json:"containers_running"`
}

// All engines are asked, one that is away or not known yet included, and none of them is an error.
func TestAccDataEngines(t *testing.T) {
	f := newFleet(t, "default", "gone")
	hosts := f.hosts()
	f.cli.configure(f.fleetProvider(hosts) + f.on("default", "default") + `
data "gantry_engines" "all" {
  depends_on = [gantry_container.default]
}
data "gantry_engines" "some" {
  names = ["gone"]
}
data "gantry_engines" "none" {
  names = []
}
output "all" {
  value = data.gantry_engines.all
}
output "some" {
  value = data.gantry_engines.some
}
output "none" {
  value = data.gantry_engines.none
}
`)
	type found struct {
		Default *engineFound
		Engines map[string]engineFound
	}
	read := func(name string) (all found) {
		t.Helper()
		if err := json.Unmarshal([]byte(f.cli.must("output", "-json", name).output), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	f.others["gone"].Kill()
	f.cli.must("apply", "-auto-approve")
	all := read("all")
	if own := all.Default; own == nil || own.Reachable == nil || !*own.Reachable || own.Name == nil || *own.Name != f.HostName() || own.Latency == nil {
		t.Errorf("the default engine: %+v", own)
	}
	// An entry may have the key "default", and is not the default engine.
	one := all.Engines["default"]
	if one.Reachable == nil || !*one.Reachable || one.Error != nil || one.ID == nil || *one.ID == *all.Default.ID || *one.Containers != 1 || *one.Running != 1 {
		t.Errorf("an engine that is there: %+v", one)
	}
	gone := all.Engines["gone"]
	if gone.Reachable == nil || *gone.Reachable || gone.ID != nil || gone.Error == nil || !strings.HasPrefix(*gone.Error, `Unable to reach engine "gone": `) || strings.Contains(*gone.Error, "\n") {
		t.Errorf("an engine that is away: %+v", gone)
	}
	if some := read("some"); some.Default != nil || len(some.Engines) != 1 || some.Engines["gone"].Reachable == nil {
		t.Errorf("engines by name: %+v", some)
	}
	if none := read("none"); none.Default != nil || len(none.Engines) != 0 {
		t.Errorf("no engines: %+v", none)
	}
	f.cli.must("destroy", "-auto-approve")

	f.cli.configure(f.fleetProvider(hosts) + "data \"gantry_engines\" \"it\" {\n  names = [\"elsewhere\"]\n}\n")
	if got := f.cli.run("plan"); got.code != 1 || !strings.Contains(unwrapped(got.output), "The provider's engines are: default, gone.") {
		t.Errorf("an unknown name: code %d\n%s", got.code, got.output)
	}

	// Of an engine whose address is not known yet nothing is known, and it is no error.
	f.cli.configure(`
resource "terraform_data" "address" {
  input = "` + hosts["default"] + `"
}
` + f.provider(fmt.Sprintf("engines = { default = { host = terraform_data.address.output }, gone = { host = %q } }", hosts["gone"])) + `
data "gantry_engines" "it" {}
output "it" {
  value = [for key, engine in data.gantry_engines.it.engines : "${key} is ${engine.reachable == null ? "unknown" : engine.reachable ? "there" : "away"}"]
}
`)
	if got := unwrapped(f.cli.must("plan").output); !strings.Contains(got, `"default is unknown"`) || !strings.Contains(got, `"gone is away"`) {
		t.Errorf("an engine that is not known yet:\n%s", got)
	}
	f.others["gone"].Start() // What the test left there is looked for.
}
