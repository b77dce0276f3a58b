// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/blkiodev"
	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/go-units"
)

// Limits bound what a container may use of its host. Sizes are in bytes, times of the CPU in
// microseconds.
type Limits struct {
	// Memory is a limit; 0 is none.
	Memory int64 `json:"memory,omitempty"`
	// MemoryReservation is what the host leaves to the container when memory is scarce.
	MemoryReservation int64 `json:"memory_reservation,omitempty"`
	// MemorySwap is the limit of memory and swap together: -1 is none, 0 twice the memory.
	MemorySwap int64 `json:"memory_swap,omitempty"`
	// MemorySwappiness is 0 to 100; nil is the host's.
	MemorySwappiness *int64 `json:"memory_swappiness,omitempty"`
	// NanoCPUs is a limit in billionths of a CPU; 0 is none.
	NanoCPUs           int64  `json:"nano_cpus,omitempty"`
	CPUShares          int64  `json:"cpu_shares,omitempty"`
	CPUQuota           int64  `json:"cpu_quota,omitempty"`
	CPUPeriod          int64  `json:"cpu_period,omitempty"`
	CPURealtimePeriod  int64  `json:"cpu_rt_period,omitempty"`
	CPURealtimeRuntime int64  `json:"cpu_rt_runtime,omitempty"`
	CPUSet             string `json:"cpuset,omitempty"`
	CPUSetMems         string `json:"cpuset_mems,omitempty"`
	// PidsLimit is the most processes and threads; 0 and -1 are no limit.
	PidsLimit      int64             `json:"pids_limit,omitempty"`
	Blkio          Blkio             `json:"blkio"`
	OOMKillDisable bool              `json:"oom_kill_disable,omitempty"`
	OOMScoreAdj    int               `json:"oom_score_adj,omitempty"`
	ShmSize        int64             `json:"shm_size,omitempty"`
	Ulimits        map[string]Ulimit `json:"ulimits,omitempty"`
}

// Blkio bounds and weighs the access to block devices, by their paths on the host.
type Blkio struct {
	// Weight is 10 to 1000; 0 is the host's default.
	Weight       int64            `json:"weight,omitempty"`
	WeightDevice map[string]int64 `json:"weight_device,omitempty"`
	// ReadBps and WriteBps are bytes a second, ReadIOps and WriteIOps operations a second.
	ReadBps   map[string]int64 `json:"device_read_bps,omitempty"`
	ReadIOps  map[string]int64 `json:"device_read_iops,omitempty"`
	WriteBps  map[string]int64 `json:"device_write_bps,omitempty"`
	WriteIOps map[string]int64 `json:"device_write_iops,omitempty"`
}

// Ulimit bounds a resource of the container's processes; -1 is no bound.
type Ulimit struct {
	Soft int64 `json:"soft"`
	Hard int64 `json:"hard"`
}

// defaultShmSize is what an engine gives to /dev/shm, unless its own configuration says otherwise.
const defaultShmSize = 64 << 20

// mostSwap is what a kernel takes for no limit. An engine notes -1 in an update, but leaves the limit
// of what runs as it is (Docker 20.10).
const mostSwap = 9223372036854771712

func (l Limits) translate(host *containertypes.HostConfig) {
	host.Memory, host.MemoryReservation, host.MemorySwap, host.MemorySwappiness = l.Memory, l.MemoryReservation, l.MemorySwap, l.MemorySwappiness
	host.NanoCPUs, host.CPUShares, host.CPUQuota, host.CPUPeriod = l.NanoCPUs, l.CPUShares, l.CPUQuota, l.CPUPeriod
	host.CPURealtimePeriod, host.CPURealtimeRuntime = l.CPURealtimePeriod, l.CPURealtimeRuntime
	host.CpusetCpus, host.CpusetMems = l.CPUSet, l.CPUSetMems
	if l.PidsLimit != 0 {
		host.PidsLimit = &l.PidsLimit
	}
	if l.OOMKillDisable {
		host.OomKillDisable = &l.OOMKillDisable
	}
	host.OomScoreAdj, host.ShmSize = l.OOMScoreAdj, l.ShmSize
	host.BlkioWeight = uint16(l.Blkio.Weight)
	for _, path := range slices.Sorted(maps.Keys(l.Blkio.WeightDevice)) {
		host.BlkioWeightDevice = append(host.BlkioWeightDevice, &blkiodev.WeightDevice{Path: path, Weight: uint16(l.Blkio.WeightDevice[path])})
	}
	host.BlkioDeviceReadBps, host.BlkioDeviceReadIOps = throttles(l.Blkio.ReadBps), throttles(l.Blkio.ReadIOps)
	host.BlkioDeviceWriteBps, host.BlkioDeviceWriteIOps = throttles(l.Blkio.WriteBps), throttles(l.Blkio.WriteIOps)
	for _, name := range slices.Sorted(maps.Keys(l.Ulimits)) {
		host.Ulimits = append(host.Ulimits, &units.Ulimit{Name: name, Soft: l.Ulimits[name].Soft, Hard: l.Ulimits[name].Hard})
	}
}

