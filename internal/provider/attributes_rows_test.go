// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/blkiodev"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// fixtures are what the rows of the attributes need on the engine, and beside Terraform.
type fixtures struct {
	image, otherImage string
	// donor is a container of somebody else's, with a volume.
	donor string
	// front and back are networks; front has the subnets that v4 and v6 begin.
	front, back, v4, v6 string
	volume, otherVolume string
	// directory is one of the host.
	folder string
	// source and otherSource are files with the contents "one" and "two".
	source, otherSource string
	ports               pair
	// name makes a name for what a row itself makes.
	name func(suffix string) string
}

// attributeRows has a row for every attribute of gantry_container that a configuration can have.
func attributeRows(f fixtures) map[string]attributeRow {
	rows := make(map[string]attributeRow)
	for _, family := range []map[string]attributeRow{
		identityRows(f), mannerRows(), processRows(), limitRows(), blkioRows(), securityRows(), deviceRows(), namespaceRows(),
		networkingRows(f), networkRows(f), portRows(f), mountRows(f), healthcheckRows(), fileRows(f),
	} {
		for name, row := range family {
			rows[name] = row
		}
	}
	return rows
}

// identityRows are what the container is, and what runs in it.
func identityRows(f fixtures) map[string]attributeRow {
	sleep, other := fmt.Sprintf("[%q]", enginetest.Program), fmt.Sprintf("[%q, \"sleep\"]", enginetest.Program)
	return map[string]attributeRow{
		"name": {
			values: pair{quoted(f.name("first")), quoted(f.name("second"))}, seen: func(l look) any { return l.Name },
			want:    pair{quoted("/" + f.name("first")), quoted("/" + f.name("second"))},
			outside: renamed(f.name("third")), shows: []string{"id", "name"},
		},
		"image": {values: pair{quoted(f.image), quoted(f.otherImage)}, seen: config("Image"), want: pair{quoted(f.image), quoted(f.otherImage)}},
		"platform": {
			values: pair{"", quoted("linux/" + runtime.GOARCH)}, want: pair{`""`, quoted("linux/" + runtime.GOARCH)},
			// The engine does not report it.
			seen: func(l look) any { return l.asked[0].Query.Get("platform") },
		},
		"entrypoint":  {values: pair{sleep, other}, seen: config("Entrypoint"), want: pair{sleep, other}},
		"command":     {values: pair{`["sleep"]`, `["sleep", ""]`}, seen: config("Cmd"), want: pair{`["sleep"]`, `["sleep", ""]`}},
		"environment": {values: pair{`{ A = "1" }`, `{ A = "2" }`}, seen: variable("A"), want: pair{`"A=1"`, `"A=2"`}},
		"environment_wo": {
			values: pair{`{ SECRET = "1" }`, `{ SECRET = "2" }`}, beside: "environment_wo_version = 1", nothing: true,
			seen: variable("SECRET"), want: pair{`"SECRET=1"`, `"SECRET=1"`},
		},
		"environment_wo_version": {
			lines: pair{"environment_wo = { SECRET = \"1\" }\nenvironment_wo_version = 1", "environment_wo = { SECRET = \"2\" }\nenvironment_wo_version = 2"},
			seen:  variable("SECRET"), want: pair{`"SECRET=1"`, `"SECRET=2"`},
		},
		"labels":            {values: pair{`{ a = "1" }`, `{ a = "2" }`}, seen: func(l look) any { return l.Config.Labels["a"] }, want: pair{`"1"`, `"2"`}},
		"user":              {values: pair{"", `"1000:1000"`}, seen: config("User"), want: pair{`""`, `"1000:1000"`}},
		"working_dir":       {values: pair{`"/a"`, `"/b"`}, seen: config("WorkingDir"), want: pair{`"/a"`, `"/b"`}},
		"hostname":          {values: pair{`"a"`, `"b.test"`}, seen: config("Hostname"), want: pair{`"a"`, `"b.test"`}},
		"stop_signal":       {values: pair{`"SIGINT"`, `"SIGUSR1"`}, seen: config("StopSignal"), want: pair{`"SIGINT"`, `"SIGUSR1"`}},
		"stop_grace_period": {values: pair{`"5s"`, `"1m"`}, seen: config("StopTimeout"), want: pair{"5", "60"}},
		"volumes_from": {
			values: pair{fmt.Sprintf("[%q]", f.donor), fmt.Sprintf("[%q]", f.donor+":ro")}, seen: host("VolumesFrom"),
			want: pair{fmt.Sprintf("[%q]", f.donor), fmt.Sprintf("[%q]", f.donor+":ro")},
		},
	}
}

