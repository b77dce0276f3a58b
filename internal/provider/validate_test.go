// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// TestValidate has the bad input that a plan refuses. The error is on the attribute, or on what
// is nested in it.
func TestValidate(t *testing.T) {
	t.Parallel()
	port := func(changes values) values { return values{"ports": []any{values{"target": 80}.with(changes)}} }
	mount := func(changes values) values { return values{"mounts": values{"/data": changes}} }
	check := func(changes values) values {
		return values{"healthcheck": values{"test": []any{"CMD", "true"}}.with(changes)}
	}
	for _, tt := range []struct {
		name string
		bad  values
		// at is the attribute that the error is on.
		at string
		// says is part of the text.
		says string
	}{
		{"size without a unit", values{"memory": "512"}, "memory", `did you mean "512m"?`},
		{"size with no such unit", values{"memory": "512x"}, "memory", `"512m"`},
		{"negative size", values{"memory": "-1m"}, "memory", ""},
		{"too little memory", values{"memory": "5m"}, "memory", "6m"},
		{"negative CPUs", values{"cpus": -1}, "cpus", ""},
		{"reservation above the limit", values{"memory": "64m", "memory_reservation": "65m"}, "memory_reservation", "64m"},
		{"swap below memory", values{"memory": "64m", "memory_swap": "63m"}, "memory_swap", "no swap"},
		{"swap without memory", values{"memory_swap": "64m"}, "memory_swap", "set memory"},
		{"swap in words", values{"memory": "64m", "memory_swap": "unlimited"}, "memory_swap", `"-1"`},
		{"swappiness", values{"memory_swappiness": 101}, "memory_swappiness", "100"},
		{"CPUs with a quota", values{"cpus": 1, "cpu_quota": 50000}, "cpus", "cpu_quota"},
		{"CPUs with a period", values{"cpus": 1, "cpu_period": 50000}, "cpus", "cpu_period"},
		{"quota too small", values{"cpu_quota": 999}, "cpu_quota", "1000"},
		{"period too long", values{"cpu_period": 1000001}, "cpu_period", "1000000"},
		{"real time", values{"cpu_rt_period": 10, "cpu_rt_runtime": 11}, "cpu_rt_runtime", "each period"},
		{"the default network by another name", values{"networks": values{"default": values{}}}, "networks", `called "bridge"`},
		{"the default network by another name, below a key", values{"networks": values{"a": values{"network": "default"}}}, "networks", `called "bridge"`},
		{"another container as a network", values{"networks": values{"container:x": values{}}}, "networks", "network_mode"},
		{"the host's network beside another", values{"networks": values{"host": values{}, "front": values{}}}, "networks", "in no other"},
		{"no network beside one", values{"networks": values{"a": values{"network": "none"}, "front": values{}}}, "networks", "in no other"},
		{"a network without a name", values{"networks": values{"": values{}}}, "networks", "has a name"},
		{"shares", values{"cpu_shares": 1}, "cpu_shares", "2"},
		{"cpuset", values{"cpuset": "3-1"}, "cpuset", "0-2,4"},
		{"memory nodes", values{"cpuset_mems": "all"}, "cpuset_mems", "0-2,4"},
		{"OOM score", values{"oom_score_adj": 1001}, "oom_score_adj", "1000"},
		{"ulimit's name", values{"ulimits": values{"files": "1"}}, "ulimits", "nofile"},
		{"ulimit backwards", values{"ulimits": values{"nofile": "2:1"}}, "ulimits", "above"},
		{"null ulimit", values{"ulimits": values{"nofile": nil}}, "ulimits", ""},
		{"block weight", values{"blkio_config": values{"weight": 5}}, "blkio_config", "1000"},
		{"block device", values{"blkio_config": values{"device_read_iops": values{"sda": 5}}}, "blkio_config", "absolute"},
		{"block rate", values{"blkio_config": values{"device_read_bps": values{"/dev/sda": "fast"}}}, "blkio_config", "512m"},
		{"capability", values{"cap_add": []any{"NET_ADMON"}}, "cap_add", "NET_ADMIN"},
		{"no capability", values{"cap_drop": []any{""}}, "cap_drop", "ALL"},
		{"seccomp by its path", values{"security_opt": []any{"seccomp=profile.json"}}, "security_opt", "file("},
		{"security option", values{"security_opt": []any{"unconfined"}}, "security_opt", "label=disable"},
		{"security option without a value", values{"security_opt": []any{"label"}}, "security_opt", "label=disable"},
		{"half a privilege", values{"security_opt": []any{"no-new-privileges=maybe"}}, "security_opt", "no-new-privileges"},
		{"empty group", values{"group_add": []any{""}}, "group_add", ""},
		{"sysctl", values{"sysctls": values{"somaxconn": "1"}}, "sysctls", "net.core.somaxconn"},
		{"MAC address of many", values{"networks": values{"a": values{"mac_address": "03:42:ac:11:65:43"}}}, "networks", "even"},
		{"MAC address of nobody", values{"networks": values{"a": values{"mac_address": "00:00:00:00:00:00"}}}, "networks", ""},
		{"the host's sysctl", values{"sysctls": values{"vm.swappiness": "1"}}, "sysctls", "set it there"},
		{"the host's sysctl in another spelling", values{"sysctls": values{"kernel/panic": "1"}}, "sysctls", "set it there"},
		{"host name as a sysctl", values{"sysctls": values{"kernel.hostname": "a"}}, "sysctls", "Use hostname"},
		{"sysctl in the host's network", values{"sysctls": values{"net.core.somaxconn": "1"}, "network_mode": "host"}, "sysctls", "the host's"},
		{"sysctl among the host's messages", values{"sysctls": values{"fs.mqueue.msg_max": "10"}, "ipc": "host"}, "sysctls", "the host's"},
		{"host name of the host's", values{"uts": "host", "hostname": "a"}, "hostname", "uts"},
		{"domain name of the host's", values{"uts": "host", "domainname": "a"}, "domainname", "uts"},
		{"mount on the root", values{"mounts": values{"/": values{"type": "bind", "source": "/srv"}}}, "mounts", "on a directory"},
		{"volume on /proc", values{"mounts": values{"/proc/": values{"type": "volume"}}}, "mounts", "own /proc"},
		{"user name space", values{"userns_mode": "private"}, "userns_mode", "host"},
		{"relative device", values{"devices": values{"fuse": values{}}}, "devices", "absolute"},
		{"relative source of a device", values{"devices": values{"/dev/fuse": values{"source": "fuse"}}}, "devices", "absolute"},
		{"permissions of a device", values{"devices": values{"/dev/fuse": values{"permissions": "rx"}}}, "devices", "letters"},
		{"device twice", values{"devices": values{"/dev/fuse": values{}, "/dev/fuse/": values{}}}, "devices", "same path"},
		{"permissions twice", values{"devices": values{"/dev/fuse": values{"permissions": "rr"}}}, "devices", "letters"},
		{"device rule", values{"device_cgroup_rules": []any{"c 1 r"}}, "device_cgroup_rules", "189"},
		{"GPUs", values{"gpus": "some"}, "gpus", "all"},
		{"GPUs and other devices", values{"gpus": "all", "device_requests": []any{values{"count": 1}}}, "gpus", "among device_requests"},
		{"device request of nothing", values{"device_requests": []any{values{"driver": "nvidia"}}}, "device_requests", "device_ids"},
		{"device request of both", values{"device_requests": []any{values{"count": 1, "device_ids": []any{"0"}}}}, "device_requests", "device_ids"},
		{"ipc", values{"ipc": "container:"}, "ipc", "container:NAME"},
		{"pid", values{"pid": "private"}, "pid", "leave it out"},
		{"uts", values{"uts": "container:web"}, "uts", "host"},
		{"cgroup", values{"cgroup": "none"}, "cgroup", "private"},
		{"null log option", values{"logging": values{"options": values{"a": nil}}}, "logging", ""},
		{"one letter", values{"name": "x"}, "name", "two"},
		{"name with a slash", values{"name": "a/b"}, "name", ""},
		{"name that begins badly", values{"name": "-ab"}, "name", ""},
		{"image with blanks", values{"image": "Not A Reference"}, "image", "[registry/]name"},
		{"no image", values{"image": ""}, "image", ""},
		{"platform in one word", values{"platform": "linux"}, "platform", "linux/arm64"},
		{"pull policy", values{"pull_policy": "daily"}, "pull_policy", "missing"},
		{"restart policy", values{"restart": "sometimes"}, "restart", "unless-stopped"},
		{"restart count", values{"restart": "always:3"}, "restart", ""},
		{"restart of a job", values{"restart": "always", "desired_state": "completed"}, "restart", "on-failure"},
		{"restart of a job, too", values{"restart": "unless-stopped", "desired_state": "completed"}, "restart", "on-failure"},
		{"state", values{"desired_state": "sleeping"}, "desired_state", "paused"},
		{"wait", values{"wait_for": "sometimes"}, "wait_for", "healthy"},
		{"health of what is stopped", values{"wait_for": "healthy", "desired_state": "stopped"}, "wait_for", "Leave wait_for out"},
		{"running of what is paused", values{"wait_for": "running", "desired_state": "paused"}, "wait_for", "Leave wait_for out"},
		{"running of a job", values{"wait_for": "running", "desired_state": "completed"}, "wait_for", "Leave wait_for out"},
		{"exit codes of no job", values{"expected_exit_codes": []any{0}}, "expected_exit_codes", "completed"},
		{"exit code too high", values{"expected_exit_codes": []any{256}, "desired_state": "completed"}, "expected_exit_codes", "255"},
		{"exit code null", values{"expected_exit_codes": []any{nil}, "desired_state": "completed"}, "expected_exit_codes", ""},
		{"duration without a unit", values{"stop_grace_period": "5"}, "stop_grace_period", `"30s"`},
		{"negative duration", values{"stop_grace_period": "-5s"}, "stop_grace_period", "negative"},
		{"part of a second", values{"stop_grace_period": "1500ms"}, "stop_grace_period", "whole seconds"},
		{"relative directory", values{"working_dir": "srv"}, "working_dir", "absolute"},
		{"host name", values{"hostname": "two words"}, "hostname", "host name"},
		{"signal", values{"stop_signal": "SIG TERM"}, "stop_signal", "SIGTERM"},
		{"signal that no engine has", values{"stop_signal": "SIGTEMR"}, "stop_signal", "SIGTERM"},
		{"signal 0", values{"stop_signal": "0"}, "stop_signal", "number"},
		{"signal beyond the last", values{"stop_signal": "SIGRTMAX-15"}, "stop_signal", ""},
		{"negative signal", values{"stop_signal": "-9"}, "stop_signal", ""},
		{"user's ID too high", values{"user": "2147483648"}, "user", "2147483647"},
		{"negative user's ID", values{"user": "-1"}, "user", "2147483647"},
		{"group's ID too high", values{"user": "app:2147483648"}, "user", "2147483647"},
		{"further group's ID too high", values{"group_add": []any{"2147483648"}}, "group_add", "2147483647"},
		{"more processes than a kernel has", values{"pids_limit": 4194305}, "pids_limit", "4194304"},
		{"negative number of processes", values{"pids_limit": -2}, "pids_limit", "-1"},
		{"quota too long", values{"cpu_quota": 17592186044416}, "cpu_quota", "17592186044415"},
		{"negative quota", values{"cpu_quota": -2}, "cpu_quota", "-1"},
		{"period too short", values{"cpu_period": 999}, "cpu_period", "1000"},
		{"shares too many", values{"cpu_shares": 262145}, "cpu_shares", "262144"},
		{"negative shares", values{"cpu_shares": -1}, "cpu_shares", ""},
		{"negative real time", values{"cpu_rt_runtime": -1}, "cpu_rt_runtime", ""},
		{"OOM score too low", values{"oom_score_adj": -1001}, "oom_score_adj", "-1000"},
		{"swappiness below the host's", values{"memory_swappiness": -2}, "memory_swappiness", "-1"},
		{"negative shared memory", values{"shm_size": "-1m"}, "shm_size", "512m"},
		{"more memory than there is", values{"memory": "9999999999g"}, "memory", "512m"},
		{"reservation too small", values{"memory_reservation": "5m"}, "memory_reservation", "6m"},
		{"swap below none", values{"memory": "64m", "memory_swap": "-2"}, "memory_swap", `"-1"`},
		{"negative ulimit", values{"ulimits": values{"nofile": "-2"}}, "ulimits", "-1 is no limit"},
		{"ulimit that ends", values{"ulimits": values{"nofile": "-1:5"}}, "ulimits", "above"},
		{"ulimit too high", values{"ulimits": values{"nofile": "9223372036854775808"}}, "ulimits", "ulimit"},
		{"block weight too high", values{"blkio_config": values{"weight_device": values{"/dev/sda": 1001}}}, "blkio_config", "1000"},
		{"negative rate", values{"blkio_config": values{"device_write_iops": values{"/dev/sda": -1}}}, "blkio_config", ""},
		{"negative restarts", values{"restart": "on-failure:-1"}, "restart", "on-failure:N"},
		{"duration too long", values{"stop_grace_period": "9999999999h"}, "stop_grace_period", `"30s"`},
		{"file's mode", values{"files": values{"/etc/a": values{"content": "a", "mode": "9999"}}}, "files", "octal"},
		{"file's owner", values{"files": values{"/etc/a": values{"content": "a", "uid": -1}}}, "files", ""},
		{"tmpfs mode", mount(values{"type": "tmpfs", "tmpfs": values{"mode": "888"}}), "mounts", "octal"},
		{"owner of a tmpfs that is none", mount(values{"type": "tmpfs", "tmpfs": values{"gid": 4294967295}}), "mounts", "4294967294"},
		{"negative size of a tmpfs", mount(values{"type": "tmpfs", "tmpfs": values{"size": "-1m"}}), "mounts", "512m"},
		{"own label", values{"labels": values{"io.github.gantry-provider.operation": "x"}}, "labels", "gantry"},
		{"null label", values{"labels": values{"a": nil}}, "labels", ""},
		{"null secret variable", values{"environment_wo": values{"A": nil}}, "environment_wo", ""},
		{"variable that is unset and secret", values{"environment": values{"A": nil}, "environment_wo": values{"A": "1"}}, "environment_wo", "environment"},
		{"variable with =", values{"environment": values{"A=B": "C"}}, "environment", `"="`},
		{"null word", values{"command": []any{"a", nil}}, "command", ""},
		{"null program", values{"entrypoint": []any{nil}}, "entrypoint", ""},
		{"port 0", port(values{"target": 0}), "ports", ""},
		{"port 65536", port(values{"target": 65536}), "ports", ""},
		{"target with a protocol", port(values{"target": "80/udp"}), "ports", "attribute of its own"},
		{"target backwards", port(values{"target": "90-80"}), "ports", "lower"},
		{"ranges of unequal lengths", port(values{"target": "80-82", "published": "8080-8081"}), "ports", "equally long"},
		{"a port for a range", port(values{"target": "80-82", "published": "8080"}), "ports", "equally long"},
		{"published name", port(values{"published": "http"}), "ports", "8080"},
		{"published from 0", port(values{"published": "0-5"}), "ports", "1 to 65535"},
		{"published too high", port(values{"published": "70000"}), "ports", "1 to 65535"},
		{"published backwards", port(values{"published": "90-80"}), "ports", "lower"},
		{"protocol", port(values{"protocol": "icmp"}), "ports", "udp"},
		{"host name as address", port(values{"host_ip": "localhost"}), "ports", "IPv4"},
		{"no mount type", mount(values{"source": "x"}), "mounts", ""},
		{"mount type", mount(values{"type": "floppy"}), "mounts", "tmpfs"},
		{"bind of nothing", mount(values{"type": "bind"}), "mounts", "absolute path"},
		{"bind of a relative path", mount(values{"type": "bind", "source": "x"}), "mounts", "absolute path"},
		{"volume with a path", mount(values{"type": "volume", "source": "/srv"}), "mounts", `type = "bind"`},
		{"tmpfs of something", mount(values{"type": "tmpfs", "source": "/srv"}), "mounts", "no source"},
		{"one path twice", values{"mounts": values{"/data": values{"type": "volume"}, "/data/": values{"type": "tmpfs"}}}, "mounts", "the same path"},
		{"target with two slashes", values{"mounts": values{"/a//b": values{"type": "volume"}}}, "mounts", "absolute path"},
		{"empty rate", values{"blkio_config": values{"device_read_bps": values{"/dev/sda": ""}}}, "blkio_config", "missing"},
		{"empty ulimit", values{"ulimits": values{"nofile": ""}}, "ulimits", "ulimit"},
		{"image of nothing", mount(values{"type": "image"}), "mounts", "reference"},
		{"directory of an image", mount(values{"type": "image", "source": "a:1", "image": values{"subpath": "../x"}}), "mounts", "within the image"},
		{"pipe of nothing", mount(values{"type": "npipe", "source": "/srv"}), "mounts", "pipe"},
		{"label of a strange kind", mount(values{"type": "bind", "source": "/srv", "bind": values{"selinux": "x"}}), "mounts", ""},
		{"label of what is not made", mount(values{"type": "bind", "source": "/srv", "bind": values{"selinux": "z", "create_host_path": false}}), "mounts", "create_host_path"},
		{"label of a part", mount(values{"type": "bind", "source": "/srv", "bind": values{"selinux": "z", "recursive": "disabled"}}), "mounts", "recursive"},
		{"label and a volume's directory", mount(values{"type": "volume", "source": "data", "volume": values{"selinux": "z", "subpath": "a"}}), "mounts", "subpath"},
		{"label of an anonymous volume", mount(values{"type": "volume", "volume": values{"selinux": "z"}}), "mounts", "source"},
		{"tmpfs option", mount(values{"type": "tmpfs", "tmpfs": values{"options": []any{"colour=red"}}}), "mounts", "nr_inodes"},
		{"tmpfs flag with a value", mount(values{"type": "tmpfs", "tmpfs": values{"options": []any{"suid=1"}}}), "mounts", "nr_inodes"},
		{"tmpfs option of an attribute", mount(values{"type": "tmpfs", "tmpfs": values{"options": []any{"uid=5"}}}), "mounts", "tmpfs.uid"},
		{"two sizes of a tmpfs", mount(values{"type": "tmpfs", "tmpfs": values{"size": "1m", "options": []any{"size=50%"}}}), "mounts", "two sizes"},
		{"owner of a tmpfs", mount(values{"type": "tmpfs", "tmpfs": values{"uid": -1}}), "mounts", ""},
		{"relative target", values{"mounts": values{"data": values{"type": "volume"}}}, "mounts", "absolute"},
		{"network named twice", values{"networks": values{"a": values{}, "b": values{"network": "a"}}}, "networks", `"a" and "b"`},
		{"null network", values{"networks": values{"a": nil}}, "networks", "null"},
		{"null mount", values{"mounts": values{"/a": nil}}, "mounts", "null"},
		{"null port", values{"ports": []any{nil}}, "ports", "null"},
		{"check of one word", check(values{"test": []any{"CMD"}}), "healthcheck", ""},
		{"check of no kind", check(values{"test": []any{"/bin/true", "x"}}), "healthcheck", "CMD-SHELL"},
		{"check for the shell of no word", check(values{"test": []any{"CMD-SHELL"}}), "healthcheck", "one command"},
		{"check taken away by its test", check(values{"test": []any{"NONE"}}), "healthcheck", "disable = true"},
		{"check taken away by its test, with more", check(values{"test": []any{"NONE", "x"}}), "healthcheck", "disable = true"},
		{"check with a null word", check(values{"test": []any{"CMD", nil}}), "healthcheck", ""},
		{"check interval", check(values{"interval": "often"}), "healthcheck", "30s"},
		{"check too often", check(values{"interval": "1us"}), "healthcheck", "healthcheck.interval"},
		{"check too short", check(values{"timeout": "999us"}), "healthcheck", "healthcheck.timeout"},
		{"check that starts too soon", check(values{"start_period": "1ns"}), "healthcheck", "healthcheck.start_period"},
		{"check too often in the beginning", check(values{"start_interval": "500us"}), "healthcheck", "healthcheck.start_interval"},
		{"negative interval", check(values{"interval": "-1s"}), "healthcheck", "negative"},
		{"negative start", check(values{"start_period": "-1s"}), "healthcheck", "negative"},
		{"check interval too long", check(values{"interval": "9999999999h"}), "healthcheck", "30s"},
		{"negative retries", check(values{"retries": -1}), "healthcheck", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			diags := newCore(t).validate(t, minimal().with(tt.bad))
			if len(diags) == 0 {
				t.Fatal("it passes")
			}
			var texts strings.Builder
			for _, d := range diags {
				texts.WriteString(d.Summary + ": " + d.Detail + "\n")
				if strings.Contains(d.Detail, "error in the provider") {
					t.Errorf("the user is told of a mistake of the provider's: %s", d.Detail)
				}
				if root, ok := rootOf(d.Attribute); !ok || root != tt.at {
					t.Errorf("the error is at %s, want %s: %s: %s", d.Attribute, tt.at, d.Summary, d.Detail)
				}
			}
			if !strings.Contains(texts.String(), tt.says) {
				t.Errorf("it does not say %q:\n%s", tt.says, texts.String())
			}
		})
	}
}

