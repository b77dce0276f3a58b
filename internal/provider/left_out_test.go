// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
)

// meansNothing has, for every setting of a container, the values that mean what leaving it out means: to
// every container that was made without it, of a bare image and of the rich one. A nil list says why
// there is none.
func meansNothing() map[string][]any {
	none, empty := []any{[]any{}}, []any{values{}}
	return map[string][]any{
		"name": nil, "image": nil, // Required.
		"platform":            {""},
		"entrypoint":          nil, // [] takes the image's away.
		"command":             none,
		"environment":         empty,
		"labels":              empty,
		"ports":               none,
		"mounts":              empty,
		"networks":            {values{}, values{"bridge": values{}}, values{"bridge": values{"aliases": []any{}, "links": []any{}, "ipv4_address": "", "driver_opts": values{}, "gw_priority": 0, "network": ""}}},
		"volumes_from":        none,
		"healthcheck":         {values{}, values{"test": []any{}}, values{"disable": false, "interval": "0s", "retries": 0}},
		"restart":             {"", "no"},
		"user":                {""},
		"working_dir":         {""},
		"hostname":            {"", containerID[:12]},
		"stop_signal":         {""},
		"stop_grace_period":   nil, // "10s" is the engine's, but a state has no other form of it.
		"desired_state":       {"running"},
		"memory":              {"", "0", "0b", "0m"},
		"memory_reservation":  {"", "0"},
		"memory_swap":         {"", "0"},
		"memory_swappiness":   {-1},
		"cpus":                {0, 0.0},
		"cpu_shares":          {0, 1024},
		"cpu_quota":           {0, -1},
		"cpu_period":          {0, 100000},
		"cpu_rt_period":       {0},
		"cpu_rt_runtime":      {0},
		"cpuset":              {""},
		"cpuset_mems":         {""},
		"pids_limit":          {0, -1},
		"blkio_config":        {values{}, values{"weight": 0}, values{"weight_device": values{}, "device_read_bps": values{}, "device_read_iops": values{}, "device_write_bps": values{}, "device_write_iops": values{}}},
		"oom_kill_disable":    {false},
		"oom_score_adj":       {0},
		"shm_size":            {"", "0", "64m", "65536k", "67108864"},
		"ulimits":             empty,
		"privileged":          {false},
		"cap_add":             none,
		"cap_drop":            none,
		"security_opt":        none,
		"group_add":           none,
		"sysctls":             empty,
		"userns_mode":         {""},
		"read_only":           {false},
		"devices":             empty,
		"device_cgroup_rules": none,
		"device_requests":     none,
		"gpus":                {""},
		"ipc":                 {"", "private"},
		"pid":                 {""},
		"uts":                 {""},
		"cgroup":              {"", "host"},
		"cgroup_parent":       {""},
		"runtime":             {"", "runc"},
		"init":                {false},
		"tty":                 {false},
		"stdin_open":          {false},
		"logging":             {values{}, values{"driver": ""}, values{"driver": "json-file"}, values{"driver": "json-file", "options": values{}}},
		"storage_opt":         empty,
		"annotations":         empty,
		"network_mode":        {"", "bridge"},
		"domainname":          {""},
		"extra_hosts":         empty,
		"dns":                 none,
		"dns_search":          none,
		"dns_opt":             none,
		"publish_all_ports":   {false},
		"expose":              none,
		"links":               none,
	}
}

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

// A new setting has to say what leaving it out means.
func TestEverySettingSaysWhatMeansNothing(t *testing.T) {
	t.Parallel()
	table, rows := containerTable(), meansNothing()
	for name, a := range containerSchema(t.Context()).Attributes {
		if !isSetting(name, table[name]) || a.IsWriteOnly() {
			continue
		}
		list, ok := rows[name]
		if !ok {
			t.Errorf("no row says what means the same as leaving %s out", name)
		}
		zeroed := false
		for _, v := range list {
			zeroed = zeroed || value(t, a.GetType().TerraformType(t.Context()), v).Equal(zero(name, a.GetType().TerraformType(t.Context())))
		}
		if hasZero(name, table[name], a) != (zeroed && a.IsOptional() && name != "restart") {
			t.Errorf("%s: the zero means to leave it out: %t; it is in the row: %t", name, hasZero(name, table[name], a), zeroed)
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("%s has a row and is no setting", name)
	}
}

// What means nothing passes, asks for nothing, and is no change: to one that was created without it, or
// with it, or imported, and in whatever order it is written down and left out again.
func TestWhatMeansNothingIsNoChange(t *testing.T) {
	t.Parallel()
	own := imagesOwn()
	for name, list := range meansNothing() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, rich := newCore(t), images()["rich image"]
			for _, v := range append(list, own[name]...) {
				c.meansTheSame(t, rich, minimal(), minimal().with(values{name: v}), name)
			}
		})
	}
}

// meansTheSame asserts it of a configuration that leaves something out and of one that writes it down.
func (c *core) meansTheSame(t *testing.T, image *conductor.ImageDefaults, without, with values, name string) {
	t.Helper()
	says := func(when string, p planned, mayWrite bool) {
		t.Helper()
		changed := slices.DeleteFunc(slices.Clone(p.changed), func(other string) bool {
			_, byEngine := computedAttributes()[other]
			return mayWrite && (other == name || byEngine)
		})
		if len(changed) > 0 || p.replace != nil {
			t.Errorf("%v, %s: planned to change: %v, to replace: %v", with[name], when, p.changed, p.replace)
		}
	}
	fatalDiagnostics(t, c.validate(t, with))
	c.private = nil
	state, made := c.create(t, without, image)
	state = c.refresh(t, state, made)
	if name != "environment" || isZero(attributesOf(t, value(t, c.typ, with))[name]) { // Which variables are the image's only an import notes.
		// Terraform takes no null for what is configured: the state may write it down.
		says("created without it", c.plan(t, state, with), true)
	}
	c.private = nil
	state, made = c.create(t, with, image)
	refreshed := c.refresh(t, state, made)
	if differs := diffOf(t, state, refreshed); differs != nil {
		t.Errorf("%v: the refresh changed %v", with[name], differs)
	}
	says("created with it", c.plan(t, refreshed, with), false)
	if isZero(attributesOf(t, refreshed)[name]) {
		says("left out again", c.plan(t, refreshed, without), false)
	}
	c.private = nil
	_, made = c.create(t, without, image)
	imported := c.imported(t, made, image)
	says("imported, without it", c.plan(t, imported, without), false)
	says("imported, with it", c.plan(t, imported, with), false)
	says("refreshed after the import", c.plan(t, c.refresh(t, imported, made), with), false)
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
	maps.Copy(made.Labels, map[string]string{"com.docker.compose.project": "shop", "desktop.docker.io/binds/0/Source": "/c", "org.testcontainers": "true", "com.docker.stack.namespace": "s"})
	imported := c.imported(t, made, &conductor.ImageDefaults{})
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