// mannerRows are the power state, and how gantry goes about it all.
func mannerRows() map[string]attributeRow {
	created := pair{`"created"`, `"created"`}
	manner := func(first, second string) attributeRow {
		return attributeRow{values: pair{first, second}, seen: status, want: created}
	}
	rows := map[string]attributeRow{
		"pull_policy":      manner(`"missing"`, `"never"`),
		"wait_for":         manner("", `"ready"`),
		"remove_volumes":   manner("false", "true"),
		"wait_for_removal": manner("false", "true"),
		"update_order":     manner("", `"stop-first"`),
		"expected_exit_codes": {
			values: pair{"[0]", "[0, 3]"}, beside: "desired_state = \"completed\"\ncommand = [\"exit\", \"0\"]", runs: true,
			seen: status, want: pair{`"exited"`, `"exited"`},
		},
		"desired_state": {
			values: pair{`"running"`, `"paused"`}, runs: true, seen: status, want: pair{`"running"`, `"paused"`}, outside: unpaused,
		},
		"restart_triggers": {values: pair{`{ a = "1" }`, `{ a = "2" }`}, runs: true, seen: starts, want: pair{"1", "2"}},
		"restart": {
			values: pair{`"no"`, `"on-failure:3"`}, runs: true, seen: host("RestartPolicy"),
			want:    pair{`{"Name":"no","MaximumRetryCount":0}`, `{"Name":"on-failure","MaximumRetryCount":3}`},
			outside: updated(container.UpdateConfig{RestartPolicy: container.RestartPolicy{Name: "always"}}),
		},
	}
	for _, operation := range []string{"create", "read", "update", "delete"} {
		row := manner(`"1m"`, `"2m"`)
		row.within = "timeouts = { %s }"
		rows["timeouts."+operation] = row
	}
	return rows
}

func processRows() map[string]attributeRow {
	return map[string]attributeRow{
		"init":       {values: pair{"false", "true"}, seen: host("Init"), want: pair{"false", "true"}},
		"tty":        {values: pair{"", "true"}, seen: config("Tty"), want: pair{"false", "true"}},
		"stdin_open": {values: pair{"", "true"}, seen: config("OpenStdin"), want: pair{"false", "true"}},
		"stdin_once": {values: pair{"", "true"}, seen: config("StdinOnce"), want: pair{"false", "true"}},
		"logging.driver": {
			within: "logging = { %s }", values: pair{`"json-file"`, `"local"`}, seen: func(l look) any { return l.HostConfig.LogConfig.Type }, want: pair{`"json-file"`, `"local"`},
		},
		"logging.options": {
			within: "logging = { %s }", values: pair{`{ max-size = "1m" }`, `{ max-size = "2m" }`},
			seen: func(l look) any { return l.HostConfig.LogConfig.Config }, want: pair{`{"max-size":"1m"}`, `{"max-size":"2m"}`},
		},
		"storage_opt": {
			values: pair{`{ size = "1G" }`, `{ size = "2G" }`}, seen: host("StorageOpt"), want: pair{`{"size":"1G"}`, `{"size":"2G"}`},
			// Storage drivers have options of their own, and many have none.
			refuses: func(h *container.HostConfig) { h.StorageOpt = map[string]string{"size": "1G"} },
		},
		"annotations": {values: pair{`{ a = "1" }`, `{ a = "2" }`}, seen: host("Annotations"), want: pair{`{"a":"1"}`, `{"a":"2"}`}, api: "1.43"},
	}
}

