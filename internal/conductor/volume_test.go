// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import "testing"

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
