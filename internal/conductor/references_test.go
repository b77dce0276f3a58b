// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

func TestReferences(t *testing.T) {
	s := Spec{Settings: Settings{VolumesFrom: []string{"data:ro", "web"}}}
	s.NetworkMode, s.IPC, s.PID = "container:web", "private", "container:proxy"
	s.Links = []string{"db", "data:alias"}
	if diff := cmp.Diff([]string{"data", "db", "proxy", "web"}, s.referred()); diff != "" {
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
		if got, ok := tt.spec.unusable(own, errors.New(tt.text)); got.attribute != tt.attribute || ok != (tt.attribute != "") {
			t.Errorf("%s: found %+v, want %s", tt.name, got, tt.attribute)
		}
	}
}

// referring is the create of a container that shares another one's network.
func referring(name, other string) Request {
	req := create(name)
	req.Spec.NetworkMode = "container:" + other
	return req
}

// linkedTo is the create of a container with a link to another one.
func linkedTo(name, other string) Request {
	req := create(name)
	req.Spec.Links = []string{other + ":alias"}
	return req
}

// What refers to a container waits for the operation on it that was accepted before, and is refused
// if that fails; two that refer to each other don't wait for ever.
func TestReferencesAreAwaited(t *testing.T) {
	for name, tt := range map[string]struct {
		first, second Request
		fails         bool
		want          fault.Kind
	}{
		"it is made":                 {create("web"), referring("user", "web"), false, ""},
		"it fails":                   {create("web"), referring("user", "web"), true, fault.Refused},
		"each refers to other":       {referring("web", "user"), referring("user", "web"), true, fault.Refused},
		"each is linked to other":    {linkedTo("web", "user"), linkedTo("user", "web"), true, fault.Refused},
		"what it is linked to fails": {create("web"), linkedTo("user", "web"), true, fault.Refused},
		"it refers to itself":        {create("other"), referring("user", "user"), false, ""},
		"nobody makes it now":        {create("other"), referring("user", "web"), false, ""},
		"it was accepted later":      {referring("user", "web"), create("web"), false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				c := f.conductor(t, Options{})
				gate := make(chan struct{})
				f.before = func(_ context.Context, call string) error {
					if call != "create "+tt.first.Spec.Name {
						return nil
					}
					<-gate
					if tt.fails {
						return errors.New("it can't be made")
					}
					return nil
				}
				e, err := c.connect(t.Context(), "")
				if err != nil {
					t.Fatal(err)
				}
				first := c.accept(e, tt.first, false, time.Time{})
				second := c.accept(e, tt.second, false, time.Time{})
				outcomes := make(chan error, 1)
				go func() { _, _ = first.run(t.Context()) }()
				go func() {
					_, err := second.run(t.Context())
					outcomes <- err
				}()
				synctest.Wait()
				waits := tt.second.Spec.NetworkMode == "container:"+tt.first.Spec.Name
				if made := f.count("create " + tt.second.Spec.Name); waits && made != 0 {
					t.Error("it did not wait")
				}
				close(gate)
				err = <-outcomes
				var got *fault.Fault
				if errors.As(err, &got) != (tt.want != "") || got != nil && got.Kind != tt.want {
					t.Errorf("the outcome is %v", err)
				}
				if made := f.count("create " + tt.second.Spec.Name); (made == 0) != (tt.want != "") {
					t.Errorf("%d creates were sent", made)
				}
			})
		})
	}
}