func limitRows() map[string]attributeRow {
	const mb = 1 << 20
	const cgroup2 = "cgroup version 2 does not have it"
	resources := func(r container.Resources) outsider { return updated(container.UpdateConfig{Resources: r}) }
	pids := int64(10)
	const realtime = "a kernel without real-time groups"
	return map[string]attributeRow{
		"memory": {
			values: pair{`"64m"`, `"256m"`}, runs: true, seen: host("Memory"), without: "0", want: pair{"67108864", "268435456"}, outside: resources(container.Resources{Memory: 96 * mb}),
		},
		"memory_reservation": {
			values: pair{`"32m"`, `"64m"`}, runs: true, seen: host("MemoryReservation"), without: "0", want: pair{"33554432", "67108864"},
			outside: resources(container.Resources{MemoryReservation: 48 * mb}),
		},
		"memory_swap": {
			values: pair{`"96m"`, `"-1"`}, beside: `memory = "64m"`, runs: true, seen: host("MemorySwap"), without: "134217728", want: pair{"100663296", "-1"},
			outside: resources(container.Resources{MemorySwap: 128 * mb}),
		},
		"memory_swappiness": {values: pair{"60", "0"}, seen: host("MemorySwappiness"), want: pair{"60", "0"}, discards: cgroup2},
		"cpus":              {values: pair{"", "0.5"}, runs: true, seen: host("NanoCPUs"), without: "0", want: pair{"0", "500000000"}, outside: resources(container.Resources{NanoCPUs: 25e7})},
		"cpu_shares":        {values: pair{"", "256"}, runs: true, seen: host("CPUShares"), without: "0", want: pair{"0", "256"}, outside: resources(container.Resources{CPUShares: 128})},
		"cpu_quota":         {values: pair{"50000", "25000"}, runs: true, seen: host("CPUQuota"), without: "-1", want: pair{"50000", "25000"}, outside: resources(container.Resources{CPUQuota: 10000})},
		"cpu_period": {
			values: pair{"100000", "50000"}, beside: "cpu_quota = 25000", runs: true, seen: host("CPUPeriod"), without: "0", want: pair{"100000", "50000"},
			outside: resources(container.Resources{CPUPeriod: 80000}),
		},
		"cpu_rt_period": {
			values: pair{"1000000", "500000"}, seen: host("CPURealtimePeriod"), without: "0", want: pair{"1000000", "500000"}, discards: realtime,
			outside: resources(container.Resources{CPURealtimePeriod: 700000}), refuses: func(h *container.HostConfig) { h.CPURealtimePeriod = 1000000 },
		},
		"cpu_rt_runtime": {
			values: pair{"1000", "2000"}, seen: host("CPURealtimeRuntime"), without: "0", want: pair{"1000", "2000"}, discards: realtime,
			outside: resources(container.Resources{CPURealtimeRuntime: 3000}), refuses: func(h *container.HostConfig) { h.CPURealtimeRuntime = 1000 },
		},
		"cpuset": {values: pair{`"0"`, `"0-1"`}, runs: true, seen: host("CpusetCpus"), without: `""`, want: pair{`"0"`, `"0-1"`}, outside: resources(container.Resources{CpusetCpus: "1"})},
		// Other nodes than the first are not on every machine; another spelling is none to a limit that is not there.
		"cpuset_mems":      {values: pair{"", `"0"`}, runs: true, seen: host("CpusetMems"), without: `""`, want: pair{`""`, `"0"`}},
		"pids_limit":       {values: pair{"100", "50"}, runs: true, seen: host("PidsLimit"), without: "0", want: pair{"100", "50"}, outside: resources(container.Resources{PidsLimit: &pids})},
		"oom_kill_disable": {values: pair{"false", "true"}, beside: `memory = "64m"`, seen: host("OomKillDisable"), want: pair{"false", "true"}, discards: cgroup2},
		"oom_score_adj":    {values: pair{"", "500"}, seen: host("OomScoreAdj"), want: pair{"0", "500"}},
		"shm_size":         {values: pair{"", `"32m"`}, seen: host("ShmSize"), want: pair{"67108864", "33554432"}},
		"ulimits": {
			values: pair{`{ nofile = "1024" }`, `{ nofile = "1024:2048" }`}, seen: host("Ulimits"),
			want: pair{`[{"Name":"nofile","Hard":1024,"Soft":1024}]`, `[{"Name":"nofile","Hard":2048,"Soft":1024}]`},
		},
	}
}

// blkioRows bound and weigh a device that is on every machine; none of these containers can run with it.
func blkioRows() map[string]attributeRow {
	const discards = "a kernel without weights of block devices"
	rows := map[string]attributeRow{
		"blkio_config.weight": {
			within: "blkio_config = { %s }", values: pair{"300", "600"}, seen: host("BlkioWeight"), without: "0", want: pair{"300", "600"}, discards: discards,
		},
		"blkio_config.weight_device": {
			within: "blkio_config = { %s }", values: pair{`{ "/dev/null" = 300 }`, `{ "/dev/null" = 600 }`},
			seen: host("BlkioWeightDevice"), want: pair{`[{"Path":"/dev/null","Weight":300}]`, `[{"Path":"/dev/null","Weight":600}]`}, discards: discards,
			refuses: func(h *container.HostConfig) {
				h.BlkioWeightDevice = []*blkiodev.WeightDevice{{Path: "/dev/null", Weight: 300}}
			},
		},
	}
	for name, field := range map[string]string{"device_read_iops": "BlkioDeviceReadIOps", "device_write_iops": "BlkioDeviceWriteIOps"} {
		rows["blkio_config."+name] = attributeRow{
			within: "blkio_config = { %s }", values: pair{`{ "/dev/null" = 10 }`, `{ "/dev/null" = 20 }`},
			seen: host(field), want: pair{`[{"Path":"/dev/null","Rate":10}]`, `[{"Path":"/dev/null","Rate":20}]`},
		}
	}
	for name, field := range map[string]string{"device_read_bps": "BlkioDeviceReadBps", "device_write_bps": "BlkioDeviceWriteBps"} {
		rows["blkio_config."+name] = attributeRow{
			within: "blkio_config = { %s }", values: pair{`{ "/dev/null" = "1k" }`, `{ "/dev/null" = "2k" }`},
			seen: host(field), want: pair{`[{"Path":"/dev/null","Rate":1024}]`, `[{"Path":"/dev/null","Rate":2048}]`},
		}
	}
	return rows
}

