// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
)

// Unmanaged is a setting of an object that gantry has no argument for: made anew, the object lacks it.
type Unmanaged struct {
	// Name is the option of the Docker command line; where there is none, the field of the Engine API.
	Name  string
	Value string
}

// String is the setting as a person would write it.
func (u Unmanaged) String() string {
	if strings.HasPrefix(u.Name, "--") {
		return u.Name + "=" + u.Value
	}
	return u.Name + " = " + u.Value
}

// UnmanagedSettings collects settings that are there.
type UnmanagedSettings []Unmanaged

// Text adds a setting with this name, unless it is empty.
func (u *UnmanagedSettings) Text(name, value string) {
	if value != "" {
		*u = append(*u, Unmanaged{name, value})
	}
}

func (u *UnmanagedSettings) number(name string, value int64) {
	if value != 0 {
		*u = append(*u, Unmanaged{name, strconv.FormatInt(value, 10)})
	}
}

func (u *UnmanagedSettings) flag(name string, value bool) {
	if value {
		*u = append(*u, Unmanaged{name, "true"})
	}
}

// UnmanagedOfContainer returns what an engine reports of a container that somebody asked for, and that
// observe has no place for. Whatever it does not look at is kept by observe, or follows from something
// else: TestEveryFieldOfAContainerIsKeptOrNamed goes through all fields.
func UnmanagedOfContainer(r containertypes.InspectResponse, d EngineDefaults) []Unmanaged {
	var u UnmanagedSettings
	host := r.HostConfig
	u.Text("--volume-driver", leaveOut(host.VolumeDriver, "local"))
	u.Text("Cgroup", string(host.Cgroup))
	if isolation := strings.ToLower(string(host.Isolation)); isolation != "default" && isolation != d.Isolation {
		u.Text("--isolation", isolation)
	}
	u.number("--kernel-memory", host.KernelMemory)
	u.number("KernelMemoryTCP", host.KernelMemoryTCP)             //nolint:staticcheck // Older engines have it.
	u.number("--cpu-count", host.CPUCount)                        // Windows.
	u.number("--cpu-percent", host.CPUPercent)                    // Windows.
	u.number("--io-maxiops", int64(host.IOMaximumIOps))           // Windows.
	u.number("--io-maxbandwidth", int64(host.IOMaximumBandwidth)) // Windows.
	if timeout := r.Config.StopTimeout; timeout != nil && *timeout < 0 {
		u.number("--stop-timeout", int64(*timeout)) // A stop would wait for ever.
	}
	u.flag("NetworkDisabled", r.Config.NetworkDisabled)
	// No engine takes these two from the image: somebody asked for them.
	u.Text("Shell", words(r.Config.Shell))
	u.Text("OnBuild", words(r.Config.OnBuild))
	if !host.Privileged && len(host.MaskedPaths)+len(host.ReadonlyPaths) > 0 {
		u.paths("MaskedPaths", host.MaskedPaths, alwaysMasked(), sometimesMasked())
		u.paths("ReadonlyPaths", host.ReadonlyPaths, alwaysReadonly(), sometimesReadonly())
	}
	for _, m := range host.Mounts {
		if m.Type == mount.TypeCluster {
			u.Text("--mount", "type=cluster,source="+m.Source+",target="+m.Target)
		}
	}
	return u
}

// words writes a list of words as the Engine API has it.
func words(list []string) string {
	if len(list) == 0 {
		return ""
	}
	var quoted []string
	for _, word := range list {
		quoted = append(quoted, strconv.Quote(word))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// paths adds a list of paths that is not an engine's own. Engines of different ages, on different hosts, have
// different lists: theirs has all of the paths that every engine has, and beside them only such as some have.
func (u *UnmanagedSettings) paths(name string, paths, always, sometimes []string) {
	known := slices.Concat(always, sometimes)
	foreign := slices.ContainsFunc(paths, func(p string) bool {
		return !slices.ContainsFunc(known, func(pattern string) bool { ok, err := path.Match(pattern, p); return ok && err == nil })
	})
	reduced := slices.ContainsFunc(always, func(p string) bool { return !slices.Contains(paths, p) })
	if foreign || reduced {
		*u = append(*u, Unmanaged{name, cmp.Or(strings.Join(paths, ", "), "[]")})
	}
}

// alwaysMasked are what every engine hides from a container by itself (moby from 18.06, containers/common).
func alwaysMasked() []string {
	return []string{
		"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
		"/sys/firmware",
	}
}

// sometimesMasked are what some engines hide.
func sometimesMasked() []string {
	return []string{
		"/proc/asound", "/proc/interrupts", "/sys/dev/block", "/sys/devices/virtual/powercap", "/sys/fs/selinux",
		"/sys/devices/system/cpu/cpu*/thermal_throttle",
	}
}

// alwaysReadonly are what every engine makes read-only by itself.
func alwaysReadonly() []string {
	return []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
}

// sometimesReadonly are what some engines make read-only.
func sometimesReadonly() []string {
	return []string{"/proc/asound", "/proc/scsi", "/sys/fs/cgroup"}
}
