// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// emptiesOfContainers are the rows of gantry_container: what means to leave an attribute out does so to every
// container that was made without it, of a bare image and of the rich one.
func emptiesOfContainers() map[string]emptyRow {
	also := func(list ...any) emptyRow { return emptyRow{also: list} }
	rows := map[string]emptyRow{
		"name":                   {refused: []any{""}, says: "letter or a digit"},
		"image":                  {refused: []any{""}, says: "[registry/]name"},
		"pull_policy":            also("missing"),
		"platform":               {},
		"engine":                 refusedEmpty("leave it out"),
		"entrypoint":             {own: []any{[]any{}, []any{""}}}, // Both take the image's away.
		"command":                {own: []any{[]any{""}}},          // One empty argument.
		"environment":            ownWords(),
		"environment_wo":         ownWords(),
		"environment_wo_version": {own: []any{0}, in: func(v any) values { return values{"environment_wo": values{"A": "1"}, "environment_wo_version": v} }},
		"labels":                 ownWords(),
		"networks":               also(values{"bridge": values{}}, values{"bridge": values{"aliases": []any{}, "links": []any{}, "ipv4_address": "", "driver_opts": values{}, "gw_priority": 0, "network": ""}}),
		"volumes_from":           wordless("container"),
		"restart":                also("no"),
		"restart_triggers":       ownWords(),
		"user":                   {},
		"working_dir":            {},
		"hostname":               also(containerID[:12]),
		"stop_signal":            {},
		"stop_grace_period":      {also: []any{"10s", "10000ms"}, own: []any{"0s"}},
		"desired_state":          also("running"),
		"expected_exit_codes":    {},
		"wait_for":               {},
		"update_order":           {},
		"remove_volumes":         {own: []any{false}, also: []any{true}},
		"wait_for_removal":       {own: []any{false}, also: []any{true}},
		"memory":                 also("0", "0b", "0m"),
		"memory_reservation":     also("0"),
		"memory_swap":            also("0"),
		"memory_swappiness":      {own: []any{0}, also: []any{-1}},
		"cpus":                   also(0.0),
		"cpu_shares":             also(1024),
		"cpu_quota":              also(-1),
		"cpu_period":             also(100000),
		"cpu_rt_period":          {},
		"cpu_rt_runtime":         {},
		"cpuset":                 {},
		"cpuset_mems":            {},
		"pids_limit":             also(-1),
		"oom_kill_disable":       {},
		"oom_score_adj":          {},
		"shm_size":               also("0", "64m", "65536k", "67108864"),
		"ulimits":                {refused: []any{values{"a": ""}}, says: "nofile"},
		"privileged":             {},
		"cap_add":                wordless("NET_ADMIN"),
		"cap_drop":               wordless("ALL"),
		"security_opt":           wordless("label=disable"),
		"group_add":              wordless("group"),
		"sysctls":                {refused: []any{values{"a": ""}}, says: "net.core.somaxconn"},
		"userns_mode":            {},
		"read_only":              {},
		"device_cgroup_rules":    wordless("189"),
		"gpus":                   {},
		"ipc":                    also("private"),
		"pid":                    {},
		"uts":                    {},
		"cgroup":                 also("host"),
		"cgroup_parent":          {},
		"runtime":                also("runc"),
		"init":                   {},
		"tty":                    {},
		"stdin_open":             {},
		"stdin_once":             {},
		"storage_opt":            ownWords(),
		"annotations":            ownWords(),
		"network_mode":           {also: []any{"bridge"}, in: func(v any) values { return values{"network_mode": v, "networks": nil} }},
		"domainname":             {},
		"extra_hosts":            also(values{"a": []any{}}),
		"dns":                    wordless("address"),
		"dns_search":             wordless("at least 1"),
		"dns_opt":                wordless("at least 1"),
		"publish_all_ports":      {},
		"expose":                 wordless("port"),
		"links":                  wordless("container"),
	}
	for name, row := range timeoutRows("", "create", "read", "update", "delete") {
		rows[strings.TrimPrefix(name, ".")] = row
	}
	for root, in := range withinContainers() {
		for name, row := range in.rows {
			if row.in == nil {
				row.in = func(v any) values { return values{root: in.around(values{name: v})} }
			}
			rows[root+"."+name] = row
		}
	}
	maps.Copy(rows, nestedObjects())
	return rows
}