func securityRows() map[string]attributeRow {
	return map[string]attributeRow{
		"privileged": {values: pair{"", "true"}, seen: host("Privileged"), want: pair{"false", "true"}},
		"cap_add": {
			values: pair{`["net_admin"]`, `["CAP_NET_ADMIN", "SYS_TIME"]`}, seen: capabilities(func(h *container.HostConfig) []string { return h.CapAdd }),
			want: pair{`["NET_ADMIN"]`, `["NET_ADMIN","SYS_TIME"]`},
		},
		"cap_drop": {
			values: pair{`["CHOWN"]`, `["ALL"]`}, seen: capabilities(func(h *container.HostConfig) []string { return h.CapDrop }), want: pair{`["CHOWN"]`, `["ALL"]`},
		},
		"security_opt": {
			values: pair{`["no-new-privileges"]`, `["label=disable", "no-new-privileges"]`},
			seen:   func(l look) any { return slices.Sorted(slices.Values(l.HostConfig.SecurityOpt)) }, want: pair{`["no-new-privileges"]`, `["label=disable","no-new-privileges"]`},
		},
		"group_add": {values: pair{`["44"]`, `["44", "1000"]`}, seen: func(l look) any { return slices.Sorted(slices.Values(l.HostConfig.GroupAdd)) }, want: pair{`["44"]`, `["1000","44"]`}},
		"sysctls": {
			values: pair{`{ "net.ipv4.ip_forward" = 1 }`, `{ "net.ipv4.ip_forward" = 0 }`}, seen: host("Sysctls"),
			want: pair{`{"net.ipv4.ip_forward":"1"}`, `{"net.ipv4.ip_forward":"0"}`},
		},
		"userns_mode": {values: pair{"", `"host"`}, seen: host("UsernsMode"), want: pair{`""`, `"host"`}},
		"read_only":   {values: pair{"", "true"}, seen: host("ReadonlyRootfs"), want: pair{"false", "true"}},
	}
}

func deviceRows() map[string]attributeRow {
	request := func(get func(container.DeviceRequest) any) func(look) any {
		return func(l look) any { return get(l.HostConfig.DeviceRequests[0]) }
	}
	const requests = "device_requests = [{ count = 1, %s }]"
	const device = `{"PathOnHost":%q,"PathInContainer":"/dev/x","CgroupPermissions":%q}`
	return map[string]attributeRow{
		"devices.source": {
			within: `devices = { "/dev/x" = { %s } }`, values: pair{`"/dev/null"`, `"/dev/zero"`}, seen: host("Devices"),
			want: pair{"[" + fmt.Sprintf(device, "/dev/null", "rwm") + "]", "[" + fmt.Sprintf(device, "/dev/zero", "rwm") + "]"},
		},
		"devices.permissions": {
			within: `devices = { "/dev/x" = { source = "/dev/null", %s } }`, values: pair{"", `"r"`}, seen: host("Devices"),
			want: pair{"[" + fmt.Sprintf(device, "/dev/null", "rwm") + "]", "[" + fmt.Sprintf(device, "/dev/null", "r") + "]"},
		},
		"device_cgroup_rules": {values: pair{`["c 1:3 r"]`, `["c 1:3 rw"]`}, seen: host("DeviceCgroupRules"), want: pair{`["c 1:3 r"]`, `["c 1:3 rw"]`}},
		"gpus":                {values: pair{`"1"`, `"all"`}, seen: request(func(r container.DeviceRequest) any { return r.Count }), want: pair{"1", "-1"}},
		"device_requests.driver": {
			within: requests, values: pair{`"nvidia"`, `"cdi"`}, seen: request(func(r container.DeviceRequest) any { return r.Driver }), want: pair{`"nvidia"`, `"cdi"`},
		},
		"device_requests.count": {
			within: "device_requests = [{ %s }]", values: pair{"1", "-1"}, seen: request(func(r container.DeviceRequest) any { return r.Count }), want: pair{"1", "-1"},
		},
		"device_requests.device_ids": {
			within: "device_requests = [{ %s }]", values: pair{`["0"]`, `["0", "1"]`}, seen: request(func(r container.DeviceRequest) any { return r.DeviceIDs }), want: pair{`["0"]`, `["0","1"]`},
		},
		"device_requests.capabilities": {
			within: requests, values: pair{`[["gpu"]]`, `[["gpu", "compute"]]`}, seen: request(func(r container.DeviceRequest) any { return r.Capabilities }), want: pair{`[["gpu"]]`, `[["gpu","compute"]]`},
		},
		"device_requests.options": {
			within: requests, values: pair{`{ a = "1" }`, `{ a = "2" }`}, seen: request(func(r container.DeviceRequest) any { return r.Options }), want: pair{`{"a":"1"}`, `{"a":"2"}`},
		},
	}
}

