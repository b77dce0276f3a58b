// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// Whatever valid configuration: the engine's report of it is no drift, and the plan after it is empty.
// After an import the plan replaces nothing, and writes down only what is the default anyway.
func TestAnyConfigurationGoesRound(t *testing.T) {
	t.Parallel()
	c, all := newCore(t), choices()
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		config := minimal()
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if random.IntN(3) == 0 {
				config[name] = all[name][random.IntN(len(all[name]))]
			}
		}
		for _, d := range c.validate(t, config) { // They contradict each other.
			if root, ok := rootOf(d.Attribute); ok {
				delete(config, root)
			}
		}
		fatalDiagnostics(t, c.validate(t, config))
		image := images()[[]string{"bare image", "rich image"}[seed%2]]
		applied, made := c.create(t, config, image)
		refreshed := c.refresh(t, applied, made)
		if differs := diffOf(t, applied, refreshed); differs != nil {
			t.Errorf("%v: the refresh changed %v", config, differs)
		}
		if p := c.plan(t, refreshed, config); p.changed != nil {
			t.Errorf("%v: planned to change: %v", config, p.changed)
		}
		if p := c.plan(t, c.imported(t, made, image), config); p.changed != nil {
			t.Errorf("%v: after an import planned to change: %v, to replace: %v", config, p.changed, p.replace)
		}
	}
}

// What is asked for is in the specification, gets to the background conductor, and comes back from an engine that does
// what its request says; and every field of the specification is asked for by some row.
func TestEverySettingGetsToTheEngineAndBack(t *testing.T) {
	t.Parallel()
	c, d, used := newCore(t), container.EngineDefaults{}, make(map[string]bool)
	rows, nothing := emptiesOfContainers(), configurable("", c.schema.Block.Attributes)
	var failures []string // A plan is not made for a test that failed.
	fails := func(format string, args ...any) { failures = append(failures, fmt.Sprintf(format, args...)) }
	tables, random, bare := containerTables(), choices(), c.spec(t, minimal())
	for name, list := range valuesOfRows(func(root string, _ AttributeRow) bool { return tables.isSetting(root, tables.effects[root]) }) {
		for _, v := range list {
			with, none := minimal().with(values{name: v}), bare
			if name == "memory_swap" {
				with["memory"] = "64m"
				none = c.spec(t, minimal().with(values{"memory": "64m"}))
			}
			spec := c.spec(t, with)
			means := contains(rows[name].same(nothing["."+name]), v)
			if cmp.Equal(plainSpec(none), plainSpec(spec)) && !means {
				fails("%s = %v gets lost: expand lacks it", name, v)
			}
			sent, err := json.Marshal(spec)
			var received container.Spec
			if err = errors.Join(err, json.Unmarshal(sent, &received)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(spec, received, cmpopts.EquateEmpty()); diff != "" {
				fails("%s = %v does not get to the background conductor:\n%s", name, v, diff)
			}
			noteFields(used, "", reflect.ValueOf(spec.Settings))
			if _, other := engineDoes(t, none); random[name] != nil && spec.Matches(other) && !means {
				fails("%s = %v: a container without it is taken for one that has it", name, v)
			}
			if asked, got := engineDoes(t, spec); !asked.Matches(got) {
				fails("%s = %v does not come back from the engine: Translate or Observe lacks it:\n%s", name, v, cmp.Diff(asked.Plain(d), got.Settings.Plain(d)))
			}
		}
	}
	for _, field := range slices.Sorted(maps.Keys(used)) {
		if !used[field] {
			fails("no row has a value that sets %s of the specification, or expand lacks it", field)
		}
	}
	for _, failure := range failures {
		t.Error(failure)
	}
}

func plainSpec(s container.Spec) container.Spec {
	s.Settings = s.Plain(container.EngineDefaults{})
	return s
}

func (c *core) spec(t *testing.T, config values) container.Spec {
	t.Helper()
	m := modelOf(t, c.plan(t, tftypes.NewValue(c.typ, nil), config).value)
	return m.expand()
}

// engineDoes returns what an engine reports that does what its request says. It reports mounts and networks elsewhere
// than where it was asked for them: these have tests of their own.
func engineDoes(t *testing.T, spec container.Spec) (asked container.Spec, got *container.Container) {
	t.Helper()
	spec.Mounts, spec.Networks = nil, nil
	c, err := container.Translate(spec, "edge1/web/1", "1.48")
	if err != nil {
		t.Fatal(err)
	}
	return spec, container.Observe("edge1", containertypes.InspectResponse{
		ContainerJSONBase: &containertypes.ContainerJSONBase{Name: "/web", State: &containertypes.State{}, HostConfig: c.Host},
		Config:            c.Config, NetworkSettings: &containertypes.NetworkSettings{},
	})
}

// noteFields notes of each setting whether it is set.
func noteFields(used map[string]bool, at string, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name := at + field.Name
		if field.Type.Kind() == reflect.Struct && (field.Anonymous || field.Name == "Blkio") {
			noteFields(used, name+".", v.Field(i))
			continue
		}
		used[name] = used[name] || !v.Field(i).IsZero()
	}
}
