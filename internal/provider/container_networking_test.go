// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

func networkingSpellings() map[string]spelling {
	network := func(changes values) values { return values{"networks": values{"front": changes}} }
	mount := func(m values) values { return values{"mounts": values{"/data": m}} }
	return map[string]spelling{
		"a host without any":   {values{"extra_hosts": values{"db": []any{"10.0.0.1"}}}, values{"extra_hosts": values{"db": []any{"10.0.0.1"}, "a": []any{}}}},
		"brackets":             {values{"extra_hosts": values{"db": []any{"[::1]"}}}, values{"extra_hosts": values{"db": []any{"0:0:0:0:0:0:0:1"}}}},
		"tmpfs size":           {mount(values{"type": "tmpfs", "tmpfs": values{"size": "64m"}}), mount(values{"type": "tmpfs", "tmpfs": values{"size": "65536k"}})},
		"tmpfs defaults":       {mount(values{"type": "tmpfs"}), mount(values{"type": "tmpfs", "tmpfs": values{"uid": 0, "gid": 0, "exec": false, "options": []any{"nosuid", "nodev"}}})},
		"propagation":          {mount(values{"type": "bind", "source": "/srv"}), mount(values{"type": "bind", "source": "/srv", "bind": values{"propagation": "rprivate", "recursive": "enabled", "create_host_path": false}})},
		"no volume options":    {mount(values{"type": "volume", "source": "data"}), mount(values{"type": "volume", "source": "data", "volume": values{"nocopy": false, "labels": values{}}})},
		"exposed ports":        {values{"expose": []any{"80", "81/tcp", "53/udp"}}, values{"expose": []any{"53/udp", "80-81"}}},
		"target range":         {values{"ports": []any{values{"target": "80-81"}}}, values{"ports": []any{values{"target": 80}, values{"target": 81}}}},
		"published range":      {values{"ports": []any{values{"target": "80-81", "published": "8080-8081"}}}, values{"ports": []any{values{"target": 80, "published": "8080"}, values{"target": 81, "published": "8081"}}}},
		"order of aliases":     {network(values{"aliases": []any{"a", "b"}}), network(values{"aliases": []any{"b", "a"}})},
		"links":                {values{"links": []any{"db", "cache:c"}}, values{"links": []any{"cache:c", "db:db"}}},
		"links of a network":   {network(values{"links": []any{"db", "cache:c"}}), network(values{"links": []any{"cache:c", "db:db"}})},
		"no aliases":           {network(values{}), network(values{"aliases": []any{}, "driver_opts": values{}, "link_local_ips": []any{}, "links": []any{}, "gw_priority": 0})},
		"address of a network": {network(values{"ipv6_address": "fd00::a"}), network(values{"ipv6_address": "fd00:0::A"})},
		"MAC address":          {network(values{"mac_address": "02:42:AC:11:65:43"}), network(values{"mac_address": "02-42-ac-11-65-43"})},
		"dots in an address":   {network(values{"mac_address": "02:42:AC:11:65:43"}), network(values{"mac_address": "0242.ac11.6543"})},
		"exposed in capitals":  {values{"expose": []any{"80", "53/udp"}}, values{"expose": []any{"80/TCP", "53/Udp"}}},
		"capitals":             {values{"ports": []any{values{"target": "53", "protocol": "udp"}, values{"target": "80"}}}, values{"ports": []any{values{"target": "53", "protocol": "UDP"}, values{"target": "80", "protocol": "Tcp"}}}},
		"slash of a device":    {values{"devices": values{"/dev/a": values{"source": "/dev/snd"}}}, values{"devices": values{"/dev/a/": values{"source": "/dev/snd/"}}}},
		"slash of a key":       {values{"devices": values{"/dev/snd": values{}}}, values{"devices": values{"/dev/snd/": values{}}}},
		"every address":        {values{"ports": []any{values{"target": 80, "published": "80"}}}, values{"ports": []any{values{"target": 80, "published": "80", "host_ip": "0.0.0.0"}, values{"target": 80, "published": "80", "host_ip": "::"}}}},
	}
}

