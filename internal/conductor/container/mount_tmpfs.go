// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/mount"
	"github.com/docker/go-units"
)

// TmpfsOptions belong to a mount of the type tmpfs.
type TmpfsOptions struct { //nolint:recvcheck // take fills the options in; all else reads them.
	// Size is in bytes; 0 is no limit.
	Size int64 `json:"size,omitempty"`
	// Mode has the permission bits; 0 is the engine's default.
	Mode uint32 `json:"mode,omitempty"`
	// UID and GID own its root.
	UID int64 `json:"uid,omitempty"`
	GID int64 `json:"gid,omitempty"`
	// Exec allows to execute what is in it.
	Exec bool `json:"exec,omitempty"`
	// Options are further mount options ("suid", "nr_inodes=4k"), in any order.
	Options []string `json:"options,omitempty"`
}

func (o TmpfsOptions) isZero() bool { return reflect.ValueOf(o).IsZero() }

// fitsMount reports whether a mount can ask for it. The rest an engine takes only in the older form, that
// of docker run --tmpfs: it refuses an owner in a mount, and before API 1.46 everything but size and mode.
func (o TmpfsOptions) fitsMount() bool {
	return o.UID == 0 && o.GID == 0 && !o.Exec && len(o.Options) == 0
}

func (o TmpfsOptions) mount() *mount.TmpfsOptions {
	return &mount.TmpfsOptions{SizeBytes: o.Size, Mode: fs.FileMode(o.Mode)}
}

// tmpfsOf returns the options of a tmpfs as docker run --tmpfs takes them.
func tmpfsOf(m Mount) string {
	var options []string
	add := func(used bool, option string) {
		if used {
			options = append(options, option)
		}
	}
	add(m.ReadOnly, "ro")
	add(m.Tmpfs.Size != 0, fmt.Sprintf("size=%d", m.Tmpfs.Size))
	add(m.Tmpfs.Mode != 0, fmt.Sprintf("mode=%o", m.Tmpfs.Mode))
	add(m.Tmpfs.UID != 0, fmt.Sprintf("uid=%d", m.Tmpfs.UID))
	add(m.Tmpfs.GID != 0, fmt.Sprintf("gid=%d", m.Tmpfs.GID))
	add(m.Tmpfs.Exec, "exec")
	return strings.Join(append(options, m.Tmpfs.plain().Options...), ",")
}

// observeTmpfs reads what tmpfsOf writes, or somebody else.
func observeTmpfs(options string) Mount {
	m := Mount{Type: MountTmpfs}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "ro", "rw":
			m.ReadOnly = option == "ro"
		default:
			m.Tmpfs.take(option)
		}
	}
	m.Tmpfs = m.Tmpfs.plain()
	return m
}

// observeTmpfsOptions reads what a mount asked for.
func observeTmpfsOptions(o *mount.TmpfsOptions) TmpfsOptions {
	out := TmpfsOptions{Size: o.SizeBytes, Mode: uint32(o.Mode)}
	for _, option := range o.Options {
		out.take(strings.Join(option, "="))
	}
	return out.plain()
}

// take adds an option; of two that contradict each other the later one holds.
func (o *TmpfsOptions) take(option string) {
	name, value, _ := strings.Cut(option, "=")
	number, err := strconv.ParseUint(value, 10, 32)
	switch {
	case name == "exec" || name == "noexec":
		o.Exec = name == "exec"
		return
	case name == "uid" && err == nil:
		o.UID = int64(number)
		return
	case name == "gid" && err == nil:
		o.GID = int64(number)
		return
	case name == "size":
		// A share of the memory ("50%") is no number of bytes.
		if size, err := units.RAMInBytes(value); err == nil && size >= 0 {
			o.Size = size
			return
		}
	case name == "mode":
		if mode, err := strconv.ParseUint(value, 8, 12); err == nil {
			o.Mode = uint32(mode)
			return
		}
	case name == "nosuid" || name == "nodev":
		o.Options = without(o.Options, strings.TrimPrefix(name, "no"))
		return
	case name == "" || name == "defaults":
		return
	}
	o.Options = append(o.Options, option)
}

// plain has one spelling of all options that mean the same: a set, without what is the engine's default.
func (o TmpfsOptions) plain() TmpfsOptions {
	o.Options = plainList(slices.DeleteFunc(slices.Clone(o.Options), func(s string) bool {
		return slices.Contains([]string{"", "defaults", "rw", "noexec", "nosuid", "nodev"}, s)
	}), strings.Clone)
	return o
}
