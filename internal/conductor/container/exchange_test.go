// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func lines(steps []Step) string {
	var text []string
	for _, s := range steps {
		text = append(text, s.String())
	}
	return strings.Join(text, "\n")
}

func TestPlanExchange(t *testing.T) {
	t.Parallel()
	old := func(name, status string) *Container {
		return &Container{ID: "old", Name: name, State: State{Status: status}}
	}
	fresh := func(name string) *Container {
		return &Container{ID: "new", Name: name, State: State{Status: "running"}}
	}
	for _, test := range []struct {
		name string
		x    Exchange
		want string
	}{
		{"beside", Exchange{From: old("web", "running")}, `create the new container: there is none yet
start the new container and wait for it: both can run at the same time
connect the new container by the names that clients use: it is ready
note that the new container stays: it is ready, and clients can get to it
rename the old container: it has the name "web", which the new one is to have
rename the new container: it is to have the name "web"
stop the old container: the new one is in its place
remove the old container: the new one is in its place`},
		{"apart", Exchange{From: old("web", "running"), Apart: "both would publish 80/tcp"}, `create the new container: there is none yet
stop the old container: both would publish 80/tcp
rename the old container: it has the name "web", which the new one is to have
rename the new container: it is to have the name "web"
start the new container and wait for it: the old one is out of its way
note that the new container stays: it is ready
remove the old container: the new one is in its place`},
		{"with another name", Exchange{From: old("front", "running"), To: fresh("web"), Ready: true}, `stop the old container: the new one is in its place
remove the old container: the new one is in its place`},
		{"an old one that does not run", Exchange{From: old("web", "exited"), Apart: "the order is stop-first"}, `create the new container: there is none yet
rename the old container: it has the name "web", which the new one is to have
rename the new container: it is to have the name "web"
start the new container and wait for it: the old one is out of its way
note that the new container stays: it is ready
remove the old container: the new one is in its place`},
		{"died between the renames", Exchange{From: old("web.prior-1", "running"), To: fresh("web.next-1"), Ready: true}, `rename the new container: it is to have the name "web"
stop the old container: the new one is in its place
remove the old container: the new one is in its place`},
		{"died after the removal", Exchange{To: fresh("web"), Ready: true}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.x.Name = "web"
			if diff := cmp.Diff(test.want, lines(PlanExchange(test.x))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlanReturn(t *testing.T) {
	t.Parallel()
	old := func(name, status string) *Container {
		return &Container{ID: "old", Name: name, State: State{Status: status}}
	}
	fresh := &Container{ID: "new", Name: "web"}
	const (
		drop   = "remove the new container: the old one stays"
		back   = `give the old container its name back: its name was "web"`
		resume = "start the old container again: it was running"
	)
	for _, test := range []struct {
		name  string
		x     Exchange
		ready bool
		was   string
		want  []string
	}{
		{"nothing was done yet", Exchange{From: old("web", "running")}, false, "running", nil},
		{"the new one is not ready", Exchange{From: old("web", "running"), To: fresh}, false, "running", []string{drop}},
		{"the names are exchanged", Exchange{From: old("prior", "running"), To: fresh}, true, "running", []string{drop, back}},
		{"the old one is stopped", Exchange{From: old("prior", "exited"), To: fresh}, true, "running", []string{drop, back, resume}},
		{"the old one was paused", Exchange{From: old("web", "exited"), To: fresh}, false, "paused",
			[]string{drop, "start the old container again: it was paused", "pause the old container again: it was paused"}},
		{"the old one did not run before", Exchange{From: old("prior", "exited"), To: fresh}, false, "exited", []string{drop, back}},
		{"the old one is gone, the new one is ready", Exchange{To: fresh}, true, "running", nil},
		{"the old one is gone, the new one is not ready", Exchange{To: fresh}, false, "running", []string{drop}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.x.Home, test.x.Prior, test.x.Ready, test.x.Was = "web", "prior", test.ready, test.was
			if diff := cmp.Diff(strings.Join(test.want, "\n"), lines(PlanReturn(test.x))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhyApart(t *testing.T) {
	t.Parallel()
	port := func(published, ip string) Settings {
		return Settings{Ports: []Port{{Target: 80, Protocol: "tcp", Published: published, HostIP: ip}}}
	}
	address := EndpointOptions{IPv4Address: "10.0.0.9", IPv6Address: "fd00::9"}
	attached := &Container{Attached: map[string]AttachedNetwork{"front": {EndpointOptions: address}}}
	fixed := Settings{Networks: map[string]NetworkAttachment{"a": {Network: "front", EndpointOptions: address}}}
	mac := Settings{Networks: map[string]NetworkAttachment{"a": {Network: "front", EndpointOptions: EndpointOptions{MACAddress: "02:42:AC:11:00:02"}}}}
	for _, test := range []struct {
		name  string
		order Order
		spec  Settings
		from  *Container
		want  string
	}{
		{"nothing in the way", StartFirst, port("", ""), &Container{Settings: port("", "")}, ""},
		{"the order", StopFirst, Settings{}, &Container{}, "the order is stop-first"},
		{"the same port", StartFirst, port("80", ""), &Container{Settings: port("80", "127.0.0.1")}, "both would publish 80/tcp"},
		{"the same port on other addresses", StartFirst, port("80", "10.0.0.1"), &Container{Settings: port("80", "127.0.0.1")}, ""},
		{"another port", StartFirst, port("81", ""), &Container{Settings: port("80", "")}, ""},
		{"a range to choose from", StartFirst, port("80-90", ""), &Container{Settings: port("80-90", "")}, ""},
		{"addresses", StartFirst, fixed, attached, "both would have the address 10.0.0.9, the address fd00::9"},
		{"a MAC address", StartFirst, mac, &Container{}, "only a new container gets a MAC address, together with its names"},
		{"the host's network", StartFirst, Settings{Networking: Networking{NetworkMode: "host"}}, &Container{}, `both would listen in the network of "host"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := WhyApart(test.order, Spec{DesiredState: DesiredRunning, Settings: test.spec}, test.from); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if why := WhyApart(StartFirst, Spec{DesiredState: DesiredCompleted}, nil); why == "" {
		t.Error("a job is started beside another one")
	}
}

func TestCarryVolumes(t *testing.T) {
	t.Parallel()
	volume := func(n int) string { return fmt.Sprintf("%064x", n) }
	from := &Container{Settings: Settings{Mounts: map[string]Mount{
		"/own": {Type: MountVolume, Source: volume(1), Anonymous: true}, "/image": {Type: MountVolume, Source: volume(2), Anonymous: true},
		"/gone": {Type: MountVolume, Source: volume(3), Anonymous: true}, "/named": {Type: MountVolume, Source: "data"},
		"/now-named": {Type: MountVolume, Source: volume(4), Anonymous: true}, "/now-tmpfs": {Type: MountVolume, Source: volume(5), Anonymous: true},
		"/now-anonymous": {Type: MountVolume, Source: volume(6)}, "/other": {Type: MountVolume, Source: volume(7)}, "/bind": {Type: MountBind, Source: "/srv"},
	}}}
	asked := map[string]Mount{
		"/own": {Type: MountVolume, ReadOnly: true}, "/now-named": {Type: MountVolume, Source: "data"}, "/now-tmpfs": {Type: MountTmpfs}, "/new": {Type: MountVolume},
		"/now-anonymous": {Type: MountVolume},
	}
	want := map[string]Mount{
		"/own": {Type: MountVolume, Source: volume(1), ReadOnly: true}, "/image": {Type: MountVolume, Source: volume(2)},
		"/now-named": {Type: MountVolume, Source: "data"}, "/now-tmpfs": {Type: MountTmpfs}, "/new": {Type: MountVolume},
		"/now-anonymous": {Type: MountVolume},
	}
	got, carried := CarryVolumes(asked, from, []string{"/image", "/other"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(carried, []string{volume(2), volume(1)}) {
		t.Errorf("carried are %v", carried)
	}
}
