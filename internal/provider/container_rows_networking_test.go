// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"maps"
	"slices"
	"strings"
)

// networkingRows are the rows of how it reaches others.
func networkingRows(f Fixtures) map[string]AttributeRow {
	return map[string]AttributeRow{
		"network_mode": {
			Values: two{"none", "host"}, Seen: host("NetworkMode"), Want: pair{`"none"`, `"host"`},
			More: []any{"container:web"}, Empty: emptyRow{also: []any{"bridge"}, in: func(v any) values { return values{"network_mode": v, "networks": nil} }},
		},
		"domainname": {
			Values: two{"a.test", "b.test"}, Seen: config("Domainname"), Want: pair{`"a.test"`, `"b.test"`},
			Change: two{"a.test", nil}, More: []any{"example.org"},
		},
		"extra_hosts": {
			Values: two{values{"db": []any{"10.0.0.7"}}, values{"db": []any{"[fd00::7]"}}}, Seen: host("ExtraHosts"), Want: pair{`["db:10.0.0.7"]`, `["db:fd00::7"]`},
			More: []any{values{"db": []any{"10.0.0.1"}}, values{"db": []any{"host-gateway", "::1"}}, values{}}, Empty: emptyRow{also: []any{values{"a": []any{}}}},
		},
		"dns": {
			Values: two{[]any{"10.0.0.1"}, []any{"10.0.0.2", "10.0.0.1"}}, Seen: host("DNS"), Want: pair{`["10.0.0.1"]`, `["10.0.0.2","10.0.0.1"]`},
			More: []any{[]any{"10.0.0.1", "::1"}, []any{}}, Empty: wordless("address"),
		},
		"dns_search": {
			Values: two{[]any{"a.test"}, []any{"b.test"}}, Seen: host("DNSSearch"), Want: pair{`["a.test"]`, `["b.test"]`},
			Change: two{nil, []any{"a.test"}}, More: []any{[]any{"example.org"}, []any{"."}, []any{}}, Empty: wordless("at least 1"),
		},
		"dns_opt": {
			Values: two{[]any{"ndots:1"}, []any{"ndots:2"}}, Seen: host("DNSOptions"), Want: pair{`["ndots:1"]`, `["ndots:2"]`},
			More: []any{[]any{"ndots:2", "rotate"}, []any{}}, Empty: wordless("at least 1"),
		},
		"expose": {
			Values: two{[]any{"7000"}, []any{"7000-7001", "53/udp"}}, Seen: func(l Look) any { return slices.Sorted(maps.Keys(l.Config.ExposedPorts)) }, Want: pair{`["7000/tcp"]`, `["53/udp","7000/tcp","7001/tcp"]`},
			More: []any{[]any{"80"}, []any{"7000-7002", "53/udp"}, []any{}}, Empty: wordless("port"),
		},
		"links": {
			Values: two{[]any{f.Donor + ":a"}, []any{f.Donor + ":a", f.Donor + ":b"}}, Seen: func(l Look) any {
				var aliases []string
				for _, link := range l.HostConfig.Links {
					aliases = append(aliases, link[strings.LastIndexByte(link, '/')+1:])
				}
				slices.Sort(aliases)
				return aliases
			}, Want: pair{`["a"]`, `["a","b"]`},
			More: []any{[]any{"db"}, []any{"db:data", "cache"}, []any{}}, Empty: wordless("container"),
		},
		"publish_all_ports": {
			Values: two{nil, true}, Seen: host("PublishAllPorts"), Want: pair{"false", "true"},
			More: []any{false},
		},
	}
}
