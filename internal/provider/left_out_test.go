// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// imagesOwn are what the rich image brings, written down.
func imagesOwn() map[string][]any {
	return map[string][]any{
		"command":     {[]any{"run"}},
		"environment": {values{"FROM_IMAGE": "yes"}, values{"FROM_IMAGE": "yes", "A": "image"}, values{"NOBODYS": nil}},
		"labels":      {values{"image": "yes"}},
		"user":        {"nobody"},
		"working_dir": {"/home", "/home/"},
		"stop_signal": {"SIGQUIT", "QUIT", "3", "sigquit"},
	}
}

// A new attribute has to say what its empty values mean, and a zero that an import writes means nothing.
func TestEverySettingSaysWhatMeansNothing(t *testing.T) {
	t.Parallel()
	c, table, rows := newCore(t), containerTables(), emptiesOfContainers()
	attributes := containerSchema(t.Context()).Attributes
	for name, typ := range configurable("gantry_container", c.schema.Block.Attributes) {
		name = strings.TrimPrefix(name, "gantry_container.")
		row, ok := rows[name]
		if !ok {
			t.Errorf("no row says what the empty values of %s mean", name)
		}
		delete(rows, name)
		a, ok := attributes[name]
		if !ok || !table.hasZero(name, table.effects[name], a) {
			continue
		}
		if !slices.ContainsFunc(row.same(typ), func(v any) bool { return value(t, typ, v).Equal(table.defaults[name].value(typ)) }) {
			t.Errorf("%s: an import writes a zero that its row does not have", name)
		}
	}
	for name := range rows {
		t.Errorf("%s has a row and does not exist", name)
	}
}

// What means nothing passes, asks for nothing, and is no change: to one that was created without it, or
// with it, or imported, and in whatever order it is written down and left out again. What an engine takes
// no other way is refused.
func TestWhatMeansNothingIsNoChange(t *testing.T) {
	t.Parallel()
	own := imagesOwn()
	shared := newCore(t)
	types := configurable("", shared.schema.Block.Attributes)
	for name, row := range emptiesOfContainers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, rich := shared.copy(), images()["rich image"]
			root, _, _ := strings.Cut(name, ".")
			with := func(v any) values { return minimal().with(row.around(name, v)) }
			if same := append(row.same(types["."+name]), own[name]...); len(same) > 0 {
				without := c.lacking(t, rich, with(nil), root)
				for _, v := range same {
					c.meansTheSame(t, without, with(v), root)
				}
			}
			for _, v := range row.own {
				fatalDiagnostics(t, c.validate(t, with(v)))
			}
			for _, v := range row.refused {
				var text strings.Builder
				for _, d := range c.validate(t, with(v)) {
					text.WriteString(d.Summary + " " + d.Detail + "\n")
				}
				if text.Len() == 0 || !strings.Contains(text.String(), row.says) {
					t.Errorf("%#v: the plan says %q, want %q", v, text.String(), row.says)
				}
			}
		})
	}
}

// lacking is a configuration that leaves something out, and what became of it.
type lacking struct {
	config values
	image  *container.ImageDefaults
	// created was made with it, imported without it, and refreshed is that after a refresh.
	created, imported, refreshed stored
}

// stored is what Terraform keeps of a container.
type stored struct {
	state   tftypes.Value
	private []byte
}

// stored returns this state with the private one that belongs to it now.
func (c *core) stored(state tftypes.Value) stored { return stored{state, c.private} }

// planFrom plans with this configuration.
func (c *core) planFrom(t *testing.T, before stored, config values) planned {
	t.Helper()
	c.private = before.private
	return c.plan(t, before.state, config)
}

func (c *core) lacking(t *testing.T, image *container.ImageDefaults, config values, name string) lacking {
	t.Helper()
	out := lacking{config: config, image: image}
	c.private = nil
	state, bare := c.create(t, config, image)
	out.created = c.stored(c.refresh(t, state, bare))
	if name == "files" { // No engine reports them, and Terraform takes null for what is configured only from a resource that is new.
		return out
	}
	c.private = nil
	out.imported = c.stored(c.imported(t, bare, image))
	noChange(t, "imported, without it", c.planFrom(t, out.imported, config))
	out.refreshed = c.stored(c.refresh(t, out.imported.state, bare))
	return out
}

// noChange asserts that a plan changes nothing but these attributes, and replaces nothing.
func noChange(t *testing.T, when string, p planned, but ...string) {
	t.Helper()
	changed := slices.DeleteFunc(slices.Clone(p.changed), func(name string) bool { return slices.Contains(but, name) })
	if len(changed) > 0 || p.replace != nil {
		t.Errorf("%s: planned to change: %v, to replace: %v", when, p.changed, p.replace)
	}
}

