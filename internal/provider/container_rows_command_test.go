// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// commandRows are the rows of what runs, as whom and where.
func commandRows(_ Fixtures) map[string]AttributeRow {
	return map[string]AttributeRow{
		"entrypoint": {
			Values: two{[]any{enginetest.Program}, []any{enginetest.Program, "sleep"}}, Seen: config("Entrypoint"), Want: pair{fmt.Sprintf("[%q]", enginetest.Program), fmt.Sprintf("[%q, \"sleep\"]", enginetest.Program)},
			Change: two{nil, []any{"/app"}}, More: []any{[]any{"/app"}, []any{"sh", "-c"}}, Empty: emptyRow{own: []any{[]any{}, []any{""}}}, // Both take the image's away.
		},
		"command": {
			Values: two{[]any{"sleep"}, []any{"sleep", ""}}, Seen: config("Cmd"), Want: pair{`["sleep"]`, `["sleep", ""]`},
			More: []any{[]any{"serve"}, []any{"serve", "-v"}}, Empty: emptyRow{own: []any{[]any{""}}}, // One empty argument.
		},
		"user": {
			Values: two{nil, "1000:1000"}, Seen: config("User"), Want: pair{`""`, `"1000:1000"`},
			More: []any{"1000", "me:us"},
		},
		"working_dir": {
			Values: two{"/a", "/b"}, Seen: config("WorkingDir"), Want: pair{`"/a"`, `"/b"`},
			More: []any{"/srv", "/srv/"},
		},
		"hostname": {
			Values: two{"a", "b.test"}, Seen: config("Hostname"), Want: pair{`"a"`, `"b.test"`},
			Empty: emptyRow{also: []any{containerID[:12]}},
		},
		"stop_signal": {
			Values: two{"SIGINT", "SIGUSR1"}, Seen: config("StopSignal"), Want: pair{`"SIGINT"`, `"SIGUSR1"`},
			Change: two{nil, "SIGINT"}, More: []any{"9"},
		},
		"stop_grace_period": {
			Values: two{"5s", "1m"}, Seen: config("StopTimeout"), Want: pair{"5", "60"},
			More: []any{"60s", "1m30s"}, Empty: emptyRow{also: []any{"10s", "10000ms"}, own: []any{"0s"}},
		},
	}
}
