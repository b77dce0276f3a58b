// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	containertypes "github.com/docker/docker/api/types/container"
)

// processRows are the rows of how the engine runs the process.
func processRows(_ Fixtures) map[string]AttributeRow {
	return map[string]AttributeRow{
		"init": {
			Values: two{false, true}, Seen: host("Init"), Want: pair{"false", "true"},
			Change: two{nil, true},
		},
		"tty": {
			Values: two{nil, true}, Seen: config("Tty"), Want: pair{"false", "true"},
			More: []any{false},
		},
		"stdin_open": {
			Values: two{nil, true}, Seen: config("OpenStdin"), Want: pair{"false", "true"},
			More: []any{false},
		},
		"stdin_once": {
			Values: two{nil, true}, Seen: config("StdinOnce"), Want: pair{"false", "true"},
			More: []any{false},
		},
		"logging": {Change: two{nil, values{"driver": "local"}}, More: []any{values{"driver": "local"}, values{"options": values{"max-size": "1m"}}, values{"driver": "journald", "options": values{"tag": ""}}}, Empty: emptyRow{also: []any{values{"driver": ""}, values{"driver": "json-file"}, values{"driver": "json-file", "options": values{}}}}},
		"logging.driver": {
			Within: "logging = { %s }", Values: two{"json-file", "local"}, Seen: func(l Look) any { return l.HostConfig.LogConfig.Type }, Want: pair{`"json-file"`, `"local"`},
			Empty: emptyRow{also: []any{"json-file"}},
		},
		"logging.options": {
			Within: "logging = { %s }", Values: two{values{"max-size": "1m"}, values{"max-size": "2m"}}, Seen: func(l Look) any { return l.HostConfig.LogConfig.Config }, Want: pair{`{"max-size":"1m"}`, `{"max-size":"2m"}`},
			Empty: ownWords(),
		},
		"storage_opt": {
			Values: two{values{"size": "1G"}, values{"size": "2G"}}, Seen: host("StorageOpt"), Want: pair{`{"size":"1G"}`, `{"size":"2G"}`}, Refuses: func(h *containertypes.HostConfig) { h.StorageOpt = map[string]string{"size": "1G"} },
			Change: two{nil, values{"size": "1G"}}, Empty: ownWords(),
		},
		"annotations": {
			Values: two{values{"a": "1"}, values{"a": "2"}}, Seen: host("Annotations"), Want: pair{`{"a":"1"}`, `{"a":"2"}`}, API: "1.43",
			Change: two{nil, values{"a": "b"}}, More: []any{values{"a": "b"}}, Empty: ownWords(),
		},
	}
}
