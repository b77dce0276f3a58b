// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/provider"
)

// spellings are settings of one object that mean the same, one a round: unset, null, empty, what the engine does by
// itself written out, another order, another spelling.
type spellings map[string][]string

// config has every object in its spelling of a round, and imports them if asked to.
func (s spellings) config(r *castRig, kind string, round int, imports bool) string {
	var all strings.Builder
	for _, key := range slices.Sorted(maps.Keys(s)) {
		name := r.Name(strings.ReplaceAll(key, "_", "-"))
		fmt.Fprintf(&all, "resource %q %q {\n  name = %q\n%s}\n", kind, key, name, indent(s[key][round%len(s[key]):][:1]))
		if imports {
			fmt.Fprintf(&all, "import {\n  to = %s.%s\n  id = %q\n}\n", kind, key, name)
		}
	}
	return r.config(all.String())
}

// rounds is how many spellings the object with most of them has.
func (s spellings) rounds() int {
	most := 0
	for _, list := range s {
		most = max(most, len(list))
	}
	return most
}

// areOne asserts that nothing is made anew from one spelling to the next, and that every plan after an apply, and
// after an import into another state, is empty.
func (s spellings) areOne(r *castRig, kind, id string) {
	r.t.Helper()
	ids := make(map[string]any)
	for round := range s.rounds() {
		r.cli.configure(s.config(r, kind, round, false))
		r.cli.must("apply", "-auto-approve")
		r.emptyPlan()
		for key, list := range s {
			now := r.cli.attributes(kind + "." + key)[id]
			if before := ids[key]; before != nil && before != now {
				r.t.Errorf("round %d: %s was made anew for %s", round, key, list[round%len(list)])
			}
			ids[key] = now
		}
		other := r.beside()
		other.cli.configure(s.config(r, kind, round, true))
		imported := other.cli.must("plan")
		if want := fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", len(s)); !strings.Contains(imported.output, want) {
			r.t.Errorf("round %d: the plan of the imports is not %q:\n%s", round, want, imported.output)
		}
	}
	r.destroysAll()
}

// What means the same to an engine is the same network.
func TestAccNetworkSpellings(t *testing.T) {
	r := newCastRig(t)
	pool := func(settings string) string { return "ipam = { config = [{ " + settings + " }] }" }
	spellings{
		"nothing": {``, `driver = null`, `ipam = null`, `labels = null`, `timeouts = null`},
		"driver":  {`driver = ""`, `driver = "bridge"`, ``, `driver = ""`},
		"scope":   {`scope = ""`, `scope = "local"`, ``, `scope = ""`},
		"options": {`options = {}`, ``, `options = null`, `options = {}`},
		"bridge": {
			`options = { "com.docker.network.bridge.enable_ip_masquerade" = "true" }`, ``, `options = { "com.docker.network.bridge.enable_icc" = "1" }`,
		},
		"labels":   {``, `labels = {}`, `labels = null`},
		"flags":    {``, "internal = false\n  attachable = false\n  ingress = false\n  config_only = false\n  keep_on_destroy = false", "enable_ipv4 = true\n  enable_ipv6 = false"},
		"from":     {``, `config_from = ""`, `config_from = null`},
		"ipam":     {`ipam = {}`, `ipam = { config = [] }`, `ipam = { driver = "" }`, `ipam = { driver = "default", options = {} }`, ``},
		"empty":    {``, `ipam = {}`, `ipam = { config = [], options = {}, driver = "" }`},
		"template": {"config_only = true\n  " + pool(`subnet = "10.215.1.0/24"`), "config_only = true\n  driver = \"bridge\"\n  " + pool(`subnet = "10.215.1.7/24"`)},
		"range": {
			pool(`subnet = "10.215.2.0/24"`), pool(`subnet = "10.215.2.9/24", gateway = ""`), pool(`subnet = "10.215.2.0/24", gateway = null, ip_range = ""`),
			pool(`subnet = "10.215.2.0/24", aux_addresses = {}`), pool(`subnet = "10.215.2.0/24", gateway = "10.215.2.1"`),
		},
		"part": {
			pool(`subnet = "10.215.3.0/24", ip_range = "10.215.3.128/25", gateway = "10.215.3.3"`), pool(`subnet = "10.215.3.1/24", ip_range = "10.215.3.130/25", gateway = "10.215.3.3"`),
		},
		"both": {
			`enable_ipv6 = true` + "\n  " + `ipam = { config = [{ subnet = "10.215.4.0/24" }, { subnet = "fd00:215::/64", gateway = "fd00:215::1", aux_addresses = { a = "fd00:215::9" } }] }`,
			`enable_ipv6 = true` + "\n  " + `ipam = { config = [{ subnet = "FD00:0215:0::/64", gateway = "fd00:215:0:0::1", aux_addresses = { a = "FD00:215::0009" } }, { subnet = "10.215.4.0/24" }] }`,
		},
	}.areOne(r, "gantry_network", "network_id")
}