func namespaceRows() map[string]attributeRow {
	return map[string]attributeRow{
		"ipc":           {values: pair{"", `"shareable"`}, seen: host("IpcMode"), want: pair{`"private"`, `"shareable"`}},
		"pid":           {values: pair{"", `"host"`}, seen: host("PidMode"), want: pair{`""`, `"host"`}},
		"uts":           {values: pair{"", `"host"`}, seen: host("UTSMode"), want: pair{`""`, `"host"`}},
		"cgroup":        {values: pair{`"host"`, `"private"`}, seen: host("CgroupnsMode"), want: pair{`"host"`, `"private"`}},
		"cgroup_parent": {values: pair{"", `"/gantry-test"`}, seen: host("CgroupParent"), want: pair{`""`, `"/gantry-test"`}},
		"runtime":       {values: pair{`"runc"`, `"io.containerd.runc.v2"`}, seen: host("Runtime"), want: pair{`"runc"`, `"io.containerd.runc.v2"`}},
	}
}

func networkingRows(f fixtures) map[string]attributeRow {
	return map[string]attributeRow{
		"network_mode": {values: pair{`"none"`, `"host"`}, seen: host("NetworkMode"), want: pair{`"none"`, `"host"`}},
		"domainname":   {values: pair{`"a.test"`, `"b.test"`}, seen: config("Domainname"), want: pair{`"a.test"`, `"b.test"`}},
		"extra_hosts":  {values: pair{`{ db = ["10.0.0.7"] }`, `{ db = ["[fd00::7]"] }`}, seen: host("ExtraHosts"), want: pair{`["db:10.0.0.7"]`, `["db:fd00::7"]`}},
		"dns":          {values: pair{`["10.0.0.1"]`, `["10.0.0.2", "10.0.0.1"]`}, seen: host("DNS"), want: pair{`["10.0.0.1"]`, `["10.0.0.2","10.0.0.1"]`}},
		"dns_search":   {values: pair{`["a.test"]`, `["b.test"]`}, seen: host("DNSSearch"), want: pair{`["a.test"]`, `["b.test"]`}},
		"dns_opt":      {values: pair{`["ndots:1"]`, `["ndots:2"]`}, seen: host("DNSOptions"), want: pair{`["ndots:1"]`, `["ndots:2"]`}},
		"expose": {
			values: pair{`["7000"]`, `["7000-7001", "53/udp"]`}, seen: func(l look) any { return slices.Sorted(maps.Keys(l.Config.ExposedPorts)) },
			want: pair{`["7000/tcp"]`, `["53/udp","7000/tcp","7001/tcp"]`},
		},
		"links": {
			values: pair{fmt.Sprintf("[%q]", f.donor+":a"), fmt.Sprintf("[%q, %q]", f.donor+":a", f.donor+":b")}, seen: func(l look) any {
				var aliases []string
				for _, link := range l.HostConfig.Links {
					aliases = append(aliases, link[strings.LastIndexByte(link, '/')+1:])
				}
				slices.Sort(aliases)
				return aliases
			},
			want: pair{`["a"]`, `["a","b"]`},
		},
		"publish_all_ports": {values: pair{"", "true"}, seen: host("PublishAllPorts"), want: pair{"false", "true"}},
	}
}

