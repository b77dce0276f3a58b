// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"cmp"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/versions"
)

// apiCreateHostPath is the first version of the API whose mounts can make the host's directory. Before,
// only the older binds do, and they always do.
const apiCreateHostPath = "1.42"

// MountType says what a mount brings into the container.
type MountType string

// The mount types of the Compose specification that gantry knows.
const (
	MountBind   MountType = "bind"
	MountVolume MountType = "volume"
	MountTmpfs  MountType = "tmpfs"
	MountImage  MountType = "image"
	MountPipe   MountType = "npipe"
)

// Mount brings storage into a container.
type Mount struct {
	Type MountType `json:"type"`
	// Source is the host's path (bind, npipe), the volume's name, or the image's reference. An empty one
	// of a volume makes an anonymous volume.
	Source      string        `json:"source,omitempty"`
	ReadOnly    bool          `json:"read_only,omitempty"`
	Consistency string        `json:"consistency,omitempty"`
	Bind        BindOptions   `json:"bind,omitzero"`
	Volume      VolumeOptions `json:"volume,omitzero"`
	Tmpfs       TmpfsOptions  `json:"tmpfs,omitzero"`
	Image       ImageOptions  `json:"image,omitzero"`
	// Anonymous reports whether nobody named the volume, as far as an engine tells: it belongs to the container, or
	// to the one whose place that took. It is never asked for.
	Anonymous bool `json:"-"`
	// MadeByEngine reports whether the engine was asked for the bind in a form (docker run --volume) with which it makes
	// a directory where the source does not exist. It is never asked for: see BindOptions.CreateHostPath.
	MadeByEngine bool `json:"-"`
}

// BindOptions belong to a mount of the type bind.
type BindOptions struct {
	// Propagation is rprivate (the engine's default), private, rshared, shared, rslave or slave.
	Propagation string `json:"propagation,omitempty"`
	// CreateHostPath makes a directory where the source does not exist.
	CreateHostPath bool `json:"create_host_path,omitempty"`
	// Recursive says what happens to the mounts below the source.
	Recursive Recursive `json:"recursive,omitempty"`
	SELinux   SELinux   `json:"selinux,omitempty"`
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
	SELinux    SELinux           `json:"selinux,omitempty"`
}

// ImageOptions belong to a mount of the type image.
type ImageOptions struct {
	// Subpath is a directory of the image that is mounted in its place.
	Subpath string `json:"subpath,omitempty"`
}

// SELinux says whom the content of a bind or a volume is relabelled for, on hosts with SELinux. Empty
// leaves the labels as they are.
type SELinux string

// The ways to relabel, as in the Compose specification.
const (
	// SELinuxShared lets several containers share the content.
	SELinuxShared SELinux = "z"
	// SELinuxPrivate is for this container alone.
	SELinuxPrivate SELinux = "Z"
)

// translateMounts returns the mounts, and in the older forms of docker run --volume and --tmpfs what this
// version of the API, or every one, has no mount for.
func translateMounts(mounts map[string]Mount, apiVersion string) (list []mount.Mount, binds []string, tmpfs map[string]string) {
	for _, target := range slices.Sorted(maps.Keys(mounts)) {
		m := mounts[target]
		makesFolder := m.Type == MountBind && m.Bind.CreateHostPath && versions.LessThan(apiVersion, apiCreateHostPath) && m.Bind.Recursive == ""
		if makesFolder || m.Bind.SELinux != "" || m.Volume.SELinux != "" {
			binds = append(binds, bindOf(target, m))
			continue
		}
		if m.Type == MountTmpfs && !m.Tmpfs.fitsMount() {
			if tmpfs == nil {
				tmpfs = make(map[string]string)
			}
			tmpfs[target] = tmpfsOf(m)
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
		case !m.Tmpfs.isZero():
			out.TmpfsOptions = m.Tmpfs.mount()
		case m.Image != ImageOptions{}:
			out.ImageOptions = &mount.ImageOptions{Subpath: m.Image.Subpath}
		}
		list = append(list, out)
	}
	slices.SortStableFunc(list, func(a, b mount.Mount) int { return cmp.Compare(madeAt(a), madeAt(b)) })
	return list, binds, tmpfs
}

// madeAt returns the place of a mount in a create request. Engines make volumes as they come to them, and keep the
// anonymous ones of a create that they refuse at a later mount. So what can't be refused comes last, and of the
// rest what makes no volume, or one that has a name, comes first. It is pure.
func madeAt(m mount.Mount) int {
	named, settings := m.Source != "", m.VolumeOptions != nil && m.VolumeOptions.DriverConfig != nil
	switch {
	case m.Type != mount.TypeVolume:
		return 0
	case settings && named:
		return 1
	case settings:
		return 2
	case named:
		return 3
	default:
		return 4
	}
}

