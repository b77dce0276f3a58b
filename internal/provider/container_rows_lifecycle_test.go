// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	containertypes "github.com/docker/docker/api/types/container"
)

// lifecycleRows are the rows of the power state, and how gantry goes about it.
func lifecycleRows(_ Fixtures) map[string]AttributeRow {
	return map[string]AttributeRow{
		"desired_state": {
			Values: two{"running", "paused"}, Runs: true, Seen: status, Want: pair{`"running"`, `"paused"`}, Outside: unpaused,
			NotRandom: notSetting, Empty: emptyRow{also: []any{"running"}},
		},
		"expected_exit_codes": {
			Values: two{[]any{0}, []any{0, 3}}, Beside: "desired_state = \"completed\"\ncommand = [\"exit\", \"0\"]", Runs: true, Seen: status, Want: pair{`"exited"`, `"exited"`},
			NotRandom: notSetting,
		},
		"wait_for": {
			Values: two{nil, "ready"}, Seen: status, Want: pair{`"created"`, `"created"`},
			NotRandom: notSetting,
		},
		"restart": {
			Values: two{"no", "on-failure:3"}, Runs: true, Seen: host("RestartPolicy"), Want: pair{`{"Name":"no","MaximumRetryCount":0}`, `{"Name":"on-failure","MaximumRetryCount":3}`}, Outside: updated(containertypes.UpdateConfig{RestartPolicy: containertypes.RestartPolicy{Name: "always"}}),
			More: []any{"on-failure", "always"}, Empty: emptyRow{also: []any{"no"}},
		},
		"restart_triggers": {
			Values: two{values{"a": "1"}, values{"a": "2"}}, Runs: true, Seen: starts, Want: pair{"1", "2"},
			NotRandom: notSetting, Empty: ownWords(),
		},
		"remove_volumes": {
			Values: two{false, true}, Seen: status, Want: pair{`"created"`, `"created"`},
			NotRandom: notSetting, Empty: emptyRow{own: []any{false}, also: []any{true}},
		},
		"wait_for_removal": {
			Values: two{false, true}, Seen: status, Want: pair{`"created"`, `"created"`},
			NotRandom: notSetting, Empty: emptyRow{own: []any{false}, also: []any{true}},
		},
		"timeouts": {Change: two{nil, values{"create": "1m"}}, NotRandom: notSetting},
		"timeouts.create": {
			Values: two{"1m", "2m"}, Within: "timeouts = { %s }", Seen: status, Want: pair{`"created"`, `"created"`},
			Empty: emptyRow{refused: []any{"", "0s", "0"}, says: "for example \"5m\""},
		},
		"timeouts.read": {
			Values: two{"1m", "2m"}, Within: "timeouts = { %s }", Seen: status, Want: pair{`"created"`, `"created"`},
			Empty: emptyRow{refused: []any{"", "0s", "0"}, says: "for example \"5m\""},
		},
		"timeouts.update": {
			Values: two{"1m", "2m"}, Within: "timeouts = { %s }", Seen: status, Want: pair{`"created"`, `"created"`},
			Empty: emptyRow{refused: []any{"", "0s", "0"}, says: "for example \"5m\""},
		},
		"timeouts.delete": {
			Values: two{"1m", "2m"}, Within: "timeouts = { %s }", Seen: status, Want: pair{`"created"`, `"created"`},
			Empty: emptyRow{refused: []any{"", "0s", "0"}, says: "for example \"5m\""},
		},
		"update_order": {
			Values: two{nil, "stop-first"}, Seen: status, Want: pair{`"created"`, `"created"`},
			NotRandom: notSetting,
		},
	}
}
