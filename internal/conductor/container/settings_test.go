// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"testing"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/system"
	"github.com/google/go-cmp/cmp"
)

// samples returns settings that somebody may ask for at once, in their spellings; each setting by itself is tested from
// the rows of the attributes, in the provider. The tests of a real engine take
// them through it, but for those that are not on every engine: they need an own kernel, file system, or version of
// the API.
func samples(t *testing.T) map[string]Settings {
	t.Helper()
	text, err := os.ReadFile("testdata/settings.json")
	if err != nil {
		t.Fatal(err)
	}
	var samples map[string]Settings
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&samples); err != nil {
		t.Fatal(err)
	}
	return samples
}

// What is translated is reported as it was asked for, by its plain spelling.
func TestTranslatedIsObserved(t *testing.T) {
	for name, settings := range samples(t) {
		c, err := Translate(Spec{Settings: settings}, "edge1/web/1", "1.41")
		if err != nil {
			t.Fatal(err)
		}
		got := Observe("edge1", containertypes.InspectResponse{
			ContainerJSONBase: &containertypes.ContainerJSONBase{Name: "/web", State: &containertypes.State{}, HostConfig: c.Host},
			Config:            c.Config, NetworkSettings: &containertypes.NetworkSettings{},
		})
		want := Spec{Settings: settings}
		if !want.Matches(got) {
			t.Errorf("%s: it does not meet what was asked for:\n%s", name, cmp.Diff(settings.Plain(EngineDefaults{}), got.Settings.Plain(EngineDefaults{})))
		}
		for other, different := range samples(t) {
			if other != name && other != "nothing" && (Spec{Settings: different}).Matches(got) {
				t.Errorf("%s: it meets %s, too", name, other)
			}
		}
	}
}

// What is asked for goes to the background conductor and back.
func TestSettingsGoThroughJSON(t *testing.T) {
	for name, settings := range samples(t) {
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
	}
}

// A container that differs in one setting is not what was asked for, whichever it is.
func TestMeetsComparesEverySetting(t *testing.T) {
	for name, settings := range samples(t) {
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
				if (Spec{Settings: settings}).Matches(&Container{Settings: lacking}) {
					t.Errorf("%s: without %s it is the same", name, family.Type.Field(j).Name)
				}
			}
		}
	}
}

// isLeftOut reports whether a value means the same as none.
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
		if diff := cmp.Diff(test.want, ObserveDefaults(test.info)); diff != "" {
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
