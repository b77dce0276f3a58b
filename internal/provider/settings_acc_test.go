// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-units"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// reports returns what the engine reports of the settings named: fields of its HostConfig or Config.
func reports(c container.InspectResponse, want map[string]any) map[string]any {
	got := make(map[string]any, len(want))
	for name := range want {
		field := reflect.ValueOf(*c.HostConfig).FieldByName(name)
		if !field.IsValid() {
			field = reflect.ValueOf(*c.Config).FieldByName(name)
		}
		if field.Kind() == reflect.Pointer {
			value := reflect.Zero(field.Type().Elem()) // Nothing and zero are the same to an engine.
			if !field.IsNil() {
				value = field.Elem()
			}
			field = value
		}
		got[name] = field.Interface()
	}
	return got
}

func (r *rig) engineHas(want map[string]any) stateCheck {
	return func() error {
		if diff := cmp.Diff(want, reports(r.Inspect(r.Name("web")), want), cmpopts.EquateEmpty()); diff != "" {
			return fmt.Errorf("the engine has something else:\n%s", diff)
		}
		return nil
	}
}

// All that an engine's update takes changes in place, what can be taken away is, and a limit that
// can't be replaces.
func TestAccLimits(t *testing.T) {
	r := newRig(t)
	same := &sameContainer{rig: r}
	step := func(action plancheck.ResourceActionType, want map[string]any, lines ...string) resource.TestStep {
		s := resource.TestStep{Config: r.container(lines...), ConfigStateChecks: []statecheck.StateCheck{r.engineHas(want)}}
		if action != plancheck.ResourceActionDestroyBeforeCreate {
			s.ConfigStateChecks = append(s.ConfigStateChecks, same.is(r.Name("web")))
		}
		s.ConfigPlanChecks = planned(action)
		return s
	}
	fixed := []string{
		"oom_score_adj = 500", `shm_size = "32m"`, "oom_kill_disable = false",
		`ulimits = { nofile = "1024:2048", nproc = 512 }`,
	}
	r.run(
		step(plancheck.ResourceActionCreate, map[string]any{
			"Memory": int64(64 << 20), "MemoryReservation": int64(32 << 20), "MemorySwap": int64(96 << 20), "CPUShares": int64(512),
			"CPUQuota": int64(50000), "CPUPeriod": int64(100000), "CpusetCpus": "0", "CpusetMems": "0", "PidsLimit": int64(100),
			"OomScoreAdj": 500, "ShmSize": int64(32 << 20), "OomKillDisable": false,
			"Ulimits": []*container.Ulimit{{Name: "nofile", Soft: 1024, Hard: 2048}, {Name: "nproc", Soft: 512, Hard: 512}},
		}, append(fixed, `memory = "64m"`, `memory_reservation = "32m"`, `memory_swap = "96m"`, "cpu_shares = 512", "cpu_quota = 50000", "cpu_period = 100000",
			`cpuset = "0"`, `cpuset_mems = "0"`, "pids_limit = 100")...),
		step(plancheck.ResourceActionUpdate, map[string]any{
			"Memory": int64(128 << 20), "MemoryReservation": int64(64 << 20), "MemorySwap": int64(-1), "CPUShares": int64(256),
			"CPUQuota": int64(25000), "CPUPeriod": int64(50000), "CpusetCpus": "0-1", "PidsLimit": int64(50),
		}, append(fixed, `memory = "128m"`, `memory_reservation = "64m"`, `memory_swap = "-1"`, "cpu_shares = 256", "cpu_quota = 25000", "cpu_period = 50000",
			`cpuset = "0-1"`, `cpuset_mems = "0"`, "pids_limit = 50")...),
		step(plancheck.ResourceActionUpdate, map[string]any{
			"Memory": int64(128 << 20), "MemorySwap": int64(256 << 20), "CPUQuota": int64(-1), "PidsLimit": int64(0),
		}, append(fixed, `memory = "128m"`, `memory_reservation = "64m"`, "cpu_shares = 256", "cpu_period = 50000", `cpuset = "0-1"`, `cpuset_mems = "0"`)...),
		step(plancheck.ResourceActionDestroyBeforeCreate, map[string]any{
			"Memory": int64(128 << 20), "MemoryReservation": int64(0), "CPUShares": int64(0), "CpusetCpus": "", "NanoCPUs": int64(5e8),
		}, append(fixed, `memory = "128m"`, "cpus = 0.5")...),
		step(plancheck.ResourceActionDestroyBeforeCreate, map[string]any{"OomScoreAdj": 0, "ShmSize": int64(64 << 20), "Ulimits": []*units.Ulimit(nil)}, `memory = "128m"`, "cpus = 0.5"),
	)
}

