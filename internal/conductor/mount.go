// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/go-units"
)

// apiCreateHostPath is the first version of the API whose mounts can make the host's folder. Before,
// only the older binds do, and they always do.
const apiCreateHostPath = "1.42"

// MountType says what a mount brings into the container.
type MountType string

// The mount types of the Compose specification that gantry knows.
const (
	MountBind   MountType = "bind"
	MountVolume MountType = "volume"
	MountTmpfs  MountType = "tmpfs"
)

// Mount brings storage into a container.
type Mount struct {
	Type MountType `json:"type"`
	// Source is the host's path (bind) or the volume's name. An empty one of a volume makes
	// an anonymous volume.
	Source      string        `json:"source,omitempty"`
	ReadOnly    bool          `json:"read_only,omitempty"`
	Consistency string        `json:"consistency,omitempty"`
	Bind        BindOptions   `json:"bind,omitzero"`
	Volume      VolumeOptions `json:"volume,omitzero"`
	Tmpfs       TmpfsOptions  `json:"tmpfs,omitzero"`
}

// BindOptions belong to a mount of the type bind.
type BindOptions struct {
	// Propagation is rprivate (the engine's default), private, rshared, shared, rslave or slave.
	Propagation string `json:"propagation,omitempty"`
	// CreateHostPath makes a folder where the source does not exist.
	CreateHostPath bool `json:"create_host_path,omitempty"`
	// Recursive says what happens to the mounts below the source.
	Recursive Recursive `json:"recursive,omitempty"`
}

// Recursive says what happens to the mounts below the source of a bind, as in the Compose
// specification. Empty is enabled.
type Recursive string

// The kinds of recursive binds.
const (
	RecursiveEnabled  Recursive = "enabled"
	RecursiveDisabled Recursive = "disabled"
	// RecursiveWritable leaves the mounts below a read-only bind writable (API 1.44).
	RecursiveWritable Recursive = "writable"
	// RecursiveReadOnly fails where the mounts below can't be made read-only (API 1.44).
	RecursiveReadOnly Recursive = "readonly"
)

