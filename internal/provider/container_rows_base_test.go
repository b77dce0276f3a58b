// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import "runtime"

// baseRows are the rows of which container it is, and what it is made from.
func baseRows(f Fixtures) map[string]AttributeRow {
	return map[string]AttributeRow{
		"name": {
			Values: two{f.Name("first"), f.Name("second")}, Seen: func(l Look) any { return l.Name }, Want: pair{quoted("/" + f.Name("first")), quoted("/" + f.Name("second"))}, Outside: renamed(f.Name("third")), Shows: []string{"id", "name"},
			NotRandom: "every configuration has it", Empty: emptyRow{refused: []any{""}, says: "letter or a digit"},
		},
		"image": {
			Values: two{f.Image, f.OtherImage}, Seen: config("Image"), Want: pair{quoted(f.Image), quoted(f.OtherImage)},
			More: []any{"nginx:2", "docker.io/library/redis"}, Empty: emptyRow{refused: []any{""}, says: "[registry/]name"},
		},
		"pull_policy": {
			Values: two{"missing", "never"}, Seen: status, Want: pair{`"created"`, `"created"`},
			NotRandom: notSetting, Empty: emptyRow{also: []any{"missing"}},
		},
		"platform": {
			// The engine does not report it.
			Values: two{nil, "linux/" + runtime.GOARCH}, Want: pair{`""`, quoted("linux/" + runtime.GOARCH)}, Seen: func(l Look) any { return l.Asked[0].Query.Get("platform") },
			NotRandom: "no engine reports whether somebody asked for it, so that an import leaves it out",
		},
	}
}
