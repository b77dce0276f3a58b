// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// gives changes what an engine reports of a container that asks for nothing into what an engine with a
// configuration of its own (daemon.json) reports of it.
func gives(made *container.Container) {
	made.ShmSize, made.IPC, made.Cgroup = 128<<20, "shareable", "private"
	made.Ulimits = map[string]container.Ulimit{"nofile": {Soft: 2048, Hard: 4096}, "nproc": {Soft: 100, Hard: 100}}
	made.Logging = &container.Logging{Driver: "json-file", Options: map[string]string{"max-size": "5m", "max-file": "3"}}
}

// What an engine is configured to give to everybody is no difference, left out or written down, of a container of
// gantry's or an imported one; something else is.
func TestWhatTheEngineGives(t *testing.T) {
	t.Parallel()
	given := values{
		"shm_size": "128m", "ipc": "shareable", "cgroup": "private", "ulimits": values{"nofile": "2048:4096", "nproc": "100"},
		"logging": values{"driver": "json-file", "options": values{"max-size": "5m", "max-file": "3"}},
	}
	partly := minimal().with(values{"ulimits": values{"nproc": "100"}, "logging": values{"options": values{"max-file": "3"}}})
	others := values{
		"shm_size": "64m", "ipc": "private", "cgroup": "host", "ulimits": values{"nofile": "2048:4097"}, "logging": values{"options": values{"max-size": "6m"}},
	}
	for _, imported := range []bool{false, true} {
		c := newCore(t)
		state, made := c.create(t, minimal(), nil)
		gives(made)
		if imported {
			state = c.imported(t, made, &container.ImageDefaults{})
		}
		state = c.refresh(t, state, made)
		if p := c.plan(t, state, minimal()); p.changed != nil {
			t.Errorf("imported %t: planned to change: %v", imported, p.changed)
		}
		for _, config := range []values{minimal().with(given), partly} {
			p := c.plan(t, state, config)
			if p.replace != nil || imported && p.changed != nil {
				t.Errorf("imported %t, %v: planned to change: %v, to replace: %v", imported, config, p.changed, p.replace)
			}
			// It is what the engine gives also after it was written down.
			after := c.refresh(t, p.value, made)
			if p := c.plan(t, after, minimal()); p.replace != nil {
				t.Errorf("imported %t, %v left out again: to replace: %v", imported, config, p.replace)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(others)) {
			if p := c.plan(t, state, minimal().with(values{name: others[name]})); !slices.Equal(p.replace, []string{name}) {
				t.Errorf("imported %t: %s = %v replaces because of %v", imported, name, others[name], p.replace)
			}
		}
	}
}

// What somebody asked for is not the engine's: to take it away replaces. The next container has what the engine
// gives to that one.
func TestWhatWasAskedForIsNotGiven(t *testing.T) {
	t.Parallel()
	asked := minimal().with(values{"shm_size": "1g", "ulimits": values{"nofile": "10"}})
	c := newCore(t)
	state, made := c.create(t, asked, nil)
	gives(made)
	made.ShmSize = 1 << 30
	made.Ulimits["nofile"] = container.Ulimit{Soft: 10, Hard: 10}
	state = c.refresh(t, state, made)
	if p := c.plan(t, state, minimal()); !slices.Equal(p.replace, []string{"shm_size", "ulimits"}) {
		t.Errorf("replaced because of %v", p.replace)
	}
	if p := c.plan(t, state, asked.with(values{"ulimits": values{"nofile": "10", "nproc": "100"}})); p.replace != nil {
		t.Errorf("what the engine gives beside it replaces because of %v", p.replace)
	}
	next, made := c.create(t, minimal(), nil)
	gives(made)
	made.ID = networkID
	next = c.refresh(t, next, made)
	if p := c.plan(t, next, minimal().with(values{"shm_size": "128m"})); p.replace != nil {
		t.Errorf("of the next container replaces %v", p.replace)
	}
}

// What an import took for the engine's may have been asked for: a plan that replaces the container names what the
// configuration does not have of it, until another container is there.
func TestReplacementOfAnImportNamesWhatIsGiven(t *testing.T) {
	t.Parallel()
	all := []string{
		`shm_size = "128m"`, `ulimits = { nofile = "2048:4096", nproc = "100" }`, `logging = { options = { "max-file" = "3", "max-size" = "5m" } }`, `ipc = "shareable"`,
	}
	partly := values{"shm_size": "128m", "ulimits": values{"nproc": "100"}, "logging": values{"options": values{"max-file": "3"}}}
	for _, tt := range []struct {
		name     string
		imported bool
		plain    bool
		config   values
		want     []string
	}{
		{"of gantry's own", false, false, values{"image": "other"}, nil},
		{"imported", true, false, values{"image": "other"}, all},
		{"imported, kept", true, false, values{"memory": "64m"}, nil},
		{"imported, what an engine without a configuration gives", true, true, values{"image": "other"}, nil},
		{"imported, partly written down", true, false, partly.with(values{"image": "other"}), []string{`ulimits = { nofile = "2048:4096" }`, `logging = { options = { "max-size" = "5m" } }`, `ipc = "shareable"`}},
		{"imported, another log driver", true, false, values{"logging": values{"driver": "local"}}, []string{all[0], all[1], all[3]}},
		{"imported, an exchange keeps all", true, false, values{"image": "other", "update_order": "stop-first"}, nil},
	} {
		c := newCore(t)
		state, made := c.create(t, minimal(), nil)
		made.Defaults.Cgroup = "private"
		gives(made)
		if tt.plain {
			made.ShmSize, made.IPC, made.Ulimits, made.Logging.Options = 64<<20, "private", nil, nil
		}
		if tt.imported {
			state = c.imported(t, made, &container.ImageDefaults{})
		}
		state = c.refresh(t, state, made)
		var got []string
		for _, d := range c.answer(t, state, minimal().with(tt.config)).Diagnostics {
			if strings.Contains(d.Summary, "may lose settings") {
				_, list, _ := strings.Cut(d.Detail, "\n\n")
				got = strings.Split(list, "\n")
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: the plan names %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestNoNewPrivilegesOfTheEngine(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	state, made := c.create(t, minimal(), nil)
	made.Defaults.NoNewPrivileges = true
	state = c.refresh(t, state, made)
	if p := c.plan(t, state, minimal().with(values{"security_opt": []any{"no-new-privileges"}})); p.replace != nil {
		t.Errorf("replaced because of %v", p.replace)
	}
	if p := c.plan(t, state, minimal().with(values{"security_opt": []any{"no-new-privileges=false"}})); !slices.Equal(p.replace, []string{"security_opt"}) {
		t.Errorf("to allow what the engine does not replaces because of %v", p.replace)
	}
}

// An image of another platform than the host's comes only if it is asked for: an import says so, and the plan after
// it is empty whether the configuration does or not.
func TestImportOfAForeignPlatform(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ host, image, want string }{
		{"linux/amd64", "linux/arm64", "linux/arm64"},
		{"linux/amd64", "linux/arm/v7", "linux/arm/v7"},
		{"linux/arm64", "linux/arm64/v8", ""},
		{"linux/amd64", "linux/amd64", ""},
		{"", "linux/arm64", ""},
	} {
		c := newCore(t)
		_, made := c.create(t, minimal(), nil)
		made.Defaults.Platform = tt.host
		state := c.imported(t, made, &container.ImageDefaults{Settings: container.Settings{Platform: tt.image}})
		if got := modelOf(t, state).Platform.ValueString(); got != tt.want {
			t.Errorf("of %s on %s the import has the platform %q, want %q", tt.image, tt.host, got, tt.want)
		}
		for _, config := range []values{minimal(), minimal().with(values{"platform": tt.image})} {
			if p := c.plan(t, state, config); p.changed != nil {
				t.Errorf("of %s on %s with %v planned to change: %v", tt.image, tt.host, config, p.changed)
			}
		}
	}
}
