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

// complaint tells which attribute of a container an engine's words are about, and what to do about it. An engine
// has no codes for reasons: they are told from its words, as 20.10 to 28 spell them.
type complaint struct {
	// says is a regular expression; case does not matter.
	says      string
	attribute string
	// fits reports whether the specification has what the words are about; nil is that they are clear by themselves.
	fits func(s container.Spec, found []string) bool
	// below finds the key below the attribute; nil is none, and so is an empty key. Found are the expression's
	// groups.
	below func(s container.Spec, found []string) string
	// advice is what to do; empty is the general one.
	advice string
	// command says that the container's command can't be executed.
	command bool
}

// Advice that several complaints share.
const (
	adviceOwnNetwork = "the network bridge gives no aliases and takes no addresses: leave them out, or connect the container to a network of its own (gantry_network)"
	adviceSubnet     = "give the network a subnet (ipam of gantry_network), or leave the address out and let the engine choose"
	adviceMountKind  = "a directory can be mounted only onto a directory, and a file only onto a file: see what the source is on the engine's host, and what the image has at that path"
	adviceLogServer  = "the log driver does not reach the server that the options name: see that it runs and can be reached from the engine's host, or use another driver"
	adviceSysctl     = "use a name that the kernel of the engine's host has, a value that it takes, and one that belongs to the container's own namespaces"
	adviceRlimit     = "use the name of a limit of the kernel, a soft limit that is not above the hard one, and a hard one that is not above what the engine itself may set"
	adviceImageUser  = "name one that the image has in /etc/passwd and /etc/group, or use its number"
	adviceCommand    = "check entrypoint, command and working_dir against what the image contains"
	adviceUserns     = "the engine gives containers users of their own (userns-remap): set userns_mode = \"host\" for this one, or leave that out"
	adviceVolume     = "see the driver_opts of that volume: the engine's host can't mount what they name"
)

// complaints are all that are known, the first that fits counts: what is more special comes first.
func complaints() []complaint {
	return slices.Concat(fileComplaints(), mountComplaints(), processComplaints(), limitComplaints(), deviceComplaints(), networkComplaints(), otherComplaints(), vagueComplaints())
}

// fileComplaints are of uploads, which gantry's own words begin. They come before all others: the path of a file can
// have any word in it.
func fileComplaints() []complaint {
	return []complaint{
		{says: `uploading files.*marked read-only`, attribute: "files", advice: "the path leads over a symbolic link into the read-only root: use the path that it has without links"},
		{says: `uploading files.*: \w+ (/[^:]*): not a directory`, attribute: "files", below: fileAt, advice: "in the container that path leads through a file: choose another one"},
		{says: `uploading files.*cannot overwrite directory "([^"]*)"`, attribute: "files", below: fileAt, advice: "in the container that path is a directory: add the name of a file"},
		{says: `uploading files ([^:,]+): `, attribute: "files", below: fileAt},
		{says: `uploading files`, attribute: "files"},
	}
}

