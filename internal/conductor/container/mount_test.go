// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"path"
	"slices"
	"strings"
	"testing"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/google/go-cmp/cmp"
)

func TestTranslateMounts(t *testing.T) {
	for name, tt := range map[string]struct {
		asked Mount
		want  mount.Mount
	}{
		"plain bind":   {Mount{Type: MountBind, Source: "/srv"}, mount.Mount{Type: "bind", Source: "/srv"}},
		"propagation":  {Mount{Type: MountBind, Source: "/srv", Bind: BindOptions{Propagation: "shared"}}, mount.Mount{Type: "bind", Source: "/srv", BindOptions: &mount.BindOptions{Propagation: "shared"}}},
		"made":         {Mount{Type: MountBind, Source: "/srv", Bind: BindOptions{CreateHostPath: true}}, mount.Mount{Type: "bind", Source: "/srv", BindOptions: &mount.BindOptions{CreateMountpoint: true}}},
		"nothing else": {Mount{Type: MountBind, Source: "/srv", Bind: BindOptions{Recursive: RecursiveDisabled}}, mount.Mount{Type: "bind", Source: "/srv", BindOptions: &mount.BindOptions{NonRecursive: true}}},
		"writable":     {Mount{Type: MountBind, Source: "/srv", ReadOnly: true, Bind: BindOptions{Recursive: RecursiveWritable}}, mount.Mount{Type: "bind", Source: "/srv", ReadOnly: true, BindOptions: &mount.BindOptions{ReadOnlyNonRecursive: true}}},
		"all":          {Mount{Type: MountBind, Source: "/srv", ReadOnly: true, Bind: BindOptions{Recursive: RecursiveReadOnly}}, mount.Mount{Type: "bind", Source: "/srv", ReadOnly: true, BindOptions: &mount.BindOptions{ReadOnlyForceRecursive: true}}},
		"volume": {
			Mount{Type: MountVolume, Source: "data", Volume: VolumeOptions{NoCopy: true, Subpath: "a", Labels: map[string]string{"a": "1"}, Driver: "local", DriverOpts: map[string]string{"o": "1"}}},
			mount.Mount{Type: "volume", Source: "data", VolumeOptions: &mount.VolumeOptions{NoCopy: true, Subpath: "a", Labels: map[string]string{"a": "1"}, DriverConfig: &mount.Driver{Name: "local", Options: map[string]string{"o": "1"}}}},
		},
		"tmpfs": {Mount{Type: MountTmpfs, Tmpfs: TmpfsOptions{Size: 1 << 20, Mode: 0o1777}}, mount.Mount{Type: "tmpfs", TmpfsOptions: &mount.TmpfsOptions{SizeBytes: 1 << 20, Mode: 0o1777}}},
		"image": {Mount{Type: MountImage, Source: "assets:1", Image: ImageOptions{Subpath: "a"}}, mount.Mount{Type: "image", Source: "assets:1", ImageOptions: &mount.ImageOptions{Subpath: "a"}}},
		"pipe":  {Mount{Type: MountPipe, Source: `\\.\pipe\docker_engine`}, mount.Mount{Type: "npipe", Source: `\\.\pipe\docker_engine`}},
		"how":   {Mount{Type: MountBind, Source: "/srv", Consistency: "cached"}, mount.Mount{Type: "bind", Source: "/srv", Consistency: "cached"}},
	} {
		tt.want.Target = "/a"
		list, binds, tmpfs := translateMounts(map[string]Mount{"/a": tt.asked}, "1.48")
		if diff := cmp.Diff([]mount.Mount{tt.want}, list); diff != "" || binds != nil || tmpfs != nil {
			t.Errorf("%s: %v, %v\n%s", name, binds, tmpfs, diff)
		}
		points := []containertypes.MountPoint{{Type: mount.Type(tt.asked.Type), Source: tt.asked.Source, Name: tt.asked.Source, Destination: "/a", RW: !tt.asked.ReadOnly}}
		seen := observeMounts(points, &containertypes.Config{}, &containertypes.HostConfig{Mounts: list})["/a"]
		if !tt.asked.matches(seen) {
			t.Errorf("%s: what was made of it is %+v", name, seen)
		}
	}
	list, binds, _ := translateMounts(map[string]Mount{"/a": {Type: MountBind, Source: "/srv", ReadOnly: true, Bind: BindOptions{CreateHostPath: true, Propagation: "rslave"}}}, "1.41")
	if diff := cmp.Diff([]string{"/srv:/a:ro,rslave"}, binds); diff != "" || list != nil {
		t.Errorf("for an older engine: %v\n%s", list, diff)
	}
}

