// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"strings"
	"testing"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/google/go-cmp/cmp"
)

func TestTranslateNetworking(t *testing.T) {
	spec := Spec{Name: "web"}
	spec.Networking = Networking{
		NetworkMode: "none", Domainname: "a.test", DNS: []string{"10.0.0.1"}, DNSSearch: []string{"b.test"}, DNSOptions: []string{"ndots:2"},
		ExtraHosts:      map[string][]string{"six": {"[fd00::0:1]", "fd00::2"}, "gateway": {"host-gateway"}, "four": {"10.0.0.1"}},
		PublishAllPorts: true,
	}
	c, err := Translate(spec, "e/web/1", "1.41")
	if err != nil {
		t.Fatal(err)
	}
	want := &containertypes.HostConfig{
		NetworkMode: "none", DNS: []string{"10.0.0.1"}, DNSSearch: []string{"b.test"}, DNSOptions: []string{"ndots:2"}, PublishAllPorts: true,
		ExtraHosts: []string{"four:10.0.0.1", "gateway:host-gateway", "six:fd00::1", "six:fd00::2"}, RestartPolicy: containertypes.RestartPolicy{Name: "no"},
	}
	if diff := cmp.Diff(want, c.Host); diff != "" || c.Config.Domainname != "a.test" {
		t.Error(c.Config.Domainname, diff)
	}
	got := observeNetworking(c.Config, c.Host)
	if !spec.Networking.matches(&Container{Settings: Settings{Networking: got}}) {
		t.Errorf("what was made of it does not meet it: %+v", got)
	}
	for name, change := range map[string]func(*Networking){
		"mode":  func(n *Networking) { n.NetworkMode = "host" },
		"hosts": func(n *Networking) { n.ExtraHosts = nil },
		"DNS":   func(n *Networking) { n.DNS = []string{"10.0.0.2"} },
	} {
		other := got
		change(&other)
		if spec.Networking.matches(&Container{Settings: Settings{Networking: other}}) {
			t.Errorf("another %s meets it", name)
		}
	}
}

func TestTranslateNetworks(t *testing.T) {
	spec := Spec{Name: "web"}
	first := EndpointOptions{
		Aliases: []string{"db"}, IPv4Address: "10.0.0.9", IPv6Address: "fd00::9", LinkLocalIPs: []string{"169.254.1.1"},
		MACAddress: "02:42:ac:11:65:43", DriverOpts: map[string]string{"a": "1"}, GatewayPriority: 2,
	}
	spec.Networks = map[string]NetworkAttachment{"a": {Network: "back"}, "b": {Network: "front", Priority: 10, EndpointOptions: first}}
	want := &network.EndpointSettings{
		Aliases: []string{"db"}, MacAddress: "02:42:ac:11:65:43", DriverOpts: map[string]string{"a": "1"}, GwPriority: 2,
		IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: "10.0.0.9", IPv6Address: "fd00::9", LinkLocalIPs: []string{"169.254.1.1"}},
	}
	for version, later := range map[string][]string{"1.41": {"a"}, "1.44": nil} {
		c, err := Translate(spec, "e/web/1", version)
		if err != nil {
			t.Fatal(err)
		}
		if c.Host.NetworkMode != "front" {
			t.Errorf("the first network is %s", c.Host.NetworkMode)
		}
		if diff := cmp.Diff(later, c.Connect); diff != "" {
			t.Errorf("%s: connected later:\n%s", version, diff)
		}
		got := c.Networks.EndpointsConfig["front"]
		if version == "1.41" { // Here it has a place of its own.
			got.MacAddress, c.Config.MacAddress = c.Config.MacAddress, got.MacAddress //nolint:staticcheck // See apiMAC.
		}
		if diff := cmp.Diff(want, got); diff != "" || c.Config.MacAddress != "" { //nolint:staticcheck // See apiMAC.
			t.Errorf("%s:\n%s", version, diff)
		}
	}
	// The engine adds the container's ID to the aliases, and addresses of its own.
	id := strings.Repeat("0123456789abcdef", 4)
	want.Aliases, want.NetworkID, want.IPAddress = []string{"db", id[:12], "web-host"}, "net", "10.0.0.9"
	seen := observeEndpoint(id, []string{"web-host"}, want)
	if differ := first.Differences(seen.EndpointOptions); differ != nil {
		t.Errorf("what was made of it differs in %v", differ)
	}
	if seen.ID != "net" || seen.Address != "10.0.0.9" {
		t.Errorf("observed %+v", seen)
	}
}