// To write down what leaving out means anyway replaces nothing.
func TestNetworkingDefaultsWrittenDown(t *testing.T) {
	t.Parallel()
	defaults := values{"network_mode": "bridge", "publish_all_ports": false, "dns": []any{}, "dns_search": []any{}, "dns_opt": []any{}, "extra_hosts": values{}}
	for name, byDefault := range defaults {
		c := newCore(t)
		without, with := minimal(), minimal().with(values{name: byDefault})
		for _, pair := range [][2]values{{without, with}, {with, without}} {
			state, _ := c.create(t, pair[0], nil)
			if p := c.plan(t, state, pair[1]); p.replace != nil {
				t.Errorf("%s: replaced because of %v", name, p.replace)
			}
		}
	}
}

func networkingConfigurations() map[string]values {
	return map[string]values{
		"networking": minimal().with(values{
			"networks": values{"front": values{
				"aliases": []any{"db", "cache"}, "ipv4_address": "10.0.0.9", "ipv6_address": "fd00::0:9", "link_local_ips": []any{"169.254.1.1"},
				"driver_opts": values{"com.example.option": "1"}, "gw_priority": 5, "links": []any{"cache", "db:data"},
			}, "back": values{}},
			"domainname": "a.test", "dns": []any{"10.0.0.1", "fd00::0:1"}, "dns_search": []any{"b.test", "c.test"}, "dns_opt": []any{"ndots:2"},
			"extra_hosts":       values{"six": []any{"[fd00::0:1]", "fd00::2"}, "gateway": []any{"host-gateway"}, "four": []any{"10.1.1.1"}},
			"publish_all_ports": true, "expose": []any{"7000-7002", "53/udp"}, "ports": []any{values{"target": 80}},
		}),
		"links": minimal().with(values{"links": []any{"cache:cache", "db:data"}, "networks": values{"bridge": values{}, "front": values{}}}),
		"ranges of ports": minimal().with(values{"ports": []any{
			values{"target": "8000-8002", "published": "9000-9002", "host_ip": "127.0.0.1"}, values{"target": "53-54", "protocol": "udp"}, values{"target": 80, "published": "8080-8090"},
		}}),
		"mount options": minimal().with(values{"mounts": values{
			"/bind":                  values{"type": "bind", "source": "/srv", "read_only": true, "consistency": "cached", "bind": values{"propagation": "rslave", "create_host_path": true, "recursive": "disabled"}},
			"/data":                  values{"type": "volume", "source": "data", "volume": values{"nocopy": true, "subpath": "a/b", "labels": values{"a": "1"}, "driver": "local", "driver_opts": values{"type": "tmpfs"}}},
			"/cache":                 values{"type": "tmpfs", "tmpfs": values{"size": "64m", "mode": "0700"}},
			"/run":                   values{"type": "tmpfs", "read_only": true, "tmpfs": values{"mode": "0770", "uid": 2000, "gid": 1000, "exec": true, "options": []any{"suid", "nr_inodes=4k"}}},
			"/label":                 values{"type": "bind", "source": "/srv", "bind": values{"selinux": "z"}},
			"/own":                   values{"type": "volume", "source": "data", "volume": values{"selinux": "Z", "nocopy": true}},
			"/image":                 values{"type": "image", "source": "assets:1", "image": values{"subpath": "a"}},
			`\\.\pipe\docker_engine`: values{"type": "npipe", "source": `\\.\pipe\docker_engine`},
		}, "volumes_from": []any{"other", "third:ro"}}),
		"no check":        minimal().with(values{"healthcheck": values{"disable": true}}),
		"often at first":  minimal().with(values{"healthcheck": values{"test": []any{"CMD", "a"}, "start_interval": "500ms"}}),
		"host network":    minimal().with(values{"network_mode": "host", "hostname": "own"}),
		"no network":      minimal().with(values{"network_mode": "none", "dns": []any{"10.0.0.1"}}),
		"another's":       minimal().with(values{"network_mode": "container:proxy"}),
		"default options": minimal().with(values{"networks": values{"bridge": values{"driver_opts": values{"a": "b"}}}}),
	}
}

