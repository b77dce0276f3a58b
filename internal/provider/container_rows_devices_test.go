// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"

	containertypes "github.com/docker/docker/api/types/container"
)

// devicesRows are the rows of what it may use of the host's devices.
func devicesRows(_ Fixtures) map[string]AttributeRow {
	request := func(get func(containertypes.DeviceRequest) any) func(Look) any {
		return func(l Look) any { return get(l.HostConfig.DeviceRequests[0]) }
	}
	const requests = "device_requests = [{ count = 1, %s }]"
	const device = `{"PathOnHost":%q,"PathInContainer":"/dev/x","CgroupPermissions":%q}`
	return map[string]AttributeRow{
		"devices": {Change: two{nil, values{"/dev/fuse": values{}}}, More: []any{values{"/dev/a": values{}}, values{"/dev/a": values{"source": "/dev/b", "permissions": "mr"}, "/dev/c": values{"permissions": "mwr"}}}},
		"devices.source": {
			Within: `devices = { "/dev/x" = { %s } }`, Values: two{"/dev/null", "/dev/zero"}, Seen: host("Devices"), Want: pair{"[" + fmt.Sprintf(device, "/dev/null", "rwm") + "]", "[" + fmt.Sprintf(device, "/dev/zero", "rwm") + "]"},
			Empty: emptyRow{also: []any{"/dev/null"}},
		},
		"devices.permissions": {
			Within: `devices = { "/dev/x" = { source = "/dev/null", %s } }`, Values: two{nil, "r"}, Seen: host("Devices"), Want: pair{"[" + fmt.Sprintf(device, "/dev/null", "rwm") + "]", "[" + fmt.Sprintf(device, "/dev/null", "r") + "]"},
			Empty: emptyRow{also: []any{"rwm", "mwr"}},
		},
		"device_cgroup_rules": {
			Values: two{[]any{"c 1:3 r"}, []any{"c 1:3 rw"}}, Seen: host("DeviceCgroupRules"), Want: pair{`["c 1:3 r"]`, `["c 1:3 rw"]`},
			Change: two{nil, []any{"c 1:3 r"}}, More: []any{[]any{"c 1:3 r", "a *:* rwm"}}, Empty: wordless("189"),
		},
		"gpus": {
			Values: two{"1", "all"}, Seen: request(func(r containertypes.DeviceRequest) any { return r.Count }), Want: pair{"1", "-1"},
			More: []any{"2"},
		},
		"device_requests": {Change: two{nil, []any{values{"count": 1}}}, More: []any{[]any{values{"count": 1}}, []any{values{"device_ids": []any{"a"}, "capabilities": []any{[]any{"gpu"}}}, values{"driver": "cdi", "count": -1}}}},
		"device_requests.driver": {
			Within: requests, Values: two{"nvidia", "cdi"}, Seen: request(func(r containertypes.DeviceRequest) any { return r.Driver }), Want: pair{`"nvidia"`, `"cdi"`},
		},
		"device_requests.count": {
			Within: "device_requests = [{ %s }]", Values: two{1, -1}, Seen: request(func(r containertypes.DeviceRequest) any { return r.Count }), Want: pair{"1", "-1"},
			Empty: emptyRow{in: func(v any) values {
				return values{"desired_state": "stopped", "device_requests": []any{values{"driver": "cdi", "device_ids": []any{"a"}, "count": v}}}
			}},
		},
		"device_requests.device_ids": {
			Within: "device_requests = [{ %s }]", Values: two{[]any{"0"}, []any{"0", "1"}}, Seen: request(func(r containertypes.DeviceRequest) any { return r.DeviceIDs }), Want: pair{`["0"]`, `["0","1"]`},
			Empty: wordless("device_ids"),
		},
		"device_requests.capabilities": {
			Within: requests, Values: two{[]any{[]any{"gpu"}}, []any{[]any{"gpu", "compute"}}}, Seen: request(func(r containertypes.DeviceRequest) any { return r.Capabilities }), Want: pair{`[["gpu"]]`, `[["gpu","compute"]]`},
		},
		"device_requests.options": {
			Within: requests, Values: two{values{"a": "1"}, values{"a": "2"}}, Seen: request(func(r containertypes.DeviceRequest) any { return r.Options }), Want: pair{`{"a":"1"}`, `{"a":"2"}`},
			Empty: ownWords(),
		},
	}
}
