// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"reflect"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/system"
)

// EngineDefaults are what an engine gives to a container that asks for nothing, as far as it says
// so. The zero value knows of none.
type EngineDefaults struct {
	LogDriver string
	Runtime   string
	// Cgroup is the mode of the cgroup name space: host or private.
	Cgroup string
	// NoSwapLimit says that the host's kernel can't limit swap: the engine then reports that it
	// is unlimited, whatever was asked for.
	NoSwapLimit bool
	// Isolation is process or hyperv; empty where the engine does not run on Windows.
	Isolation string
	// NoNewPrivileges says that the engine is configured so that no container gains privileges.
	NoNewPrivileges bool
	// Platform is the host's own (os/architecture); empty is not known.
	Platform string
}

// ObserveDefaults returns what an engine that reports this of itself gives to a container that asks for nothing.
func ObserveDefaults(info system.Info) EngineDefaults {
	d := EngineDefaults{LogDriver: info.LoggingDriver, Runtime: info.DefaultRuntime, Cgroup: "private", NoSwapLimit: info.MemoryLimit && !info.SwapLimit}
	d.Isolation = strings.ToLower(string(info.Isolation))
	d.NoNewPrivileges = slices.Contains(info.SecurityOptions, "name=no-new-privileges")
	if slices.Contains(architectures(), info.Architecture) {
		d.Platform = plainPlatform(info.OSType + "/" + info.Architecture)
	}
	if info.CgroupVersion == "1" {
		d.Cgroup = "host"
	}
	return d
}

// architectures are those of hosts, as their kernels name them, of which every spelling of a platform has one form.
func architectures() []string {
	return []string{"x86_64", "aarch64", "i386", "i686", "ppc64le", "s390x", "riscv64"}
}

// Foreign reports whether an image's platform is another one than the host's. The host runs such an image only
// by emulation, and a pull without a platform brings another one.
func (d EngineDefaults) Foreign(platform string) bool {
	return platform != "" && d.Platform != "" && plainPlatform(platform) != d.Platform
}

// Plain has one spelling of all settings that mean the same to an engine with these defaults. What
// means the same as leaving it out is left out.
func (s Settings) Plain(d EngineDefaults) Settings {
	s.Limits, s.Devices, s.Process = s.Limits.plain(d), s.Devices.plain(), s.Process.plain(d)
	s.Security, s.Namespaces = s.Security.plain(s.Namespaces.shared(), d), s.Namespaces.plain(d)
	if IsDefaultMode(s.NetworkMode) {
		s.NetworkMode = ""
	}
	return s
}

// Matches reports whether a container is made as the specification asks for. What image and engine add
// is none of its business. Each setting is compared by its plain spelling, unless it is one of those
// that have a comparison of their own: a new setting is compared, too.
func (s Spec) Matches(c *Container) bool {
	want, got := reflect.ValueOf(s.Settings.Plain(c.Defaults)), reflect.ValueOf(c.Settings.Plain(c.Defaults))
	for i := range want.NumField() {
		name := want.Type().Field(i).Name
		if compare, ok := ownComparisons()[name]; ok {
			if !compare(s, c) {
				return false
			}
			continue
		}
		if !reflect.DeepEqual(want.Field(i).Interface(), got.Field(i).Interface()) {
			return false
		}
	}
	return true
}

// AddsNothing reports whether a container has of its image what the spec leaves to the image. It is pure.
func (s Spec) AddsNothing(c *Container, image *ImageDefaults) bool {
	own := func(seen, asked, inherited map[string]string) bool {
		for key, value := range seen {
			if _, ok := asked[key]; ok || key == LabelOperation {
				continue
			}
			if had, ok := inherited[key]; !ok || had != value {
				return false
			}
		}
		return true
	}
	command := image.Command
	if s.Entrypoint != nil { // Then the engine leaves the image's command out.
		command = nil
	}
	return (s.Entrypoint != nil || slices.Equal(c.Entrypoint, image.Entrypoint)) &&
		(s.Command != nil || slices.Equal(c.Command, command)) &&
		(s.Healthcheck != nil || reflect.DeepEqual(c.Healthcheck, image.Healthcheck)) &&
		(s.User != "" || c.User == image.User) &&
		(s.WorkingDir != "" || PlainPath(c.WorkingDir) == PlainPath(image.WorkingDir)) &&
		(s.StopSignal != "" || plainSignal(c.StopSignal) == plainSignal(image.StopSignal)) &&
		(s.StopGracePeriod != nil || c.StopGracePeriod == nil) &&
		own(c.Environment, s.Environment, image.Environment) && own(c.Labels, s.Labels, image.Labels) &&
		!slices.ContainsFunc(c.Unset, func(key string) bool { return !slices.Contains(s.Unset, key) })
}

