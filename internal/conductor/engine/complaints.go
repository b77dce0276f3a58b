// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// complaint tells which field of a container an engine's words are about, and what to do about it. An engine
// has no codes for reasons: they are told from its words, as 20.10 to 28 spell them.
type complaint struct {
	// says is a regular expression; case does not matter.
	says  string
	field string
	// fits reports whether the specification has what the words are about; nil is that they are clear by themselves.
	fits func(s container.Spec, found []string) bool
	// below finds the key below the field; nil is none, and so is an empty key. Found are the expression's
	// groups.
	below func(s container.Spec, found []string) string
	// advice is what to do; empty is the general one.
	advice fault.Advice
	// command says that the container's command can't be executed.
	command bool
}

// complaints are all that are known, the first that fits counts: what is more special comes first.
func complaints() []complaint {
	return slices.Concat(fileComplaints(), mountComplaints(), processComplaints(), limitComplaints(), deviceComplaints(), networkComplaints(), otherComplaints(), vagueComplaints())
}

// fileComplaints are of uploads, which gantry's own words begin. They come before all others: the path of a file can
// have any word in it.
func fileComplaints() []complaint {
	return []complaint{
		{says: `uploading files.*marked read-only`, field: "files", advice: fault.AdviceFileReadOnlyRoot},
		{says: `uploading files.*: \w+ (/[^:]*): not a directory`, field: "files", below: fileAt, advice: fault.AdviceFileThroughFile},
		{says: `uploading files.*cannot overwrite directory "([^"]*)"`, field: "files", below: fileAt, advice: fault.AdviceFileIsDirectory},
		{says: `uploading files ([^:,]+): `, field: "files", below: fileAt},
		{says: `uploading files`, field: "files"},
	}
}

func mountComplaints() []complaint {
	return []complaint{
		{says: `mounting "([^"]*)" to rootfs(?: "[^"]*")? at "([^"]*)".*(?:not a directory|is a directory|vice-versa)`, field: "mounts", below: mountAt(1), advice: fault.AdviceMountKind},
		{says: `mounting "([^"]*)" to rootfs(?: "[^"]*")? at "(/proc(?:/[^"]*)?)"`, field: "mounts", below: mountAt(1), advice: fault.AdviceMountProc},
		{says: `error reopening (/\S+) inside container`, field: "mounts", below: mountAt(0), advice: fault.AdviceMountDevice},
		{says: `lstat \S*/merged(/\S+): not a directory`, field: "mounts", fits: mounts, below: mountAt(0), advice: fault.AdviceMountThroughFile},
		{says: `cannot access path \S*/volumes/([^/]+)/_data`, field: "mounts", below: mountFrom, advice: fault.AdviceMountSubpath},
		{says: `mounting "([^"]*)" to rootfs(?: "[^"]*")? at "([^"]*)"`, field: "mounts", below: mountAt(1), advice: fault.AdviceMountOptions},
		{says: `source \S*/merged(/\S+) is not directory`, field: "mounts", below: mountAt(0), advice: fault.AdviceMountVolumeOntoFile},
		{says: `bind source path does not exist: (.+)$`, field: "mounts", below: mountFrom, advice: fault.AdviceMountSource},
		{says: `path (\S+) is mounted on \S+ but it is not a (?:shared|slave)`, field: "mounts", below: mountFrom, advice: fault.AdviceMountPropagation},
		{says: `error while mounting volume '\S*/volumes/([^/']+)/_data'`, field: "mounts", below: mountFrom, advice: fault.AdviceMountVolume},
		{says: `create ([^:]+): error looking up volume plugin`, field: "mounts", below: mountFrom, advice: fault.AdviceMountVolumeDriver},
		{says: `create ([^:]+): .* includes invalid characters for a local volume name`, field: "mounts", below: mountFrom, advice: fault.AdviceMountVolumeName},
		{says: `invalid tmpfs option`, field: "mounts", advice: fault.AdviceMountTmpfs},
		{says: `invalid mount|duplicate mount point|invalid volume specification`, field: "mounts"},
	}
}

