// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor_test

import (
	"testing"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// labelled returns the volumes with a label.
func (b *bench) labelled(label string) []string {
	b.t.Helper()
	answer, err := b.Docker.VolumeList(b.t.Context(), volume.ListOptions{Filters: filters.NewArgs(filters.Arg("label", label))})
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, v := range answer.Volumes {
		names = append(names, v.Name)
	}
	return names
}

// A create that an engine refuses because of one mount leaves no volume of another one.
func TestRefusedCreateLeavesNoVolume(t *testing.T) {
	b := start(t)
	info, err := b.Docker.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	image := b.Image(enginetest.ImageOptions{Volumes: []string{"/image"}})
	for name, refused := range map[string]container.Mount{
		"propagation": {Type: container.MountBind, Source: info.DockerRootDir, Bind: container.BindOptions{Propagation: "rprivate"}},
		"options":     {Type: container.MountVolume, Source: b.Name("disk"), Volume: container.VolumeOptions{DriverOpts: map[string]string{"nonsense": "1"}}},
		"driver":      {Type: container.MountVolume, Volume: container.VolumeOptions{Driver: "nonexistent"}},
	} {
		mark := b.Name("left-by-" + name)
		spec := b.spec(name, image, "sleep")
		labels := container.VolumeOptions{Labels: map[string]string{mark: "1"}}
		spec.Mounts = map[string]container.Mount{
			"/a": {Type: container.MountVolume, Volume: labels}, "/b": {Type: container.MountVolume, Source: b.Name("data"), Volume: labels}, "/z": refused,
		}
		if _, err := b.create(spec); err == nil {
			t.Errorf("%s: it was not refused", name)
		}
		for _, left := range b.labelled(mark) {
			t.Errorf("%s: the volume %s is left", name, left)
			b.Engine.RemoveVolume(left)
		}
	}
}