// ownComparisons are those of the settings to which an image or an engine adds, and of those that
// the engine reports in another form.
func ownComparisons() map[string]func(Spec, *Container) bool {
	within := func(part, whole map[string]string) bool {
		for key, value := range part {
			if got, ok := whole[key]; !ok || got != value {
				return false
			}
		}
		return true
	}
	list := func(want, got []string) bool { return want == nil || slices.Equal(want, got) }
	text := func(want, got string) bool { return want == "" || want == got }
	return map[string]func(Spec, *Container) bool{
		"Platform":    func(Spec, *Container) bool { return true }, // The engine does not report it.
		"Entrypoint":  func(s Spec, c *Container) bool { return list(s.collapsed().Entrypoint, c.Entrypoint) },
		"Command":     func(s Spec, c *Container) bool { return list(s.collapsed().Command, c.Command) },
		"Environment": func(s Spec, c *Container) bool { return within(s.Environment, c.Environment) },
		"Unset": func(s Spec, c *Container) bool {
			return !slices.ContainsFunc(s.Unset, func(key string) bool { _, set := c.Environment[key]; return set })
		},
		"Labels": func(s Spec, c *Container) bool { return within(s.Labels, c.Labels) },
		"Ports": func(s Spec, c *Container) bool {
			_, bindings := translatePorts(s.Ports)
			return slices.Equal(observePorts(bindings), c.Ports)
		},
		"Mounts": func(s Spec, c *Container) bool {
			for target, m := range s.Mounts {
				if got, ok := c.Mounts[target]; !ok || !m.matches(got) {
					return false
				}
			}
			return true
		},
		"VolumesFrom": func(s Spec, c *Container) bool { return slices.Equal(s.VolumesFrom, c.VolumesFrom) },
		"Networking":  func(s Spec, c *Container) bool { return s.Networking.matches(c) },
		"Limits": func(s Spec, c *Container) bool {
			for name, u := range s.Ulimits {
				if got, ok := c.Ulimits[name]; !ok || got != u {
					return false
				}
			}
			want, got := s.Limits.plain(c.Defaults), c.Limits.plain(c.Defaults)
			want.Ulimits, got.Ulimits = nil, nil // An engine adds those of its own configuration.
			return reflect.DeepEqual(want, got)
		},
		"Namespaces": func(s Spec, c *Container) bool { return s.Namespaces.matches(c) },
		"Process": func(s Spec, c *Container) bool {
			want, got := s.Process.plain(c.Defaults), c.Process.plain(c.Defaults)
			want.Logging, got.Logging = nil, nil
			return reflect.DeepEqual(want, got) && s.Logging.matches(c.Logging)
		},
		"Networks":    func(s Spec, c *Container) bool { return len(planNetworks(s, c)) == 0 },
		"Healthcheck": func(s Spec, c *Container) bool { return s.Healthcheck.matches(c.Healthcheck) },
		"Restart":     func(s Spec, c *Container) bool { return observeRestart(translateRestart(s.Restart)) == c.Restart },
		"User":        func(s Spec, c *Container) bool { return text(s.User, c.User) },
		"WorkingDir":  func(s Spec, c *Container) bool { return text(PlainPath(s.WorkingDir), PlainPath(c.WorkingDir)) },
		"Hostname":    func(s Spec, c *Container) bool { return text(s.Hostname, c.Hostname) },
		"StopSignal": func(s Spec, c *Container) bool {
			return s.StopSignal == "" || plainSignal(s.StopSignal) == plainSignal(c.StopSignal)
		},
		"StopGracePeriod": func(s Spec, c *Container) bool {
			return s.StopGracePeriod == nil || c.StopGracePeriod != nil && *s.StopGracePeriod == *c.StopGracePeriod
		},
	}
}