func processComplaints() []complaint {
	return []complaint{
		{says: `no command specified`, field: "command", advice: fault.AdviceCommandMissing},
		{says: `chdir to cwd`, field: "working_dir", advice: fault.AdviceWorkingDirUnusable, command: true},
		{says: `cannot mkdir: (\S+) is not a directory`, field: "working_dir", advice: fault.AdviceWorkingDirIsFile},
		{says: `lstat \S*/merged/\S+: not a directory`, field: "working_dir", fits: hasWorkingDir, advice: fault.AdviceWorkingDirIsFile},
		{says: `exec: "docker-proxy"`, field: "ports", advice: fault.AdvicePortProxy},
		{says: `retrieve OCI runtime error|exec: "nvidia-container-runtime`, field: "runtime", advice: fault.AdviceRuntimeBroken},
		{says: `executable file not found|exec: "[^"]*":|exec \S+: exec format error`, field: "command", advice: fault.AdviceCommandUnusable, command: true},
		{says: `sethostname`, field: "hostname", advice: fault.AdviceHostnameLength},
		{says: `uids and gids must be in range`, field: "user", advice: fault.AdviceUserNumber},
		{says: `unable to find user`, field: "user", advice: fault.AdviceUserUnknown},
		{says: `no matching entries in passwd`, field: "user", advice: fault.AdviceUserUnknown},
		{says: `unable to find group ([^:]+)`, field: "group_add", advice: fault.AdviceUserUnknown},
		{says: `oom score adj`, field: "oom_score_adj", advice: fault.AdviceOOMScoreRange},
		{says: `/oom_score_adj`, field: "oom_score_adj", advice: fault.AdviceOOMScoreTooLow},
		{says: `invalid signal`, field: "stop_signal", advice: fault.AdviceStopSignal},
		{says: `invalid capdrop`, field: "cap_drop", advice: fault.AdviceCapability},
		{says: `unknown capability`, field: "cap_add", advice: fault.AdviceCapability},
		{says: `seccomp|apparmor|--security-opt`, field: "security_opt", advice: fault.AdviceSecurityOption},
		{says: `unable to apply caps`, field: "privileged", advice: fault.AdvicePrivileges},
		{says: `hostname and the uts mode|hostname and the network mode`, field: "hostname", advice: fault.AdviceHostnameShared},
		{says: `cannot expose privileged port`, field: "ports", advice: fault.AdvicePortPrivileged},
		{says: `sysctl "([^"]+)"`, field: "sysctls", below: sysctlNamed, advice: fault.AdviceSysctl},
		{says: `/proc/sys/([^:\s]+)`, field: "sysctls", below: sysctlNamed, advice: fault.AdviceSysctl},
		{says: `sysctl`, field: "sysctls", advice: fault.AdviceSysctl},
		{says: `RLIMIT_(\w+)`, field: "ulimits", below: ulimitNamed, advice: fault.AdviceUlimit},
		{says: `rlimit`, field: "ulimits", advice: fault.AdviceUlimit},
	}
}

func limitComplaints() []complaint {
	return []complaint{
		{says: `memory reservation`, field: "memory_reservation", advice: fault.AdviceMemoryReservation},
		{says: `memory swappiness`, field: "memory_swappiness", advice: fault.AdviceMemorySwappiness},
		{says: `memoryswap`, field: "memory_swap", advice: fault.AdviceMemorySwap},
		{says: `memory limit`, field: "memory", advice: fault.AdviceMemory},
		{says: `requested cpus are not available|cpuset cpus`, field: "cpuset", advice: fault.AdviceCPUSet},
		{says: `requested memory nodes are not available|cpuset mems`, field: "cpuset_mems", advice: fault.AdviceMemoryNodes},
		{says: `range of cpus|nanocpus|nano cpus`, field: "cpus", advice: fault.AdviceCPUs},
		{says: `cpu cfs period`, field: "cpu_period", advice: fault.AdviceCPUPeriod},
		{says: `cpu cfs quota`, field: "cpu_quota", advice: fault.AdviceCPUQuota},
		{says: `cpu-shares`, field: "cpu_shares", advice: fault.AdviceCPUShares},
		{says: `cpu\.rt_|cpu real-time`, field: "cpu_rt_runtime", advice: fault.AdviceCPURealTime},
		{says: `blkio\.|io\.max|io\.weight|io\.bfq\.weight`, field: "blkio_config", advice: fault.AdviceBlockIO},
		{says: `shm size`, field: "shm_size", advice: fault.AdviceShmSize},
		{says: `(?:^|: )unknown option`, field: "storage_opt", advice: fault.AdviceStorageOptionUnknown},
		{says: `storage-opt`, field: "storage_opt", advice: fault.AdviceStorageOptions},
		{says: `cgroup-parent`, field: "cgroup_parent", advice: fault.AdviceCgroupParent},
	}
}