func mountComplaints() []complaint {
	return []complaint{
		{says: `mounting "([^"]*)" to rootfs(?: "[^"]*")? at "([^"]*)".*(?:not a directory|is a directory|vice-versa)`, attribute: "mounts", below: mountAt(1), advice: adviceMountKind},
		{says: `mounting "([^"]*)" to rootfs(?: "[^"]*")? at "(/proc(?:/[^"]*)?)"`, attribute: "mounts", below: mountAt(1), advice: "a container's /proc is the kernel's: choose another path"},
		{says: `error reopening (/\S+) inside container`, attribute: "mounts", below: mountAt(0), advice: "the container has a device of its own there: choose another path"},
		{says: `lstat \S*/merged(/\S+): not a directory`, attribute: "mounts", fits: mounts, below: mountAt(0), advice: "in the image that path leads through a file: choose another one"},
		{says: `cannot access path \S*/volumes/([^/]+)/_data`, attribute: "mounts", below: mountFrom, advice: "the volume has no such directory: make it there first, or correct subpath"},
		{says: `mounting "([^"]*)" to rootfs(?: "[^"]*")? at "([^"]*)"`, attribute: "mounts", below: mountAt(1), advice: "see the options of that mount, and that the kernel of the engine's host knows them"},
		{says: `source \S*/merged(/\S+) is not directory`, attribute: "mounts", below: mountAt(0), advice: "a volume can be mounted only onto a directory: choose another path, or mount a file"},
		{says: `bind source path does not exist: (.+)$`, attribute: "mounts", below: mountFrom, advice: "make it on the engine's host, correct the path, or set bind.create_host_path = true, with which the engine makes a directory there"},
		{says: `path (\S+) is mounted on \S+ but it is not a (?:shared|slave)`, attribute: "mounts", below: mountFrom, advice: "leave bind.propagation out, or make that mount of the engine's host a shared one (mount --make-shared)"},
		{says: `error while mounting volume '\S*/volumes/([^/']+)/_data'`, attribute: "mounts", below: mountFrom, advice: adviceVolume},
		{says: `create ([^:]+): error looking up volume plugin`, attribute: "mounts", below: mountFrom, advice: "install the volume's driver on the engine's host, or name one that it has"},
		{says: `create ([^:]+): .* includes invalid characters for a local volume name`, attribute: "mounts", below: mountFrom, advice: "use another name, or for a path of the host an absolute one and the type bind"},
		{says: `invalid tmpfs option`, attribute: "mounts", advice: "use options that a tmpfs has"},
		{says: `invalid mount|duplicate mount point|invalid volume specification`, attribute: "mounts"},
	}
}

func processComplaints() []complaint {
	return []complaint{
		{says: `no command specified`, attribute: "command", advice: "the image has neither an entrypoint nor a command: set command or entrypoint"},
		{says: `chdir to cwd`, attribute: "working_dir", advice: "use a directory that the image has and that the user may enter", command: true},
		{says: `cannot mkdir: (\S+) is not a directory`, attribute: "working_dir", advice: "in the image that path is a file, or leads through one: use a directory"},
		{says: `lstat \S*/merged/\S+: not a directory`, attribute: "working_dir", fits: hasWorkingDir, advice: "in the image that path is a file, or leads through one: use a directory"},
		{says: `exec: "docker-proxy"`, attribute: "ports", advice: "the engine itself can't run its proxy for published ports: fix its installation, or switch the proxy off there"},
		{says: `retrieve OCI runtime error|exec: "nvidia-container-runtime`, attribute: "runtime", advice: "the engine's host can't execute that runtime: install it there, or use another one"},
		{says: `executable file not found|exec: "[^"]*":|exec \S+: exec format error`, attribute: "command", advice: adviceCommand, command: true},
		{says: `sethostname`, attribute: "hostname", advice: "use a name of at most 64 characters"},
		{says: `uids and gids must be in range`, attribute: "user", advice: "use a number from 0 to 2147483647, here and in group_add"},
		{says: `unable to find user`, attribute: "user", advice: adviceImageUser},
		{says: `no matching entries in passwd`, attribute: "user", advice: adviceImageUser},
		{says: `unable to find group ([^:]+)`, attribute: "group_add", advice: adviceImageUser},
		{says: `oom score adj`, attribute: "oom_score_adj", advice: "use a number from -1000 to 1000"},
		{says: `/oom_score_adj`, attribute: "oom_score_adj", advice: "use a higher number: the engine itself may not go as low"},
		{says: `invalid signal`, attribute: "stop_signal", advice: "use the name or the number of a signal that the engine's host knows"},
		{says: `invalid capdrop`, attribute: "cap_drop", advice: "use the name of a capability of the kernel"},
		{says: `unknown capability`, attribute: "cap_add", advice: "use the name of a capability of the kernel"},
		{says: `seccomp|apparmor|--security-opt`, attribute: "security_opt", advice: "use an option that the engine knows, and a profile that is valid and that its host has"},
		{says: `unable to apply caps`, attribute: "privileged", advice: "the engine itself lacks a capability that the container is to have: leave privileged and cap_add out, or give it to the engine"},
		{says: `hostname and the uts mode|hostname and the network mode`, attribute: "hostname", advice: "leave hostname out: the container has that of the host, or of the container whose network it shares"},
		{says: `cannot expose privileged port`, attribute: "ports", advice: "the engine runs without root and may not take that port: publish one from 1024, or allow it on the engine's host (net.ipv4.ip_unprivileged_port_start)"},
		{says: `sysctl "([^"]+)"`, attribute: "sysctls", below: sysctlNamed, advice: adviceSysctl},
		{says: `/proc/sys/([^:\s]+)`, attribute: "sysctls", below: sysctlNamed, advice: adviceSysctl},
		{says: `sysctl`, attribute: "sysctls", advice: adviceSysctl},
		{says: `RLIMIT_(\w+)`, attribute: "ulimits", below: ulimitNamed, advice: adviceRlimit},
		{says: `rlimit`, attribute: "ulimits", advice: adviceRlimit},
	}
}

