// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
)

// A volume that has the name is the state's only as far as that can be told: by the label of the create that made
// it, else by what no engine changes.
func TestVolumeMaker(t *testing.T) {
	t.Parallel()
	seen := func(operation string, change func(*Volume)) *Volume {
		v := &Volume{Operation: operation, VolumeSpec: VolumeSpec{
			Driver: "local", DriverOpts: map[string]string{"type": "tmpfs"}, Labels: map[string]string{"app": "db", "other": "tool"},
		}}
		if change != nil {
			change(v)
		}
		return v
	}
	driver := func(v *Volume) { v.Driver = "nfs" }
	options := func(v *Volume) { v.DriverOpts = nil }
	settings := seen("", nil).SettingsDigest()
	labels := func(v *Volume) { v.Labels = map[string]string{"app": "web"} }
	for name, tt := range map[string]struct {
		known bool
		maker string
		seen  *Volume
		want  bool
	}{
		"its own":                       {true, "a/volume:v/1", seen("a/volume:v/1", nil), true},
		"its own, reported otherwise":   {true, "a/volume:v/1", seen("a/volume:v/1", options), true},
		"another create's":              {true, "a/volume:v/1", seen("a/volume:v/2", nil), false},
		"a person's in its place":       {true, "a/volume:v/1", seen("", nil), false},
		"imported":                      {true, "", seen("", nil), true},
		"imported, of another driver":   {true, "", seen("", driver), false},
		"imported, of other options":    {true, "", seen("", options), false},
		"imported, of other labels":     {true, "", seen("", labels), false},
		"imported, gantry's by now":     {true, "", seen("a/volume:v/2", nil), false},
		"of an older state":             {false, "", seen("a/volume:v/2", nil), true},
		"of an older state, other ones": {false, "", seen("a/volume:v/2", options), false},
	} {
		if got := (VolumeMaker{Known: tt.known, Operation: tt.maker, Settings: settings}).Made(tt.seen); got != tt.want {
			t.Errorf("%s: %t, want %t", name, got, tt.want)
		}
	}
	if (&Volume{}).SettingsDigest() != (&Volume{VolumeSpec: VolumeSpec{DriverOpts: map[string]string{}, Labels: map[string]string{}}}).SettingsDigest() {
		t.Error("null and no entries differ")
	}
	if !(VolumeMaker{}).Made(seen("", nil)) {
		t.Error("an import, which knows the name alone, takes no volume")
	}
}

// What a look left has all of its marks: anything that was made from it has its labels, and is somebody else's.
func TestLeftProbe(t *testing.T) {
	t.Parallel()
	now := time.Now()
	over := func(ago time.Duration) string { return now.Add(-ago).UTC().Format(time.RFC3339) }
	for name, tt := range map[string]struct {
		change func(*container.Summary)
		want   bool
	}{
		"left":                           {nil, true},
		"under way":                      {func(s *container.Summary) { s.Labels[labelProbe] = over(-time.Minute) }, false},
		"where the clock is behind":      {func(s *container.Summary) { s.Labels[labelProbe] = over(time.Minute) }, false},
		"without a time":                 {func(s *container.Summary) { s.Labels[labelProbe] = "yes" }, false},
		"another name":                   {func(s *container.Summary) { s.Names = []string{"/mine"} }, false},
		"started":                        {func(s *container.Summary) { s.State = container.StateRunning }, false},
		"ended":                          {func(s *container.Summary) { s.State = container.StateExited }, false},
		"at another path":                {func(s *container.Summary) { s.Mounts[0].Destination = "/data" }, false},
		"writable":                       {func(s *container.Summary) { s.Mounts[0].RW = true }, false},
		"with something else in it, too": {func(s *container.Summary) { s.Mounts = append(s.Mounts, container.MountPoint{Destination: "/data"}) }, false},
	} {
		s := container.Summary{
			Names: []string{"/" + probeName + "1"}, State: container.StateCreated, Labels: map[string]string{labelProbe: over(time.Hour)},
			Mounts: []container.MountPoint{{Destination: probePath}},
		}
		if tt.change != nil {
			tt.change(&s)
		}
		if got := leftProbe(s, now); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