// What means the same to an engine is the same volume.
func TestAccVolumeSpellings(t *testing.T) {
	r := newCastRig(t)
	spellings{
		"nothing": {``, `driver = null`, `labels = null`, `timeouts = null`},
		"driver":  {`driver = ""`, `driver = "local"`, ``, `driver = ""`},
		"options": {`driver_opts = {}`, ``, `driver_opts = null`, `driver_opts = {}`},
		"labels":  {``, `labels = {}`, `labels = null`},
		"flags":   {``, "force_destroy = false\n  keep_on_destroy = false"},
		"tmpfs": {
			`driver_opts = { type = "tmpfs", device = "tmpfs", o = "" }`, "driver = \"\"\n  " + `driver_opts = { o = "", device = "tmpfs", type = "tmpfs" }`,
		},
		"order": {
			`driver_opts = { type = "tmpfs", device = "tmpfs", o = "uid=0,size=1m" }`, `driver_opts = { type = "tmpfs", device = "tmpfs", o = "size=1m,uid=0" }`,
		},
		"blank": {`driver_opts = { type = "", device = "", o = "" }`},
	}.areOne(r, "gantry_volume", "created")
}

// A template has no driver, and what is made from it has all that the template has: it is made, planned as it is, and
// imported.
func TestAccNetworkFromTemplate(t *testing.T) {
	r := newCastRig(t)
	imports := func(name string) string {
		return fmt.Sprintf("import {\n  to = gantry_network.%s\n  id = %q\n}\n", name, r.Name(name))
	}
	template := fmt.Sprintf("resource \"gantry_network\" \"template\" {\n  name = %q\n%s}\n", r.Name("template"), indent([]string{
		`config_only = true`, `enable_ipv6 = true`, `labels = { tier = "front" }`, `options = { "com.docker.network.bridge.enable_icc" = "false" }`,
		`ipam = { config = [{ subnet = "10.215.7.0/24" }, { subnet = "fd00:215:7::/64" }] }`,
	}))
	from := r.network(`config_from = gantry_network.template.name`, `internal = true`)
	r.cli.configure(r.config(template, from))
	r.cli.must("apply", "-auto-approve")
	r.emptyPlan()
	n := r.inspectNetwork(r.Name("front"))
	if n.ConfigFrom.Network != r.Name("template") || !n.Internal || !n.EnableIPv6 || len(n.IPAM.Config) != 2 || n.Labels["tier"] != "front" || n.Driver != "bridge" {
		t.Errorf("the network made from a template is %+v", n)
	}
	other := r.beside()
	other.cli.configure(other.config(template, from, imports("template"), imports("front")))
	if plan := other.cli.must("plan"); !strings.Contains(plan.output, "Plan: 2 to import, 0 to add, 0 to change, 0 to destroy.") {
		t.Errorf("the plan of the imports:\n%s", plan.output)
	}
	r.cli.configure(r.config(template))
	r.cli.must("apply", "-auto-approve")
	r.emptyPlan()
	for attribute, line := range map[string]string{
		"labels": `labels = { a = "b" }`, "options": `options = { a = "b" }`, "ipam": `ipam = { driver = "default" }`, "enable_ipv4": `enable_ipv4 = false`, "enable_ipv6": `enable_ipv6 = true`,
	} {
		r.cli.configure(r.config(template, r.network(`config_from = gantry_network.template.name`, line)))
		r.cli.run("plan").diagnostic(t, attribute+" can't be set together with config_from")
	}
	for attribute, line := range map[string]string{"internal": `internal = true`, "attachable": `attachable = true`, "ingress": `ingress = true`, "scope": `scope = "local"`} {
		r.cli.configure(r.config(template, r.network(`config_only = true`, line)))
		r.cli.run("plan").diagnostic(t, attribute+" can't be set together with config_only")
	}
	r.cli.configure(r.config(template, r.network(`options = { "com.docker.network.enable_ipv6" = "true" }`)))
	r.cli.run("plan").diagnostic(t, `The option "com.docker.network.enable_ipv6" is not set with options`)
	r.cli.configure(r.config(template))
	r.destroysAll()
}

