// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

// environmentRows are the rows of the environment and the labels.
func environmentRows(_ Fixtures) map[string]AttributeRow {
	return map[string]AttributeRow{
		"environment": {
			Values: two{values{"A": "1"}, values{"A": "2"}}, Seen: variable("A"), Want: pair{`"A=1"`, `"A=2"`},
			More: []any{values{"A": "", "B": "x=y"}, values{"C": nil, "D": "1"}}, Empty: ownWords(),
		},
		"environment_wo": {
			Values: two{values{"SECRET": "1"}, values{"SECRET": "2"}}, Beside: "environment_wo_version = 1", Nothing: true, Seen: variable("SECRET"), Want: pair{`"SECRET=1"`, `"SECRET=1"`},
			NotRandom: "no state has it", Empty: ownWords(),
		},
		"environment_wo_version": {
			Lines: pair{"environment_wo = { SECRET = \"1\" }\nenvironment_wo_version = 1", "environment_wo = { SECRET = \"2\" }\nenvironment_wo_version = 2"}, Seen: variable("SECRET"), Want: pair{`"SECRET=1"`, `"SECRET=2"`},
			Change: two{1, 2}, NotRandom: "it goes with environment_wo", Empty: emptyRow{own: []any{0}, in: func(v any) values { return values{"environment_wo": values{"A": "1"}, "environment_wo_version": v} }},
		},
		"labels": {
			Values: two{values{"a": "1"}, values{"a": "2"}}, Seen: func(l Look) any { return l.Config.Labels["a"] }, Want: pair{`"1"`, `"2"`},
			Change: two{values{"a": "1"}, nil}, More: []any{values{"a": ""}}, Empty: ownWords(),
		},
	}
}
