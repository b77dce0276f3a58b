// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import "fmt"

// filesRows are the rows of what is put into the container. They look into it: an engine reports nothing of files.
func filesRows(f Fixtures) map[string]AttributeRow {
	content := uploadedFile(func(u Uploaded) any { return u.Content })
	both := func(first, second string) pair {
		return pair{fmt.Sprintf("files = { \"/f\" = { %s } }", first), fmt.Sprintf("files = { \"/f\" = { %s } }", second)}
	}
	const within, plain = `files = { "/f" = { %s } }`, `files = { "/f" = { content = "one", %s } }`
	return map[string]AttributeRow{
		"files": {Change: two{values{"/a": values{"content": "1"}}, values{"/a": values{"content": "2"}}}, NotRandom: "no engine reports them"},
		"files.content": {
			Within: within, Values: two{"one", "two"}, Seen: content, Want: pair{`"one"`, `"two"`},
			Empty: emptyRow{own: []any{""}},
		},
		"files.content_base64": {
			Within: within, Values: two{"b25l", "dHdv"}, Seen: content, Want: pair{`"one"`, `"two"`},
			Empty: emptyRow{own: []any{""}, in: func(v any) values { return values{"files": values{"/f": values{"content_base64": v}}} }},
		},
		"files.source": {
			Within: within, Values: two{f.Source, f.OtherSource}, Seen: content, Want: pair{`"one"`, `"two"`},
			Empty: emptyRow{refused: []any{""}, says: "content_base64"},
		},
		"files.content_wo": {
			Within: `files = { "/f" = { content_wo_version = 1, %s } }`, Values: two{"one", "two"}, Nothing: true, Seen: content, Want: pair{`"one"`, `"one"`},
			Empty: emptyRow{own: []any{""}, in: func(v any) values { return values{"files": values{"/f": values{"content_wo": v}}} }},
		},
		"files.content_wo_version": {
			Lines: both(`content_wo = "one", content_wo_version = 1`, `content_wo = "two", content_wo_version = 2`), Seen: content, Want: pair{`"one"`, `"two"`},
			Empty: emptyRow{own: []any{0}, in: func(v any) values {
				return values{"files": values{"/f": values{"content_wo": "x", "content_wo_version": v}}}
			}},
		},
		"files.mode": {
			Within: plain, Values: two{"0600", "0640"}, Seen: uploadedFile(func(u Uploaded) any { return u.Mode }), Want: pair{"384", "416"},
			Empty: emptyRow{also: []any{"0644", "644"}},
		},
		"files.uid":               {Within: plain, Values: two{1000, 1001}, Seen: uploadedFile(func(u Uploaded) any { return u.UID }), Want: pair{"1000", "1001"}},
		"files.gid":               {Within: plain, Values: two{1000, 1001}, Seen: uploadedFile(func(u Uploaded) any { return u.GID }), Want: pair{"1000", "1001"}},
		"files.restart_on_change": {Runs: true, Lines: both(`content = "one"`, `content = "two", restart_on_change = true`), Seen: starts, Want: pair{"1", "2"}},
	}
}
