// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// choices are values of the settings, in spellings that a person may use.
func choices() map[string][]any {
	return map[string][]any{
		"memory":              {"64m", "0.5g", "1073741824", "128MiB"},
		"memory_reservation":  {"32m", "16384k"},
		"memory_swap":         {"-1", "1g", "2048m"},
		"memory_swappiness":   {0, 60},
		"cpus":                {0.1, 1, 1.5},
		"cpu_shares":          {2, 512, 1024},
		"cpu_quota":           {1000, 50000, -1},
		"cpu_period":          {1000, 100000},
		"cpuset":              {"0", "1,0", "0-1,3"},
		"cpuset_mems":         {"0", "0,1"},
		"pids_limit":          {-1, 1, 100},
		"oom_kill_disable":    {true, false},
		"oom_score_adj":       {-1000, 0, 500},
		"shm_size":            {"64m", "65536k", "1g"},
		"ulimits":             {values{"nofile": "1024"}, values{"nofile": "10:10", "core": "0:-1"}, values{}},
		"blkio_config":        {values{"weight": 10}, values{"device_read_bps": values{"/dev/a": "1024k"}, "device_write_iops": values{"/dev/a": 1, "/dev/b": 2}}, values{"weight_device": values{"/dev/a": 1000}}},
		"privileged":          {true, false},
		"cap_add":             {[]any{"all"}, []any{"net_admin", "CAP_SYS_PTRACE"}, []any{}},
		"cap_drop":            {[]any{"CAP_CHOWN"}, []any{"Kill", "mknod"}},
		"security_opt":        {[]any{"no-new-privileges"}, []any{"label:disable", "seccomp=unconfined"}, []any{"label=user:me", "apparmor=unconfined", "no-new-privileges:false"}, []any{"systempaths=unconfined"}},
		"group_add":           {[]any{"1000"}, []any{"b", "a"}},
		"sysctls":             {values{"net.core.somaxconn": "1"}, values{}},
		"userns_mode":         {"host"},
		"read_only":           {true, false},
		"devices":             {values{"/dev/a": values{}}, values{"/dev/a": values{"source": "/dev/b", "permissions": "mr"}, "/dev/c": values{"permissions": "mwr"}}},
		"device_cgroup_rules": {[]any{"c 1:3 r", "a *:* rwm"}},
		"gpus":                {"all", "2"},
		"device_requests":     {[]any{values{"count": 1}}, []any{values{"device_ids": []any{"a"}, "capabilities": []any{[]any{"gpu"}}}, values{"driver": "cdi", "count": -1}}},
		"ipc":                 {"host", "private", "none", "container:web"},
		"pid":                 {"host", "container:web"},
		"uts":                 {"host"},
		"cgroup":              {"private"},
		"cgroup_parent":       {"/a"},
		"runtime":             {"runsc"},
		"init":                {true, false},
		"tty":                 {true, false},
		"stdin_open":          {true, false},
		"stdin_once":          {true, false},
		"logging":             {values{"driver": "local"}, values{"options": values{"max-size": "1m"}}, values{"driver": "journald", "options": values{"tag": ""}}},
		"storage_opt":         {values{"size": "1G"}},
		"annotations":         {values{"a": "b"}},
		"restart":             {"on-failure", "on-failure:3", "always"},
		"environment":         {values{"A": "1"}, values{"A": "", "B": "x=y"}},
		"labels":              {values{"a": ""}},
		"stop_signal":         {"SIGINT", "9"},
		"stop_grace_period":   {"60s", "1m30s"},
		"hostname":            {"a"},
		"links":               {[]any{"db"}, []any{"db:data", "cache"}, []any{}},
		"expose":              {[]any{"80"}, []any{"7000-7002", "53/udp"}, []any{}},
		"image":               {"nginx:2", "docker.io/library/redis"},
		"entrypoint":          {[]any{"/app"}, []any{"sh", "-c"}},
		"command":             {[]any{"serve"}, []any{"serve", "-v"}},
		"user":                {"1000", "me:us"},
		"working_dir":         {"/srv", "/srv/"},
		"domainname":          {"example.org"},
		"extra_hosts":         {values{"db": []any{"10.0.0.1"}}, values{"db": []any{"host-gateway", "::1"}}, values{}},
		"dns":                 {[]any{"10.0.0.1", "::1"}, []any{}},
		"dns_search":          {[]any{"example.org"}, []any{"."}, []any{}},
		"dns_opt":             {[]any{"ndots:2", "rotate"}, []any{}},
		"network_mode":        {"host", "none", "container:web"},
		"networks":            {values{"front": values{}}, values{"front": values{"network": "front", "aliases": []any{"b", "a"}}, "back": values{"ipv4_address": "10.0.0.5"}}},
		"publish_all_ports":   {true, false},
		"ports":               {[]any{values{"target": 80}}, []any{values{"target": 81, "published": "8081-8081", "host_ip": "0:0:0:0:0:0:0:1"}, values{"target": 53, "protocol": "udp"}}},
		"mounts":              {values{"/data": values{"type": "volume", "source": "data"}}, values{"/srv": values{"type": "bind", "source": "/srv/", "read_only": true}, "/tmp": values{"type": "tmpfs", "tmpfs": values{"size": "64m"}}}},
		"volumes_from":        {[]any{"web"}, []any{"web:ro", "db"}},
		"healthcheck":         {values{"test": []any{"CMD", "a"}, "interval": "60s"}, values{"test": []any{"CMD-SHELL", "a"}, "retries": 3}, values{"disable": true}},
		"cpu_rt_period":       {1000, 1000000},
		"cpu_rt_runtime":      {100, 950},
	}
}

