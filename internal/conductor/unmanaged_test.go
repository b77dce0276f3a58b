// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/go-connections/nat"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// notOfAConfiguration has the fields of a container's inspection that no configuration asks for, with the
// reason. What ends with a dot has everything below it.
func notOfAConfiguration() map[string]string {
	return map[string]string{
		"ID":                       "the engine's",
		"Created":                  "the engine's",
		"Path":                     "the first word of what Config has",
		"Args":                     "the other words of what Config has",
		"State.":                   "what the container does, not what it is",
		"Image":                    "image_id",
		"ResolvConfPath":           "the engine's",
		"HostnamePath":             "the engine's",
		"HostsPath":                "the engine's",
		"LogPath":                  "the engine's",
		"RestartCount":             "what the container did",
		"Driver":                   "the engine's storage driver",
		"Platform":                 "the engine's operating system",
		"MountLabel":               "made of HostConfig.SecurityOpt",
		"ProcessLabel":             "made of HostConfig.SecurityOpt",
		"AppArmorProfile":          "made of HostConfig.SecurityOpt",
		"ExecIDs":                  "what runs in it",
		"GraphDriver.":             "where the engine keeps it",
		"SizeRw":                   "what it wrote",
		"SizeRootFs":               "what it wrote",
		"ImageManifestDescriptor.": "which image it is",

		"HostConfig.ContainerIDFile":         "a file of the client that made it",
		"HostConfig.ConsoleSize":             "the terminal of the client that made it",
		"HostConfig.Mounts[].ClusterOptions": "empty",

		"Config.AttachStdin":  "the client that made it",
		"Config.AttachStdout": "the client that made it",
		"Config.AttachStderr": "the client that made it",
		"Config.ArgsEscaped":  "the image's",
		"Config.Volumes":      "Mounts has it",

		"Mounts[].Driver":      "the volume's",
		"Mounts[].Mode":        "HostConfig.Binds has it",
		"Mounts[].Propagation": "HostConfig.Binds and HostConfig.Mounts have what was asked for",

		"NetworkSettings.Bridge":                    "the engine's",
		"NetworkSettings.SandboxID":                 "the engine's",
		"NetworkSettings.SandboxKey":                "the engine's",
		"NetworkSettings.Ports[][].":                "published_ports",
		"NetworkSettings.HairpinMode":               "never set",
		"NetworkSettings.LinkLocalIPv6Address":      "never set",
		"NetworkSettings.LinkLocalIPv6PrefixLen":    "never set",
		"NetworkSettings.SecondaryIPAddresses[].":   "never set",
		"NetworkSettings.SecondaryIPv6Addresses[].": "never set",
		"NetworkSettings.EndpointID":                "Networks has it",
		"NetworkSettings.Gateway":                   "Networks has it",
		"NetworkSettings.GlobalIPv6Address":         "Networks has it",
		"NetworkSettings.GlobalIPv6PrefixLen":       "Networks has it",
		"NetworkSettings.IPAddress":                 "Networks has it",
		"NetworkSettings.IPPrefixLen":               "Networks has it",
		"NetworkSettings.IPv6Gateway":               "Networks has it",
		"NetworkSettings.MacAddress":                "Networks has it",

		"NetworkSettings.Networks[].NetworkID":           "which network it is",
		"NetworkSettings.Networks[].EndpointID":          "the engine's",
		"NetworkSettings.Networks[].Gateway":             "the network's",
		"NetworkSettings.Networks[].IPAddress":           "the address it got; IPAMConfig has the one asked for",
		"NetworkSettings.Networks[].IPPrefixLen":         "the network's",
		"NetworkSettings.Networks[].IPv6Gateway":         "the network's",
		"NetworkSettings.Networks[].GlobalIPv6Address":   "the address it got; IPAMConfig has the one asked for",
		"NetworkSettings.Networks[].GlobalIPv6PrefixLen": "the network's",
		"NetworkSettings.Networks[].DNSNames":            "made of the name, the host name and Aliases",
	}
}