// What an engine accepts at the ends of its ranges, and where it takes a zero for its default, passes.
func TestValidateAtTheEnds(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]values{
		"memory":               {"memory": "6m", "memory_reservation": "6m", "memory_swap": "-1", "shm_size": "1b", "memory_swappiness": -1},
		"no memory":            {"memory": "0", "memory_reservation": "0", "memory_swap": "0", "shm_size": "0"},
		"CPU":                  {"cpu_quota": 1000, "cpu_period": 1000, "cpu_shares": 2},
		"much CPU":             {"cpu_quota": 17592186044415, "cpu_period": 1000000, "cpu_shares": 262144},
		"no CPU":               {"cpu_quota": 0, "cpu_period": 0, "cpu_shares": 0, "cpus": 0, "cpu_rt_period": 0, "cpu_rt_runtime": 0},
		"no limits":            {"cpu_quota": -1, "pids_limit": -1, "ulimits": values{"nofile": "-1", "core": "0:-1", "stack": "9223372036854775807"}},
		"processes":            {"pids_limit": 4194304, "oom_score_adj": -1000},
		"defaults":             {"pids_limit": 0, "oom_score_adj": 0, "stop_grace_period": "0s"},
		"check":                {"healthcheck": values{"test": []any{"CMD", "a"}, "interval": "1ms", "timeout": "1ms", "start_period": "1ms", "start_interval": "1ms", "retries": 1}},
		"label without a name": {"labels": values{"": "a"}},
		"no GPU":               {"gpus": "0"},
		"usual check":          {"healthcheck": values{"test": []any{"CMD", "a"}, "interval": "0s", "timeout": "0s", "start_period": "0s", "start_interval": "0s", "retries": 0}},
		"sysctls":              {"sysctls": values{"net/core/somaxconn": "1", "kernel.shm_rmid_forced": "1", "kernel.domainname": "a", "fs.mqueue.msg_max": "10"}},
		"a runtime":            {"sysctls": values{"vm.swappiness": "1"}, "runtime": "kata"},
		"never run":            {"desired_state": "stopped", "uts": "host", "domainname": "a", "sysctls": values{"vm.swappiness": "1"}},
		"binds":                {"mounts": values{"/proc": values{"type": "bind", "source": "/proc"}, "/dev": values{"type": "bind", "source": "/dev"}}},
		"a user":               {"user": "0:2147483647", "group_add": []any{"0", "2147483647", "video"}},
		"a name":               {"user": "2147483648a:app"},
		"a signal":             {"stop_signal": "sigrtmin+15"},
		"a number":             {"stop_signal": "64"},
		"left out":             {"stop_signal": "", "user": ""},
		"ports":                {"ports": []any{values{"target": "1", "published": "1"}, values{"target": "65535", "published": "65535"}}},
		"modes":                {"files": values{"/a": values{"content": "a", "mode": "7777", "uid": 4294967294}}, "mounts": values{"/t": values{"type": "tmpfs", "tmpfs": values{"mode": "000", "uid": 4294967294}}}},
		"restarts":             {"restart": "on-failure:0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fatalDiagnostics(t, newCore(t).validate(t, minimal().with(good)))
		})
	}
}