// notChosen are the attributes that choices leaves out, and why.
func notChosen() map[string]string {
	const notSetting = "it is about operations, and no setting that an engine reports"
	return map[string]string{
		"name":                   "every configuration has it",
		"desired_state":          notSetting,
		"engine":                 "it says where the container is",
		"environment_wo":         "no state has it",
		"environment_wo_version": "it goes with environment_wo",
		"expected_exit_codes":    notSetting,
		"files":                  "no engine reports them",
		"platform":               "no engine reports whether somebody asked for it, so that an import leaves it out",
		"pull_policy":            notSetting,
		"remove_volumes":         notSetting,
		"restart_triggers":       notSetting,
		"timeouts":               notSetting,
		"update_order":           notSetting,
		"wait_for":               notSetting,
		"wait_for_removal":       notSetting,
	}
}

// A new attribute has values in choices, so that the tests of random configurations have it.
func TestEveryAttributeHasChoices(t *testing.T) {
	t.Parallel()
	all, left := choices(), notChosen()
	for name, effect := range containerTables().effects {
		if effect == computed || strings.Contains(name, ".") {
			continue
		}
		_, out := left[name]
		switch {
		case len(all[name]) == 0 && !out:
			t.Errorf("choices in property_test.go has no values of %s: without them no random configuration has it, and nothing finds that expand or flatten lacks it", name)
		case len(all[name]) > 0 && out:
			t.Errorf("%s has values in choices, and is in notChosen, too", name)
		}
		delete(all, name)
		delete(left, name)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Errorf("choices has %s, which is no attribute that can be configured", name)
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		t.Errorf("notChosen has %s, which is no attribute that can be configured", name)
	}
}

// Whatever valid configuration: the engine's report of it is no drift, and the plan after it is empty.
// After an import the plan replaces nothing, and writes down only what is the default anyway.
func TestAnyConfigurationGoesRound(t *testing.T) {
	t.Parallel()
	c, all := newCore(t), choices()
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		config := minimal()
		for name, list := range all {
			if random.IntN(3) == 0 {
				config[name] = list[random.IntN(len(list))]
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

// What goes to the background conductor is what was asked for.
func TestSpecHasEverySetting(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	for name, list := range choices() {
		for _, v := range list {
			with, without := minimal().with(values{name: v}), minimal()
			if name == "memory_swap" {
				with["memory"], without["memory"] = "64m", "64m"
			}
			none := modelOf(t, c.plan(t, tftypes.NewValue(c.typ, nil), without).value)
			some := modelOf(t, c.plan(t, tftypes.NewValue(c.typ, nil), with).value)
			d := container.EngineDefaults{}
			same := cmp.Equal(none.expand().Plain(d), some.expand().Plain(d))
			if same && !isNothing(v) {
				t.Errorf("%s = %v gets lost", name, v)
			}
		}
	}
}

func isNothing(v any) bool {
	switch v := v.(type) {
	case values:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return v == -1 || v == 0 || v == false || v == "private" || v == "64m" || v == "65536k"
}