// What is empty of networks and volumes, in every form of every attribute: it is applied, the plans after that and
// after an import elsewhere are empty, and what means to leave it out can be taken away and written down again, which
// makes nothing anew.
func TestAccEmptyValuesOfObjects(t *testing.T) {
	t.Parallel()
	for kind, id := range map[string]string{"gantry_network": "network_id", "gantry_volume": "created"} {
		t.Run(kind, func(t *testing.T) {
			r := newCastRig(t)
			// An engine before 28.0 makes no network without IPv4; the driver local knows no option "a".
			objects := provider.EmptyObjects(kind, func(string) bool { return false }, func(attribute string) bool {
				return attribute == "enable_ipv4" || attribute == "driver_opts"
			})
			config := func(of func(provider.EmptyObject) map[string]any, imports bool) string {
				var all strings.Builder
				for i, o := range objects {
					label := fmt.Sprintf("o%d", i)
					settings := maps.Clone(of(o))
					settings["name"] = r.Name(label)
					text, err := json.Marshal(settings)
					if err != nil {
						t.Fatal(err)
					}
					fmt.Fprintf(&all, "resource %q %q {\n", kind, label)
					for _, name := range slices.Sorted(maps.Keys(settings)) {
						fmt.Fprintf(&all, "  %s = jsondecode(%q).%s\n", name, ownSubnet(string(text), i), name)
					}
					all.WriteString("}\n")
					if imports {
						fmt.Fprintf(&all, "import {\n  to = %s.%s\n  id = %q\n}\n", kind, label, r.Name(label))
					}
				}
				return r.config(all.String())
			}
			with := func(o provider.EmptyObject) map[string]any { return o.With }
			without := func(o provider.EmptyObject) map[string]any {
				if o.Own {
					return o.With
				}
				return o.Without
			}
			before := make(map[string]any)
			for round, of := range []func(provider.EmptyObject) map[string]any{with, without, with} {
				r.cli.configure(config(of, false))
				r.cli.must("apply", "-auto-approve")
				r.emptyPlan()
				for i, o := range objects {
					label := fmt.Sprintf("o%d", i)
					now := r.cli.attributes(kind + "." + label)[id]
					if had := before[label]; had != nil && had != now {
						t.Errorf("round %d made it anew: %v", round, o)
					}
					before[label] = now
				}
				other := r.beside()
				other.cli.configure(config(of, true))
				imported := other.cli.must("plan")
				if want := fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", len(objects)); !strings.Contains(imported.output, want) {
					t.Errorf("round %d: the plan of the imports is not %q:\n%s", round, want, imported.output)
				}
			}
			r.destroysAll()
		})
	}
}

// ownSubnet puts the subnet of a network into one of its own.
func ownSubnet(text string, i int) string {
	return strings.ReplaceAll(text, "10.216.0.", fmt.Sprintf("10.216.%d.", i))
}
