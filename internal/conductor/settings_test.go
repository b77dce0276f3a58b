// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/system"
	"github.com/google/go-cmp/cmp"
)

// SampleSettings use, between them, every setting of the families. It is exported for the tests that
// take them through a real engine.
func SampleSettings() map[string]Settings {
	yes, swappiness := true, int64(60)
	return map[string]Settings{
		"nothing": {},
		"memory": {Limits: Limits{
			Memory: 64 << 20, MemoryReservation: 32 << 20, MemorySwap: 96 << 20, MemorySwappiness: &swappiness, ShmSize: 32 << 20,
			OOMKillDisable: true, OOMScoreAdj: 500, PidsLimit: 100, Ulimits: map[string]Ulimit{"nofile": {Soft: 100, Hard: 200}, "core": {}},
		}},
		"CPU":  {Limits: Limits{CPUShares: 512, CPUQuota: 50000, CPUPeriod: 100000, CPUSet: "0", CPUSetMems: "0"}},
		"CPUs": {Limits: Limits{NanoCPUs: 5e8, Memory: 64 << 20, MemorySwap: -1, PidsLimit: -1}},
		"block devices": {Limits: Limits{Blkio: Blkio{
			ReadBps: map[string]int64{"/dev/vda": 1 << 20}, ReadIOps: map[string]int64{"/dev/vda": 1000},
			WriteBps: map[string]int64{"/dev/vda": 1 << 21}, WriteIOps: map[string]int64{"/dev/vda": 2000},
		}}},
		"security": {Security: Security{
			CapAdd: []string{"net_admin", "CAP_SYS_TIME"}, CapDrop: []string{"all"}, GroupAdd: []string{"1000", "20"}, ReadOnly: true,
			SecurityOpt: []string{"label:disable", "no-new-privileges", `seccomp={ "defaultAction": "SCMP_ACT_ALLOW" }`, "systempaths=unconfined"},
			Sysctls:     map[string]string{"net.ipv4.ip_forward": "1"}, UsernsMode: "host",
		}},
		"privileged": {Security: Security{Privileged: true, CapAdd: []string{"ALL"}}},
		"devices": {Devices: Devices{
			Devices:           map[string]Device{"/dev/xnull": {Source: "/dev/null"}, "/dev/zero": {Source: "/dev/zero", Permissions: "wr"}},
			DeviceCgroupRules: []string{"c 1:3 mr", "b *:* r"},
		}},
		"GPUs": {Devices: Devices{DeviceRequests: []DeviceRequest{
			{Count: -1, Capabilities: [][]string{{"gpu"}}},
			{Driver: "nvidia", DeviceIDs: []string{"0"}, Capabilities: [][]string{{"gpu", "compute"}}, Options: map[string]string{"a": "b"}},
		}}},
		"shared name spaces": {Namespaces: Namespaces{IPC: "host", PID: "host", UTS: "host", Cgroup: "private", CgroupParent: "/gantry-test", Runtime: "runc"}},
		"own name spaces":    {Namespaces: Namespaces{IPC: "shareable", Cgroup: "host"}},
		"process": {Process: Process{
			Init: &yes, TTY: true, StdinOpen: true, Logging: &Logging{Driver: "local", Options: map[string]string{"max-size": "1m"}},
		}},
		"log options alone": {Process: Process{Logging: &Logging{Options: map[string]string{"max-file": "3"}}}},
	}
}

// notOnEveryEngine are settings that no engine of the tests can take: they need an own kernel, file
// system, or version of the API.
func notOnEveryEngine() Settings {
	return Settings{
		Limits:  Limits{CPURealtimePeriod: 1000000, CPURealtimeRuntime: 950000, Blkio: Blkio{Weight: 300, WeightDevice: map[string]int64{"/dev/vda": 400}}},
		Process: Process{StorageOpt: map[string]string{"size": "1G"}, Annotations: map[string]string{"a": "b"}},
	}
}

func allSamples() map[string]Settings {
	samples := maps.Clone(SampleSettings())
	samples["not on every engine"] = notOnEveryEngine()
	return samples
}

// What is translated is reported as it was asked for, by its plain spelling.
func TestTranslatedIsObserved(t *testing.T) {
	for name, settings := range allSamples() {
		c, err := translate(Spec{Settings: settings}, "edge1/web/1", "1.41")
		if err != nil {
			t.Fatal(err)
		}
		got := observe("edge1", container.InspectResponse{
			ContainerJSONBase: &container.ContainerJSONBase{Name: "/web", State: &container.State{}, HostConfig: c.host},
			Config:            c.config, NetworkSettings: &container.NetworkSettings{},
		})
		want := Spec{Settings: settings}
		if !want.meets(got) {
			t.Errorf("%s: it does not meet what was asked for:\n%s", name, cmp.Diff(settings.Plain(EngineDefaults{}), got.Settings.Plain(EngineDefaults{})))
		}
		for other, different := range allSamples() {
			if other != name && other != "nothing" && (Spec{Settings: different}).meets(got) {
				t.Errorf("%s: it meets %s, too", name, other)
			}
		}
	}
}

