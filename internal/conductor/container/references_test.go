// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReferences(t *testing.T) {
	s := Spec{Settings: Settings{VolumesFrom: []string{"data:ro", "web"}}}
	s.NetworkMode, s.IPC, s.PID = "container:web", "private", "container:proxy"
	s.Links = []string{"db", "data:alias"}
	if diff := cmp.Diff([]string{"data", "db", "proxy", "web"}, s.Referred()); diff != "" {
		t.Error(diff)
	}
}

// The engine's words about a container that this one refers to, as 20.10 has them.
func TestUnusableReference(t *testing.T) {
	own, donor := strings.Repeat("0", 64), strings.Repeat("a", 64)
	by := func(ref string) (s Spec) {
		s.Name, s.NetworkMode, s.IPC, s.PID = "web", "container:"+ref, "container:"+ref, "container:"+ref
		return s
	}
	linked := func(refs ...string) (s Spec) {
		s.Name = "web"
		for _, ref := range refs {
			s.Links = append(s.Links, ref+":alias")
		}
		return s
	}
	volumes := Spec{Name: "web", Settings: Settings{VolumesFrom: []string{"donor:ro"}}}
	for _, tt := range []struct {
		name      string
		spec      Spec
		text      string
		attribute string
	}{
		{"no such name, at a create", volumes, "No such container: donor", "volumes_from"},
		{"no such ID, at a create", by(donor), "No such container: " + donor, "network_mode"},
		{"gone before the start", by("donor"), "No such container: " + donor, "network_mode"},
		{"a network, not running", by("donor"), "cannot join network of a non running container: " + donor, "network_mode"},
		{"not shareable", by(donor[:12]), "can't join IPC of container " + donor + ": non-shareable IPC (hint: use IpcMode:shareable for the donor container)", "ipc"},
		{"memory, not running", by("donor"), "can't join IPC of container " + donor + ": container " + donor + " is not running", "ipc"},
		{"memory, not running, of newer engines", by("donor"), "failed to join IPC namespace: container " + donor + " is not running", "ipc"},
		{"processes, gone", by(donor), "cannot join PID of a non running container: " + donor + ": No such container: " + donor, "pid"},
		{"processes, not running", by("donor"), "container " + donor + " is not running", "pid"},
		{"another reference by its ID", Spec{Settings: Settings{VolumesFrom: []string{donor}}}, "No such container: " + donor, "volumes_from"},
		{"itself", by("donor"), "No such container: " + own, ""},
		{"itself by its name", by("donor"), "No such container: web", ""},
		{"nothing is referred to", Spec{Name: "web"}, "No such container: " + donor, ""},
		{"a link, not running", linked("donor", "other"), "Cannot link to a non running container: /donor AS /web/alias", "links"},
		{"a link, gone", linked("donor"), "could not get container for donor: No such container: donor", "links"},
		{"a link by its ID", linked(donor), "Cannot link to a non running container: /donor AS /web/alias", "links"},
		{"another trouble", by("donor"), "unable to start container process: exec: no such file or directory", ""},
	} {
		if got, ok := tt.spec.Unusable(own, errors.New(tt.text)); got.Attribute != tt.attribute || ok != (tt.attribute != "") {
			t.Errorf("%s: found %+v, want %s", tt.name, got, tt.attribute)
		}
	}
}