// What an engine can refuse comes before what it makes.
func TestOrderOfMounts(t *testing.T) {
	t.Parallel()
	device := VolumeOptions{DriverOpts: map[string]string{"device": "/dev/sdb1"}}
	list, _, _ := translateMounts(map[string]Mount{
		"/a": {Type: MountVolume}, "/b": {Type: MountVolume, Source: "data"}, "/c": {Type: MountVolume, Volume: device},
		"/d": {Type: MountVolume, Source: "disk", Volume: device}, "/e": {Type: MountTmpfs}, "/f": {Type: MountBind, Source: "/srv"},
		"/g": {Type: MountVolume, Volume: VolumeOptions{Labels: map[string]string{"a": "1"}}},
	}, "1.48")
	var order []string
	for _, m := range list {
		order = append(order, m.Target)
	}
	if want := []string{"/e", "/f", "/d", "/c", "/b", "/a", "/g"}; !slices.Equal(order, want) {
		t.Errorf("got %q, want %q", order, want)
	}
}

// What no mount can ask for goes in the older forms, to every engine, and is found again in its report.
func TestTranslateOlderForms(t *testing.T) {
	for name, tt := range map[string]struct {
		asked       Mount
		bind, tmpfs string
	}{
		"a bind for several":      {asked: Mount{Type: MountBind, Source: "/srv", Bind: BindOptions{SELinux: SELinuxShared}}, bind: "/srv:/a:rw,z"},
		"a bind for one":          {asked: Mount{Type: MountBind, Source: "/srv", ReadOnly: true, Bind: BindOptions{SELinux: SELinuxPrivate, Propagation: "rslave"}}, bind: "/srv:/a:ro,rslave,Z"},
		"a bind, consistency":     {asked: Mount{Type: MountBind, Source: "/srv", Consistency: "default", Bind: BindOptions{SELinux: SELinuxPrivate}}, bind: "/srv:/a:rw,Z"},
		"a volume for several":    {asked: Mount{Type: MountVolume, Source: "data", Volume: VolumeOptions{SELinux: SELinuxShared, NoCopy: true}}, bind: "data:/a:rw,nocopy,z"},
		"an owner":                {asked: Mount{Type: MountTmpfs, Tmpfs: TmpfsOptions{Mode: 0o770, UID: 2000, GID: 1000, Exec: true}}, tmpfs: "mode=770,uid=2000,gid=1000,exec"},
		"everything":              {asked: Mount{Type: MountTmpfs, ReadOnly: true, Tmpfs: TmpfsOptions{Size: 1 << 20, Options: []string{"suid", "nr_inodes=4k"}}}, tmpfs: "ro,size=1048576,nr_inodes=4k,suid"},
		"a share of the memory":   {asked: Mount{Type: MountTmpfs, Tmpfs: TmpfsOptions{Options: []string{"size=50%"}}}, tmpfs: "size=50%"},
		"what is the default too": {asked: Mount{Type: MountTmpfs, Tmpfs: TmpfsOptions{GID: 5, Options: []string{"nodev", "dev"}}}, tmpfs: "gid=5,dev"},
	} {
		for _, version := range []string{"1.41", "1.48"} {
			list, binds, tmpfs := translateMounts(map[string]Mount{"/a": tt.asked}, version)
			host := &containertypes.HostConfig{Binds: binds, Tmpfs: tmpfs}
			var points []containertypes.MountPoint
			if tt.bind != "" {
				points = []containertypes.MountPoint{{Type: mount.Type(tt.asked.Type), Source: tt.asked.Source, Name: tt.asked.Source, Destination: "/a", RW: !tt.asked.ReadOnly}}
			}
			if tt.bind != strings.Join(binds, " ") || tt.tmpfs != tmpfs["/a"] || list != nil {
				t.Errorf("%s: binds %v, tmpfs %v, mounts %v", name, binds, tmpfs, list)
			}
			if seen := observeMounts(points, &containertypes.Config{}, host)["/a"]; !tt.asked.matches(seen) {
				t.Errorf("%s: what was made of it is %+v", name, seen)
			}
		}
	}
}

// The options of a tmpfs are read in both forms, whoever wrote them.
func TestObserveTmpfs(t *testing.T) {
	for options, want := range map[string]Mount{
		"":                        {Type: MountTmpfs},
		"rw,noexec,nosuid,nodev":  {Type: MountTmpfs},
		"defaults,size=64m":       {Type: MountTmpfs, Tmpfs: TmpfsOptions{Size: 64 << 20}},
		"exec,noexec":             {Type: MountTmpfs},
		"noexec,exec,ro":          {Type: MountTmpfs, ReadOnly: true, Tmpfs: TmpfsOptions{Exec: true}},
		"suid,nosuid,noatime":     {Type: MountTmpfs, Tmpfs: TmpfsOptions{Options: []string{"noatime"}}},
		"uid=1,gid=2,mode=01770":  {Type: MountTmpfs, Tmpfs: TmpfsOptions{UID: 1, GID: 2, Mode: 0o1770}},
		"uid=root,mode=u+rw,size": {Type: MountTmpfs, Tmpfs: TmpfsOptions{Options: []string{"mode=u+rw", "size", "uid=root"}}},
	} {
		if diff := cmp.Diff(want, observeTmpfs(options)); diff != "" {
			t.Errorf("%q:\n%s", options, diff)
		}
	}
	got := observeTmpfsOptions(&mount.TmpfsOptions{SizeBytes: 5, Options: [][]string{{"exec"}, {"uid", "7"}, {"noatime"}}})
	if diff := cmp.Diff(TmpfsOptions{Size: 5, UID: 7, Exec: true, Options: []string{"noatime"}}, got); diff != "" {
		t.Error(diff)
	}
}