// example is a container with something of everything that others refer to.
func example() containertypes.InspectResponse {
	return containertypes.InspectResponse{
		ContainerJSONBase: &containertypes.ContainerJSONBase{
			ID: strings.Repeat("7", 64), Name: "/web", State: &containertypes.State{Status: "exited"},
			HostConfig: &containertypes.HostConfig{
				NetworkMode: "net", Binds: []string{"/srv:/srv:rw"}, PortBindings: nat.PortMap{"80/tcp": {{HostIP: "10.0.0.1", HostPort: "8080"}}},
				MaskedPaths:   strings.Fields("/proc/asound /proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware"),
				ReadonlyPaths: strings.Fields("/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger"),
				Mounts: []mount.Mount{
					{Type: mount.TypeVolume, Source: "data", Target: "/data"}, {Type: mount.TypeTmpfs, Target: "/tmp"},
					{Type: mount.TypeImage, Source: "tools", Target: "/tools"},
				},
			},
		},
		Config: &containertypes.Config{},
		Mounts: []containertypes.MountPoint{
			{Type: mount.TypeVolume, Name: "data", Destination: "/data", RW: true}, {Type: mount.TypeBind, Source: "/srv", Destination: "/srv", RW: true},
			{Type: mount.TypeTmpfs, Destination: "/tmp", RW: true},
		},
		NetworkSettings: &containertypes.NetworkSettings{Networks: map[string]*network.EndpointSettings{"net": {NetworkID: strings.Repeat("9", 64)}}},
	}
}

// Every field of what the Docker client reports of a container is kept, or is nothing that a configuration
// asks for, or is named as what gantry has no argument for. A newer client with a further field fails here.
func TestEveryFieldOfAContainerIsKeptOrNamed(t *testing.T) {
	t.Parallel()
	type kept struct {
		container.Settings
		Attached   map[string]container.EndpointOptions
		AutoRemove bool
	}
	keeps := func(r containertypes.InspectResponse) any {
		c := container.Observe("edge1", r)
		attached := make(map[string]container.EndpointOptions)
		for name, n := range c.Attached {
			attached[name] = n.EndpointOptions
		}
		return kept{c.Settings, attached, c.AutoRemove}
	}
	examples := map[string]any{
		"HostConfig.Binds": []string{"/srv:/srv:ro,z"}, "HostConfig.Tmpfs": map[string]string{"/run": ""}, "HostConfig.ExtraHosts": []string{"db:10.0.0.7"},
		"HostConfig.Mounts[].TmpfsOptions.Options": [][]string{{"exec"}}, "HostConfig.MaskedPaths": []string{"/proc/cpuinfo"}, "HostConfig.ReadonlyPaths": []string{"/srv"},
		"Config.Env": []string{"A=1"}, "Config.Volumes": map[string]struct{}{"/data": {}}, "Config.Healthcheck": &containertypes.HealthConfig{Test: []string{"CMD", "true"}},
	}
	everyField(t, example, examples, notOfAConfiguration(), keeps, func(r containertypes.InspectResponse) []container.Unmanaged {
		return container.UnmanagedOfContainer(r, container.EngineDefaults{})
	})
}