// bindOf returns source:target:options.
func bindOf(target string, m Mount) string {
	options := []string{"rw"}
	if m.ReadOnly {
		options[0] = "ro"
	}
	if m.Volume.NoCopy {
		options = append(options, "nocopy")
	}
	for _, option := range []string{m.Bind.Propagation, m.Consistency, string(m.Bind.SELinux), string(m.Volume.SELinux)} {
		if option != "" && option != string(mount.ConsistencyDefault) {
			options = append(options, option)
		}
	}
	return m.Source + ":" + target + ":" + strings.Join(options, ",")
}

// observeMounts takes binds and volumes as the engine resolved them, with the options that they
// were asked for with, and tmpfs as it was asked for: the engine reports no mount point for
// --tmpfs. What came from other containers is left out, and what is there for files.
func observeMounts(points []containertypes.MountPoint, config *containertypes.Config, host *containertypes.HostConfig) map[string]Mount {
	mounts := make(map[string]Mount, len(points))
	for target, options := range host.Tmpfs {
		mounts[path.Clean(target)] = observeTmpfs(options)
	}
	asked, ofFiles, carried := make(map[string]Mount), observeFileFolders(points, host.Mounts), CarriedBy(config.Labels)
	for _, m := range host.Mounts {
		asked[path.Clean(m.Target)] = observeMount(m)
		if m.Type == mount.TypeImage { // Its mount point says where the engine keeps it.
			mounts[path.Clean(m.Target)] = observeMount(m)
		}
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
		if _, ok := ofFiles[p.Destination]; ok || m.Type == MountImage {
			continue
		}
		m.Type, m.ReadOnly, m.Source = MountType(p.Type), !p.RW, p.Source
		switch p.Type {
		case mount.TypeVolume:
			m.Anonymous = isAnonymous(p, asked[p.Destination], carried)
			m.Source = p.Name
		case mount.TypeTmpfs:
			m.Source, m.ReadOnly = "", asked[p.Destination].ReadOnly
		}
		mounts[p.Destination] = m
	}
	return mounts
}

// observeMount returns a mount as it was asked for.
func observeMount(m mount.Mount) Mount {
	out := Mount{Type: MountType(m.Type), Source: m.Source, ReadOnly: m.ReadOnly, Consistency: string(m.Consistency)}
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
		out.Tmpfs = observeTmpfsOptions(o)
	}
	if o := m.ImageOptions; o != nil {
		out.Image = ImageOptions{Subpath: o.Subpath}
	}
	return out
}

// anonymousName is how engines name the volumes that nobody named. Anybody can name one like that, too.
var anonymousName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// NamedByEngine reports whether an engine may have made up the name of a volume.
func NamedByEngine(volume string) bool { return anonymousName.MatchString(volume) }

// isAnonymous reports whether a volume is an anonymous one of its container: the container was not asked to mount it
// by a name, unless an exchange did, which carried it over. Anything else that looks like one may be somebody
// else's.
func isAnonymous(point containertypes.MountPoint, asked Mount, carried []string) bool {
	return point.Type == mount.TypeVolume && anonymousName.MatchString(point.Name) && (asked.Source == "" || slices.Contains(carried, point.Name))
}

// Carry returns the value of LabelCarried for these volumes, given by this operation: its ticket, which is the last
// part of its ID, and their names.
func Carry(operation string, volumes []string) string {
	return strings.Join(append([]string{path.Base(operation)}, volumes...), " ")
}

// CarriedBy returns the volumes that the exchange that made the container gave it. An image that was committed from
// another one has the label of that one.
func CarriedBy(labels map[string]string) []string {
	fields := strings.Fields(labels[LabelCarried])
	if len(fields) == 0 || fields[0] != path.Base(labels[LabelOperation]) {
		return nil
	}
	return fields[1:]
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
	isPath := drive != "" || path.IsAbs(source)
	m.MadeByEngine = isPath
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
		case string(SELinuxShared), string(SELinuxPrivate):
			if isPath {
				m.Bind.SELinux = SELinux(option)
			} else {
				m.Volume.SELinux = SELinux(option)
			}
		}
	}
	return path.Clean(target), m, true
}

// Same reports whether two mounts ask for the same: a path has one meaning with a slash at its end and
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
	m.Tmpfs, m.Anonymous, m.MadeByEngine = m.Tmpfs.plain(), false, false
	if len(m.Volume.Labels) == 0 {
		m.Volume.Labels = nil
	}
	if len(m.Volume.DriverOpts) == 0 {
		m.Volume.DriverOpts = nil
	}
	return m
}

// matches reports whether an engine's report is of this mount. Whether a directory was to be made is in no
// report of an older engine, and says nothing afterwards.
func (m Mount) matches(seen Mount) bool {
	if m.Type == MountVolume && m.Source == "" && seen.Anonymous {
		m.Source = seen.Source // An anonymous volume has whatever name the engine gave it.
	}
	return m.asThere().Same(seen.asThere())
}

// asThere returns the mount without what decides something only while a container is made: whether the source of a bind
// is made, too.
func (m Mount) asThere() Mount {
	m.Bind.CreateHostPath = false
	return m
}