// A quota becomes cpus in place, although the engine takes them only one after the other.
func TestAccQuotaBecomesCPUs(t *testing.T) {
	r := newRig(t)
	r.inPlace(
		change{[]string{"cpu_quota = 50000"}, nil},
		change{[]string{"cpus = 0.25"}, func(c container.InspectResponse) error {
			if c.HostConfig.NanoCPUs != 25e7 {
				return fmt.Errorf("cpus are %d", c.HostConfig.NanoCPUs)
			}
			return nil
		}},
	)
}

// What only made room for limits that the engine then refuses is taken back: the container has the limits that it
// had, and with the former configuration the plan is empty.
func TestAccRefusedLimitTakesNoneAway(t *testing.T) {
	r := newRig(t)
	before := r.container(`memory = "64m"`, `memory_swap = "96m"`, "cpu_quota = 50000", `restart = "on-failure:3"`)
	kept := stateCheck(func() error {
		h := r.Inspect(r.Name("web")).HostConfig
		if h.Memory != 64<<20 || h.MemorySwap != 96<<20 || h.CPUQuota != 50000 || h.NanoCPUs != 0 || h.RestartPolicy.MaximumRetryCount != 3 {
			return fmt.Errorf("the limits are %d, %d, %d and %d, the restart policy is %v", h.Memory, h.MemorySwap, h.CPUQuota, h.NanoCPUs, h.RestartPolicy)
		}
		return nil
	})
	refused := failure{
		summary: fmt.Sprintf("Unable to limit container %q", r.Name("web")), line: "cpus", says: []string{"Range of CPUs", "its limits are as they were before"},
	}.regexp()
	r.run(
		resource.TestStep{Config: before, ConfigStateChecks: []statecheck.StateCheck{kept}},
		resource.TestStep{Config: r.container(`memory = "128m"`, "memory_swap = -1", "cpus = 4000", `restart = "always"`), ExpectError: refused},
		resource.TestStep{Config: before, ConfigPlanChecks: plannedNothing(), ConfigStateChecks: []statecheck.StateCheck{kept}},
	)
}