func limitComplaints() []complaint {
	return []complaint{
		{says: `memory reservation`, attribute: "memory_reservation", advice: "use less than memory"},
		{says: `memory swappiness`, attribute: "memory_swappiness", advice: "use a number from 0 to 100"},
		{says: `memoryswap`, attribute: "memory_swap", advice: "it counts memory as well: use at least as much as memory, or -1 for no limit"},
		{says: `memory limit`, attribute: "memory", advice: "use at least what the engine names"},
		{says: `requested cpus are not available|cpuset cpus`, attribute: "cpuset", advice: "use numbers of CPUs that the engine's host has: \"0\", \"0-3\", \"0,2\""},
		{says: `requested memory nodes are not available|cpuset mems`, attribute: "cpuset_mems", advice: "use numbers of memory nodes that the engine's host has"},
		{says: `range of cpus|nanocpus|nano cpus`, attribute: "cpus", advice: "use at most as many as the engine's host has, and no cpu_period or cpu_quota beside it"},
		{says: `cpu cfs period`, attribute: "cpu_period", advice: "use a time from 1ms to 1s"},
		{says: `cpu cfs quota`, attribute: "cpu_quota", advice: "use at least 1ms"},
		{says: `cpu-shares`, attribute: "cpu_shares", advice: "use a number from 2 to 262144"},
		{says: `cpu\.rt_|cpu real-time`, attribute: "cpu_rt_runtime", advice: "use less than cpu_rt_period, and give the engine itself time for real-time processes (--cpu-rt-runtime of dockerd)"},
		{says: `blkio\.|io\.max|io\.weight|io\.bfq\.weight`, attribute: "blkio_config", advice: "name block devices that the engine's host has, and rates that its kernel takes"},
		{says: `shm size`, attribute: "shm_size", advice: "use a positive size"},
		{says: `(?:^|: )unknown option`, attribute: "storage_opt", advice: "use an option that the engine's storage driver has (docker info names the driver)"},
		{says: `storage-opt`, attribute: "storage_opt", advice: "leave it out: the engine's storage driver does not take it"},
		{says: `cgroup-parent`, attribute: "cgroup_parent", advice: "use a name that the engine's cgroup driver takes: for systemd that of a slice"},
	}
}

func deviceComplaints() []complaint {
	return []complaint{
		{says: `adding custom device "([^"]*)"`, attribute: "devices", below: deviceFrom, advice: "name a device that the engine's host has"},
		{says: `device cgroup rule`, attribute: "device_cgroup_rules", advice: "write a rule as the kernel has it: \"c 1:3 rwm\""},
		{says: `could not select device driver`, attribute: "device_requests", advice: "the engine has no driver for these devices: install its container toolkit on the engine's host (of NVIDIA the nvidia-container-toolkit) and restart the engine, or leave them out"},
		{says: `(?:^|: )stat (/dev/\S+): no such file`, attribute: "blkio_config", advice: "name block devices that the engine's host has"},
	}
}