func deviceComplaints() []complaint {
	return []complaint{
		{says: `adding custom device "([^"]*)"`, field: "devices", below: deviceFrom, advice: fault.AdviceDevice},
		{says: `device cgroup rule`, field: "device_cgroup_rules", advice: fault.AdviceDeviceCgroupRule},
		{says: `could not select device driver`, field: "device_requests", advice: fault.AdviceDeviceDriver},
		{says: `(?:^|: )stat (/dev/\S+): no such file`, field: "blkio_config", advice: fault.AdviceBlockDevice},
	}
}

func networkComplaints() []complaint {
	return []complaint{
		{says: `alias(?:es)? (?:is|are) (?:only )?supported (?:only )?for`, field: "networks", below: builtinNetwork, advice: fault.AdviceBuiltinNetwork},
		{says: `ip address is supported on user defined networks only`, field: "networks", below: builtinNetwork, advice: fault.AdviceBuiltinNetwork},
		{says: `ip address is supported only when connecting to networks with user configured subnets`, field: "networks", below: addressedNetwork, advice: fault.AdviceNetworkSubnet},
		{says: `link.local ip address`, field: "networks", advice: fault.AdviceLinkLocalAddress},
		{says: `setting interface .*(?:mac|hardware).*cannot assign requested address`, field: "networks", below: macNetwork, advice: fault.AdviceMACAddress},
		{says: `address already in use|invalid address .* does not belong|contains? the ip address`, field: "networks", below: addressedNetwork, advice: fault.AdviceNetworkAddress},
		{says: `listen (?:tcp|udp)[46]? (\S+):\d+: bind: cannot assign requested address|cannot assign requested address`, field: "ports", advice: fault.AdvicePortHostIP},
		{says: `host's network namespace when user namespaces`, field: "network_mode", advice: fault.AdviceUserNamespaces},
		{says: `host pid namespace when user namespaces`, field: "pid", advice: fault.AdviceUserNamespaces},
		{says: `privileged mode is incompatible with user namespaces`, field: "privileged", advice: fault.AdviceUserNamespaces},
		{says: `protocol not supported`, field: "ports", advice: fault.AdvicePortProtocol},
		{says: `port publishing and the container type network mode`, field: "ports", advice: fault.AdvicePortsShared},
		{says: `add-host|host-gateway`, field: "extra_hosts", advice: fault.AdviceExtraHosts},
	}
}

func otherComplaints() []complaint {
	return []complaint{
		{says: `failed to initialize logging driver.*(?:dial|connect|lookup)`, field: "logging", advice: fault.AdviceLogServer},
		{says: `journald is not enabled`, field: "logging", advice: fault.AdviceJournald},
		{says: `logging plugin`, field: "logging", advice: fault.AdviceLogPlugin},
		{says: `log.?opt|logging driver|log driver|logging mode`, field: "logging", advice: fault.AdviceLogOptions},
		{says: `cgroup namespace mode`, field: "cgroup", advice: fault.AdviceCgroupNamespace},
		{says: `unknown runtime|invalid runtime`, field: "runtime", advice: fault.AdviceRuntimeUnknown},
		{says: `invalid ipc mode`, field: "ipc", advice: fault.AdviceIPCMode},
		{says: `restart policy|maximum retry count`, field: "restart", advice: fault.AdviceRestartPolicy},
		{says: `in healthcheck`, field: "healthcheck", advice: fault.AdviceHealthcheckTimes},
	}
}

// vagueComplaints are words that can stand in many messages: they count where nothing else fits.
func vagueComplaints() []complaint {
	return []complaint{
		{says: `bind mount|\bvolumes?\b`, field: "mounts"},
		{says: `hostname`, field: "hostname"},
		{says: `healthcheck`, field: "healthcheck"},
		{says: `working directory`, field: "working_dir"},
		{says: `platform`, field: "platform"},
		{says: `invalid reference`, field: "image"},
		{says: `\bports?\b`, field: "ports"},
		{says: `\bnetworks?\b`, field: "networks"},
	}
}

// complained is what an engine's words are about.
type complained struct {
	field   []string
	advice  fault.Advice
	command bool
}

// in returns what the words are in a text, with the groups of the expression after it; nil is that the text is
// about something else.
func (c complaint) in(s container.Spec, text string) []string {
	found := regexp.MustCompile(`(?i)` + c.says).FindStringSubmatch(text)
	if found == nil || c.fits != nil && !c.fits(s, found[1:]) {
		return nil
	}
	return found
}