// What is unmanaged is named as a person knows it, and what engines and clients do by themselves is not.
func TestUnmanagedIsNamed(t *testing.T) {
	t.Parallel()
	windows, forEver := container.EngineDefaults{Isolation: "hyperv"}, -1
	for want, change := range map[string]func(host *containertypes.HostConfig, r *containertypes.InspectResponse){
		"--volume-driver=nfs":     func(host *containertypes.HostConfig, _ *containertypes.InspectResponse) { host.VolumeDriver = "nfs" },
		"--isolation=process":     func(host *containertypes.HostConfig, _ *containertypes.InspectResponse) { host.Isolation = "process" },
		"--kernel-memory=4194304": func(host *containertypes.HostConfig, _ *containertypes.InspectResponse) { host.KernelMemory = 4 << 20 },
		"--io-maxiops=100":        func(host *containertypes.HostConfig, _ *containertypes.InspectResponse) { host.IOMaximumIOps = 100 },
		"--stop-timeout=-1":       func(_ *containertypes.HostConfig, r *containertypes.InspectResponse) { r.Config.StopTimeout = &forEver },
		"NetworkDisabled = true":  func(_ *containertypes.HostConfig, r *containertypes.InspectResponse) { r.Config.NetworkDisabled = true },
		"MaskedPaths = /proc/kcore, /srv": func(host *containertypes.HostConfig, _ *containertypes.InspectResponse) {
			host.MaskedPaths = []string{"/proc/kcore", "/srv"}
		},
		"ReadonlyPaths = /proc/sys": func(host *containertypes.HostConfig, _ *containertypes.InspectResponse) {
			host.ReadonlyPaths = []string{"/proc/sys"}
		},
		"MaskedPaths = /proc/kcore, /proc/keys": func(host *containertypes.HostConfig, _ *containertypes.InspectResponse) {
			host.MaskedPaths = []string{"/proc/kcore", "/proc/keys"}
		},
		`Shell = ["/bin/ash", "-c"]`: func(_ *containertypes.HostConfig, r *containertypes.InspectResponse) {
			r.Config.Shell = []string{"/bin/ash", "-c"}
		},
		`OnBuild = ["RUN true"]`: func(_ *containertypes.HostConfig, r *containertypes.InspectResponse) {
			r.Config.OnBuild = []string{"RUN true"}
		},
		"ReadonlyPaths = []": func(host *containertypes.HostConfig, _ *containertypes.InspectResponse) { host.ReadonlyPaths = nil },
		"--mount=type=cluster,source=csi,target=/d": func(host *containertypes.HostConfig, _ *containertypes.InspectResponse) {
			host.Mounts = []mount.Mount{{Type: mount.TypeCluster, Source: "csi", Target: "/d"}}
		},
		"": func(host *containertypes.HostConfig, _ *containertypes.InspectResponse) {
			host.VolumeDriver, host.Isolation, host.Privileged = "local", "HyperV", true
			host.MaskedPaths, host.ReadonlyPaths = nil, nil
		},
		" ": func(host *containertypes.HostConfig, _ *containertypes.InspectResponse) { // Both taken away is an option that gantry has.
			host.Isolation, host.MaskedPaths, host.ReadonlyPaths = "default", []string{}, []string{}
		},
		"  ": func(host *containertypes.HostConfig, _ *containertypes.InspectResponse) {
			host.MaskedPaths = append(host.MaskedPaths, "/sys/devices/system/cpu/cpu11/thermal_throttle")
		},
	} {
		r := example()
		change(r.HostConfig, &r)
		var got []string
		for _, u := range container.UnmanagedOfContainer(r, windows) {
			got = append(got, u.String())
		}
		if strings.Join(got, "; ") != strings.TrimSpace(want) {
			t.Errorf("named is %q, want %q", got, want)
		}
	}
}

// The same for networks and volumes.
func TestEveryFieldOfANetworkIsKeptOrNamed(t *testing.T) {
	t.Parallel()
	everyField(t, func() network.Inspect { return network.Inspect{} }, nil, map[string]string{
		"ID": "the engine's", "Created": "the engine's", "Containers[].": "who uses it", "Peers[].": "who uses it", "Services[].": "who uses it",
	}, func(r network.Inspect) any { return observeNetwork("edge1", r, apiDisableIPv4).NetworkSpec }, func(network.Inspect) []container.Unmanaged { return nil })
}

func TestEveryFieldOfAVolumeIsKeptOrNamed(t *testing.T) {
	t.Parallel()
	everyField(t, func() volume.Volume { return volume.Volume{} }, nil, map[string]string{
		"CreatedAt": "the engine's", "Mountpoint": "the engine's", "Scope": "the driver's", "Status": "the driver's", "UsageData.": "how much is in it",
	}, func(r volume.Volume) any { return observeVolume("edge1", r).VolumeSpec }, unmanagedOfVolume)
}

// everyField sets one field after the other of a report, and asserts that it makes a difference to what is
// kept, or to what is named, or is among the others.
func everyField[R any](t *testing.T, example func() R, examples map[string]any, others map[string]string, keeps func(R) any, names func(R) []container.Unmanaged) {
	t.Helper()
	if named := names(example()); named != nil {
		t.Fatalf("the example has the unmanaged settings %v", named)
	}
	used := make(map[string]bool)
	var paths []string
	walk(reflect.TypeFor[R](), "", examples, func(path string) { paths = append(paths, path) })
	for _, path := range paths {
		var kept, named bool
		for variant := range 4 { // Of a list each element is tried.
			r := example()
			if !set(reflect.ValueOf(&r).Elem(), path, "", variant, examples) {
				break
			}
			kept = kept || !reflect.DeepEqual(keeps(r), keeps(example()))
			named = named || names(r) != nil
		}
		other := ""
		for o := range others {
			if o == path || strings.HasSuffix(o, ".") && strings.HasPrefix(path, o) {
				other = o
			}
		}
		used[other] = true
		switch {
		case other != "" && kept, other != "" && named, kept && named:
			t.Errorf("%s is kept: %t; named as unmanaged: %t; here for a reason: %q. Want one of these", path, kept, named, others[other])
		case other == "" && !kept && !named:
			t.Errorf("%s is dropped without a word: keep it in observe, name it in unmanaged, or say here why it is nothing that a configuration asks for", path)
		}
	}
	for o := range others {
		if !used[o] {
			t.Errorf("%s is no field", o)
		}
	}
}