func rootOf(path *tftypes.AttributePath) (string, bool) {
	if path == nil || len(path.Steps()) == 0 {
		return "", false
	}
	name, ok := path.Steps()[0].(tftypes.AttributeName)
	return string(name), ok
}

// What is not known yet is no error: alone, within its attribute, or all of it.
func TestValidateUnknown(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	all := make(values)
	for name := range allChanges() {
		if name == "timeouts" {
			continue
		}
		all[name] = unknown{}
		config := minimal().with(values{name: unknown{}})
		if name == "expected_exit_codes" {
			config["desired_state"] = unknown{}
		}
		fatalDiagnostics(t, c.validate(t, config))
	}
	fatalDiagnostics(t, c.validate(t, all))
	fatalDiagnostics(t, c.validate(t, minimal().with(values{
		"entrypoint":  []any{unknown{}},
		"environment": values{"A": unknown{}},
		"labels":      values{"a": unknown{}},
		"ports":       []any{values{"target": unknown{}, "published": unknown{}, "host_ip": unknown{}, "protocol": unknown{}}},
		"mounts":      values{"/a": values{"type": unknown{}, "source": unknown{}}},
		"networks":    values{"a": values{"network": unknown{}}, "b": values{"network": unknown{}}},
		"healthcheck": values{"test": []any{unknown{}, "x"}, "interval": unknown{}, "retries": unknown{}},
		"wait_for":    "healthy", "desired_state": unknown{}, "expected_exit_codes": []any{unknown{}},
	})))
}

