// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// actionOf says what a step was to do, for messages.
func actionOf(kind Kind, step fault.Step) string {
	switch step {
	case fault.StepStarting:
		return "start"
	case fault.StepStopping:
		return "stop"
	case fault.StepWaiting:
		return "watch"
	default:
		return strings.Replace(kind.verb(), "delete", "remove", 1)
	}
}

// explain makes a fault of an error of the engine, and asks the engine for what its words leave
// open.
func (o *operation) explain(ctx context.Context, err error) *fault.Fault {
	if port, ok := takenPort(err); ok {
		return o.scope().PortTaken(port, o.engine.portHolder(ctx, port, o.containerID), o.exists(), err)
	}
	action := actionOf(o.Kind, o.step)
	if r, ok := o.Spec.unusable(o.containerID, err); ok && o.Kind != KindRemove {
		return o.scope().UnusableReference(o.step, action, r.attribute, r.ref, o.exists(), err)
	}
	return explainAs(o.scope(), o.step, action, o.exists(), o.networkKey(err), err)
}

// networkKey finds the key of the network that an error concerns.
func (o *operation) networkKey(err error) string {
	name, ok := missingNetwork(err)
	if !ok {
		return ""
	}
	for _, key := range slices.Sorted(maps.Keys(o.Spec.Networks)) {
		if o.Spec.Networks[key].Network == name {
			return key
		}
	}
	return ""
}

// classify makes a fault of an error of the engine where no operation is under way.
func classify(scope fault.Scope, step fault.Step, action string, exists fault.Exists, err error) *fault.Fault {
	return explainAs(scope, step, action, exists, "", err)
}

// explainAs makes a fault of an error of the engine. The engine has no codes for reasons: they
// are told from its words, as 20.10 to 28 spell them.
func explainAs(scope fault.Scope, step fault.Step, action string, exists fault.Exists, networkKey string, err error) *fault.Fault {
	if network, ok := missingNetwork(err); ok {
		return scope.NoSuchNetwork(network, networkKey, step, exists, err)
	}
	text := err.Error()
	switch {
	case lostAnswer(err):
		return scope.Lost(step, action, exists, err)
	case errdefs.IsNotFound(err) && containsAny(text, "No such container", "no such container"):
		return scope.NotFound(err)
	case step == fault.StepStarting && settingOf(text) != nil:
		return scope.EngineSaid(fault.Invalid, step, action, settingOf(text), exists, err)
	case step == fault.StepStarting && containsAny(text, "unable to start container process", "executable file not found", "no such file or directory", "permission denied"):
		return scope.CommandNotFound(commandAttribute(text), exists, err)
	}
	kind, attribute := fault.EngineError, attributeOf(text)
	if attribute != nil || errdefs.IsInvalidArgument(err) {
		kind = fault.Invalid
	}
	return scope.EngineSaid(kind, step, action, attribute, exists, err)
}

// commandAttribute tells a working directory that can't be entered from a command that can't be
// executed.
func commandAttribute(text string) string {
	if containsAny(text, "chdir to cwd") {
		return "working_dir"
	}
	return "command"
}

// settingOf finds the setting that the engine's words are about, among those whose words could be
// taken for something else's.
func settingOf(text string) []string {
	for _, row := range []struct{ words, attribute string }{
		{"memory reservation", "memory_reservation"},
		{"memory swappiness", "memory_swappiness"},
		{"Requested CPUs are not available", "cpuset"},
		{"Requested memory nodes are not available", "cpuset_mems"},
		{"cpu.rt_", "cpu_rt_runtime"},
		{"blkio.", "blkio_config"}, // The kernel's files, of cgroup versions 1 and 2.
		{"io.max", "blkio_config"},
		{"io.weight", "blkio_config"},
		{"io.bfq.weight", "blkio_config"},
		{"rlimit", "ulimits"},
		{"SHM size", "shm_size"},
		{"unknown capability", "cap_add"},
		{"--security-opt", "security_opt"},
		{"seccomp", "security_opt"},
		{"apparmor", "security_opt"},
		{"unable to apply caps", "privileged"},
		{"Unable to find group", "group_add"},
		{"/proc/sys/", "sysctls"},
		{"sysctl", "sysctls"},
		{"adding custom device", "devices"},
		{"could not select device driver", "device_requests"},
		{"cgroup namespace mode", "cgroup"},
		{"Unknown runtime", "runtime"},
		{"unknown or invalid runtime", "runtime"},
		{"log opt", "logging"},
		{"logging plugin", "logging"},
		{"log driver", "logging"},
		{"storage-opt", "storage_opt"},
	} {
		if strings.Contains(text, row.words) {
			return []string{row.attribute}
		}
	}
	return nil
}

