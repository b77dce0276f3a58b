// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
	"github.com/docker/go-units"
)

// odd are settings that other clients can send, and that an engine takes, with what is written of each.
func odd(networkName string) map[string]struct {
	make func(*request)
	says string
} {
	type row = struct {
		make func(*request)
		says string
	}
	host := func(change func(*container.HostConfig), says string) row {
		return row{func(r *request) { change(&r.Host) }, says}
	}
	config := func(change func(*container.Config), says string) row {
		return row{func(r *request) { change(&r.Config) }, says}
	}
	health := func(says string, words ...string) row {
		return config(func(c *container.Config) { c.Healthcheck = &container.HealthConfig{Test: words} }, says)
	}
	gpus := func(request container.DeviceRequest, says string) row {
		request.Capabilities = [][]string{{"gpu"}}
		return host(func(h *container.HostConfig) { h.DeviceRequests = []container.DeviceRequest{request} }, says)
	}
	endpoint := func(e network.EndpointSettings, says string) row {
		return row{func(r *request) {
			r.Host.NetworkMode = container.NetworkMode(networkName)
			r.Networking.EndpointsConfig = map[string]*network.EndpointSettings{networkName: &e}
		}, says}
	}
	return map[string]row{
		"no-gpu":          gpus(container.DeviceRequest{}, `= "0"`),
		"fewer-than-none": gpus(container.DeviceRequest{Count: -2}, `gpus: `),
		"no-device":       gpus(container.DeviceRequest{Driver: "nvidia"}, `device_requests: `),
		"shell-words":     health(`["CMD-SHELL", "a", "b"]`, "CMD-SHELL", "a", "b"),
		"shell-alone":     health(`healthcheck.test: `, "CMD-SHELL"),
		"no-kind":         health(`healthcheck.test: `, "FOO", "x"),
		"empty-word":      health(`healthcheck.test: `, ""),
		"label":           config(func(c *container.Config) { c.Labels = map[string]string{"": "e", "a": ""} }, `"" `),
		"user":            config(func(c *container.Config) { c.User = "a b:c" }, `user`),
		"signal":          config(func(c *container.Config) { c.StopSignal = "37" }, `stop_signal`),
		"domain":          config(func(c *container.Config) { c.Domainname = "a b" }, `domainname`),
		"host-name":       config(func(c *container.Config) { c.Hostname = "-a.-" }, `hostname`),
		"variable":        config(func(c *container.Config) { c.Env = []string{"A B=1", " C=2", "D.E=3"} }, `environment`),
		"capitals": {func(r *request) {
			r.Config.ExposedPorts = nat.PortSet{"80/TCP": {}, "83": {}, "82/UDP": {}}
			r.Host.PortBindings = nat.PortMap{"82/UDP": {{}}, "84": {{}}}
		}, `"80/tcp", "83/tcp"`},
		"dots": config(func(c *container.Config) { c.MacAddress = "0242.ac11.0109" }, `0242.ac11.0109`), //nolint:staticcheck // Engines before 25.0 have no other.
		"slash": host(func(h *container.HostConfig) {
			h.Devices = []container.DeviceMapping{{PathOnHost: "/dev/null/", PathInContainer: "/dev/a/", CgroupPermissions: "rwm"}}
		}, `"/dev/a"`),
		"exposed":       config(func(c *container.Config) { c.ExposedPorts = nat.PortSet{"0/tcp": {}} }, `expose`),
		"group":         host(func(h *container.HostConfig) { h.GroupAdd = []string{""} }, `group_add`),
		"sysctl":        host(func(h *container.HostConfig) { h.Sysctls = map[string]string{"fs.mqueue.msg_max": ""} }, `sysctls`),
		"domain-search": host(func(h *container.HostConfig) { h.DNSSearch = []string{""} }, `dns_search`),
		"resolver":      host(func(h *container.HostConfig) { h.DNSOptions = []string{""} }, `dns_opt`),
		"log-option": host(func(h *container.HostConfig) {
			h.LogConfig = container.LogConfig{Type: "none", Config: map[string]string{"": "x"}}
		}, `logging`),
		"ulimit": host(func(h *container.HostConfig) { h.Ulimits = []*units.Ulimit{{Name: "files", Soft: 1, Hard: 2}} }, `ulimits`),
		"device": host(func(h *container.HostConfig) {
			h.Devices = []container.DeviceMapping{{PathOnHost: "dev/null", PathInContainer: "/dev/a//b"}}
		}, `devices`),
		"permissions": host(func(h *container.HostConfig) {
			h.Devices = []container.DeviceMapping{{PathOnHost: "/dev/null", PathInContainer: "/dev/null", CgroupPermissions: "rr"}}
		}, `devices`),
		"namespace-of-one": host(func(h *container.HostConfig) { h.PidMode = "private" }, `pid`),
		"mount-options": host(func(h *container.HostConfig) {
			h.Mounts = []mount.Mount{{Type: mount.TypeVolume, Target: "/d/../e//f"}}
		}, `mounts`),
		"alias":         endpoint(network.EndpointSettings{Aliases: []string{"", "a b"}}, `networks`),
		"driver-option": endpoint(network.EndpointSettings{DriverOpts: map[string]string{"": "x"}}, `networks`),
	}
}

// What the engine takes and gantry refuses is left out of what import-config writes, and named; so it is by an import.
// The plan is valid, and nothing is to be changed, then or later.
func TestAccImportOfWhatGantryRefuses(t *testing.T) {
	r := newRig(t)
	networkName := r.Network("one")
	var names []string
	says := make(map[string]string)
	for name, row := range odd(networkName) {
		request := request{Config: container.Config{Image: r.Image}}
		row.make(&request)
		if _, err := r.Docker.ContainerCreate(t.Context(), &request.Config, &request.Host, &request.Networking, nil, r.Name(name)); err != nil {
			t.Logf("the engine refuses %s: %v", name, err)
			continue
		}
		r.Leaves(r.Name(name))
		names = append(names, r.Name(name))
		says[r.Name(name)] = row.says
	}
	c := newCLI(t)
	config := importConfig(t, r, c, names)
	c.configure(r.provider(attr("state_dir", t.TempDir())) + config)
	plan := c.run("plan", "-no-color", "-out="+filepath.Join(c.folder, "plan"))
	if want := fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", len(names)); plan.code != 0 || !strings.Contains(plan.output, want) {
		t.Fatalf("the plan ended with code %d, and does not say %q:\n%s\n%s", plan.code, want, plan.output, config)
	}
	text := strings.Join(strings.Fields(strings.NewReplacer("│", "", "\n", " ").Replace(plan.output)), " ")
	for _, name := range names {
		_, block, _ := strings.Cut(config, fmt.Sprintf("resource \"gantry_container\" %q {", name))
		block, _, _ = strings.Cut(block, "\nimport {")
		if !strings.Contains(block, says[name]) {
			t.Errorf("of %s nothing says %q:\n%s", name, says[name], block)
		}
		refused := strings.Contains(block, "# gantry refuses this")
		if warned := strings.Contains(text, fmt.Sprintf("Container %q on engine %q has settings that gantry refuses", name, r.HostName())); warned != refused {
			t.Errorf("the import of %s warns: %t, and import-config does: %t\n%s", name, warned, refused, block)
		}
	}
	c.must("apply", filepath.Join(c.folder, "plan"))
	if again := c.run("plan", "-no-color", "-detailed-exitcode"); again.code != 0 || strings.Contains(again.output, "refuses") {
		t.Errorf("the plan after the import ended with code %d:\n%s", again.code, again.output)
	}
}