// leaf reports whether a type is set as a whole.
func leaf(typ reflect.Type) bool {
	switch typ.Kind() {
	case reflect.Struct:
		return typ == reflect.TypeFor[time.Time]()
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return leaf(typ.Elem()) || typ.Elem() == reflect.TypeFor[struct{}]()
	default:
		return true
	}
}

// walk visits the paths of all fields below a type: "HostConfig.Mounts[].Source".
func walk(typ reflect.Type, path string, examples map[string]any, visit func(path string)) {
	if _, ok := examples[path]; ok || leaf(typ) {
		visit(path)
		return
	}
	switch typ.Kind() {
	case reflect.Pointer:
		walk(typ.Elem(), path, examples, visit)
	case reflect.Slice, reflect.Map:
		walk(typ.Elem(), path+"[]", examples, visit)
	default:
		if typ.NumField() == 0 { // A marker: that it is there is all.
			visit(path)
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			switch {
			case f.Anonymous:
				walk(f.Type, path, examples, visit)
			case f.IsExported():
				walk(f.Type, strings.TrimPrefix(path+"."+f.Name, "."), examples, visit)
			}
		}
	}
}

// set sets the field at a path, of the variant's element where there are several. It reports whether there
// is such an element.
func set(v reflect.Value, path, at string, variant int, examples map[string]any) bool {
	if at == path {
		value, ok := examples[path]
		if !ok {
			value = other(v)
		}
		v.Set(reflect.ValueOf(value).Convert(v.Type()))
		return variant == 0 || strings.Contains(path, "[]")
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return set(v.Elem(), path, at, variant, examples)
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		}
		return variant < v.Len() && set(v.Index(variant), path, at+"[]", variant, examples)
	case reflect.Map:
		if v.Len() == 0 {
			v.Set(reflect.MakeMap(v.Type()))
			v.SetMapIndex(reflect.ValueOf("80/tcp").Convert(v.Type().Key()), reflect.Zero(v.Type().Elem()))
		}
		key := v.MapKeys()[0]
		element := reflect.New(v.Type().Elem()).Elem()
		element.Set(v.MapIndex(key))
		found := set(element, path, at+"[]", variant, examples)
		v.SetMapIndex(key, element)
		return found
	default:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			next := strings.TrimPrefix(at+"."+f.Name, ".")
			if f.Anonymous {
				next = at
			}
			var inside bool
			typ := f.Type
			for typ.Kind() == reflect.Pointer {
				typ = typ.Elem()
			}
			walk(f.Type, next, examples, func(p string) { inside = inside || p == path })
			if inside {
				return set(v.Field(i), path, next, variant, examples)
			}
		}
		panic(fmt.Sprintf("no field %s below %q", path, at))
	}
}

// other is a value that a field does not have.
func other(v reflect.Value) any {
	switch v.Kind() {
	case reflect.String:
		return "x" + v.String()
	case reflect.Bool:
		return !v.Bool()
	case reflect.Int, reflect.Int64:
		return v.Int() + 7
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v.Uint() + 7
	case reflect.Slice:
		element := reflect.New(v.Type().Elem()).Elem()
		element.Set(reflect.ValueOf(other(element)).Convert(element.Type()))
		return reflect.Append(v, element).Interface()
	case reflect.Pointer:
		element := reflect.New(v.Type().Elem())
		if element.Elem().Kind() != reflect.Struct {
			element.Elem().Set(reflect.ValueOf(other(element.Elem())).Convert(element.Elem().Type()))
		}
		return element.Interface()
	case reflect.Map:
		out := reflect.MakeMap(v.Type())
		element := reflect.New(v.Type().Elem()).Elem()
		if element.Kind() != reflect.Struct {
			element.Set(reflect.ValueOf(other(element)).Convert(element.Type()))
		}
		out.SetMapIndex(reflect.ValueOf("k").Convert(v.Type().Key()), element)
		return out.Interface()
	case reflect.Array:
		out := reflect.New(v.Type()).Elem()
		out.Index(0).SetUint(7)
		return out.Interface()
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return time.Unix(1, 0)
		}
		return v.Interface()
	case reflect.Interface:
		return "x"
	default:
		panic(fmt.Sprintf("no other value of the type %s", v.Type()))
	}
}
