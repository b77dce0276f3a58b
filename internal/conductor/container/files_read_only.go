// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"maps"
	"path"
	"slices"
	"strings"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
)

// LabelFiles is the label of such a volume, and of its mount. It names the operation that created the container.
const LabelFiles = LabelPrefix + "files"

// FileFolders returns the directories of the files that need a volume of their own, where these mounts and the image's
// volumes have no place for them. It is pure.
func FileFolders(s Spec, ofImage []string) []string {
	if !s.ReadOnly {
		return nil
	}
	targets := ofImage
	for target, m := range s.Mounts {
		if m.takesFiles() {
			targets = append(slices.Clip(targets), target)
		}
	}
	needed := make(map[string]bool)
	for file := range s.Files {
		if mountOf(file, targets) == "" {
			needed[path.Dir(file)] = true
		}
	}
	folders := slices.Sorted(maps.Keys(needed))
	return slices.DeleteFunc(slices.Clone(folders), func(folder string) bool {
		return slices.ContainsFunc(folders, func(other string) bool { return other != folder && Within(folder, other) })
	})
}

// takesFiles reports whether an engine can put a file into the mount.
func (m Mount) takesFiles() bool {
	return !m.ReadOnly && (m.Type == MountBind || m.Type == MountVolume)
}

// Within reports whether a clean path is that of a directory or below it.
func Within(target, folder string) bool {
	return target == folder || strings.HasPrefix(target, strings.TrimSuffix(folder, "/")+"/")
}

// mountOf returns the mount that a path is in, the innermost one; empty is the root.
func mountOf(target string, mounts []string) string {
	var found string
	for _, m := range mounts {
		if Within(target, m) && len(m) > len(found) {
			found = m
		}
	}
	return found
}

// ByMount returns the paths by the mount that each is in; what is in none is the root's. It is pure.
func ByMount(paths, mounts []string) map[string][]string {
	parts := make(map[string][]string)
	for _, target := range paths {
		into := mountOf(target, mounts)
		if into == "" {
			into = "/"
		}
		parts[into] = append(parts[into], target)
	}
	return parts
}

// Writable returns where the container has mounts that an engine can put a file into.
func (c *Container) Writable() []string {
	targets := slices.Collect(maps.Keys(c.FileFolders))
	for target, m := range c.Mounts {
		if m.takesFiles() {
			targets = append(targets, target)
		}
	}
	return targets
}

// TakesFilesOf reports whether all files of the specification have a place in the container.
func (c *Container) TakesFilesOf(s Spec) bool { return len(FileFolders(s, c.Writable())) == 0 }

// MountFolders returns the volumes of the directories that FileFolders returns.
func MountFolders(folders []string, operation string) []mount.Mount {
	var list []mount.Mount
	for _, folder := range folders {
		list = append(list, mount.Mount{
			Type: mount.TypeVolume, Target: folder, VolumeOptions: &mount.VolumeOptions{Labels: map[string]string{LabelFiles: operation}},
		})
	}
	return list
}

// isFileFolder reports whether a mount is one of MountFolders.
func isFileFolder(m mount.Mount) bool {
	return m.Type == mount.TypeVolume && m.Source == "" && m.VolumeOptions != nil && m.VolumeOptions.Labels[LabelFiles] != ""
}

// observeFileFolders returns the volumes of MountFolders, by their directories.
func observeFileFolders(points []containertypes.MountPoint, mounts []mount.Mount) map[string]string {
	var volumes map[string]string
	for _, m := range mounts {
		if !isFileFolder(m) {
			continue
		}
		for _, p := range points {
			if folder := path.Clean(m.Target); p.Destination == folder {
				volumes = Put(volumes, folder, p.Name)
			}
		}
	}
	return volumes
}
