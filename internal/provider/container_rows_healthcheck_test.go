// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	containertypes "github.com/docker/docker/api/types/container"
)

// healthcheckRows are the rows of the health check.
func healthcheckRows(_ Fixtures) map[string]AttributeRow {
	checked := func(get func(*containertypes.HealthConfig) any) func(Look) any {
		return func(l Look) any {
			if l.Config.Healthcheck == nil {
				return nil
			}
			return get(l.Config.Healthcheck)
		}
	}
	const within = `healthcheck = { test = ["CMD", "/program", "health"], %s }`
	return map[string]AttributeRow{
		"healthcheck": {Change: two{values{"test": []any{"CMD", "a"}}, values{"test": []any{"CMD", "b"}}}, More: []any{values{"test": []any{"CMD", "a"}, "interval": "60s"}, values{"test": []any{"CMD-SHELL", "a"}, "retries": 3}, values{"disable": true}}, Empty: emptyRow{also: []any{values{"test": []any{}}, values{"disable": false, "interval": "0s", "retries": 0}}}},
		"healthcheck.test": {
			Within: "healthcheck = { %s }", Values: two{[]any{"CMD", "a"}, []any{"CMD-SHELL", "a"}}, Seen: checked(func(h *containertypes.HealthConfig) any { return h.Test }), Want: pair{`["CMD","a"]`, `["CMD-SHELL","a"]`},
			Empty: emptyRow{refused: []any{[]any{""}}, says: "CMD-SHELL", in: func(v any) values { return values{"healthcheck": values{"test": v}} }},
		},
		"healthcheck.disable": {
			Lines: pair{`healthcheck = { test = ["CMD", "a"] }`, "healthcheck = { disable = true }"}, Seen: checked(func(h *containertypes.HealthConfig) any { return h.Test }), Want: pair{`["CMD","a"]`, `["NONE"]`},
		},
		"healthcheck.interval": {
			Within: within, Values: two{"1s", "1m"}, Seen: checked(func(h *containertypes.HealthConfig) any { return h.Interval.Seconds() }), Want: pair{"1", "60"},
			Empty: emptyRow{also: []any{"0s"}},
		},
		"healthcheck.timeout": {
			Within: within, Values: two{"1s", "1m"}, Seen: checked(func(h *containertypes.HealthConfig) any { return h.Timeout.Seconds() }), Want: pair{"1", "60"},
			Empty: emptyRow{also: []any{"0s", "0ms"}},
		},
		"healthcheck.start_period": {
			Within: within, Values: two{"1s", "1m"}, Seen: checked(func(h *containertypes.HealthConfig) any { return h.StartPeriod.Seconds() }), Want: pair{"1", "60"},
			Empty: emptyRow{also: []any{"0s"}},
		},
		"healthcheck.start_interval": {
			Within: within, Values: two{"1s", "1m"}, Seen: checked(func(h *containertypes.HealthConfig) any { return h.StartInterval.Seconds() }), Want: pair{"1", "60"}, API: "1.44",
			Empty: emptyRow{also: []any{"0s"}},
		},
		"healthcheck.retries": {Within: within, Values: two{2, 3}, Seen: checked(func(h *containertypes.HealthConfig) any { return h.Retries }), Want: pair{"2", "3"}},
	}
}