func networkRows(f fixtures) map[string]attributeRow {
	within := fmt.Sprintf("networks = { front = { network = %q, %%s } }", f.front)
	front := func(get func(*network.EndpointSettings) any) func(look) any {
		return func(l look) any { return get(l.NetworkSettings.Networks[f.front]) }
	}
	address := func(get func(*network.EndpointIPAMConfig) any) func(look) any {
		return front(func(e *network.EndpointSettings) any {
			if e.IPAMConfig == nil {
				return nil
			}
			return get(e.IPAMConfig)
		})
	}
	return map[string]attributeRow{
		"networks.network": {
			within: "networks = { front = { %s } }", values: pair{quoted(f.front), quoted(f.back)}, seen: networkNames,
			want: pair{fmt.Sprintf("[%q]", f.front), fmt.Sprintf("[%q]", f.back)}, outside: disconnected(f.back),
		},
		"networks.aliases": {
			within: within, values: pair{`["db"]`, `["db", "cache"]`}, runs: true,
			seen: func(l look) any { return aliases(l, f.front) }, want: pair{`["db"]`, `["cache","db"]`},
			outside: connectedAnew(f.front, &network.EndpointSettings{Aliases: []string{"stranger"}}),
		},
		"networks.links": {
			within: within, values: pair{`["db:data"]`, `["db:data", "cache"]`}, runs: true,
			seen: front(func(e *network.EndpointSettings) any { return slices.Sorted(slices.Values(e.Links)) }), want: pair{`["db:data"]`, `["cache","db:data"]`},
			outside: connectedAnew(f.front, &network.EndpointSettings{Links: []string{"db:stranger"}}),
		},
		"networks.ipv4_address": {
			within: within, values: pair{quoted(f.v4 + "9"), quoted(f.v4 + "10")}, runs: true,
			seen: front(func(e *network.EndpointSettings) any { return e.IPAddress }), want: pair{quoted(f.v4 + "9"), quoted(f.v4 + "10")},
			outside: connectedAnew(f.front, &network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: f.v4 + "11"}}),
		},
		"networks.ipv6_address": {
			within: within, values: pair{quoted(f.v6 + "9"), quoted(f.v6 + "0:a")}, runs: true,
			seen: front(func(e *network.EndpointSettings) any { return e.GlobalIPv6Address }), want: pair{quoted(f.v6 + "9"), quoted(f.v6 + "a")},
		},
		"networks.link_local_ips": {
			within: within, values: pair{`["169.254.9.9"]`, `["169.254.9.10"]`},
			seen: address(func(c *network.EndpointIPAMConfig) any { return c.LinkLocalIPs }), want: pair{`["169.254.9.9"]`, `["169.254.9.10"]`},
		},
		"networks.mac_address": {
			within: within, values: pair{`"02:42:ac:11:65:43"`, `"02-42-AC-11-65-44"`}, runs: true, replaces: true,
			seen: front(func(e *network.EndpointSettings) any { return e.MacAddress }), want: pair{`"02:42:ac:11:65:43"`, `"02:42:ac:11:65:44"`},
		},
		"networks.driver_opts": {
			within: within, values: pair{`{ "com.example.a" = "1" }`, `{ "com.example.a" = "2" }`},
			seen: front(func(e *network.EndpointSettings) any { return e.DriverOpts }), want: pair{`{"com.example.a":"1"}`, `{"com.example.a":"2"}`},
		},
		// It is gantry's own, and decides something only while the container is created.
		"networks.priority": {
			within: fmt.Sprintf("networks = { front = { network = %q }, other = { network = %q, %%s } }", f.front, f.back), values: pair{"1", "-1"},
			seen: host("NetworkMode"), want: pair{quoted(f.back), quoted(f.back)},
		},
		"networks.gw_priority": {
			within: within, values: pair{"1", "2"}, seen: front(func(e *network.EndpointSettings) any { return e.GwPriority }), want: pair{"1", "2"}, api: "1.48",
		},
	}
}

func portRows(f fixtures) map[string]attributeRow {
	bound := func(port, ip, published string) string {
		return fmt.Sprintf(`{%q:[{"HostIp":%q,"HostPort":%q}]}`, port, ip, published)
	}
	return map[string]attributeRow{
		"ports.target": {
			within: "ports = [{ %s, published = \"" + f.ports[0] + "\" }]", values: pair{"80", `"81"`}, seen: host("PortBindings"), want: pair{bound("80/tcp", "", f.ports[0]), bound("81/tcp", "", f.ports[0])},
		},
		"ports.published": {within: "ports = [{ target = 80, %s }]", values: pair{quoted(f.ports[0]), quoted(f.ports[1])}, seen: host("PortBindings"), want: pair{bound("80/tcp", "", f.ports[0]), bound("80/tcp", "", f.ports[1])}},
		"ports.protocol":  {within: "ports = [{ target = 80, %s }]", values: pair{"", `"udp"`}, seen: host("PortBindings"), want: pair{bound("80/tcp", "", ""), bound("80/udp", "", "")}},
		"ports.host_ip":   {within: "ports = [{ target = 80, %s }]", values: pair{`"127.0.0.1"`, `"127.0.0.2"`}, seen: host("PortBindings"), want: pair{bound("80/tcp", "127.0.0.1", ""), bound("80/tcp", "127.0.0.2", "")}},
	}
}

func healthcheckRows() map[string]attributeRow {
	checked := func(get func(*container.HealthConfig) any) func(look) any {
		return func(l look) any {
			if l.Config.Healthcheck == nil {
				return nil
			}
			return get(l.Config.Healthcheck)
		}
	}
	const within = `healthcheck = { test = ["CMD", "/program", "health"], %s }`
	return map[string]attributeRow{
		"healthcheck.test": {
			within: "healthcheck = { %s }", values: pair{`["CMD", "a"]`, `["CMD-SHELL", "a"]`}, seen: checked(func(h *container.HealthConfig) any { return h.Test }),
			want: pair{`["CMD","a"]`, `["CMD-SHELL","a"]`},
		},
		"healthcheck.disable": {
			lines: pair{`healthcheck = { test = ["CMD", "a"] }`, "healthcheck = { disable = true }"}, seen: checked(func(h *container.HealthConfig) any { return h.Test }),
			want: pair{`["CMD","a"]`, `["NONE"]`},
		},
		"healthcheck.interval":       {within: within, values: pair{`"1s"`, `"1m"`}, seen: checked(func(h *container.HealthConfig) any { return h.Interval.Seconds() }), want: pair{"1", "60"}},
		"healthcheck.timeout":        {within: within, values: pair{`"1s"`, `"1m"`}, seen: checked(func(h *container.HealthConfig) any { return h.Timeout.Seconds() }), want: pair{"1", "60"}},
		"healthcheck.start_period":   {within: within, values: pair{`"1s"`, `"1m"`}, seen: checked(func(h *container.HealthConfig) any { return h.StartPeriod.Seconds() }), want: pair{"1", "60"}},
		"healthcheck.start_interval": {within: within, values: pair{`"1s"`, `"1m"`}, seen: checked(func(h *container.HealthConfig) any { return h.StartInterval.Seconds() }), want: pair{"1", "60"}, api: "1.44"},
		"healthcheck.retries":        {within: within, values: pair{"2", "3"}, seen: checked(func(h *container.HealthConfig) any { return h.Retries }), want: pair{"2", "3"}},
	}
}