// VolumeOptions belong to a mount of the type volume. Driver, its options and the labels concern a
// volume that the mount makes.
type VolumeOptions struct {
	NoCopy     bool              `json:"nocopy,omitempty"`
	Subpath    string            `json:"subpath,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
	Driver     string            `json:"driver,omitempty"`
	DriverOpts map[string]string `json:"driver_opts,omitempty"`
}

// TmpfsOptions belong to a mount of the type tmpfs.
type TmpfsOptions struct {
	// Size is in bytes; 0 is no limit.
	Size int64 `json:"size,omitempty"`
	// Mode has the permission bits; 0 is the engine's default.
	Mode uint32 `json:"mode,omitempty"`
}

// translateMounts gives the mounts, and those binds that this version of the API has no mount for.
func translateMounts(mounts map[string]Mount, apiVersion string) (list []mount.Mount, binds []string) {
	for _, target := range slices.Sorted(maps.Keys(mounts)) {
		m := mounts[target]
		if m.Type == MountBind && m.Bind.CreateHostPath && versions.LessThan(apiVersion, apiCreateHostPath) && m.Bind.Recursive == "" {
			binds = append(binds, bindOf(target, m))
			continue
		}
		out := mount.Mount{Type: mount.Type(m.Type), Source: m.Source, Target: target, ReadOnly: m.ReadOnly, Consistency: mount.Consistency(m.Consistency)}
		switch {
		case m.Bind != BindOptions{}:
			out.BindOptions = &mount.BindOptions{
				Propagation: mount.Propagation(m.Bind.Propagation), CreateMountpoint: m.Bind.CreateHostPath,
				NonRecursive: m.Bind.Recursive == RecursiveDisabled, ReadOnlyNonRecursive: m.Bind.Recursive == RecursiveWritable,
				ReadOnlyForceRecursive: m.Bind.Recursive == RecursiveReadOnly,
			}
		case !reflect.ValueOf(m.Volume).IsZero():
			out.VolumeOptions = &mount.VolumeOptions{NoCopy: m.Volume.NoCopy, Labels: m.Volume.Labels, Subpath: m.Volume.Subpath}
			if m.Volume.Driver != "" || len(m.Volume.DriverOpts) > 0 {
				out.VolumeOptions.DriverConfig = &mount.Driver{Name: m.Volume.Driver, Options: m.Volume.DriverOpts}
			}
		case m.Tmpfs != TmpfsOptions{}:
			out.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: m.Tmpfs.Size, Mode: os.FileMode(m.Tmpfs.Mode)}
		}
		list = append(list, out)
	}
	return list, binds
}

// bindOf gives source:target:options.
func bindOf(target string, m Mount) string {
	options := []string{"rw"}
	if m.ReadOnly {
		options[0] = "ro"
	}
	for _, option := range []string{m.Bind.Propagation, m.Consistency} {
		if option != "" {
			options = append(options, option)
		}
	}
	return m.Source + ":" + target + ":" + strings.Join(options, ",")
}

// observeMounts takes binds and volumes as the engine resolved them, with the options that they
// were asked for with, and tmpfs as it was asked for: the engine reports no mount point for
// --tmpfs. What came from other containers is left out.
func observeMounts(points []container.MountPoint, config *container.Config, host *container.HostConfig) map[string]Mount {
	mounts := make(map[string]Mount, len(points))
	for target, options := range host.Tmpfs {
		mounts[path.Clean(target)] = observeTmpfs(options)
	}
	asked := make(map[string]Mount)
	for _, m := range host.Mounts {
		asked[path.Clean(m.Target)] = observeMount(m)
	}
	for _, bind := range host.Binds {
		if target, m, ok := parseBind(bind); ok {
			asked[target] = m
		}
	}
	for target := range config.Volumes {
		if _, ok := asked[path.Clean(target)]; !ok {
			asked[path.Clean(target)] = Mount{}
		}
	}
	for _, p := range points {
		m, own := asked[p.Destination]
		if !own && len(host.VolumesFrom) > 0 {
			continue
		}
		m.Type, m.ReadOnly, m.Source = MountType(p.Type), !p.RW, p.Source
		switch p.Type {
		case mount.TypeVolume:
			m.Source = p.Name
		case mount.TypeTmpfs:
			m.Source, m.ReadOnly = "", asked[p.Destination].ReadOnly
		}
		mounts[p.Destination] = m
	}
	return mounts
}

// observeMount gives the options of a mount as it was asked for.
func observeMount(m mount.Mount) Mount {
	out := Mount{ReadOnly: m.ReadOnly, Consistency: string(m.Consistency)}
	if o := m.BindOptions; o != nil {
		out.Bind = BindOptions{Propagation: string(o.Propagation), CreateHostPath: o.CreateMountpoint}
		switch {
		case o.NonRecursive:
			out.Bind.Recursive = RecursiveDisabled
		case o.ReadOnlyNonRecursive:
			out.Bind.Recursive = RecursiveWritable
		case o.ReadOnlyForceRecursive:
			out.Bind.Recursive = RecursiveReadOnly
		}
	}
	if o := m.VolumeOptions; o != nil {
		out.Volume = VolumeOptions{NoCopy: o.NoCopy, Subpath: o.Subpath, Labels: o.Labels}
		if o.DriverConfig != nil {
			out.Volume.Driver, out.Volume.DriverOpts = o.DriverConfig.Name, o.DriverConfig.Options
		}
	}
	if o := m.TmpfsOptions; o != nil {
		out.Tmpfs = TmpfsOptions{Size: o.SizeBytes, Mode: uint32(o.Mode)}
	}
	return out
}

// parseBind reads what the Docker CLI's --volume makes: source:target[:options]. A source can be a
// path of Windows, which has a colon of its own.
func parseBind(bind string) (target string, m Mount, ok bool) {
	drive := ""
	if len(bind) > 2 && bind[1] == ':' && (bind[2] == '\\' || bind[2] == '/') {
		drive, bind = bind[:2], bind[2:]
	}
	source, rest, ok := strings.Cut(bind, ":")
	if !ok || !path.IsAbs(rest) {
		return "", Mount{}, false
	}
	target, options, _ := strings.Cut(rest, ":")
	m = Mount{Source: drive + source}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "ro":
			m.ReadOnly = true
		case "nocopy":
			m.Volume.NoCopy = true
		case "consistent", "cached", "delegated":
			m.Consistency = option
		case "private", "rshared", "shared", "rslave", "slave", "rprivate":
			m.Bind.Propagation = option
		}
	}
	return path.Clean(target), m, true
}

// observeTmpfs reads the options of --tmpfs: those that gantry knows.
func observeTmpfs(options string) Mount {
	m := Mount{Type: MountTmpfs}
	for option := range strings.SplitSeq(options, ",") {
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "ro":
			m.ReadOnly = true
		case "size":
			if size, err := units.RAMInBytes(value); err == nil && size > 0 {
				m.Tmpfs.Size = size
			}
		case "mode":
			if mode, err := strconv.ParseUint(value, 8, 12); err == nil {
				m.Tmpfs.Mode = uint32(mode)
			}
		}
	}
	return m
}

// Same says whether two mounts ask for the same: a path has one meaning with a slash at its end and
// without, and a default one with and without its name.
func (m Mount) Same(other Mount) bool { return reflect.DeepEqual(m.plain(), other.plain()) }

func (m Mount) plain() Mount {
	if m.Type == MountBind {
		m.Source = PlainPath(m.Source)
	}
	if m.Volume.Subpath != "" {
		m.Volume.Subpath = path.Clean(m.Volume.Subpath)
	}
	if m.Bind.Propagation == string(mount.PropagationRPrivate) {
		m.Bind.Propagation = ""
	}
	if m.Bind.Recursive == RecursiveEnabled {
		m.Bind.Recursive = ""
	}
	if m.Consistency == string(mount.ConsistencyDefault) {
		m.Consistency = ""
	}
	if len(m.Volume.Labels) == 0 {
		m.Volume.Labels = nil
	}
	if len(m.Volume.DriverOpts) == 0 {
		m.Volume.DriverOpts = nil
	}
	return m
}

// metBy says whether an engine's report is of this mount. Whether a folder was to be made is in no
// report of an older engine, and says nothing afterwards.
func (m Mount) metBy(seen Mount) bool {
	if m.Type == MountVolume && m.Source == "" {
		m.Source = seen.Source // An anonymous volume has whatever name the engine gave it.
	}
	m.Bind.CreateHostPath, seen.Bind.CreateHostPath = false, false
	return m.Same(seen)
}
