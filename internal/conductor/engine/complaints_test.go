// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

var update = flag.Bool("update", false, "write the golden file anew")

const golden = "testdata/complaints.golden"

// initFailed is how an engine begins what the kernel had against a container.
const initFailed = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: "

// What an engine says leads to the attribute and to what to do; the words are an engine's own, most of 20.10.
func TestComplaints(t *testing.T) {
	spec := container.Spec{Settings: container.Settings{
		User: "1:staff", WorkingDir: "/file/x",
		Mounts: map[string]container.Mount{
			"/etc/passwd": {Type: container.MountBind, Source: "/etc"}, "/dir/": {Type: container.MountBind, Source: "/etc/hostname"}, "/x": {Type: container.MountBind, Source: "/nope"},
			"/file": {Type: container.MountVolume, Source: "data"}, "/t": {Type: container.MountTmpfs}, "/odd": {Type: container.MountVolume, Source: "a b"},
			"/proc": {Type: container.MountBind, Source: "/srv"}, "/dev/null": {Type: container.MountVolume, Source: "other"}, "/file/y": {Type: container.MountVolume, Source: "more"},
		},
		Networks: map[string]container.NetworkAttachment{
			"builtin": {Network: "bridge"}, "front": {Network: "front", EndpointOptions: container.EndpointOptions{IPv4Address: "10.1.1.1"}},
			"hardware": {Network: "other", EndpointOptions: container.EndpointOptions{MACAddress: "01:00:5e:00:00:01"}},
		},
		Devices: container.Devices{Devices: map[string]container.Device{"/dev/x": {Source: "/dev/nope"}}},
		Limits:  container.Limits{Ulimits: map[string]container.Ulimit{"foo": {}}},
	}}
	spec.Files = map[string]container.File{"/etc/passwd/x": {}, "/etc/sysctl.conf": {}, "/var": {}, "/srv/file/y": {}}
	spec.Sysctls = map[string]string{"net.ipv4.nope": "1", "foo.bar": "1"}
	seen := make(map[string]bool)
	var texts strings.Builder
	for _, test := range []struct{ words, attribute, advice string }{
		{initFailed + `error mounting "/etc" to rootfs at "/etc/passwd": mount /etc:/etc/passwd (via /proc/self/fd/6), flags: 0x5000: not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type`, "mounts./etc/passwd", "a file only onto a file"},
		{initFailed + `rootfs_linux.go:76: mounting "/etc/hostname" to rootfs at "/dir" caused: mount through procfd: not a directory: unknown`, "mounts./dir/", "only onto a directory"},
		{initFailed + `error mounting "tmpfs" to rootfs at "/t": mount tmpfs:/t (via /proc/self/fd/6), flags: 0xe, data: size=abc: invalid argument: unknown`, "mounts./t", "options of that mount"},
		{initFailed + `error mounting "/srv" to rootfs at "/proc": "/var/lib/docker/overlay2/a92c/merged/proc" cannot be mounted because it is not of type proc: unknown`, "mounts./proc", "the kernel's"},
		{initFailed + `error reopening /dev/null inside container: open /dev/null: is a directory: unknown`, "mounts./dev/null", "device of its own"},
		{`lstat /var/lib/docker/overlay2/0fdd/merged/file/y: not a directory`, "mounts./file/y", "through a file"},
		{`cannot access path /var/lib/docker/volumes/data/_data/nope: lstat /var/lib/docker/volumes/data/_data/nope: no such file or directory`, "mounts./file", "subpath"},
		{`source /var/lib/docker/overlay2/e3797d84/merged/file is not directory`, "mounts./file", "choose another path"},
		{`invalid mount config for type "bind": bind source path does not exist: /nope`, "mounts./x", "create_host_path"},
		{`path /etc is mounted on / but it is not a shared mount`, "mounts./etc/passwd", "propagation"},
		{`error while mounting volume '/var/lib/docker/volumes/data/_data': failed to mount local volume: mount /nope:/var/lib/docker/volumes/data/_data, flags: 0x1000: no such file or directory`, "mounts./file", "driver_opts"},
		{`create data: error looking up volume plugin nope: plugin "nope" not found`, "mounts./file", "driver"},
		{`create a b: "a b" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`, "mounts./odd", "type bind"},
		{`invalid tmpfs option ["nope" "1"]`, "mounts", "tmpfs"},
		{`invalid mount path: 'relative' mount path must be absolute`, "mounts", "the engine names"},

		{`No command specified`, "command", "neither an entrypoint nor a command"},
		{`unable to start container process: chdir to cwd ("/x") set in config.json failed: permission denied`, "working_dir", "may enter"},
		{`Cannot mkdir: /file is not a directory`, "working_dir", "is a file"},
		{`lstat /var/lib/docker/overlay2/0fdd/merged/file/x: not a directory`, "working_dir", "leads through one"},
		{`OCI runtime create failed: runc create failed: unable to start container process: exec: "/dir": permission denied: unknown`, "command", "what the image contains"},
		{`OCI runtime create failed: unable to start container process: exec: "nope": executable file not found in $PATH: unknown`, "command", "what the image contains"},
		{`driver failed programming external connectivity on endpoint web: failed to start userland proxy: exec: "docker-proxy": executable file not found in $PATH`, "ports", "its proxy"},
		{`failed to create shim task: OCI runtime create failed: unable to retrieve OCI runtime error (open /run/log.json: no such file or directory): exec: "nvidia-container-runtime": executable file not found in $PATH: unknown`, "runtime", "install it"},
		{`failed to create shim: stat /run/containerd/io.containerd.runtime.v2.task/moby/x: no such file or directory`, "", "the engine's message"},
		{initFailed + `sethostname: invalid argument: unknown`, "hostname", "64"},
		{`uids and gids must be in range 0-2147483647`, "user", "group_add"},
		{`unable to find user nope: no matching entries in passwd file`, "user", "/etc/passwd"},
		{`linux spec user: no matching entries in passwd file`, "user", "/etc/passwd"},
		{`Unable to find group nope: no matching entries in group file`, "group_add", "/etc/group"},
		{`unable to find group staff: no matching entries in group file`, "user", "/etc/group"},
		{`Invalid value 5000, range for oom score adj is [-1000, 1000]`, "oom_score_adj", "-1000"},
		{initFailed + `write /proc/self/oom_score_adj: permission denied: unknown`, "oom_score_adj", "higher"},
		{`Invalid signal: NOPE`, "stop_signal", "signal"},
		{`invalid CapAdd: unknown capability: "CAP_NOPE"`, "cap_add", "capability"},
		{`invalid CapDrop: unknown capability: "CAP_NOPE"`, "cap_drop", "capability"},
		{`Decoding seccomp profile failed: unexpected end of JSON input`, "security_opt", "profile"},
		{`invalid --security-opt 2: "nope=1"`, "security_opt", "profile"},
		{`runc create failed: unable to start container process: unable to apply caps: operation not permitted: unknown`, "privileged", "lacks a capability"},
		{`conflicting options: hostname and the UTS mode`, "hostname", "leave hostname out"},
		{`conflicting options: hostname and the network mode`, "hostname", "leave hostname out"},
		{`OCI runtime create failed: runc create failed: sysctl "foo.bar" is not in a separate kernel namespace: unknown`, "sysctls.foo.bar", "namespaces"},
		{initFailed + `open /proc/sys/net/ipv4/nope: no such file or directory: unknown`, "sysctls.net.ipv4.nope", "namespaces"},
		{initFailed + `write /proc/sys/kernel/shmmax: invalid argument: unknown`, "sysctls", "value"},
		{`invalid sysctl`, "sysctls", "value"},
		{`OCI runtime create failed: runc create failed: wrong rlimit value: RLIMIT_FOO: unknown`, "ulimits.foo", "soft limit"},
		{initFailed + `error setting rlimits for ready process: error setting rlimit type 7: operation not permitted: unknown`, "ulimits", "soft limit"},

		{`Minimum memory limit can not be less than memory reservation limit, see usage`, "memory_reservation", "less than memory"},
		{`Invalid value: 200, valid memory swappiness range is 0-100`, "memory_swappiness", "0 to 100"},
		{`Minimum memoryswap limit should be larger than memory limit, see usage`, "memory_swap", "-1"},
		{`Minimum memory limit allowed is 6MB`, "memory", "at least"},
		{`Requested CPUs are not available - requested 99, available: 0-1`, "cpuset", "0-3"},
		{`Invalid value a for cpuset cpus: invalid format: a`, "cpuset", "0-3"},
		{`Requested memory nodes are not available - requested 7, available: 0`, "cpuset_mems", "nodes"},
		{`Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available`, "cpus", "at most"},
		{`Conflicting options: Nano CPUs and CPU Period cannot both be set`, "cpus", "cpu_period"},
		{`CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)`, "cpu_period", "1ms"},
		{`CPU cfs quota can not be less than 1ms (i.e. 1000)`, "cpu_quota", "1ms"},
		{initFailed + `error setting cgroup config for procHooks process: the minimum allowed cpu-shares is 2: unknown`, "cpu_shares", "from 2"},
		{`cpu real-time runtime cannot be higher than cpu real-time period`, "cpu_rt_runtime", "cpu_rt_period"},
		{`failed to write "1000": write /sys/fs/cgroup/cpu/docker/f0c6/cpu.rt_runtime_us: invalid argument: unknown`, "cpu_rt_runtime", "dockerd"},
		{initFailed + `error setting cgroup config for procHooks process: failed to write "0:0 1": write /sys/fs/cgroup/blkio/docker/4c50/blkio.throttle.read_bps_device: no such device: unknown`, "blkio_config", "block devices"},
		{`SHM size can not be less than 0`, "shm_size", "positive"},
		{`--storage-opt is supported only for overlay over xfs with 'pquota' mount option`, "storage_opt", "storage driver"},
		{`overlay2: unknown option nope`, "storage_opt", "storage driver"},
		{`cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"`, "cgroup_parent", "slice"},

		{`error gathering device information while adding custom device "/dev/nope": no such file or directory`, "devices./dev/x", "host has"},
		{`error gathering device information while adding custom device "/etc": not a device node`, "devices", "host has"},
		{`invalid device cgroup rule format: 'x'`, "device_cgroup_rules", "c 1:3 rwm"},
		{`could not select device driver "" with capabilities: [[gpu]]`, "device_requests", "nvidia-container-toolkit"},
		{`stat /dev/nope: no such file or directory`, "blkio_config", "block devices"},

		{`network-scoped alias is supported only for containers in user defined networks`, "networks.builtin", "gantry_network"},
		{`user specified IP address is supported on user defined networks only`, "networks.builtin", "gantry_network"},
		{`user specified IP address is supported only when connecting to networks with user configured subnets`, "networks.front", "subnet"},
		{`Invalid link-local IP address: [nope]`, "networks", "link_local_ips"},
		{`invalid link local IP address: 10.0.0.1`, "networks", "link_local_ips"},
		{`invalid config for network front: invalid endpoint settings: no configured subnet or ip-range contain the IP address 10.1.1.1`, "networks.front", "another address"},
		{initFailed + `error running hook #0: error running hook: exit status 1, stdout: , stderr: failed to add interface veth7e5ca62 to sandbox: error setting interface "veth7e5ca62" MAC to "01:00:5e:00:00:01": cannot assign requested address: unknown`, "networks.hardware", "even"},
		{`cannot expose privileged port 80, you can add 'net.ipv4.ip_unprivileged_port_start=80' to /etc/sysctl.conf (currently 1024)`, "ports", "without root"},
		{`cannot share the host's network namespace when user namespaces are enabled`, "network_mode", "userns_mode"},
		{`cannot share the host PID namespace when user namespaces are enabled`, "pid", "userns_mode"},
		{`privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode`, "privileged", "userns_mode"},
		{`Address already in use`, "networks.front", "another address"},
		{`Invalid address 172.31.240.99: It does not belong to any of this network's subnets`, "networks.front", "another address"},
		{`driver failed programming external connectivity on endpoint web (bbb0): Error starting userland proxy: listen tcp4 203.0.113.7:32777: bind: cannot assign requested address`, "ports", "host_ip"},
		{`driver failed programming external connectivity on endpoint web (34c6): Error starting userland proxy: protocol not supported`, "ports", "kernel"},
		{`conflicting options: port publishing and the container type network mode`, "ports", "shares"},
		{`invalid IP address in add-host: "bad"`, "extra_hosts", "host-gateway"},

		{`failed to initialize logging driver: dial tcp 127.0.0.1:1: connect: connection refused`, "logging", "does not reach the server"},
		{`failed to initialize logging driver: gelf: cannot connect to GELF endpoint: 127.0.0.1:1 dial tcp 127.0.0.1:1: connect: connection refused`, "logging", "does not reach the server"},
		{`failed to initialize logging driver: journald is not enabled on this host`, "logging", "journald"},
		{`error looking up logging plugin nope: plugin "nope" not found`, "logging", "plugin"},
		{`unknown log opt 'foo' for json-file log driver`, "logging", "options"},
		{`failed to initialize logging driver: invalid size: 'abc'`, "logging", "options"},
		{`must specify a value for log opt 'awslogs-group'`, "logging", "options"},
		{`logger: logging mode not supported: foo`, "logging", "options"},
		{`invalid cgroup namespace mode: nope`, "cgroup", "private"},
		{`Unknown runtime specified nope`, "runtime", "docker info"},
		{`unknown or invalid runtime name: nope`, "runtime", "docker info"},
		{`Invalid IPC mode: nope`, "ipc", "shareable"},
		{`maximum retry count cannot be used with restart policy 'always'`, "restart", "on-failure"},
		{`invalid restart policy 'nope'`, "restart", "on-failure"},
		{`Interval in Healthcheck cannot be less than 1ms`, "healthcheck", "1ms"},
		{`uploading files /x, /y: no space left on device`, "files", "the engine names"},
		{`uploading files /etc/sysctl.conf: no space left on device`, "files./etc/sysctl.conf", "the engine names"},
		{`uploading files /etc/passwd/x, /var: Error processing tar file(exit status 1): open /etc/passwd/x: not a directory`, "files./etc/passwd/x", "leads through a file"},
		{`uploading files /etc/passwd/x: Error processing tar file(exit status 1): mkdir /etc/passwd: not a directory`, "files./etc/passwd/x", "leads through a file"},
		{`uploading files /srv/file/y: Error processing tar file(exit status 1): open /file/y: not a directory`, "files./srv/file/y", "leads through a file"},
		{`uploading files /var: Error processing tar file(exit status 1): cannot overwrite directory "/var" with non-directory "/"`, "files./var", "is a directory"},
		{`uploading files /var/run/x: container rootfs is marked read-only`, "files", "without links"},

		{`invalid bind mount spec "x"`, "mounts", "the engine names"},
		{`invalid hostname format`, "hostname", "the engine names"},
		{`Unknown type "x" in healthcheck`, "healthcheck", "1ms"},
		{`healthcheck is not valid`, "healthcheck", "the engine names"},
		{`the working directory 'x' is invalid, it needs to be an absolute path`, "working_dir", "the engine names"},
		{`"x" is an invalid component of platform`, "platform", "the engine names"},
		{`invalid reference format`, "image", "the engine names"},
		{`invalid port specification: "x"`, "ports", "the engine names"},
		{`a network can't do that`, "networks", "the engine names"},

		{`quota size requested but no quota support`, "", "the engine's message"},
		{initFailed + `something new: no such file or directory: unknown`, "", "the engine's message"},
	} {
		scope := fault.Scope{Engine: "edge1", Container: "web", Now: time.Now}
		f := ExplainAs(scope, spec, fault.StepStarting, "start", fault.CreatedNotStarted, "", errors.New(test.words))
		f = faulttext.Of(f)
		fmt.Fprintf(&texts, "== %s\n%s: %s, of %q\n%s\n", test.words, f.Kind, f.Summary, f.Field, f.Detail())
		if got := strings.Join(f.Field, "."); got != test.attribute || !strings.Contains(f.Hint, test.advice) || !strings.Contains(f.Message, test.words) {
			t.Errorf("%s\nis at %q, want %q, with the advice %q, want %q: %s", test.words, got, test.attribute, f.Hint, test.advice, f.Message)
		}
		if _, key, below := strings.Cut(test.attribute, "."); below && !strings.Contains(f.Message, `["`+key+`"]`) {
			t.Errorf("the text does not name %s: %s", key, f.Message)
		}
		for _, c := range complaints() {
			if c.in(spec, test.words) != nil {
				seen[c.says] = true
				break
			}
		}
	}
	for _, c := range complaints() {
		if !seen[c.says] {
			t.Errorf("no words of the test are those of %q", c.says)
		}
	}
	if *update {
		if err := os.WriteFile(golden, []byte(texts.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || string(want) != texts.String() {
		t.Errorf("the texts are not those of %s (%v): write it with -update, and look at what changed", golden, err)
	}
}