// Whether somebody asked for a MAC address, in what engines of several ages report.
func TestAskedMAC(t *testing.T) {
	const asked, madeUp = "02:42:ac:11:65:43", "02:42:ac:11:00:02"
	endpoint := func(mac, id string) *network.EndpointSettings {
		return &network.EndpointSettings{MacAddress: mac, EndpointID: id, NetworkID: "net"}
	}
	for _, tt := range []struct {
		name, config, mode string
		networks           map[string]*network.EndpointSettings
		want               map[string]string
	}{
		{"nobody asked", "", "front", map[string]*network.EndpointSettings{"front": endpoint(madeUp, "e")}, nil},
		{"asked, running", asked, "front", map[string]*network.EndpointSettings{"front": endpoint(asked, "e"), "back": endpoint(madeUp, "e")}, map[string]string{"front": asked}},
		{"asked, stopped", asked, "front", map[string]*network.EndpointSettings{"front": endpoint("", "")}, map[string]string{"front": asked}},
		{"the default network", asked, "default", map[string]*network.EndpointSettings{"bridge": endpoint(asked, "e")}, map[string]string{"bridge": asked}},
		{"never started", asked, "front", map[string]*network.EndpointSettings{"front": endpoint(asked, ""), "back": endpoint(madeUp, "")}, map[string]string{"front": asked, "back": madeUp}},
		{"connected anew since (26.1)", asked, "front", map[string]*network.EndpointSettings{"front": endpoint(madeUp, "e")}, nil},
		{"not connected any more", asked, "front", map[string]*network.EndpointSettings{"back": endpoint(madeUp, "e")}, nil},
	} {
		r := containertypes.InspectResponse{
			ContainerJSONBase: &containertypes.ContainerJSONBase{HostConfig: &containertypes.HostConfig{NetworkMode: containertypes.NetworkMode(tt.mode)}, State: &containertypes.State{}},
			Config:            &containertypes.Config{MacAddress: tt.config}, //nolint:staticcheck // See observeMACs.
			NetworkSettings:   &containertypes.NetworkSettings{Networks: tt.networks},
		}
		c := Observe("edge1", r)
		for name := range tt.networks {
			if got := c.Attached[name].AskedMAC; got != tt.want[name] {
				t.Errorf("%s: of %s was asked for %q, want %q", tt.name, name, got, tt.want[name])
			}
		}
	}
	for _, tt := range []struct {
		asked, seen EndpointOptions
		met         bool
	}{
		{EndpointOptions{}, EndpointOptions{MACAddress: madeUp}, true},
		{EndpointOptions{}, EndpointOptions{MACAddress: asked, AskedMAC: asked}, false},
		{EndpointOptions{MACAddress: "02-42-AC-11-65-43"}, EndpointOptions{AskedMAC: asked}, true},
		{EndpointOptions{MACAddress: asked}, EndpointOptions{}, true},
		{EndpointOptions{MACAddress: asked}, EndpointOptions{MACAddress: madeUp}, false},
	} {
		if got := tt.asked.Differences(tt.seen) == nil; got != tt.met {
			t.Errorf("%+v is met by %+v: %t", tt.asked, tt.seen, got)
		}
	}
}

func FuzzParseExtraHost(f *testing.F) {
	for _, s := range []string{"a:10.0.0.1", "a:[::1]", "a=::1", "a:::1", "a:host-gateway", "a", ":", "[::1]:a", "a:[[::1]]", "a:[10.0.0.1]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, address := ParseExtraHost(s)
		if again := PlainHostAddress(address); again != address {
			t.Errorf("%q: the address %q becomes %q", s, address, again)
		}
		if host == "" {
			return
		}
		if h, a := ParseExtraHost(host + ":" + address); h != host || a != address {
			t.Errorf("%q: %q and %q become %q and %q", s, host, address, h, a)
		}
	})
}