// What can't change in place replaces, and the engine has all of it; another spelling is nothing.
func TestAccSettings(t *testing.T) {
	r := newRig(t)
	base := `desired_state = "stopped"` // Not every machine can run all of this.
	r.run(
		resource.TestStep{
			Config: r.container(base, `cap_add = ["net_admin", "CAP_SYS_TIME"]`, `cap_drop = ["all"]`, `security_opt = ["label:disable", "no-new-privileges", "seccomp={ \"defaultAction\": \"SCMP_ACT_ALLOW\" }", "systempaths=unconfined"]`,
				`group_add = ["audio", "1000"]`, `sysctls = { "net.ipv4.ip_forward" = 1 }`, "read_only = true", `userns_mode = "host"`,
				`devices = { "/dev/xnull" = { source = "/dev/null", permissions = "rw" }, "/dev/zero" = {} }`, `device_cgroup_rules = ["c 1:3 mr"]`, `gpus = "all"`,
				`ipc = "shareable"`, `cgroup = "private"`, `cgroup_parent = "/gantry-test"`, `runtime = "runc"`,
				"init = true", "tty = true", "stdin_open = true", "stdin_once = true", `logging = { driver = "local", options = { max-size = "1m" } }`, "memory_swappiness = 60",
				`blkio_config = { device_read_bps = { "/dev/vda" = "1m" }, device_write_iops = { "/dev/vda" = 100 } }`),
			ConfigStateChecks: []statecheck.StateCheck{r.engineHas(map[string]any{
				"ReadonlyRootfs": true, "Sysctls": map[string]string{"net.ipv4.ip_forward": "1"}, "UsernsMode": container.UsernsMode("host"), "DeviceCgroupRules": []string{"c 1:3 mr"},
				"Devices":        []container.DeviceMapping{{PathOnHost: "/dev/null", PathInContainer: "/dev/xnull", CgroupPermissions: "rw"}, {PathOnHost: "/dev/zero", PathInContainer: "/dev/zero", CgroupPermissions: "rwm"}},
				"DeviceRequests": []container.DeviceRequest{{Count: -1, Capabilities: [][]string{{"gpu"}}}},
				"IpcMode":        container.IpcMode("shareable"), "CgroupnsMode": container.CgroupnsMode("private"), "CgroupParent": "/gantry-test", "Runtime": "runc",
				"Init": true, "Tty": true, "OpenStdin": true, "StdinOnce": true, "LogConfig": container.LogConfig{Type: "local", Config: map[string]string{"max-size": "1m"}}, "MemorySwappiness": int64(60),
				"MaskedPaths": []string{}, "ReadonlyPaths": []string{},
			})},
		},
		resource.TestStep{
			Config: r.container(base, `cap_add = ["NET_ADMIN", "sys_time"]`, `cap_drop = ["ALL"]`, `security_opt = ["label=disable", "no-new-privileges:true", "seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}", "systempaths:unconfined"]`,
				`group_add = ["1000", "audio"]`, `sysctls = { "net.ipv4.ip_forward" = "1" }`, "read_only = true", `userns_mode = "host"`,
				`devices = { "/dev/xnull" = { source = "/dev/null", permissions = "wr" }, "/dev/zero" = { source = "/dev/zero", permissions = "rwm" } }`, `device_cgroup_rules = ["c 1:3 mr"]`, `gpus = "all"`,
				`ipc = "shareable"`, `cgroup = "private"`, `cgroup_parent = "/gantry-test"`, `runtime = "runc"`,
				"init = true", "tty = true", "stdin_open = true", "stdin_once = true", `logging = { driver = "local", options = { max-size = "1m" } }`, "memory_swappiness = 60",
				`blkio_config = { device_read_bps = { "/dev/vda" = "1024k" }, device_write_iops = { "/dev/vda" = 100 } }`),
			ConfigPlanChecks: plannedNothing(),
		},
		resource.TestStep{
			Config:           r.container(base, "privileged = true", `pid = "host"`, `ipc = "host"`, `uts = "host"`, `security_opt = ["seccomp=unconfined"]`, `logging = { options = { max-file = 3 } }`),
			ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: []statecheck.StateCheck{r.engineHas(map[string]any{
				"Privileged": true, "PidMode": container.PidMode("host"), "UTSMode": container.UTSMode("host"), "ReadonlyRootfs": false, "Init": false, "Tty": false,
			})},
		},
	)
}

// differs asserts which configurable attributes of gantry_container.web the plan changes.
func (r *rig) differs(want ...string) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
		planned(plancheck.ResourceActionUpdate).PreApply[0],
		differing(want),
	}}
}

// drifted is what the state says of attributes that the configuration sets, or may set.
func drifted(before, after map[string]any) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if name != "status" && name != "operation_id" && name != "fault" && name != "health" && name != "exit_code" && !reflect.DeepEqual(before[name], after[name]) {
			names = append(names, name)
		}
	}
	return names
}