// meansTheSame asserts that writing something down is no change to what was left out, and the other way round.
func (c *core) meansTheSame(t *testing.T, without lacking, with values, name string) {
	t.Helper()
	says := func(when string, p planned, but ...string) {
		t.Helper()
		noChange(t, fmt.Sprintf("%v, %s", with[name], when), p, but...)
	}
	fatalDiagnostics(t, c.validate(t, with))
	if name != "environment" || isZero(attributesOf(t, value(t, c.typ, with))[name]) { // Which variables are the image's only an import notes.
		// Terraform takes no null for what is configured: the state may write it down.
		says("created without it", c.planFrom(t, without.created, with), written(name)...)
	}
	c.private = nil
	state, made := c.create(t, with, without.image)
	refreshed := c.refresh(t, state, made)
	if differs := diffOf(t, state, refreshed); differs != nil {
		t.Errorf("%v: the refresh changed %v", with[name], differs)
	}
	says("created with it", c.plan(t, refreshed, with))
	if isZero(attributesOf(t, refreshed)[name]) {
		var but []string
		if name == "files" {
			but = written(name)
		}
		says("left out again", c.plan(t, refreshed, without.config), but...)
	}
	if name == "files" {
		return
	}
	says("imported, with it", c.planFrom(t, without.imported, with))
	says("refreshed after the import", c.planFrom(t, without.refreshed, with))
}

// written are the attributes that a plan changes which only writes one down.
func written(name string) []string {
	names := []string{name}
	for other, effect := range containerTables().effects {
		if effect == computed {
			names = append(names, other)
		}
	}
	return names
}

// A cleared entrypoint has two spellings.
func TestClearedEntrypoint(t *testing.T) {
	t.Parallel()
	for _, spelling := range [][]any{{}, {""}} {
		for _, other := range [][]any{{}, {""}} {
			config := minimal().with(values{"entrypoint": spelling, "command": []any{"serve"}})
			c := newCore(t)
			state, made := c.create(t, config, images()["rich image"])
			if made.Entrypoint == nil || len(made.Entrypoint) != 0 {
				t.Errorf("%q asks for the entrypoint %q", spelling, made.Entrypoint)
			}
			made.Entrypoint = nil // As an engine reports it.
			state = c.refresh(t, state, made)
			if p := c.plan(t, state, config.with(values{"entrypoint": other})); p.changed != nil {
				t.Errorf("%q to %q: planned to change: %v", spelling, other, p.changed)
			}
			imported := c.imported(t, made, images()["rich image"])
			if got := modelOf(t, imported).Entrypoint; got == nil || len(got) != 0 {
				t.Errorf("imported is the entrypoint %v", got)
			}
			if p := c.plan(t, imported, config.with(values{"entrypoint": other})); p.changed != nil {
				t.Errorf("imported, %q: planned to change: %v", other, p.changed)
			}
		}
	}
}

// Keeping what means the same never takes away what another change makes mean something.
func TestMeaningDependsOnTheRest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ from, to values }{
		"label=disable without privileged": {
			values{"privileged": true, "security_opt": []any{}}, values{"privileged": false, "security_opt": []any{"label=disable"}},
		},
		"the old image's user with another image": {values{"user": ""}, values{"image": "nginx:2", "user": "nobody"}},
	} {
		c := newCore(t)
		state, made := c.create(t, minimal().with(tt.from), images()["rich image"])
		state = c.refresh(t, state, made)
		p := c.plan(t, state, minimal().with(tt.to))
		for attribute, v := range tt.to {
			typ := c.typ.(tftypes.Object).AttributeTypes[attribute]
			if got := attributesOf(t, p.value)[attribute]; !got.Equal(value(t, typ, v)) {
				t.Errorf("%s: %s is planned as %s", name, attribute, got)
			}
		}
	}
}

// Labels of other tools are none of the configuration's until it names them.
func TestImportedLabelsOfOtherTools(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	_, made := c.create(t, minimal().with(values{"labels": values{"own": "1"}}), nil)
	maps.Copy(made.Labels, map[string]string{"com.docker.compose.project": "shop", "desktop.docker.io/binds/0/Source": "/c", "org.testcontainers": "true", "com.docker.stack.namespace": "s", "io.podman.compose.project": "p", "com.hashicorp.nomad.alloc_id": "a"})
	imported := c.imported(t, made, &container.ImageDefaults{})
	if got := expandMap(modelOf(t, imported).Labels); !reflect.DeepEqual(got, map[string]string{"own": "1"}) {
		t.Errorf("imported are the labels %v", got)
	}
	for _, labels := range []values{{"own": "1"}, {"own": "1", "com.docker.compose.project": "shop"}} {
		if p := c.plan(t, imported, minimal().with(values{"labels": labels})); p.changed != nil {
			t.Errorf("%v: planned to change: %v", labels, p.changed)
		}
	}
	if p := c.plan(t, imported, minimal().with(values{"labels": values{"own": "1", "com.docker.compose.project": "other"}})); p.replace == nil {
		t.Error("another project is no change")
	}
}