func throttles(rates map[string]int64) []*blkiodev.ThrottleDevice {
	var list []*blkiodev.ThrottleDevice
	for _, path := range slices.Sorted(maps.Keys(rates)) {
		list = append(list, &blkiodev.ThrottleDevice{Path: path, Rate: uint64(rates[path])})
	}
	return list
}

func observeLimits(host *containertypes.HostConfig) Limits {
	l := Limits{
		Memory: host.Memory, MemoryReservation: host.MemoryReservation, MemorySwap: host.MemorySwap, MemorySwappiness: host.MemorySwappiness,
		NanoCPUs: host.NanoCPUs, CPUShares: host.CPUShares, CPUQuota: host.CPUQuota, CPUPeriod: host.CPUPeriod,
		CPURealtimePeriod: host.CPURealtimePeriod, CPURealtimeRuntime: host.CPURealtimeRuntime,
		CPUSet: host.CpusetCpus, CPUSetMems: host.CpusetMems,
		OOMScoreAdj: host.OomScoreAdj, ShmSize: host.ShmSize,
		Blkio: Blkio{
			Weight:  int64(host.BlkioWeight),
			ReadBps: observeThrottles(host.BlkioDeviceReadBps), ReadIOps: observeThrottles(host.BlkioDeviceReadIOps),
			WriteBps: observeThrottles(host.BlkioDeviceWriteBps), WriteIOps: observeThrottles(host.BlkioDeviceWriteIOps),
		},
	}
	if host.PidsLimit != nil {
		l.PidsLimit = *host.PidsLimit
	}
	if host.OomKillDisable != nil {
		l.OOMKillDisable = *host.OomKillDisable
	}
	for _, d := range host.BlkioWeightDevice {
		l.Blkio.WeightDevice = Put(l.Blkio.WeightDevice, d.Path, int64(d.Weight))
	}
	for _, u := range host.Ulimits {
		l.Ulimits = Put(l.Ulimits, u.Name, Ulimit{Soft: u.Soft, Hard: u.Hard})
	}
	return l
}

func observeThrottles(list []*blkiodev.ThrottleDevice) map[string]int64 {
	var rates map[string]int64
	for _, d := range list {
		rates = Put(rates, d.Path, int64(d.Rate))
	}
	return rates
}

// Put makes the map with its first entry: none is nil.
func Put[V any](m map[string]V, key string, value V) map[string]V {
	if m == nil {
		m = make(map[string]V)
	}
	m[key] = value
	return m
}

// plain has zero for whatever means no limit, and one spelling of the rest.
func (l Limits) plain(d EngineDefaults) Limits {
	l.PidsLimit, l.CPUQuota = max(l.PidsLimit, 0), max(l.CPUQuota, 0)
	if l.MemorySwappiness != nil && *l.MemorySwappiness < 0 {
		l.MemorySwappiness = nil // Some clients send -1 for the host's.
	}
	if l.MemorySwap >= mostSwap {
		l.MemorySwap = -1
	}
	if l.MemorySwap == 2*l.Memory || d.NoSwapLimit {
		l.MemorySwap = 0
	}
	if l.ShmSize == defaultShmSize {
		l.ShmSize = 0
	}
	if len(l.Ulimits) == 0 {
		l.Ulimits = nil
	}
	return l
}

