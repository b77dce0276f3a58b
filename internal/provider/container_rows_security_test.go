// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"slices"

	containertypes "github.com/docker/docker/api/types/container"
)

// securityRows are the rows of what the container may do.
func securityRows(_ Fixtures) map[string]AttributeRow {
	return map[string]AttributeRow{
		"privileged": {
			Values: two{nil, true}, Seen: host("Privileged"), Want: pair{"false", "true"},
			More: []any{false},
		},
		"cap_add": {
			Values: two{[]any{"net_admin"}, []any{"CAP_NET_ADMIN", "SYS_TIME"}}, Seen: capabilitiesOf(func(h *containertypes.HostConfig) []string { return h.CapAdd }), Want: pair{`["NET_ADMIN"]`, `["NET_ADMIN","SYS_TIME"]`},
			Change: two{nil, []any{"NET_ADMIN"}}, More: []any{[]any{"all"}, []any{"net_admin", "CAP_SYS_PTRACE"}, []any{}}, Empty: wordless("NET_ADMIN"),
		},
		"cap_drop": {
			Values: two{[]any{"CHOWN"}, []any{"ALL"}}, Seen: capabilitiesOf(func(h *containertypes.HostConfig) []string { return h.CapDrop }), Want: pair{`["CHOWN"]`, `["ALL"]`},
			More: []any{[]any{"CAP_CHOWN"}, []any{"Kill", "mknod"}}, Empty: wordless("ALL"),
		},
		"security_opt": {
			Values: two{[]any{"no-new-privileges"}, []any{"label=disable", "no-new-privileges"}}, Seen: func(l Look) any { return slices.Sorted(slices.Values(l.HostConfig.SecurityOpt)) }, Want: pair{`["no-new-privileges"]`, `["label=disable","no-new-privileges"]`},
			Change: two{nil, []any{"no-new-privileges"}}, More: []any{[]any{"label:disable", "seccomp=unconfined"}, []any{"label=user:me", "apparmor=unconfined", "no-new-privileges:false"}, []any{"systempaths=unconfined"}}, Empty: wordless("label=disable"),
		},
		"group_add": {
			Values: two{[]any{"44"}, []any{"44", "1000"}}, Seen: func(l Look) any { return slices.Sorted(slices.Values(l.HostConfig.GroupAdd)) }, Want: pair{`["44"]`, `["1000","44"]`},
			Change: two{nil, []any{"audio"}}, More: []any{[]any{"1000"}, []any{"b", "a"}}, Empty: wordless("group"),
		},
		"sysctls": {
			Values: two{values{"net.ipv4.ip_forward": 1}, values{"net.ipv4.ip_forward": 0}}, Seen: host("Sysctls"), Want: pair{`{"net.ipv4.ip_forward":"1"}`, `{"net.ipv4.ip_forward":"0"}`},
			Change: two{nil, values{"net.core.somaxconn": "1024"}}, More: []any{values{"net.core.somaxconn": "1"}, values{}}, Empty: emptyRow{refused: []any{values{"a": ""}}, says: "net.core.somaxconn"},
		},
		"userns_mode": {Values: two{nil, "host"}, Seen: host("UsernsMode"), Want: pair{`""`, `"host"`}},
		"read_only": {
			Values: two{nil, true}, Seen: host("ReadonlyRootfs"), Want: pair{"false", "true"},
			More: []any{false},
		},
	}
}
