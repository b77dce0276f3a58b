// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func lines(steps []step) string {
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
		x    exchange
		want string
	}{
		{"beside", exchange{from: old("web", "running")}, `create the new container: there is none yet
start the new container and wait for it: both can run at the same time
connect the new container by the names that clients use: it is ready
note that the new container stays: it is ready, and clients can get to it
rename the old container: it has the name "web", which the new one is to have
rename the new container: it is to have the name "web"
stop the old container: the new one is in its place
remove the old container: the new one is in its place`},
		{"apart", exchange{from: old("web", "running"), apart: "both would publish 80/tcp"}, `create the new container: there is none yet
stop the old container: both would publish 80/tcp
rename the old container: it has the name "web", which the new one is to have
rename the new container: it is to have the name "web"
start the new container and wait for it: the old one is out of its way
note that the new container stays: it is ready
remove the old container: the new one is in its place`},
		{"with another name", exchange{from: old("front", "running"), to: fresh("web"), ready: true}, `stop the old container: the new one is in its place
remove the old container: the new one is in its place`},
		{"an old one that does not run", exchange{from: old("web", "exited"), apart: "the order is stop-first"}, `create the new container: there is none yet
rename the old container: it has the name "web", which the new one is to have
rename the new container: it is to have the name "web"
start the new container and wait for it: the old one is out of its way
note that the new container stays: it is ready
remove the old container: the new one is in its place`},
		{"died between the renames", exchange{from: old("web.prior-1", "running"), to: fresh("web.next-1"), ready: true}, `rename the new container: it is to have the name "web"
stop the old container: the new one is in its place
remove the old container: the new one is in its place`},
		{"died after the removal", exchange{to: fresh("web"), ready: true}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.x.name = "web"
			if diff := cmp.Diff(test.want, lines(planExchange(test.x))); diff != "" {
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
		x     exchange
		ready bool
		was   string
		want  []string
	}{
		{"nothing was done yet", exchange{from: old("web", "running")}, false, "running", nil},
		{"the new one is not ready", exchange{from: old("web", "running"), to: fresh}, false, "running", []string{drop}},
		{"the names are exchanged", exchange{from: old("prior", "running"), to: fresh}, true, "running", []string{drop, back}},
		{"the old one is stopped", exchange{from: old("prior", "exited"), to: fresh}, true, "running", []string{drop, back, resume}},
		{"the old one was paused", exchange{from: old("web", "exited"), to: fresh}, false, "paused",
			[]string{drop, "start the old container again: it was paused", "pause the old container again: it was paused"}},
		{"the old one did not run before", exchange{from: old("prior", "exited"), to: fresh}, false, "exited", []string{drop, back}},
		{"the old one is gone, the new one is ready", exchange{to: fresh}, true, "running", nil},
		{"the old one is gone, the new one is not ready", exchange{to: fresh}, false, "running", []string{drop}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.x.home, test.x.prior, test.x.ready, test.x.was = "web", "prior", test.ready, test.was
			if diff := cmp.Diff(strings.Join(test.want, "\n"), lines(planReturn(test.x))); diff != "" {
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
			if got := whyApart(test.order, Spec{DesiredState: DesiredRunning, Settings: test.spec}, test.from); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if why := whyApart(StartFirst, Spec{DesiredState: DesiredCompleted}, nil); why == "" {
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
	got, carried := carryVolumes(asked, from, []string{"/image", "/other"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(carried, []string{volume(2), volume(1)}) {
		t.Errorf("carried are %v", carried)
	}
}

func TestTemporaryNames(t *testing.T) {
	t.Parallel()
	next, prior := temporaryNames("edge1/web/0190b5a6-0000-7000-8000-00000000abcd", "web")
	if next != "web.next-00000000abcd" || prior != "web.prior-00000000abcd" {
		t.Error(next, prior)
	}
}
