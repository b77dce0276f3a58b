// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"

	"github.com/docker/docker/api/types/mount"
)

// mountsRows are the rows of what is mounted.
func mountsRows(f Fixtures) map[string]AttributeRow {
	volume := fmt.Sprintf(`mounts = { "/m" = { type = "volume", source = %q, volume = { %%s } } }`, f.Volume)
	made := func(name string) string {
		return fmt.Sprintf(`mounts = { "/m" = { type = "volume", source = %q, volume = { %%s } } }`, f.Name(name))
	}
	bind := fmt.Sprintf(`mounts = { "/m" = { type = "bind", source = %q, bind = { %%s } } }`, f.Directory)
	plain := fmt.Sprintf(`mounts = { "/m" = { type = "bind", source = %q, %%s } }`, f.Directory)
	const tmpfs = `mounts = { "/m" = { type = "tmpfs", tmpfs = { %s } } }`
	options := func(get func(*mount.VolumeOptions) any) func(Look) any {
		return mounted(func(m mount.Mount) any {
			if m.VolumeOptions == nil {
				return nil
			}
			return get(m.VolumeOptions)
		})
	}
	return map[string]AttributeRow{
		"mounts": {Change: two{values{"/data": values{"type": "volume"}}, values{"/data": values{"type": "tmpfs"}}}, More: []any{values{"/data": values{"type": "volume", "source": "data"}}, values{"/srv": values{"type": "bind", "source": "/srv/", "read_only": true}, "/tmp": values{"type": "tmpfs", "tmpfs": values{"size": "64m"}}}}},
		"mounts.type": {
			Within: `mounts = { "/m" = { %s } }`, Values: two{"volume", "tmpfs"}, Seen: mounted(func(m mount.Mount) any { return m.Type }), Want: pair{`"volume"`, `"tmpfs"`},
			Empty: refusedEmpty("tmpfs"),
		},
		"mounts.source": {
			Within: `mounts = { "/m" = { type = "volume", %s } }`, Values: two{f.Volume, f.OtherVolume}, Seen: mounted(func(m mount.Mount) any { return m.Source }), Want: pair{quoted(f.Volume), quoted(f.OtherVolume)},
			Empty: emptyRow{in: func(v any) values { return values{"mounts": values{"/m": values{"type": "volume", "source": v}}} }},
		},
		"mounts.read_only": {Within: plain, Values: two{nil, true}, Seen: mounted(func(m mount.Mount) any { return m.ReadOnly }), Want: pair{"false", "true"}},
		"mounts.consistency": {
			Within: plain, Values: two{"consistent", "cached"}, Seen: mounted(func(m mount.Mount) any { return m.Consistency }), Want: pair{`"consistent"`, `"cached"`},
			Empty: emptyRow{also: []any{"default"}},
		},
		"mounts.bind": {},
		"mounts.bind.propagation": {
			Within: bind, Values: two{"rprivate", "rslave"}, Seen: mounted(func(m mount.Mount) any { return m.BindOptions.Propagation }), Want: pair{`"rprivate"`, `"rslave"`},
			Empty: emptyRow{also: []any{"rprivate"}},
		},
		"mounts.bind.create_host_path": {
			// It decides something only while the container is created. Before API 1.42 only the older binds do it, and always.
			Within: bind, Values: two{nil, true}, Want: pair{"false", "false"}, Seen: func(l Look) any {
				return len(l.HostConfig.Binds) > 0 || slices.ContainsFunc(l.HostConfig.Mounts, func(m mount.Mount) bool { return m.BindOptions != nil && m.BindOptions.CreateMountpoint })
			},
		},
		"mounts.bind.recursive": {
			Within: bind, Values: two{"enabled", "disabled"}, Seen: mounted(func(m mount.Mount) any { return m.BindOptions.NonRecursive }), Want: pair{"false", "true"},
			Empty: emptyRow{also: []any{"enabled"}},
		},
		"mounts.bind.selinux": {
			Within: bind, Values: two{"z", "Z"}, Seen: host("Binds"), Want: pair{fmt.Sprintf("[%q]", f.Directory+":/m:rw,z"), fmt.Sprintf("[%q]", f.Directory+":/m:rw,Z")},
		},
		"mounts.volume":         {},
		"mounts.volume.nocopy":  {Within: volume, Values: two{nil, true}, Seen: options(func(o *mount.VolumeOptions) any { return o.NoCopy }), Want: pair{"null", "true"}},
		"mounts.volume.subpath": {Within: volume, Values: two{"a", "b"}, Seen: options(func(o *mount.VolumeOptions) any { return o.Subpath }), Want: pair{`"a"`, `"b"`}, API: "1.45"},
		"mounts.volume.labels": {
			Within: made("labels"), Values: two{values{"a": "1"}, values{"a": "2"}}, Seen: options(func(o *mount.VolumeOptions) any { return o.Labels }), Want: pair{`{"a":"1"}`, `{"a":"2"}`},
			Empty: ownWords(),
		},
		"mounts.volume.driver": {
			Within: made("driver"), Values: two{nil, "local"}, Seen: options(func(o *mount.VolumeOptions) any { return o.DriverConfig.Name }), Want: pair{"null", `"local"`},
		},
		"mounts.volume.driver_opts": {
			Within: fmt.Sprintf(`mounts = { "/m" = { type = "volume", source = %q, volume = { driver = "local", %%s } } }`, f.Name("options")), Values: two{values{"type": "tmpfs", "device": "tmpfs"}, values{"type": "tmpfs", "device": "none"}}, Seen: options(func(o *mount.VolumeOptions) any { return o.DriverConfig.Options["device"] }), Want: pair{`"tmpfs"`, `"none"`},
			Empty: ownWords(),
		},
		"mounts.volume.selinux": {
			Within: volume, Values: two{"z", "Z"}, Seen: host("Binds"), Want: pair{fmt.Sprintf("[%q]", f.Volume+":/m:rw,z"), fmt.Sprintf("[%q]", f.Volume+":/m:rw,Z")},
		},
		"mounts.tmpfs": {},
		"mounts.tmpfs.uid": {
			// Nothing but the older form has this, gid, exec and options.
			Within: tmpfs, Values: two{1000, 1001}, Runs: true, Seen: host("Tmpfs"), Want: pair{`{"/m":"uid=1000"}`, `{"/m":"uid=1001"}`},
			Empty: emptyRow{own: []any{0}},
		},
		"mounts.tmpfs.gid": {
			Within: tmpfs, Values: two{1000, 1001}, Runs: true, Seen: host("Tmpfs"), Want: pair{`{"/m":"gid=1000"}`, `{"/m":"gid=1001"}`},
			Empty: emptyRow{own: []any{0}},
		},
		"mounts.tmpfs.exec": {Within: tmpfs, Values: two{nil, true}, Runs: true, Seen: host("Tmpfs"), Want: pair{"null", `{"/m":"exec"}`}},
		"mounts.tmpfs.options": {
			Within: tmpfs, Values: two{[]any{"suid"}, []any{"size=50%", "noatime"}}, Runs: true, Seen: host("Tmpfs"), Want: pair{`{"/m":"suid"}`, `{"/m":"noatime,size=50%"}`},
			Empty: wordless("nr_inodes"),
		},
		"mounts.tmpfs.size": {
			Within: tmpfs, Values: two{"1m", "2m"}, Seen: mounted(func(m mount.Mount) any { return m.TmpfsOptions.SizeBytes }), Want: pair{"1048576", "2097152"},
			Empty: emptyRow{also: []any{"0"}},
		},
		"mounts.tmpfs.mode": {Within: tmpfs, Values: two{"0700", "0755"}, Seen: mounted(func(m mount.Mount) any { return m.TmpfsOptions.Mode }), Want: pair{"448", "493"}},
		"mounts.image":      {},
		"mounts.image.subpath": {
			Within: fmt.Sprintf(`mounts = { "/m" = { type = "image", source = %q, image = { %%s } } }`, f.OtherImage), Values: two{"a", "b"}, API: "1.48", Seen: mounted(func(m mount.Mount) any { return m.ImageOptions.Subpath }), Want: pair{`"a"`, `"b"`},
		},
		"volumes_from": {
			Values: two{[]any{f.Donor}, []any{f.Donor + ":ro"}}, Seen: host("VolumesFrom"), Want: pair{fmt.Sprintf("[%q]", f.Donor), fmt.Sprintf("[%q]", f.Donor+":ro")},
			More: []any{[]any{"web"}, []any{"web:ro", "db"}}, Empty: wordless("container"),
		},
	}
}