// nestedRows are the rows of what is nested in an attribute, and what is around that.
type nestedRows struct {
	around func(values) any
	rows   map[string]emptyRow
}

// withinContainers are the rows of what is nested in attributes of gantry_container, by these.
func withinContainers() map[string]nestedRows {
	also := func(list ...any) emptyRow { return emptyRow{also: list} }
	alone := func(nested values) any { return nested }
	return map[string]nestedRows{
		"ports": {func(nested values) any { return []any{values{"target": "80"}.with(nested)} }, map[string]emptyRow{
			"target": refusedEmpty("port"), "published": also("0"), "host_ip": {}, "protocol": also("tcp"),
		}},
		"mounts": {func(nested values) any { return values{"/m": values{"type": "volume", "source": "data"}.with(nested)} }, map[string]emptyRow{
			"type": refusedEmpty("tmpfs"), "source": {in: func(v any) values { return values{"mounts": values{"/m": values{"type": "volume", "source": v}}} }},
			"read_only": {}, "consistency": also("default"),
		}},
		"networks": {func(nested values) any { return values{"front": nested} }, map[string]emptyRow{
			"network": also("front"), "aliases": wordless("at least 1"), "ipv4_address": {}, "ipv6_address": {}, "link_local_ips": wordless("address"), "mac_address": {},
			"links": wordless("container"), "driver_opts": ownWords(), "priority": {}, "gw_priority": {},
		}},
		"healthcheck": {func(nested values) any { return values{"test": []any{"CMD", "/check"}}.with(nested) }, map[string]emptyRow{
			"test":    {refused: []any{[]any{""}}, says: "CMD-SHELL", in: func(v any) values { return values{"healthcheck": values{"test": v}} }},
			"disable": {}, "interval": also("0s"), "timeout": also("0s", "0ms"), "start_period": also("0s"), "start_interval": also("0s"), "retries": {},
		}},
		"blkio_config": {alone, map[string]emptyRow{
			"weight": {}, "weight_device": {}, "device_read_bps": {refused: []any{values{"a": ""}}, says: "absolute"}, "device_read_iops": {},
			"device_write_bps": {refused: []any{values{"a": ""}}, says: "absolute"}, "device_write_iops": {},
		}},
		"logging": {alone, map[string]emptyRow{"driver": also("json-file"), "options": ownWords()}},
		"devices": {func(nested values) any { return values{"/dev/null": nested} }, map[string]emptyRow{
			"source": also("/dev/null"), "permissions": also("rwm", "mwr"),
		}},
		"files": {func(nested values) any { return values{"/f": values{"content": "x"}.with(nested)} }, map[string]emptyRow{
			"content":        {own: []any{""}},
			"content_base64": {own: []any{""}, in: func(v any) values { return values{"files": values{"/f": values{"content_base64": v}}} }},
			"content_wo":     {own: []any{""}, in: func(v any) values { return values{"files": values{"/f": values{"content_wo": v}}} }},
			"content_wo_version": {own: []any{0}, in: func(v any) values {
				return values{"files": values{"/f": values{"content_wo": "x", "content_wo_version": v}}}
			}},
			"source": {refused: []any{""}, says: "content_base64"}, "mode": also("0644", "644"), "uid": {}, "gid": {}, "restart_on_change": {},
		}},
	}
}