// Every setting of the families is in a sample, and goes to the background conductor and back.
func TestSettingsGoThroughJSON(t *testing.T) {
	used := make(map[string]bool)
	for name, settings := range allSamples() {
		sent, err := json.Marshal(Spec{Settings: settings})
		if err != nil {
			t.Fatal(err)
		}
		var got Spec
		if err := json.Unmarshal(sent, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(settings, got.Settings); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		for _, family := range []any{settings.Limits, settings.Limits.Blkio, settings.Security, settings.Devices, settings.Namespaces, settings.Process} {
			v := reflect.ValueOf(family)
			for i := range v.NumField() {
				used[v.Type().Name()+"."+v.Type().Field(i).Name] = used[v.Type().Name()+"."+v.Type().Field(i).Name] || !v.Field(i).IsZero()
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if !used[name] {
			t.Errorf("no sample has %s", name)
		}
	}
}

// A container that differs in one setting is not what was asked for, whichever it is.
func TestMeetsComparesEverySetting(t *testing.T) {
	for name, settings := range allSamples() {
		v := reflect.ValueOf(settings)
		for i := range v.NumField() {
			family := v.Type().Field(i)
			if family.Type.Kind() != reflect.Struct || !family.Anonymous {
				continue
			}
			for j := range family.Type.NumField() {
				if v.Field(i).Field(j).IsZero() || isLeftOut(settings, i, j) {
					continue
				}
				lacking := settings
				reflect.ValueOf(&lacking).Elem().Field(i).Field(j).SetZero()
				if (Spec{Settings: settings}).meets(&Container{Settings: lacking}) {
					t.Errorf("%s: without %s it is the same", name, family.Type.Field(j).Name)
				}
			}
		}
	}
}

// isLeftOut says whether a value means the same as none.
func isLeftOut(s Settings, i, j int) bool {
	without := s
	reflect.ValueOf(&without).Elem().Field(i).Field(j).SetZero()
	return reflect.DeepEqual(s.Plain(EngineDefaults{}), without.Plain(EngineDefaults{}))
}

func TestPlainSpellings(t *testing.T) {
	for s, want := range map[string]string{"net_admin": "CAP_NET_ADMIN", "CAP_SYS_TIME": "CAP_SYS_TIME", "cap_chown": "CAP_CHOWN", "all": "ALL"} {
		if got := PlainCapability(s); got != want {
			t.Errorf("%s is %s, want %s", s, got, want)
		}
	}
	for s, want := range map[string]string{
		"label:disable": "label=disable", "label=user:root": "label=user:root", "label:type:svirt_t": "label=type:svirt_t", "no-new-privileges": "no-new-privileges=true",
		"no-new-privileges:true": "no-new-privileges=true", "no-new-privileges=false": "no-new-privileges=false", "seccomp:unconfined": "seccomp=unconfined",
		"seccomp={ \"a\": 1 }\n": `seccomp={"a":1}`, "apparmor:unconfined": "apparmor=unconfined", "nothing": "nothing",
	} {
		if got := PlainSecurityOption(s); got != want {
			t.Errorf("%s is %s, want %s", s, got, want)
		}
	}
	for s, want := range map[string]string{"": "rwm", "mr": "rm", "w": "w", "rwm": "rwm"} {
		if got := plainPermissions(s); got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
}

// What an engine gives to everybody is not what somebody asked for.
func TestPlainLeavesOutDefaults(t *testing.T) {
	d := EngineDefaults{LogDriver: "json-file", Runtime: "runc", Cgroup: "host", NoSwapLimit: true}
	reported := Settings{
		Limits:     Limits{Memory: 64 << 20, MemorySwap: -1, ShmSize: 64 << 20, CPUQuota: -1},
		Security:   Security{Privileged: true, SecurityOpt: []string{"label=disable"}, CapAdd: []string{}},
		Namespaces: Namespaces{IPC: "private", Cgroup: "host", Runtime: "runc"},
		Process:    Process{Logging: &Logging{Driver: "json-file", Options: map[string]string{}}},
	}
	want := Settings{Limits: Limits{Memory: 64 << 20}, Security: Security{Privileged: true}}
	if diff := cmp.Diff(want, reported.Plain(d)); diff != "" {
		t.Error(diff)
	}
}

func TestObserveDefaults(t *testing.T) {
	for _, test := range []struct {
		info system.Info
		want EngineDefaults
	}{
		{system.Info{OSType: "linux", Architecture: "x86_64", CgroupVersion: "1"}, EngineDefaults{Cgroup: "host", Platform: "linux/amd64"}},
		{system.Info{OSType: "linux", Architecture: "aarch64", CgroupVersion: "2"}, EngineDefaults{Cgroup: "private", Platform: "linux/arm64"}},
		{system.Info{OSType: "linux", Architecture: "armv7l", SecurityOptions: []string{"name=seccomp,profile=builtin", "name=no-new-privileges"}},
			EngineDefaults{Cgroup: "private", NoNewPrivileges: true}},
	} {
		if diff := cmp.Diff(test.want, observeDefaults(test.info)); diff != "" {
			t.Errorf("%s: %s", test.info.Architecture, diff)
		}
	}
}

func FuzzPlainSecurityOption(f *testing.F) {
	for _, s := range []string{"label:disable", "label=user:me", "no-new-privileges", "seccomp={ \"a\": 1 }", "seccomp=", "=", ":", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if plain := PlainSecurityOption(s); PlainSecurityOption(plain) != plain {
			t.Fatalf("%q is %q, which is %q", s, plain, PlainSecurityOption(plain))
		}
	})
}

func FuzzPlainCapability(f *testing.F) {
	for _, s := range []string{"net_admin", "CAP_NET_ADMIN", "all", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if plain := PlainCapability(s); PlainCapability(plain) != plain {
			t.Fatalf("%q is %q, which is %q", s, plain, PlainCapability(plain))
		}
	})
}