// planLimits covers what the engine's update request takes. Zero in that request means "leave
// it": most limits can't be taken away in place.
func planLimits(spec Spec, c *Container) []Action {
	var limits containertypes.UpdateConfig
	var because []string
	differs := func(name, is, wanted string) {
		because = append(because, fmt.Sprintf("%s is %s, wanted is %s", name, is, wanted))
	}
	want, is := spec.Limits.plain(c.Defaults), c.Limits.plain(c.Defaults)
	if want.Memory != 0 && (want.Memory != is.Memory || want.MemorySwap != is.MemorySwap) {
		// Together: the engine refuses a limit of memory above that of both. It allows as much swap
		// as memory where nobody asks for more or less, but only when it makes a container.
		limits.Memory, limits.MemorySwap = want.Memory, cmp.Or(want.MemorySwap, 2*want.Memory)
		if want.Memory != is.Memory {
			differs("memory", Size(is.Memory), Size(want.Memory))
		}
		if want.MemorySwap != is.MemorySwap {
			differs("memory_swap", swapOf(is), swapOf(want))
		}
	}
	for _, l := range []struct {
		name       string
		wanted, is int64
		to         *int64
		spell      func(int64) string
	}{
		{"memory_reservation", want.MemoryReservation, is.MemoryReservation, &limits.MemoryReservation, Size},
		{"cpus", want.NanoCPUs, is.NanoCPUs, &limits.NanoCPUs, cpus},
		{"cpu_shares", want.CPUShares, is.CPUShares, &limits.CPUShares, number},
		{"cpu_quota", want.CPUQuota, is.CPUQuota, &limits.CPUQuota, number},
		{"cpu_period", want.CPUPeriod, is.CPUPeriod, &limits.CPUPeriod, number},
		{"cpu_rt_period", want.CPURealtimePeriod, is.CPURealtimePeriod, &limits.CPURealtimePeriod, number},
		{"cpu_rt_runtime", want.CPURealtimeRuntime, is.CPURealtimeRuntime, &limits.CPURealtimeRuntime, number},
	} {
		if l.wanted != 0 && l.wanted != l.is {
			*l.to = l.wanted
			differs(l.name, l.spell(l.is), l.spell(l.wanted))
		}
	}
	for _, l := range []struct {
		name       string
		wanted, is string
		to         *string
	}{
		{"cpuset", want.CPUSet, is.CPUSet, &limits.CpusetCpus},
		{"cpuset_mems", want.CPUSetMems, is.CPUSetMems, &limits.CpusetMems},
	} {
		if l.wanted != "" && l.wanted != l.is {
			*l.to = l.wanted
			differs(l.name, cmp.Or(l.is, "any"), l.wanted)
		}
	}
	if want.Blkio.Weight != 0 && want.Blkio.Weight != is.Blkio.Weight {
		limits.BlkioWeight = uint16(want.Blkio.Weight)
		differs("blkio_config.weight", number(is.Blkio.Weight), number(want.Blkio.Weight))
	}
	if want.PidsLimit != is.PidsLimit {
		// Here 0 is no limit, and nil is "leave it".
		limits.PidsLimit = &want.PidsLimit
		differs("pids_limit", number(is.PidsLimit), number(want.PidsLimit))
	}
	var actions []Action
	if want.MemorySwap < 0 && is.MemorySwap >= 0 && is.Memory != 0 {
		swap := containertypes.UpdateConfig{Resources: containertypes.Resources{Memory: want.Memory, MemorySwap: mostSwap}}
		undo := containertypes.UpdateConfig{Resources: containertypes.Resources{Memory: is.Memory, MemorySwap: cmp.Or(is.MemorySwap, 2*is.Memory)}}
		actions = append(actions, Action{Do: DoLimit, Limits: swap, Undo: &undo, Because: fmt.Sprintf("memory_swap is %s, wanted is unlimited", swapOf(is))})
	}
	if want.CPUQuota == 0 && is.CPUQuota != 0 {
		// By itself, and first: as long as there is a quota the engine takes no cpus.
		quota := containertypes.UpdateConfig{Resources: containertypes.Resources{CPUQuota: -1}}
		var undo *containertypes.UpdateConfig
		if because != nil {
			undo = &containertypes.UpdateConfig{Resources: containertypes.Resources{CPUQuota: is.CPUQuota}}
		}
		actions = append(actions, Action{Do: DoLimit, Limits: quota, Undo: undo, Because: fmt.Sprintf("cpu_quota is %d, wanted is unlimited", is.CPUQuota)})
	}
	if because != nil {
		actions = append(actions, Action{Do: DoLimit, Limits: limits, Because: strings.Join(because, "; ")})
	}
	if wanted := translateRestart(spec.Restart); observeRestart(wanted) != c.Restart {
		// By itself, and last: an engine that can't set a limit goes on to report the former policy, and acts
		// by the new one (moby's UpdateMonitor).
		actions = append(actions, Action{
			Do: DoLimit, Limits: containertypes.UpdateConfig{RestartPolicy: wanted}, Because: fmt.Sprintf("restart is %s, wanted is %s", restart(c.Restart), restart(spec.Restart)),
		})
	}
	return actions
}

// Size spells a number of bytes as a configuration would; so do swapOf, cpus, number and restart with theirs.
func Size(bytes int64) string {
	if bytes <= 0 {
		return "unlimited"
	}
	return units.BytesSize(float64(bytes))
}

func swapOf(l Limits) string {
	if l.MemorySwap == 0 {
		return "twice the memory"
	}
	return Size(l.MemorySwap)
}

func cpus(nano int64) string {
	if nano == 0 {
		return "unlimited"
	}
	return fmt.Sprintf("%g", float64(nano)/1e9)
}

func number(n int64) string {
	if n == 0 {
		return "not set"
	}
	return fmt.Sprint(n)
}

func restart(p RestartPolicy) string {
	if p.MaximumRetryCount > 0 {
		return fmt.Sprintf("%s:%d", p.Name, p.MaximumRetryCount)
	}
	return cmp.Or(p.Name, "no")
}