// attributeOf finds the attribute that the engine's words are about; nil if they don't tell.
func attributeOf(text string) []string {
	if setting := settingOf(text); setting != nil {
		return setting
	}
	text = strings.ToLower(text)
	for _, row := range []struct{ words, attribute string }{
		{"uploading files", "files"},
		{"unable to find user", "user"},
		{"no matching entries in passwd", "user"},
		{"memory limit", "memory"},
		{"memoryswap", "memory_swap"},
		{"range of cpus", "cpus"},
		{"nanocpus", "cpus"},
		{"invalid mount", "mounts"},
		{"bind source path does not exist", "mounts"},
		{"bind mount", "mounts"},
		{"volume", "mounts"},
		{"duplicate mount point", "mounts"},
		{"invalid signal", "stop_signal"},
		{"hostname", "hostname"},
		{"healthcheck", "healthcheck"},
		{"working directory", "working_dir"},
		{"platform", "platform"},
		{"invalid reference", "image"},
		{"restart policy", "restart"},
		{"no command specified", "command"},
		{"port", "ports"},
		{"network", "networks"},
	} {
		if strings.Contains(text, row.words) {
			return []string{row.attribute}
		}
	}
	return nil
}

// missingNetwork reads the network's name out of "network front not found".
func missingNetwork(err error) (string, bool) {
	m := regexp.MustCompile(`network (\S+) not found`).FindStringSubmatch(err.Error())
	if m == nil {
		return "", false
	}
	return m[1], true
}

// takenPort reads the port out of the engine's words: "Bind for 0.0.0.0:80 failed: port is already
// allocated", "listen tcp4 0.0.0.0:80: bind: address already in use".
func takenPort(err error) (string, bool) {
	text := err.Error()
	if !containsAny(text, "port is already allocated", "address already in use") {
		return "", false
	}
	m := regexp.MustCompile(`(?:Bind for|listen|failed to bind host port|bind host port)(?: for)? ?(tcp|udp|sctp)?[46]? ?\S*?:(\d+)(?:/(tcp|udp|sctp))?`).FindStringSubmatch(text)
	if m == nil {
		return "(the engine does not say which)", true
	}
	protocol := m[1] + m[3]
	if protocol == "" {
		protocol = "tcp"
	}
	return m[2] + "/" + protocol, true
}

// portHolder says what has a port of the host.
func (e *engine) portHolder(ctx context.Context, port, self string) string {
	ctx, cancel := contextForLook(ctx)
	defer cancel()
	// The engine's own filter looks at what was asked to be published: what the engine chose
	// itself is only in the list.
	number, protocol, _ := strings.Cut(port, "/")
	list, err := e.api.ContainerList(ctx, container.ListOptions{Filters: filters.NewArgs(filters.Arg("status", "running"), filters.Arg("status", "paused"))})
	if err != nil {
		return "something that can't be found out now"
	}
	for _, c := range list {
		for _, p := range c.Ports {
			if c.ID != self && fmt.Sprint(p.PublicPort) == number && p.Type == protocol && len(c.Names) > 0 {
				return fmt.Sprintf("container %q (image %q)", strings.TrimPrefix(c.Names[0], "/"), c.Image)
			}
		}
	}
	return "a process outside Docker"
}