func mountRows(f fixtures) map[string]attributeRow {
	volume := fmt.Sprintf(`mounts = { "/m" = { type = "volume", source = %q, volume = { %%s } } }`, f.volume)
	made := func(name string) string {
		return fmt.Sprintf(`mounts = { "/m" = { type = "volume", source = %q, volume = { %%s } } }`, f.name(name))
	}
	bind := fmt.Sprintf(`mounts = { "/m" = { type = "bind", source = %q, bind = { %%s } } }`, f.folder)
	plain := fmt.Sprintf(`mounts = { "/m" = { type = "bind", source = %q, %%s } }`, f.folder)
	const tmpfs = `mounts = { "/m" = { type = "tmpfs", tmpfs = { %s } } }`
	options := func(get func(*mount.VolumeOptions) any) func(look) any {
		return mounted(func(m mount.Mount) any {
			if m.VolumeOptions == nil {
				return nil
			}
			return get(m.VolumeOptions)
		})
	}
	return map[string]attributeRow{
		"mounts.type":      {within: `mounts = { "/m" = { %s } }`, values: pair{`"volume"`, `"tmpfs"`}, seen: mounted(func(m mount.Mount) any { return m.Type }), want: pair{`"volume"`, `"tmpfs"`}},
		"mounts.source":    {within: `mounts = { "/m" = { type = "volume", %s } }`, values: pair{quoted(f.volume), quoted(f.otherVolume)}, seen: mounted(func(m mount.Mount) any { return m.Source }), want: pair{quoted(f.volume), quoted(f.otherVolume)}},
		"mounts.read_only": {within: plain, values: pair{"", "true"}, seen: mounted(func(m mount.Mount) any { return m.ReadOnly }), want: pair{"false", "true"}},
		"mounts.consistency": {
			within: plain, values: pair{`"consistent"`, `"cached"`},
			seen: mounted(func(m mount.Mount) any { return m.Consistency }), want: pair{`"consistent"`, `"cached"`},
		},
		"mounts.bind.propagation": {
			within: bind, values: pair{`"rprivate"`, `"rslave"`}, seen: mounted(func(m mount.Mount) any { return m.BindOptions.Propagation }), want: pair{`"rprivate"`, `"rslave"`},
		},
		"mounts.bind.create_host_path": {
			// It decides something only while the container is created.
			within: bind, values: pair{"", "true"}, want: pair{"false", "false"},
			// Before API 1.42 only the older binds do it, and always.
			seen: func(l look) any {
				return len(l.HostConfig.Binds) > 0 || slices.ContainsFunc(l.HostConfig.Mounts, func(m mount.Mount) bool { return m.BindOptions != nil && m.BindOptions.CreateMountpoint })
			},
		},
		"mounts.bind.recursive": {
			within: bind, values: pair{`"enabled"`, `"disabled"`}, seen: mounted(func(m mount.Mount) any { return m.BindOptions.NonRecursive }), want: pair{"false", "true"},
		},
		"mounts.volume.nocopy":  {within: volume, values: pair{"", "true"}, seen: options(func(o *mount.VolumeOptions) any { return o.NoCopy }), want: pair{"null", "true"}},
		"mounts.volume.subpath": {within: volume, values: pair{`"a"`, `"b"`}, seen: options(func(o *mount.VolumeOptions) any { return o.Subpath }), want: pair{`"a"`, `"b"`}, api: "1.45"},
		"mounts.volume.labels": {
			within: made("labels"), values: pair{`{ a = "1" }`, `{ a = "2" }`}, seen: options(func(o *mount.VolumeOptions) any { return o.Labels }), want: pair{`{"a":"1"}`, `{"a":"2"}`},
		},
		"mounts.volume.driver": {
			within: made("driver"), values: pair{"", `"local"`}, seen: options(func(o *mount.VolumeOptions) any { return o.DriverConfig.Name }), want: pair{"null", `"local"`},
		},
		"mounts.volume.driver_opts": {
			within: fmt.Sprintf(`mounts = { "/m" = { type = "volume", source = %q, volume = { driver = "local", %%s } } }`, f.name("options")),
			values: pair{`{ type = "tmpfs", device = "tmpfs" }`, `{ type = "tmpfs", device = "none" }`},
			seen:   options(func(o *mount.VolumeOptions) any { return o.DriverConfig.Options["device"] }), want: pair{`"tmpfs"`, `"none"`},
		},
		"mounts.bind.selinux": {within: bind, values: pair{`"z"`, `"Z"`}, seen: host("Binds"), want: pair{fmt.Sprintf("[%q]", f.folder+":/m:rw,z"), fmt.Sprintf("[%q]", f.folder+":/m:rw,Z")}},
		"mounts.volume.selinux": {
			within: volume, values: pair{`"z"`, `"Z"`}, seen: host("Binds"), want: pair{fmt.Sprintf("[%q]", f.volume+":/m:rw,z"), fmt.Sprintf("[%q]", f.volume+":/m:rw,Z")},
		},
		"mounts.image.subpath": {
			within: fmt.Sprintf(`mounts = { "/m" = { type = "image", source = %q, image = { %%s } } }`, f.otherImage), values: pair{`"a"`, `"b"`}, api: "1.48",
			seen: mounted(func(m mount.Mount) any { return m.ImageOptions.Subpath }), want: pair{`"a"`, `"b"`},
		},
		// Nothing but the older form has these.
		"mounts.tmpfs.uid":     {within: tmpfs, values: pair{"1000", "1001"}, runs: true, seen: host("Tmpfs"), want: pair{`{"/m":"uid=1000"}`, `{"/m":"uid=1001"}`}},
		"mounts.tmpfs.gid":     {within: tmpfs, values: pair{"1000", "1001"}, runs: true, seen: host("Tmpfs"), want: pair{`{"/m":"gid=1000"}`, `{"/m":"gid=1001"}`}},
		"mounts.tmpfs.exec":    {within: tmpfs, values: pair{"", "true"}, runs: true, seen: host("Tmpfs"), want: pair{"null", `{"/m":"exec"}`}},
		"mounts.tmpfs.options": {within: tmpfs, values: pair{`["suid"]`, `["size=50%", "noatime"]`}, runs: true, seen: host("Tmpfs"), want: pair{`{"/m":"suid"}`, `{"/m":"noatime,size=50%"}`}},
		"mounts.tmpfs.size":    {within: tmpfs, values: pair{`"1m"`, `"2m"`}, seen: mounted(func(m mount.Mount) any { return m.TmpfsOptions.SizeBytes }), want: pair{"1048576", "2097152"}},
		"mounts.tmpfs.mode":    {within: tmpfs, values: pair{`"0700"`, `"0755"`}, seen: mounted(func(m mount.Mount) any { return m.TmpfsOptions.Mode }), want: pair{"448", "493"}},
	}
}