// The provider's own configuration.
func TestValidateProvider(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	typ := c.provider.ValueType()
	for name, tt := range map[string]struct {
		config values
		at     string
	}{
		"nothing":          {values{}, ""},
		"everything":       {values{"host": "tcp://edge1:2376", "max_parallel": 4, "max_parallel_pulls": 2, "wait_for": "none", "registry_auth": values{"ghcr.io": values{"username": "u", "password": "p"}}}, ""},
		"anonymous":        {values{"registry_auth": values{"ghcr.io": values{"anonymous": true}}}, ""},
		"anonymous, named": {values{"registry_auth": values{"ghcr.io": values{"anonymous": true, "username": "u"}}}, "registry_auth"},
		"no password":      {values{"registry_auth": values{"ghcr.io": values{"username": "u"}}}, "registry_auth"},
		"nobody":           {values{"registry_auth": values{"ghcr.io": values{}}}, "registry_auth"},
		"unknown password": {values{"registry_auth": values{"ghcr.io": values{"username": "u", "password": unknown{}}}}, ""},
		"trusted":          {values{"registries": values{"a.test:5000": values{"ca_file": "ca.pem"}, "b.test": values{"insecure": true}, "c.test": values{"ca_file": "ca.pem", "insecure": false}}}, ""},
		"trusted twice":    {values{"registries": values{"a.test": values{"ca_file": "ca.pem", "insecure": true}}}, "registries"},
		"with a scheme":    {values{"registries": values{"https://a.test": values{"insecure": true}}}, "registries"},
		"null registry":    {values{"registries": values{"a.test": nil}}, "registries"},
		"unknown":          {values{"host": unknown{}, "registries": unknown{}, "registry_auth": unknown{}, "wait_for": unknown{}, "max_parallel": unknown{}}, ""},
		"host without ://": {values{"host": "edge1"}, "host"},
		"no parallelism":   {values{"max_parallel": -1}, "max_parallel"},
		"no pulls":         {values{"max_parallel_pulls": -1}, "max_parallel_pulls"},
		"wait":             {values{"wait_for": "sometimes"}, "wait_for"},
		"nameless":         {values{"registry_auth": values{"": values{"username": "u", "password": "p"}}}, "registry_auth"},
	} {
		config, err := tfprotov6.NewDynamicValue(typ, value(t, typ, tt.config))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.server.ValidateProviderConfig(t.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: &config})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, d := range resp.Diagnostics {
			got, _ = rootOf(d.Attribute)
		}
		if got != tt.at || (tt.at == "") != (len(resp.Diagnostics) == 0) {
			t.Errorf("%s: the error is at %q, want %q", name, got, tt.at)
		}
	}
}