// nestedObjects are the rows of objects, and of what is nested in them.
func nestedObjects() map[string]emptyRow {
	rows := map[string]emptyRow{
		"ports": {}, "mounts": {}, "files": {}, "devices": {}, "device_requests": {},
		"healthcheck":  {also: []any{values{"test": []any{}}, values{"disable": false, "interval": "0s", "retries": 0}}},
		"blkio_config": {also: []any{values{"weight": 0}, values{"weight_device": values{}, "device_read_bps": values{}, "device_read_iops": values{}, "device_write_bps": values{}, "device_write_iops": values{}}}},
		"logging":      {also: []any{values{"driver": ""}, values{"driver": "json-file"}, values{"driver": "json-file", "options": values{}}}},
	}
	// An engine without such a driver creates the container, and can't start it.
	for name, row := range map[string]emptyRow{"driver": {}, "device_ids": wordless("device_ids"), "capabilities": {}, "options": ownWords()} {
		row.in = func(v any) values {
			request := values{"count": 1, "driver": "nvidia", "capabilities": []any{[]any{"gpu"}}}
			return values{"desired_state": "stopped", "device_requests": []any{request.with(values{name: v})}}
		}
		rows["device_requests."+name] = row
	}
	rows["device_requests.count"] = emptyRow{in: func(v any) values {
		return values{"desired_state": "stopped", "device_requests": []any{values{"driver": "cdi", "device_ids": []any{"a"}, "count": v}}}
	}}
	mount := func(mounted values, nested map[string]emptyRow) map[string]emptyRow {
		name, _ := mounted["type"].(string)
		at := func(changes values) values { return values{"mounts": values{"/" + name: mounted.with(changes)}} }
		out := map[string]emptyRow{"mounts." + name: {in: func(v any) values { return at(values{name: v}) }}}
		for attribute, row := range nested {
			row.in = func(v any) values { return at(values{name: values{attribute: v}}) }
			out["mounts."+name+"."+attribute] = row
		}
		return out
	}
	maps.Copy(rows, mount(values{"type": "bind", "source": "/tmp"}, map[string]emptyRow{
		"propagation": {also: []any{"rprivate"}}, "create_host_path": {}, "recursive": {also: []any{"enabled"}}, "selinux": {},
	}))
	maps.Copy(rows, mount(values{"type": "volume", "source": "data"}, map[string]emptyRow{
		"nocopy": {}, "subpath": {}, "labels": ownWords(), "driver": {}, "driver_opts": ownWords(), "selinux": {},
	}))
	maps.Copy(rows, mount(values{"type": "tmpfs"}, map[string]emptyRow{
		"size": {also: []any{"0"}}, "mode": {}, "uid": {own: []any{0}}, "gid": {own: []any{0}}, "exec": {}, "options": wordless("nr_inodes"),
	}))
	maps.Copy(rows, mount(values{"type": "image", "source": "data:1"}, map[string]emptyRow{"subpath": {}}))
	return rows
}

// EmptyContainers are configurations that together have every value that means to leave an attribute of
// gantry_container out, but for those of skip, each with as many as go together.
func EmptyContainers(skip func(attribute string) bool) []map[string]any {
	var containers []map[string]any
	types, rows := containerSchema(context.Background()).Type().TerraformType(context.Background()), emptiesOfContainers()
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		if skip(name) {
			continue
		}
		for _, v := range rows[name].same(typeAt(types, name)) {
			containers = pack(containers, rows[name].around(name, v))
		}
	}
	return containers
}

// pack adds a configuration to the first that says nothing else.
func pack(containers []map[string]any, config values) []map[string]any {
	for i, c := range containers {
		if both, ok := merge(values(c), config); ok {
			containers[i] = both
			return containers
		}
	}
	return append(containers, config)
}

// merge returns what two configurations say together, if they do not contradict each other.
func merge(a, b values) (both values, ok bool) {
	both = maps.Clone(a)
	for name, v := range b {
		had, found := both[name]
		inner, isMap := v.(values)
		outer, wasMap := had.(values)
		switch {
		case !found:
			both[name] = v
		case isMap && wasMap && len(inner) > 0 && len(outer) > 0:
			if both[name], ok = merge(outer, inner); !ok {
				return nil, false
			}
		case !reflect.DeepEqual(had, v):
			return nil, false
		}
	}
	return both, true
}

// typeAt is the type of an attribute, nested or not.
func typeAt(typ tftypes.Type, name string) tftypes.Type {
	for at := range strings.SplitSeq(name, ".") {
		if element, ok := elementType(typ); ok {
			typ = element
		}
		object, ok := typ.(tftypes.Object)
		if !ok {
			return typ
		}
		typ = object.AttributeTypes[at]
	}
	return typ
}