// Somebody sets limits outside that the configuration does not have: exactly those show, and are mended
// in place.
func TestAccDriftOfLimits(t *testing.T) {
	r := newRig(t)
	config := r.container(`memory = "64m"`)
	mended := r.engineHas(map[string]any{"Memory": int64(64 << 20), "PidsLimit": int64(0), "MemorySwap": int64(128 << 20)})
	outside := func(change container.UpdateConfig, want ...string) resource.TestStep {
		return resource.TestStep{
			PreConfig: func() {
				if _, err := r.Docker.ContainerUpdate(t.Context(), r.Name("web"), change); err != nil {
					t.Fatal(err)
				}
			},
			Config: config, ConfigPlanChecks: r.differs(want...), ConfigStateChecks: []statecheck.StateCheck{mended},
		}
	}
	pids := int64(10)
	r.run(
		resource.TestStep{Config: config},
		outside(container.UpdateConfig{Resources: container.Resources{MemorySwap: 64 << 20}}, "memory_swap"),
		outside(container.UpdateConfig{Resources: container.Resources{PidsLimit: &pids}}, "pids_limit"),
	)
}

// Containers that somebody made with `docker run` and these flags are imported, and the plan is empty
// with the configuration that means the same.
func TestAccImportOfSettings(t *testing.T) {
	t.Parallel()
	yes, pids := true, int64(100)
	for _, tt := range []struct {
		name   string
		config container.Config
		host   container.HostConfig
		lines  []string
	}{
		{"nothing", container.Config{}, container.HostConfig{}, nil},
		{"limits", container.Config{}, container.HostConfig{
			OomScoreAdj: 100, ShmSize: 32 << 20,
			Resources: container.Resources{
				Memory: 64 << 20, MemoryReservation: 32 << 20, MemorySwap: 64 << 20, CPUShares: 512, CPUQuota: 50000, CpusetCpus: "0,1", PidsLimit: &pids, OomKillDisable: &yes,
				Ulimits: []*units.Ulimit{{Name: "nofile", Soft: 10, Hard: 20}},
			},
		}, []string{
			`memory = "65536k"`, `memory_reservation = "32m"`, `memory_swap = "64m"`, "cpu_shares = 512", "cpu_quota = 50000", `cpuset = "0-1"`, "pids_limit = 100",
			"oom_kill_disable = true", "oom_score_adj = 100", `shm_size = "32m"`, `ulimits = { nofile = "10:20" }`,
		}},
		{"security", container.Config{Tty: true, OpenStdin: true, StdinOnce: true}, container.HostConfig{
			CapAdd: []string{"NET_ADMIN"}, CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges", "label:disable"}, ReadonlyRootfs: true, Init: &yes,
			Sysctls: map[string]string{"net.ipv4.ip_forward": "1"}, GroupAdd: []string{"1000"}, LogConfig: container.LogConfig{Type: "local", Config: map[string]string{"max-size": "1m"}},
			Resources: container.Resources{
				Devices:        []container.DeviceMapping{{PathOnHost: "/dev/null", PathInContainer: "/dev/null", CgroupPermissions: "rwm"}},
				DeviceRequests: []container.DeviceRequest{{Count: 2, Capabilities: [][]string{{"gpu"}}}},
			},
		}, []string{
			`cap_add = ["cap_net_admin"]`, `cap_drop = ["all"]`, `security_opt = ["label=disable", "no-new-privileges:true"]`, "read_only = true", "init = true", "tty = true", "stdin_open = true", "stdin_once = true",
			`sysctls = { "net.ipv4.ip_forward" = 1 }`, "group_add = [1000]", `logging = { driver = "local", options = { max-size = "1m" } }`, `devices = { "/dev/null" = {} }`, "gpus = 2",
		}},
		{"privileged", container.Config{}, container.HostConfig{Privileged: true, IpcMode: "host", PidMode: "host", UTSMode: "host"}, []string{
			"privileged = true", `ipc = "host"`, `pid = "host"`, `uts = "host"`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			tt.config.Image = r.Image
			made, err := r.Docker.ContainerCreate(t.Context(), &tt.config, &tt.host, nil, nil, r.Name("web"))
			if err != nil {
				t.Fatal(err)
			}
			r.Leaves(made.ID)
			config := r.container(append([]string{`desired_state = "stopped"`}, tt.lines...)...)
			r.run(
				resource.TestStep{Config: config, ResourceName: web, ImportState: true, ImportStatePersist: true, ImportStateId: r.Name("web")},
				resource.TestStep{Config: config, ConfigPlanChecks: plannedNothing(), ConfigStateChecks: []statecheck.StateCheck{has("container_id", text(made.ID))}},
			)
		})
	}
}

