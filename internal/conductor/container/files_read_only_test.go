// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"slices"
	"testing"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/google/go-cmp/cmp"
)

// A file has a place in a writable volume or bind; the directories of the others become volumes, each once.
func TestFileFolders(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		files   []string
		mounts  map[string]Mount
		ofImage []string
		want    []string
	}{
		"none":                 {},
		"a directory":          {files: []string{"/etc/app/a", "/etc/app/b"}, want: []string{"/etc/app"}},
		"one in another":       {files: []string{"/etc/a", "/etc/app/b", "/etc/app/c/d"}, want: []string{"/etc"}},
		"one beside another":   {files: []string{"/etc/app/a", "/etc/app-b/a", "/etc/app/c/d"}, want: []string{"/etc/app", "/etc/app-b"}},
		"in a volume":          {files: []string{"/data/a", "/data2/a"}, mounts: map[string]Mount{"/data": {Type: MountVolume}}, want: []string{"/data2"}},
		"in a bind":            {files: []string{"/data/x/a"}, mounts: map[string]Mount{"/data": {Type: MountBind, Source: "/srv"}}},
		"in a read-only mount": {files: []string{"/data/a"}, mounts: map[string]Mount{"/data": {Type: MountVolume, ReadOnly: true}}, want: []string{"/data"}},
		"in a tmpfs":           {files: []string{"/run/x/a"}, mounts: map[string]Mount{"/run": {Type: MountTmpfs}}, want: []string{"/run/x"}},
		"in an image's volume": {files: []string{"/data/x/a", "/etc/a"}, ofImage: []string{"/data"}, want: []string{"/etc"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s Spec
			s.Mounts, s.Files = tt.mounts, make(map[string]File)
			for _, file := range tt.files {
				s.Files[file] = File{}
			}
			if got := FileFolders(s, tt.ofImage); got != nil {
				t.Errorf("with a writable root %q", got)
			}
			s.ReadOnly = true
			if got := FileFolders(s, tt.ofImage); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestByMount(t *testing.T) {
	t.Parallel()
	got := ByMount([]string{"/a", "/data/a", "/data/in/b", "/data2/c"}, []string{"/data", "/data/in"})
	want := map[string][]string{"/": {"/a", "/data2/c"}, "/data": {"/data/a"}, "/data/in": {"/data/in/b"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What is mounted for files is no mount that anybody asked for, and its volume is nobody's data.
func TestObserveFileFolders(t *testing.T) {
	t.Parallel()
	const volume = "3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f"
	point := func(target string) containertypes.MountPoint {
		return containertypes.MountPoint{Type: mount.TypeVolume, Name: volume, Destination: target, RW: true}
	}
	host := &containertypes.HostConfig{Mounts: append(MountFolders([]string{"/etc/app"}, "op"), mount.Mount{Type: mount.TypeVolume, Target: "/data"})}
	points := []containertypes.MountPoint{point("/etc/app"), point("/data")}
	c := &Container{FileFolders: observeFileFolders(points, host.Mounts)}
	c.Mounts = observeMounts(points, &containertypes.Config{}, host)
	if got := c.AnonymousVolumes(); !slices.Equal(got, []string{"/data"}) || len(c.Mounts) != 1 {
		t.Errorf("volumes %q, mounts %v", got, c.Mounts)
	}
	if got := slices.Sorted(slices.Values(c.Writable())); !slices.Equal(got, []string{"/data", "/etc/app"}) {
		t.Errorf("files can be put into %q", got)
	}
	var s Spec
	for file, want := range map[string]bool{"/etc/app/a": true, "/data/a": true, "/etc/b": false} {
		s.ReadOnly, s.Files = true, map[string]File{file: {}}
		if c.TakesFilesOf(s) != want {
			t.Errorf("%s: %v", file, !want)
		}
	}
}
