// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/docker/docker/api/types/blkiodev"
	containertypes "github.com/docker/docker/api/types/container"
)

// limitsRows are the rows of what bounds the container. Block devices are one that is on every machine; none of these containers can run with it.
func limitsRows(_ Fixtures) map[string]AttributeRow {
	const mb = 1 << 20
	const cgroup2 = "cgroup version 2 does not have it"
	resources := func(r containertypes.Resources) outsider { return updated(containertypes.UpdateConfig{Resources: r}) }
	pids := int64(10)
	const realtime = "a kernel without real-time groups"
	const weights = "a kernel without weights of block devices"
	return map[string]AttributeRow{
		"memory": {
			Values: two{"64m", "256m"}, Runs: true, Seen: host("Memory"), Without: "0", Want: pair{"67108864", "268435456"}, Outside: resources(containertypes.Resources{Memory: 96 * mb}),
			More: []any{"0.5g", "1073741824", "128MiB"}, Empty: emptyRow{also: []any{"0", "0b", "0m"}},
		},
		"memory_reservation": {
			Values: two{"32m", "64m"}, Runs: true, Seen: host("MemoryReservation"), Without: "0", Want: pair{"33554432", "67108864"}, Outside: resources(containertypes.Resources{MemoryReservation: 48 * mb}),
			More: []any{"16384k"}, Empty: emptyRow{also: []any{"0"}},
		},
		"memory_swap": {
			Values: two{"96m", "-1"}, Beside: `memory = "64m"`, Runs: true, Seen: host("MemorySwap"), Without: "134217728", Want: pair{"100663296", "-1"}, Outside: resources(containertypes.Resources{MemorySwap: 128 * mb}),
			Change: two{nil, "-1"}, More: []any{"1g", "2048m"}, Empty: emptyRow{also: []any{"0"}},
		},
		"memory_swappiness": {
			Values: two{60, 0}, Seen: host("MemorySwappiness"), Want: pair{"60", "0"}, Discards: cgroup2,
			Change: two{nil, 0}, Empty: emptyRow{own: []any{0}, also: []any{-1}},
		},
		"cpus": {
			Values: two{nil, 0.5}, Runs: true, Seen: host("NanoCPUs"), Without: "0", Want: pair{"0", "500000000"}, Outside: resources(containertypes.Resources{NanoCPUs: 25e7}),
			More: []any{0.1, 1, 1.5}, Empty: emptyRow{also: []any{0.0}},
		},
		"cpu_shares": {
			Values: two{nil, 256}, Runs: true, Seen: host("CPUShares"), Without: "0", Want: pair{"0", "256"}, Outside: resources(containertypes.Resources{CPUShares: 128}),
			More: []any{2, 512, 1024}, Empty: emptyRow{also: []any{1024}},
		},
		"cpu_quota": {
			Values: two{50000, 25000}, Runs: true, Seen: host("CPUQuota"), Without: "-1", Want: pair{"50000", "25000"}, Outside: resources(containertypes.Resources{CPUQuota: 10000}),
			Change: two{50000, nil}, More: []any{1000, -1}, Empty: emptyRow{also: []any{-1}},
		},
		"cpu_period": {
			Values: two{100000, 50000}, Beside: "cpu_quota = 25000", Runs: true, Seen: host("CPUPeriod"), Without: "0", Want: pair{"100000", "50000"}, Outside: resources(containertypes.Resources{CPUPeriod: 80000}),
			More: []any{1000}, Empty: emptyRow{also: []any{100000}},
		},
		"cpu_rt_period": {
			Values: two{1000000, 500000}, Seen: host("CPURealtimePeriod"), Without: "0", Want: pair{"1000000", "500000"}, Discards: realtime, Outside: resources(containertypes.Resources{CPURealtimePeriod: 700000}), Refuses: func(h *containertypes.HostConfig) { h.CPURealtimePeriod = 1000000 },
			More: []any{1000},
		},
		"cpu_rt_runtime": {
			Values: two{1000, 2000}, Seen: host("CPURealtimeRuntime"), Without: "0", Want: pair{"1000", "2000"}, Discards: realtime, Outside: resources(containertypes.Resources{CPURealtimeRuntime: 3000}), Refuses: func(h *containertypes.HostConfig) { h.CPURealtimeRuntime = 1000 },
			More: []any{100, 950},
		},
		"cpuset": {
			Values: two{"0", "0-1"}, Runs: true, Seen: host("CpusetCpus"), Without: `""`, Want: pair{`"0"`, `"0-1"`}, Outside: resources(containertypes.Resources{CpusetCpus: "1"}),
			More: []any{"1,0", "0-1,3"},
		},
		"cpuset_mems": {
			// Other nodes than the first are not on every machine; another spelling is none to a limit that is not there.
			Values: two{nil, "0"}, Runs: true, Seen: host("CpusetMems"), Without: `""`, Want: pair{`""`, `"0"`},
			More: []any{"0,1"},
		},
		"pids_limit": {
			Values: two{100, 50}, Runs: true, Seen: host("PidsLimit"), Without: "0", Want: pair{"100", "50"}, Outside: resources(containertypes.Resources{PidsLimit: &pids}),
			Change: two{100, nil}, More: []any{-1, 1}, Empty: emptyRow{also: []any{-1}},
		},
		"oom_kill_disable": {
			Values: two{false, true}, Beside: `memory = "64m"`, Seen: host("OomKillDisable"), Want: pair{"false", "true"}, Discards: cgroup2,
			Change: two{nil, true},
		},
		"oom_score_adj": {
			Values: two{nil, 500}, Seen: host("OomScoreAdj"), Want: pair{"0", "500"},
			More: []any{-1000, 0},
		},
		"shm_size": {
			Values: two{nil, "32m"}, Seen: host("ShmSize"), Want: pair{"67108864", "33554432"},
			More: []any{"64m", "65536k", "1g"}, Empty: emptyRow{also: []any{"0", "64m", "65536k", "67108864"}},
		},
		"ulimits": {
			Values: two{values{"nofile": "1024"}, values{"nofile": "1024:2048"}}, Seen: host("Ulimits"), Want: pair{`[{"Name":"nofile","Hard":1024,"Soft":1024}]`, `[{"Name":"nofile","Hard":2048,"Soft":1024}]`},
			More: []any{values{"nofile": "10:10", "core": "0:-1"}, values{}}, Empty: emptyRow{refused: []any{values{"a": ""}}, says: "nofile"},
		},
		"blkio_config":        {Change: two{nil, values{"weight": 300}}, More: []any{values{"weight": 10}, values{"device_read_bps": values{"/dev/a": "1024k"}, "device_write_iops": values{"/dev/a": 1, "/dev/b": 2}}, values{"weight_device": values{"/dev/a": 1000}}}, Empty: emptyRow{also: []any{values{"weight": 0}, values{"weight_device": values{}, "device_read_bps": values{}, "device_read_iops": values{}, "device_write_bps": values{}, "device_write_iops": values{}}}}},
		"blkio_config.weight": {Within: "blkio_config = { %s }", Values: two{300, 600}, Seen: host("BlkioWeight"), Without: "0", Want: pair{"300", "600"}, Discards: weights},
		"blkio_config.weight_device": {
			Within: "blkio_config = { %s }", Values: two{values{"/dev/null": 300}, values{"/dev/null": 600}}, Seen: host("BlkioWeightDevice"), Want: pair{`[{"Path":"/dev/null","Weight":300}]`, `[{"Path":"/dev/null","Weight":600}]`}, Discards: weights, Refuses: func(h *containertypes.HostConfig) {
				h.BlkioWeightDevice = []*blkiodev.WeightDevice{{Path: "/dev/null", Weight: 300}}
			},
		},
		"blkio_config.device_read_bps": {
			Values: two{values{"/dev/null": "1k"}, values{"/dev/null": "2k"}}, Within: "blkio_config = { %s }", Seen: host("BlkioDeviceReadBps"), Want: pair{`[{"Path":"/dev/null","Rate":1024}]`, `[{"Path":"/dev/null","Rate":2048}]`},
			Empty: emptyRow{refused: []any{values{"a": ""}}, says: "absolute"},
		},
		"blkio_config.device_read_iops": {
			Values: two{values{"/dev/null": 10}, values{"/dev/null": 20}}, Within: "blkio_config = { %s }", Seen: host("BlkioDeviceReadIOps"), Want: pair{`[{"Path":"/dev/null","Rate":10}]`, `[{"Path":"/dev/null","Rate":20}]`},
		},
		"blkio_config.device_write_bps": {
			Values: two{values{"/dev/null": "1k"}, values{"/dev/null": "2k"}}, Within: "blkio_config = { %s }", Seen: host("BlkioDeviceWriteBps"), Want: pair{`[{"Path":"/dev/null","Rate":1024}]`, `[{"Path":"/dev/null","Rate":2048}]`},
			Empty: emptyRow{refused: []any{values{"a": ""}}, says: "absolute"},
		},
		"blkio_config.device_write_iops": {
			Values: two{values{"/dev/null": 10}, values{"/dev/null": 20}}, Within: "blkio_config = { %s }", Seen: host("BlkioDeviceWriteIOps"), Want: pair{`[{"Path":"/dev/null","Rate":10}]`, `[{"Path":"/dev/null","Rate":20}]`},
		},
	}
}