func networkComplaints() []complaint {
	return []complaint{
		{says: `alias(?:es)? (?:is|are) (?:only )?supported (?:only )?for`, attribute: "networks", below: builtinNetwork, advice: adviceOwnNetwork},
		{says: `ip address is supported on user defined networks only`, attribute: "networks", below: builtinNetwork, advice: adviceOwnNetwork},
		{says: `ip address is supported only when connecting to networks with user configured subnets`, attribute: "networks", below: addressedNetwork, advice: adviceSubnet},
		{says: `link.local ip address`, attribute: "networks", advice: "write link_local_ips as addresses"},
		{says: `setting interface .*(?:mac|hardware).*cannot assign requested address`, attribute: "networks", below: macNetwork, advice: "use a MAC address of one host: its first byte is even, as in 02:42:ac:11:00:02"},
		{says: `address already in use|invalid address .* does not belong|contains? the ip address`, attribute: "networks", below: addressedNetwork, advice: "choose another address, or leave it out and let the engine choose"},
		{says: `listen (?:tcp|udp)[46]? (\S+):\d+: bind: cannot assign requested address|cannot assign requested address`, attribute: "ports", advice: "host_ip is no address of the engine's host: use one that it has, or leave it out for all"},
		{says: `host's network namespace when user namespaces`, attribute: "network_mode", advice: adviceUserns},
		{says: `host pid namespace when user namespaces`, attribute: "pid", advice: adviceUserns},
		{says: `privileged mode is incompatible with user namespaces`, attribute: "privileged", advice: adviceUserns},
		{says: `protocol not supported`, attribute: "ports", advice: "the kernel of the engine's host lacks that protocol: use another one"},
		{says: `port publishing and the container type network mode`, attribute: "ports", advice: "publish the ports of the container whose network this one shares"},
		{says: `add-host|host-gateway`, attribute: "extra_hosts", advice: "write a host's addresses as addresses, or as host-gateway where the engine knows its host's"},
	}
}

func otherComplaints() []complaint {
	return []complaint{
		{says: `failed to initialize logging driver.*(?:dial|connect|lookup)`, attribute: "logging", advice: adviceLogServer},
		{says: `journald is not enabled`, attribute: "logging", advice: "the engine's host has no journald: use another driver"},
		{says: `logging plugin`, attribute: "logging", advice: "use a driver that the engine has, or install its plugin"},
		{says: `log.?opt|logging driver|log driver|logging mode`, attribute: "logging", advice: "see which options that driver takes, and which it needs"},
		{says: `cgroup namespace mode`, attribute: "cgroup", advice: "use host or private"},
		{says: `unknown runtime|invalid runtime`, attribute: "runtime", advice: "use a runtime that the engine is configured with (docker info lists them)"},
		{says: `invalid ipc mode`, attribute: "ipc", advice: "use none, private, shareable, host or container:NAME"},
		{says: `restart policy|maximum retry count`, attribute: "restart", advice: "use no, always, unless-stopped, on-failure or on-failure:N"},
		{says: `in healthcheck`, attribute: "healthcheck", advice: "use times of at least 1ms"},
	}
}

// vagueComplaints are words that can stand in many messages: they count where nothing else fits.
func vagueComplaints() []complaint {
	return []complaint{
		{says: `bind mount|\bvolumes?\b`, attribute: "mounts"},
		{says: `hostname`, attribute: "hostname"},
		{says: `healthcheck`, attribute: "healthcheck"},
		{says: `working directory`, attribute: "working_dir"},
		{says: `platform`, attribute: "platform"},
		{says: `invalid reference`, attribute: "image"},
		{says: `\bports?\b`, attribute: "ports"},
		{says: `\bnetworks?\b`, attribute: "networks"},
	}
}

// complained is what an engine's words are about.
type complained struct {
	attribute []string
	advice    string
	command   bool
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
		about = complained{attribute: []string{c.attribute}, advice: c.advice, command: c.command}
		if c.attribute == "group_add" && strings.HasSuffix(s.User, ":"+found[1]) {
			about.attribute[0] = "user" // The words are the same for both.
		}
		if c.below != nil {
			if key := c.below(s, found[1:]); key != "" {
				about.attribute = append(about.attribute, key)
			}
		}
		return about, true
	}
	return complained{}, false
}

// fault makes a fault of what an engine said of a setting.
func (about complained) fault(scope fault.Scope, step fault.Step, action string, exists fault.Exists, err error) *fault.Fault {
	if about.command {
		f := scope.CommandNotFound(about.attribute[0], exists, err)
		f.Hint = about.advice
		return f
	}
	f := scope.EngineSaid(fault.Invalid, step, action, about.attribute, exists, err)
	if about.advice != "" {
		f.Hint = about.advice
	}
	if len(about.attribute) > 1 {
		f.Message = about.attribute[0] + "[\"" + about.attribute[1] + "\"]: " + f.Message
	}
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
