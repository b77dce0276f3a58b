// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"

	"github.com/docker/docker/api/types/network"
)

// networksRows are the rows of the networks.
func networksRows(f Fixtures) map[string]AttributeRow {
	within := fmt.Sprintf("networks = { front = { network = %q, %%s } }", f.Front)
	front := func(get func(*network.EndpointSettings) any) func(Look) any {
		return func(l Look) any { return get(l.NetworkSettings.Networks[f.Front]) }
	}
	address := func(get func(*network.EndpointIPAMConfig) any) func(Look) any {
		return front(func(e *network.EndpointSettings) any {
			if e.IPAMConfig == nil {
				return nil
			}
			return get(e.IPAMConfig)
		})
	}
	return map[string]AttributeRow{
		"networks": {Change: two{values{"front": values{}}, values{"back": values{}}}, More: []any{values{"front": values{}}, values{"front": values{"network": "front", "aliases": []any{"b", "a"}}, "back": values{"ipv4_address": "10.0.0.5"}}}, Empty: emptyRow{also: []any{values{"bridge": values{}}, values{"bridge": values{"aliases": []any{}, "links": []any{}, "ipv4_address": "", "driver_opts": values{}, "gw_priority": 0, "network": ""}}}}},
		"networks.network": {
			Within: "networks = { front = { %s } }", Values: two{f.Front, f.Back}, Seen: networkNames, Want: pair{fmt.Sprintf("[%q]", f.Front), fmt.Sprintf("[%q]", f.Back)}, Outside: disconnected(f.Back),
			NotRandom: "an import has the network's own name as its key", Empty: emptyRow{also: []any{"front"}},
		},
		"networks.aliases": {
			Within: within, Values: two{[]any{"db"}, []any{"db", "cache"}}, Runs: true, Seen: func(l Look) any { return aliases(l, f.Front) }, Want: pair{`["db"]`, `["cache","db"]`}, Outside: connectedAnew(f.Front, &network.EndpointSettings{Aliases: []string{"stranger"}}),
			Empty: wordless("at least 1"),
		},
		"networks.links": {
			Within: within, Values: two{[]any{"db:data"}, []any{"db:data", "cache"}}, Runs: true, Seen: front(func(e *network.EndpointSettings) any { return slices.Sorted(slices.Values(e.Links)) }), Want: pair{`["db:data"]`, `["cache","db:data"]`}, Outside: connectedAnew(f.Front, &network.EndpointSettings{Links: []string{"db:stranger"}}),
			Empty: wordless("container"),
		},
		"networks.ipv4_address": {
			Within: within, Values: two{f.V4 + "9", f.V4 + "10"}, Runs: true, Seen: front(func(e *network.EndpointSettings) any { return e.IPAddress }), Want: pair{quoted(f.V4 + "9"), quoted(f.V4 + "10")}, Outside: connectedAnew(f.Front, &network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: f.V4 + "11"}}),
		},
		"networks.ipv6_address": {
			Within: within, Values: two{f.V6 + "9", f.V6 + "0:a"}, Runs: true, Seen: front(func(e *network.EndpointSettings) any { return e.GlobalIPv6Address }), Want: pair{quoted(f.V6 + "9"), quoted(f.V6 + "a")},
		},
		"networks.link_local_ips": {
			Within: within, Values: two{[]any{"169.254.9.9"}, []any{"169.254.9.10"}}, Seen: address(func(c *network.EndpointIPAMConfig) any { return c.LinkLocalIPs }), Want: pair{`["169.254.9.9"]`, `["169.254.9.10"]`},
			Empty: wordless("address"),
		},
		"networks.mac_address": {
			Within: within, Values: two{"02:42:ac:11:65:43", "02-42-AC-11-65-44"}, Runs: true, Replaces: true, Seen: front(func(e *network.EndpointSettings) any { return e.MacAddress }), Want: pair{`"02:42:ac:11:65:43"`, `"02:42:ac:11:65:44"`},
			NotRandom: "not every engine tells whether somebody asked for it",
		},
		"networks.driver_opts": {
			Within: within, Values: two{values{"com.example.a": "1"}, values{"com.example.a": "2"}}, Seen: front(func(e *network.EndpointSettings) any { return e.DriverOpts }), Want: pair{`{"com.example.a":"1"}`, `{"com.example.a":"2"}`},
			Empty: ownWords(),
		},
		"networks.priority": {
			// It is gantry's own, and decides something only while the container is created.
			Within: fmt.Sprintf("networks = { front = { network = %q }, other = { network = %q, %%s } }", f.Front, f.Back), Values: two{1, -1}, Seen: host("NetworkMode"), Want: pair{quoted(f.Back), quoted(f.Back)},
			NotRandom: "no engine knows it, so that an import leaves it out",
		},
		"networks.gw_priority": {Within: within, Values: two{1, 2}, Seen: front(func(e *network.EndpointSettings) any { return e.GwPriority }), Want: pair{"1", "2"}, API: "1.48"},
	}
}