// With a configuration that is not known yet a refresh keeps the state, and an import says why it
// can't be done.
func TestUnknownProviderConfiguration(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	typ := c.provider.ValueType()
	config, err := tfprotov6.NewDynamicValue(typ, value(t, typ, values{"host": unknown{}}))
	if err != nil {
		t.Fatal(err)
	}
	configured, err := c.server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: &config})
	if err != nil {
		t.Fatal(err)
	}
	if len(configured.Diagnostics) != 1 || configured.Diagnostics[0].Severity != tfprotov6.DiagnosticSeverityWarning ||
		!strings.Contains(configured.Diagnostics[0].Summary, "host is not known yet") {
		t.Fatalf("the configuration is answered with %v", configured.Diagnostics)
	}
	state, _ := c.create(t, representative()["all"], nil)
	read, err := c.server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{TypeName: "gantry_container", CurrentState: c.dynamic(t, state)})
	if err != nil {
		t.Fatal(err)
	}
	fatalDiagnostics(t, read.Diagnostics)
	after, err := read.NewState.Unmarshal(c.typ)
	if err != nil {
		t.Fatal(err)
	}
	if differs := diffOf(t, state, after); differs != nil {
		t.Errorf("the refresh changed %v", differs)
	}
	imported, err := c.server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: "gantry_container", ID: "web"})
	if err != nil {
		t.Fatal(err)
	}
	if len(imported.Diagnostics) == 0 {
		t.Error("the import succeeds without an engine")
	}
}