// complainedOf finds what an engine's words about a container are about; ok is false if they don't tell. It is
// pure.
func complainedOf(s container.Spec, text string) (about complained, ok bool) {
	for _, c := range complaints() {
		found := c.in(s, text)
		if found == nil {
			continue
		}
		about = complained{field: []string{c.field}, advice: c.advice, command: c.command}
		if c.field == "group_add" && strings.HasSuffix(s.User, ":"+found[1]) {
			about.field[0] = "user" // The words are the same for both.
		}
		if c.below != nil {
			if key := c.below(s, found[1:]); key != "" {
				about.field = append(about.field, key)
			}
		}
		return about, true
	}
	return complained{}, false
}

// fault makes a fault of what an engine said of a setting.
func (about complained) fault(scope fault.Scope, step fault.Step, action string, exists fault.Exists, err error) *fault.Fault {
	var f *fault.Fault
	if about.command {
		f = scope.CommandNotFound(about.field[0], exists, err)
	} else {
		f = scope.EngineSaid(fault.Invalid, step, action, about.field, exists, err)
	}
	f.Facts.Advice, f.Facts.Key = about.advice, len(about.field) > 1
	return f
}

// mountAt finds a mount by its path in the container, which is one of the groups.
func mountAt(group int) func(container.Spec, []string) string {
	return func(s container.Spec, found []string) string {
		for path := range s.Mounts {
			if strings.TrimRight(path, "/") == strings.TrimRight(found[group], "/") {
				return path
			}
		}
		return ""
	}
}

// mounts reports whether a path is one of a mount.
func mounts(s container.Spec, found []string) bool { return mountAt(0)(s, found) != "" }

func hasWorkingDir(s container.Spec, _ []string) bool { return s.WorkingDir != "" }

// mountFrom finds a mount by its source.
func mountFrom(s container.Spec, found []string) string {
	return KeyOf(s.Mounts, func(m container.Mount) bool {
		return strings.TrimRight(m.Source, "/") == strings.TrimRight(found[0], "/")
	})
}

// fileAt finds a file by its path in the container. The engine's words can have it from the mount on that it is put
// into, or only as far as it came.
func fileAt(s container.Spec, found []string) string {
	for _, is := range []func(path string) bool{
		func(path string) bool { return path == found[0] },
		func(path string) bool { return strings.HasSuffix(path, found[0]) },
		func(path string) bool { return strings.HasPrefix(path, found[0]+"/") },
	} {
		for _, path := range slices.Sorted(maps.Keys(s.Files)) {
			if is(path) {
				return path
			}
		}
	}
	return ""
}

func deviceFrom(s container.Spec, found []string) string {
	return KeyOf(s.Devices.Devices, func(d container.Device) bool { return d.Source == found[0] })
}

func sysctlNamed(s container.Spec, found []string) string {
	name := strings.ReplaceAll(found[0], "/", ".")
	if _, ok := s.Sysctls[name]; ok {
		return name
	}
	return ""
}

func ulimitNamed(s container.Spec, found []string) string {
	name := strings.ToLower(found[0])
	if _, ok := s.Ulimits[name]; ok {
		return name
	}
	return ""
}

// builtinNetwork finds the network that is the engine's own bridge.
func builtinNetwork(s container.Spec, _ []string) string {
	return KeyOf(s.Networks, func(n container.NetworkAttachment) bool { return n.Network == "bridge" || n.Network == "default" })
}

// addressedNetwork finds the network with an address, if it is the only one.
func addressedNetwork(s container.Spec, _ []string) string {
	return onlyNetwork(s, func(n container.NetworkAttachment) bool { return n.IPv4Address != "" || n.IPv6Address != "" })
}

// macNetwork finds the network with a MAC address, if it is the only one.
func macNetwork(s container.Spec, _ []string) string {
	return onlyNetwork(s, func(n container.NetworkAttachment) bool { return n.MACAddress != "" })
}

func onlyNetwork(s container.Spec, asks func(container.NetworkAttachment) bool) string {
	count := 0
	for _, n := range s.Networks {
		if asks(n) {
			count++
		}
	}
	if count != 1 {
		return ""
	}
	return KeyOf(s.Networks, asks)
}

// KeyOf returns the first key, in order, whose value is meant; empty if there is none.
func KeyOf[V any](m map[string]V, is func(V) bool) string {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if is(m[key]) {
			return key
		}
	}
	return ""
}