// fileRows look into the container: an engine reports nothing of files.
func fileRows(f fixtures) map[string]attributeRow {
	content := uploadedFile(func(u uploaded) any { return u.content })
	both := func(first, second string) pair {
		return pair{fmt.Sprintf("files = { \"/f\" = { %s } }", first), fmt.Sprintf("files = { \"/f\" = { %s } }", second)}
	}
	const within, plain = `files = { "/f" = { %s } }`, `files = { "/f" = { content = "one", %s } }`
	return map[string]attributeRow{
		"files.content":            {within: within, values: pair{`"one"`, `"two"`}, seen: content, want: pair{`"one"`, `"two"`}},
		"files.content_base64":     {within: within, values: pair{`"b25l"`, `"dHdv"`}, seen: content, want: pair{`"one"`, `"two"`}},
		"files.source":             {within: within, values: pair{quoted(f.source), quoted(f.otherSource)}, seen: content, want: pair{`"one"`, `"two"`}},
		"files.content_wo":         {within: `files = { "/f" = { content_wo_version = 1, %s } }`, values: pair{`"one"`, `"two"`}, nothing: true, seen: content, want: pair{`"one"`, `"one"`}},
		"files.content_wo_version": {lines: both(`content_wo = "one", content_wo_version = 1`, `content_wo = "two", content_wo_version = 2`), seen: content, want: pair{`"one"`, `"two"`}},
		"files.mode":               {within: plain, values: pair{`"0600"`, `"0640"`}, seen: uploadedFile(func(u uploaded) any { return u.mode }), want: pair{"384", "416"}},
		"files.uid":                {within: plain, values: pair{"1000", "1001"}, seen: uploadedFile(func(u uploaded) any { return u.uid }), want: pair{"1000", "1001"}},
		"files.gid":                {within: plain, values: pair{"1000", "1001"}, seen: uploadedFile(func(u uploaded) any { return u.gid }), want: pair{"1000", "1001"}},
		"files.restart_on_change": {
			runs: true, lines: both(`content = "one"`, `content = "two", restart_on_change = true`), seen: starts, want: pair{"1", "2"},
		},
	}
}