// The provider's labels go below a container's own; their change replaces it, and an import has no
// diff for them.
func TestAccDefaultLabels(t *testing.T) {
	r := newRig(t)
	config := func(defaults string, lines ...string) string {
		return r.provider("default_labels = { "+defaults+" }") + r.resource("web", lines...)
	}
	labels := func(want map[string]string) stateCheck {
		return func() error {
			got := r.Inspect(r.Name("web")).Config.Labels
			for key, value := range want {
				if got[key] != value {
					return fmt.Errorf("the labels are %v, want %v", got, want)
				}
			}
			return nil
		}
	}
	own := `labels = { tier = "front", team = "mine" }`
	r.run(
		resource.TestStep{
			Config:            config(`team = "default", stage = "test"`, own),
			ConfigStateChecks: []statecheck.StateCheck{labels(map[string]string{"tier": "front", "team": "mine", "stage": "test"})},
		},
		resource.TestStep{ResourceName: web, ImportState: true, ImportStateId: r.Name("web"), ImportStateVerify: true, ImportStateVerifyIgnore: leftOut(t, config("", own))},
		resource.TestStep{
			Config: config(`team = "default", stage = "live"`, own), ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: []statecheck.StateCheck{labels(map[string]string{"tier": "front", "team": "mine", "stage": "live"})},
		},
		resource.TestStep{Config: config(`team = "default", stage = "live"`, own, `memory = "64m"`), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate)},
	)
}

// An imported container is not replaced for default labels that it lacks.
func TestAccDefaultLabelsOfImports(t *testing.T) {
	t.Parallel()
	for name, labels := range map[string]map[string]string{"has them": {"stage": "test", "tier": "front"}, "lacks one": {"tier": "front"}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			id := r.Run(r.Name("web"), enginetest.RunOptions{Image: r.Image, Labels: labels})
			config := r.provider(`default_labels = { stage = "test" }`) + r.resource("web", `labels = { tier = "front" }`)
			r.run(
				resource.TestStep{Config: config, ResourceName: web, ImportState: true, ImportStatePersist: true, ImportStateId: r.Name("web")},
				resource.TestStep{Config: config, ConfigPlanChecks: plannedNothing(), ConfigStateChecks: []statecheck.StateCheck{has("container_id", text(id))}},
			)
		})
	}
}

// To write down what the engine does anyway replaces nothing, right after an import or later; nor does
// leaving it out again.
func TestAccDefaultsWrittenDown(t *testing.T) {
	r := newRig(t)
	r.Run(r.Name("web"), enginetest.RunOptions{Image: r.Image})
	imported := r.watch(r.Name("web"))
	untouched := []statecheck.StateCheck{stateCheck(imported.untouched)}
	host := r.Inspect(imported.id).HostConfig
	written := r.container(fmt.Sprintf("logging = { driver = %q }", host.LogConfig.Type), fmt.Sprintf("runtime = %q", host.Runtime), fmt.Sprintf("cgroup = %q", host.CgroupnsMode),
		`ipc = "private"`, `shm_size = "64m"`, "privileged = false", "tty = false", "cap_add = []")
	r.run(
		resource.TestStep{Config: written, ResourceName: web, ImportState: true, ImportStatePersist: true, ImportStateId: r.Name("web")},
		resource.TestStep{Config: written, ConfigPlanChecks: plannedNothing(), ConfigStateChecks: untouched},
		resource.TestStep{Config: r.container(), ConfigPlanChecks: plannedNothing(), ConfigStateChecks: untouched},
		resource.TestStep{Config: r.container(`logging = { driver = "local" }`), ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate)},
	)
}