// What comes from other containers is not the container's own.
func TestObserveMountsFromOthers(t *testing.T) {
	points := []containertypes.MountPoint{
		{Type: "volume", Name: "own", Destination: "/own", RW: true}, {Type: "volume", Name: "theirs", Destination: "/theirs", RW: true},
		{Type: "volume", Name: "anonymous", Destination: "/anonymous", RW: true},
	}
	config := &containertypes.Config{Volumes: map[string]struct{}{"/anonymous/": {}}}
	host := &containertypes.HostConfig{Binds: []string{"own:/own/:nocopy"}, VolumesFrom: []string{"other"}, Tmpfs: map[string]string{"/tmp/": "size=64m,mode=700,noexec"}}
	want := map[string]Mount{
		"/own": {Type: MountVolume, Source: "own", Volume: VolumeOptions{NoCopy: true}}, "/anonymous": {Type: MountVolume, Source: "anonymous"},
		"/tmp": {Type: MountTmpfs, Tmpfs: TmpfsOptions{Size: 64 << 20, Mode: 0o700}},
	}
	if diff := cmp.Diff(want, observeMounts(points, config, host)); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseBind(f *testing.F) {
	for _, s := range []string{"/a:/b", "/a:/b:ro,rslave", `C:\a:/b:rw`, "data:/b:nocopy", "a", ":", "::", "a:b", "/a:/b:", "C:/a:/b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		target, m, ok := parseBind(s)
		if ok && (!path.IsAbs(target) || path.Clean(target) != target) {
			t.Errorf("%q: the target is %q", s, target)
		}
		if !ok && (target != "" || m.Source != "") {
			t.Errorf("%q: %q, %+v", s, target, m)
		}
		observeTmpfs(s)
	})
}

// Each setting is refused by the last version that does not know it, and by none that does.
func TestNeeds(t *testing.T) {
	one := func(m Mount) Spec { return Spec{Settings: Settings{Mounts: map[string]Mount{"/a": m}}} }
	network := func(o EndpointOptions) Spec {
		return Spec{Settings: Settings{Networks: map[string]NetworkAttachment{"first": {Network: "first", Priority: 1}, "front": {Network: "front", EndpointOptions: o}}}}
	}
	for _, tt := range []struct {
		attribute, before, from string
		spec                    Spec
	}{
		{"annotations", "1.42", "1.43", Spec{Settings: Settings{Process: Process{Annotations: map[string]string{"a": "1"}}}}},
		{"healthcheck.start_interval", "1.43", "1.44", Spec{Settings: Settings{Healthcheck: &Healthcheck{StartInterval: 1}}}},
		{"mounts./a.bind.recursive", "1.43", "1.44", one(Mount{Bind: BindOptions{Recursive: RecursiveReadOnly}})},
		{"mounts./a.bind.recursive", "1.43", "1.44", one(Mount{Bind: BindOptions{Recursive: RecursiveWritable}})},
		{"mounts./a.bind.create_host_path", "1.41", "1.42", one(Mount{Bind: BindOptions{CreateHostPath: true, Recursive: RecursiveDisabled}})},
		{"mounts./a.type", "1.47", "1.48", one(Mount{Type: MountImage, Source: "assets:1"})},
		{"mounts./a.volume.subpath", "1.44", "1.45", one(Mount{Volume: VolumeOptions{Subpath: "a"}})},
		{"networks.front.mac_address", "1.43", "1.44", network(EndpointOptions{MACAddress: "02:42:ac:11:65:43"})},
		{"networks.front.gw_priority", "1.47", "1.48", network(EndpointOptions{GatewayPriority: 1})},
	} {
		n, old := Unmet(tt.spec.Needs(), tt.before)
		got := strings.Join(n.Attribute, ".")
		if !old || got != tt.attribute {
			t.Errorf("%s: API %s is refused for %q", tt.attribute, tt.before, got)
		}
		if n, old := Unmet(tt.spec.Needs(), tt.from); old {
			t.Errorf("%s: API %s is refused for %v", tt.attribute, tt.from, n.Attribute)
		}
	}
	if needs := (Spec{}).Needs(); needs != nil {
		t.Errorf("nothing needs %v", needs)
	}
}
