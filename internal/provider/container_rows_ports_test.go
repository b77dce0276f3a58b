// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import "fmt"

// portsRows are the rows of the published ports.
func portsRows(f Fixtures) map[string]AttributeRow {
	bound := func(port, ip, published string) string {
		return fmt.Sprintf(`{%q:[{"HostIp":%q,"HostPort":%q}]}`, port, ip, published)
	}
	return map[string]AttributeRow{
		"ports": {Change: two{[]any{values{"target": 80}}, []any{values{"target": 81}}}, More: []any{[]any{values{"target": 80}}, []any{values{"target": 81, "published": "8081-8081", "host_ip": "0:0:0:0:0:0:0:1"}, values{"target": 53, "protocol": "udp"}}}},
		"ports.target": {
			Within: "ports = [{ %s, published = \"" + f.Ports[0] + "\" }]", Values: two{80, "81"}, Seen: host("PortBindings"), Want: pair{bound("80/tcp", "", f.Ports[0]), bound("81/tcp", "", f.Ports[0])},
			Empty: refusedEmpty("port"),
		},
		"ports.published": {
			Within: "ports = [{ target = 80, %s }]", Values: two{f.Ports[0], f.Ports[1]}, Seen: host("PortBindings"), Want: pair{bound("80/tcp", "", f.Ports[0]), bound("80/tcp", "", f.Ports[1])},
			Empty: emptyRow{also: []any{"0"}},
		},
		"ports.protocol": {
			Within: "ports = [{ target = 80, %s }]", Values: two{nil, "udp"}, Seen: host("PortBindings"), Want: pair{bound("80/tcp", "", ""), bound("80/udp", "", "")},
			Empty: emptyRow{also: []any{"tcp"}},
		},
		"ports.host_ip": {
			Within: "ports = [{ target = 80, %s }]", Values: two{"127.0.0.1", "127.0.0.2"}, Seen: host("PortBindings"), Want: pair{bound("80/tcp", "127.0.0.1", ""), bound("80/tcp", "127.0.0.2", "")},
		},
	}
}