// What leaves no room for something else refuses it, by name.
func TestValidateNetworkMode(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config values
		at     []string
	}{
		"networks of the host":     {values{"network_mode": "host", "networks": values{"front": values{}}}, []string{"networks"}},
		"networks of bridge":       {values{"network_mode": "bridge", "networks": values{"front": values{}}}, []string{"networks"}},
		"ports of the host":        {values{"network_mode": "host", "ports": []any{values{"target": 80}}, "publish_all_ports": true}, []string{"ports", "publish_all_ports"}},
		"ports without a network":  {values{"network_mode": "none", "ports": []any{values{"target": 80}}}, []string{"ports"}},
		"ports of the default one": {values{"network_mode": "bridge", "ports": []any{values{"target": 80}}, "hostname": "web", "dns": []any{"10.0.0.1"}}, nil},
		"names of the host":        {values{"network_mode": "host", "hostname": "web", "extra_hosts": values{"a": []any{"10.0.0.1"}}}, nil},
		"nothing to publish":       {values{"network_mode": "none", "publish_all_ports": false, "ports": []any{}}, nil},
		"not known":                {values{"network_mode": unknown{}, "ports": []any{values{"target": 80}}}, nil},
		"ports not known":          {values{"network_mode": "none", "ports": unknown{}}, nil},
		"everything of another": {values{
			"network_mode": "container:web", "ports": []any{values{"target": 80}}, "hostname": "a", "domainname": "b", "dns": []any{"10.0.0.1"},
			"dns_search": []any{"a.test"}, "dns_opt": []any{"ndots:1"}, "extra_hosts": values{"a": []any{"10.0.0.1"}}, "expose": []any{"80"},
		}, []string{"dns", "dns_opt", "dns_search", "domainname", "expose", "extra_hosts", "hostname", "ports"}},
		"links, default":      {values{"links": []any{"db", "db:data"}, "network_mode": "bridge"}, nil},
		"links, its name":     {values{"links": []any{"db"}, "networks": values{"bridge": values{}}}, nil},
		"links elsewhere":     {values{"links": []any{"db"}, "networks": values{"front": values{}}}, []string{"links"}},
		"links of the host":   {values{"links": []any{"db"}, "network_mode": "host"}, []string{"links"}},
		"links of no network": {values{"links": []any{"db"}, "network_mode": "none"}, []string{"links"}},
		"links of another":    {values{"links": []any{"db"}, "network_mode": "container:web"}, []string{"links"}},
		"links, not known":    {values{"links": []any{"db"}, "networks": unknown{}}, nil},
		"links, none":         {values{"links": []any{}, "network_mode": "host"}, nil},
		"one alias, two":      {values{"links": []any{"db:data", "other:data"}}, []string{"links"}},
		"no link":             {values{"links": []any{"db:data:ro"}}, []string{"links"}},
		"link to nothing":     {values{"links": []any{":data"}}, []string{"links"}},
		"links in default":    {values{"networks": values{"bridge": values{"links": []any{"db"}}}}, []string{"networks"}},
		"one alias, network":  {values{"networks": values{"a": values{"links": []any{"db:data", "other:data"}}}}, []string{"networks"}},
		"no link, network":    {values{"networks": values{"a": values{"links": []any{"/db:/web/data"}}}}, []string{"networks"}},
		"exposed of the host": {values{"network_mode": "host", "expose": []any{"80"}}, nil},
		"no exposed port":     {values{"expose": []any{"http"}}, []string{"expose"}},
		"exposed backwards":   {values{"expose": []any{"90-80"}}, []string{"expose"}},
		"exposed above":       {values{"expose": []any{"65536"}}, []string{"expose"}},
		"exposed protocol":    {values{"expose": []any{"80/http"}}, []string{"expose"}},
		"exposed nothing":     {values{"expose": []any{""}}, []string{"expose"}},
		"the engine's word":   {values{"network_mode": "default", "ports": []any{values{"target": 80}}}, nil},
		"a network's name":    {values{"network_mode": "front"}, []string{"network_mode"}},
		"no container":        {values{"network_mode": "container:"}, []string{"network_mode"}},
		"a bad address":       {values{"extra_hosts": values{"a": []any{"[10.0.0.1]"}}}, []string{"extra_hosts"}},
		"a name":              {values{"extra_hosts": values{"a": []any{"b"}}}, []string{"extra_hosts"}},
		"no address":          {values{"extra_hosts": values{"a": []any{}}}, nil},
		"host with colon":     {values{"extra_hosts": values{"a:b": []any{"10.0.0.1"}}}, []string{"extra_hosts"}},
		"server by name":      {values{"dns": []any{"dns.test"}}, []string{"dns"}},
		"IPv6 as IPv4":        {values{"networks": values{"a": values{"ipv4_address": "::1"}}}, []string{"networks"}},
		"IPv4 as IPv6":        {values{"networks": values{"a": values{"ipv6_address": "10.0.0.1"}}}, []string{"networks"}},
		"MAC address":         {values{"networks": values{"a": values{"mac_address": "02:42"}}}, []string{"networks"}},
		"null alias":          {values{"networks": values{"a": values{"aliases": []any{nil}}}}, []string{"networks"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var at []string
			for _, d := range newCore(t).validate(t, minimal().with(tt.config)) {
				root, _ := rootOf(d.Attribute)
				at = append(at, root)
			}
			if diff := cmp.Diff(tt.at, at); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Another container's network is the one of the container that has the name now.
func TestRefreshOfANetworkMode(t *testing.T) {
	t.Parallel()
	id := containerID
	for _, tt := range []struct {
		name, asked, seen string
		shared            map[string]string
		want              string
	}{
		{"the same name", "container:web", "container:" + id, map[string]string{id: "web"}, "container:web"},
		{"by ID", "container:" + id, "container:" + id, nil, "container:" + id},
		{"by short ID", "container:" + id[:12], "container:" + id, nil, "container:" + id[:12]},
		{"it is gone, or another has the name", "container:web", "container:" + id, nil, "container:" + id},
		{"it was renamed", "container:web", "container:" + id, map[string]string{id: "old"}, "container:" + id},
		{"the default by its name", "bridge", "default", nil, "bridge"},
		{"something else", "host", "none", nil, "none"},
	} {
		m := networkingModel{NetworkMode: types.StringValue(tt.asked)}
		m.refresh(&container.Container{Settings: container.Settings{Networking: container.Networking{NetworkMode: tt.seen}}, Shared: tt.shared})
		if m.NetworkMode.ValueString() != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, m.NetworkMode, tt.want)
		}
	}
}

// What somebody changed of one network shows there, and what the engine adds does not.
func TestFlattenNetworkOptions(t *testing.T) {
	t.Parallel()
	text, list := types.StringValue, flattenList
	asked := networkModel{
		Aliases: list([]string{"b", "a"}), IPv4Address: text("10.0.0.9"), IPv6Address: text("fd00::0:9"), MACAddress: text("02:42:AC:11:65:43"),
		DriverOpts: map[string]types.String{"a": text("1")}, Priority: types.Int64Value(3),
	}
	for _, tt := range []struct {
		name   string
		prior  networkModel
		change func(*container.EndpointOptions)
		want   func(*networkModel)
	}{
		{"nothing", asked, func(*container.EndpointOptions) {}, func(*networkModel) {}},
		{"another alias", asked, func(o *container.EndpointOptions) { o.Aliases = []string{"c"} }, func(m *networkModel) { m.Aliases = list([]string{"c"}) }},
		{"no alias", asked, func(o *container.EndpointOptions) { o.Aliases = nil }, func(m *networkModel) { m.Aliases = nil }},
		{"another address", asked, func(o *container.EndpointOptions) { o.IPv4Address = "" }, func(m *networkModel) { m.IPv4Address = types.StringNull() }},
		{"another option", asked, func(o *container.EndpointOptions) { o.DriverOpts = map[string]string{"b": "1"} },
			func(m *networkModel) { m.DriverOpts = map[string]types.String{"b": text("1")} }},
		{"stopped", asked, func(o *container.EndpointOptions) { o.MACAddress = "" }, func(*networkModel) {}},
		{"a MAC address that nobody asked for", networkModel{}, func(o *container.EndpointOptions) {
			*o = container.EndpointOptions{MACAddress: "02:42:ac:11:00:02"}
		}, func(*networkModel) {}},
		{"an address that nobody asked for", networkModel{}, func(o *container.EndpointOptions) {
			*o = container.EndpointOptions{LinkLocalIPs: []string{"169.254.1.1"}, GatewayPriority: 1}
		}, func(m *networkModel) {
			m.LinkLocalIPs, m.GwPriority = list([]string{"169.254.1.1"}), types.Int64Value(1)
		}},
	} {
		seen := tt.prior.options()
		tt.change(&seen)
		want := tt.prior
		tt.want(&want)
		c := &container.Container{Attached: map[string]container.AttachedNetwork{"front": {ID: networkID, EndpointOptions: seen}}}
		got := flattenNetworks(map[string]networkModel{"front": tt.prior}, c)
		if diff := cmp.Diff(map[string]networkModel{"front": want}, got); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}

// An engine gives a MAC address to a new container only, and connects none to its host's network or to none.
func TestPlanOfConnections(t *testing.T) {
	t.Parallel()
	const mac = "02:42:ac:11:65:43"
	with := func(options values) values { return values{"networks": values{"front": options}} }
	for _, tt := range []struct {
		name     string
		from, to values
		replaces bool
	}{
		{"another one", with(values{"mac_address": mac}), with(values{"mac_address": "02:42:ac:11:65:44"}), true},
		{"the first one", with(values{}), with(values{"mac_address": mac}), true},
		{"with the network", values{}, with(values{"mac_address": mac}), true},
		{"none any more", with(values{"mac_address": mac}), with(values{}), true},
		{"another option beside it", with(values{"mac_address": mac}), with(values{"mac_address": mac, "aliases": []any{"db"}}), true},
		{"another key", with(values{"mac_address": mac}), values{"networks": values{"other": values{"network": "front", "mac_address": "02-42-AC-11-65-43"}}}, false},
		{"another network", with(values{"mac_address": mac}), values{"networks": values{"back": values{}}}, false},
		{"another network beside it", with(values{"mac_address": mac}), values{"networks": values{"front": values{"mac_address": mac}, "back": values{}}}, false},
		{"no network", with(values{"mac_address": mac}), values{}, false},
		{"the host's network", with(values{}), values{"networks": values{"host": values{}}}, true},
		{"the host's network by another key", with(values{}), values{"networks": values{"own": values{"network": "host"}}}, true},
		{"the host's network after the default one", values{}, values{"networks": values{"host": values{}}}, true},
		{"no longer the host's network", values{"networks": values{"host": values{}}}, with(values{}), true},
		{"no longer without a network", values{"networks": values{"none": values{}}}, values{}, true},
		{"from none to the host's", values{"networks": values{"none": values{}}}, values{"networks": values{"host": values{}}}, true},
		{"what is not known yet", with(values{"mac_address": mac}), with(values{"mac_address": unknown{}}), false},
	} {
		c := newCore(t)
		state, _ := c.create(t, minimal().with(tt.from), nil)
		if p := c.plan(t, state, minimal().with(tt.to)); (p.replace != nil) != tt.replaces || !slices.Contains(p.changed, "networks") {
			t.Errorf("%s: %v change, %v replace", tt.name, p.changed, p.replace)
		}
	}
}