// Another container's name spaces are named as a person names it, also after an import.
func TestAccSharedNamespaces(t *testing.T) {
	r := newRig(t)
	config := r.provider() + r.resource("donor", `ipc = "shareable"`) +
		r.resource("web", `ipc = "container:${gantry_container.donor.name}"`, `pid = "container:${gantry_container.donor.name}"`)
	r.run(
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{has("pid", text("container:"+r.Name("donor")))}},
		resource.TestStep{ResourceName: web, ImportState: true, ImportStateId: r.Name("web"), ImportStateVerify: true, ImportStateVerifyIgnore: leftOut(t, config)},
	)
}

// What only the engine can refuse, some of it not before the start, is an error on the attribute.
func TestAccRefusedSettings(t *testing.T) {
	r := newRig(t)
	refused := map[string]struct{ line, attribute, says string }{
		"runtime":      {`runtime = "nope"`, "runtime", "nknown"},
		"logging":      {`logging = { driver = "nope" }`, "logging", "looking up logging plugin nope"},
		"devices":      {`devices = { "/dev/nope" = {} }`, "devices", "no such file"},
		"cpuset":       {`cpuset = "4000"`, "cpuset", "not available"},
		"gpus":         {`gpus = "all"`, "gpus", "could not select device driver"},
		"requests":     {`device_requests = [{ driver = "nope", count = 1 }]`, "device_requests", "could not select device driver"},
		"group":        {`group_add = ["nope"]`, "group_add", "Unable to find group nope"},
		"sysctls":      {`sysctls = { "net.nope" = 1 }`, "sysctls", "net"},
		"blkio":        {`blkio_config = { device_read_bps = { "/dev/null" = "1m" } }`, "blkio_config", "no such device"},
		"ipc":          {`ipc = "container:nope"`, "ipc", "nope"},
		"pid":          {`pid = "container:nope"`, "pid", "nope"},
		"network-mode": {`network_mode = "container:nope"`, "network_mode", "nope"},
		"volumes-from": {`volumes_from = ["nope"]`, "volumes_from", "nope"},
	}
	var config strings.Builder
	config.WriteString(r.provider())
	for name, one := range refused {
		config.WriteString(r.resource(name, one.line))
	}
	failed := r.fails(config.String())
	for name, one := range refused {
		if want := (failure{summary: "Unable to ", line: one.attribute + " =", says: []string{one.says}}).regexp(); !want.MatchString(failed[name]) {
			t.Errorf("%s: the error is %s, want %s", name, failed[name], want)
		}
	}
	if left := r.Containers(); len(left) > 0 {
		t.Errorf("left over: %s", strings.Join(left, ", "))
	}
}

// fails applies a configuration, and gives the errors by the names of the resources.
func (r *rig) fails(config string) map[string]string {
	r.t.Helper()
	failures := make(map[string]string)
	r.runCase(resource.TestCase{
		ErrorCheck: func(err error) error {
			for one := range strings.SplitSeq(err.Error(), "Error: ") {
				if m := regexp.MustCompile(`(?m)^\s*with gantry_container\.(\S+),$`).FindStringSubmatch(one); m != nil {
					failures[m[1]] += "Error: " + one
				}
			}
			return nil
		},
		Steps: []resource.TestStep{{Config: config}},
	})
	return failures
}

type differing []string

func (d differing) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, c := range req.Plan.ResourceChanges {
		before, _ := c.Change.Before.(map[string]any)
		after, _ := c.Change.After.(map[string]any)
		if got := drifted(before, after); c.Address == web && !slices.Equal(got, d) {
			resp.Error = fmt.Errorf("the plan changes %v, want %v", got, []string(d))
		}
	}
}
