// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

// namespacesRows are the rows of what it shares, and who runs it.
func namespacesRows(_ Fixtures) map[string]AttributeRow {
	return map[string]AttributeRow{
		"ipc": {
			Values: two{nil, "shareable"}, Seen: host("IpcMode"), Want: pair{`"private"`, `"shareable"`},
			More: []any{"host", "private", "none", "container:web"}, Empty: emptyRow{also: []any{"private"}},
		},
		"pid": {
			Values: two{nil, "host"}, Seen: host("PidMode"), Want: pair{`""`, `"host"`},
			More: []any{"container:web"},
		},
		"uts": {Values: two{nil, "host"}, Seen: host("UTSMode"), Want: pair{`""`, `"host"`}},
		"cgroup": {
			Values: two{"host", "private"}, Seen: host("CgroupnsMode"), Want: pair{`"host"`, `"private"`},
			Change: two{nil, "private"}, Empty: emptyRow{also: []any{"host"}},
		},
		"cgroup_parent": {
			Values: two{nil, "/gantry-test"}, Seen: host("CgroupParent"), Want: pair{`""`, `"/gantry-test"`},
			More: []any{"/a"},
		},
		"runtime": {
			Values: two{"runc", "io.containerd.runc.v2"}, Seen: host("Runtime"), Want: pair{`"runc"`, `"io.containerd.runc.v2"`},
			Change: two{nil, "runsc"}, More: []any{"runsc"}, Empty: emptyRow{also: []any{"runc"}},
		},
	}
}
