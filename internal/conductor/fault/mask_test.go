// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

func TestMask(t *testing.T) {
	key := "-----BEGIN-----\nabcdef/123\n-----END-----"
	m := fault.NewMask("s3cret/value", key, "no", `quo"ted`, "correct horse battery", "pass&word<1>")
	for text, want := range map[string]string{
		"login with s3cret/value failed":        "login with (masked) failed",
		"GET /?token=s3cret%2Fvalue":            "GET /?token=(masked)",
		"GET /?token=s3cret%2fvalue&x=1":        "GET /?token=(masked)&x=1",
		"GET /?q=correct+horse+battery":         "GET /?q=(masked)",
		"GET /?q=correct%20horse%20battery":     "GET /?q=(masked)",
		`{"word":"quo\"ted"}`:                   `{"word":"(masked)"}`,
		`{"word":"s3cret\/value"}`:              `{"word":"(masked)"}`,
		`{"word":"\u0073\u0033cret/value"}`:     `{"word":"(masked)"}`,
		`{"in":"{\"word\":\"quo\\\"ted\"}"}`:    `{"in":"{\"word\":\"(masked)\"}"}`,
		`say 's3cret\057value'`:                 `say '(masked)'`,
		`say "\x733cret/value"`:                 `say "(masked)"`,
		"<b>pass&amp;word&lt;1&#62;</b>":        "<b>(masked)</b>",
		"line: abcdef/123":                      "line: (masked)",
		"there is no problem":                   "there is no problem",
		"s3cret\x1b[31m/val\x1b[0mue":           "(masked)",
		"s3cret\u009b31m/value":                 "(masked)",
		"s3cret\u200b/val\u00adue":              "(masked)",
		"s3cr\x00et/val\rue":                    "(masked)",
		"wrapped s3cret\n  /value here":         "wrapped (masked) here",
		"KEY=s3cret/value\nPORT=80\n":           "KEY=(masked)\nPORT=80\n",
		"a\ns3cret/value\n  b":                  "a\n(masked)\n  b",
		"one\n\ns3cret\n/value\n\ntwo":          "one\n\n(masked)\n\ntwo",
		`{"s3cret/value\r\n":1}`:                `{"(masked)\r\n":1}`,
		"cut off: s3cret/va":                    "cut off: (masked)",
		"cut off: s3cret/va...":                 "cut off: (masked)...",
		"ret/value was cut off":                 "(masked) was cut off",
		"\x1b[31mred\x1b[0m\x07 bell\r":         "red bell",
		"\x1b]0;title\x07text\x1bPq#0\x1b\\ on": "text on",
		"a\u202etxt.exe":                        "atxt.exe",
		"tab\tand\nline stay":                   "tab\tand\nline stay",
		"s3cret/values3cret/value":              "(masked)(masked)",
	} {
		if got := m.Text(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := m.Text(key); strings.Contains(got, "abcdef") {
		t.Errorf("a secret of many lines shows: %q", got)
	}
	if got := m.Lines("one\n" + strings.Repeat("x", 390) + "s3cret/value and more\n"); len(got) != 2 || strings.Contains(got[1], "s3c") {
		t.Errorf("lines %q", got)
	}
	if got := (fault.Mask{}).Lines(""); got != nil {
		t.Errorf("no text has lines: %q", got)
	}
}

// A secret is found in base64 and in hexadecimal digits whatever stands around it.
func TestMaskOfEncodings(t *testing.T) {
	const secret = "correct-horse?battery~~"
	m := fault.NewMask(secret)
	for before := range 7 {
		for after := range 4 {
			plain := strings.Repeat("u", before) + secret + strings.Repeat("v", after)
			for name, text := range map[string]string{
				"base64": base64.StdEncoding.EncodeToString([]byte(plain)), "of URLs": base64.URLEncoding.EncodeToString([]byte(plain)),
				"digits": hex.EncodeToString([]byte(plain)), "capitals": fmt.Sprintf("%X", plain),
			} {
				if got := m.Text("it is " + text); !strings.Contains(got, "(masked)") || len(got) > len("it is (masked)")+24 {
					t.Errorf("%s after %d, before %d: %q of %q", name, before, after, got, text)
				}
			}
		}
	}
	wrapped := base64.StdEncoding.EncodeToString([]byte("user:" + secret))
	if got := m.Text(wrapped[:14] + "\n" + wrapped[14:]); !strings.Contains(got, "(masked)") {
		t.Errorf("base64 in lines: %q", got)
	}
}

func TestSecrets(t *testing.T) {
	for _, test := range []struct {
		name, value, text, want string
	}{
		// By name.
		{"DB_PASSWORD", "production", "in production", "in (masked)"},
		{"dbPassword", "hunter2", "it is hunter2", "it is (masked)"},
		{"AWS_SECRET_ACCESS_KEY", "abcd1234", "abcd1234", "(masked)"},
		{"APIKEY", "12345678", "12345678", "(masked)"},
		{"PGPASSWORD", "tiger", "tiger", "(masked)"},
		{"BASIC_AUTH", "user:tiger", "user:tiger", "(masked)"},
		{"DB_PASSWORD_FILE", "/run/secrets/db", "/run/secrets/db", "/run/secrets/db"},
		{"ALLOW_EMPTY_PASSWORD", "yes", "yes, but", "yes, but"},
		{"KEYBOARD", "qwertz", "qwertz", "qwertz"},
		{"MONKEY", "banana", "banana", "banana"},
		{"AUTHOR", "shakespeare", "shakespeare", "shakespeare"},
		{"TOKENIZER", "sentencepiece", "sentencepiece", "sentencepiece"},
		{"TOKENIZERS_PARALLELISM", "parallel", "parallel", "parallel"},
		{"SECRETARY", "shakespeare", "shakespeare", "shakespeare"},
		{"TOKENIZER_TOKEN", "tiger", "tiger", "(masked)"},
		{"ACCESSTOKENS", "tiger", "tiger", "(masked)"},
		{"PASSENGERS", "four hundred", "four hundred", "four hundred"},
		// By form.
		{"DATABASE_URL", "postgres://app:tiger@db:5432/app", "tiger of app at db:5432", "(masked) of app at db:5432"},
		{"DATABASE_URL", "postgres://app:t/ger@db:5432/app", "t/ger", "(masked)"},
		{"DATABASE_URL", "postgres://app:pw@db/app", "to postgres://app:pw@db/app", "to postgres://app(masked)db/app"},
		{"DSN_TEXT", "Server=db;User Id=sa;Password=tiger;", "tiger sa db", "(masked) sa db"},
		{"CONFIG", `{"listen": 8080, "password": "tiger"}`, "tiger at 8080", "(masked) at 8080"},
		{"X", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_live_4eC39HqLyjWDarjtT1zdp7dc!", "(masked)!"},
		{"X", "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE", "(masked)"},
		{"X", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "(masked)"},
		{"X", "550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000", "(masked)"},
		{"X", "9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d659a2feaa0c55ad015", "(masked)"},
		{"X", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "(masked)"},
		{"X", "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA0Z3\n-----END RSA PRIVATE KEY-----", "read MIIEowIBAAKCAQEA0Z3", "read (masked)"},
		// A name without a value says nothing of the next line.
		{"X", "PASSWORD=\nUSER=bob", "USER=bob", "USER=bob"},
		{"X", "password:\r\nuser: robert", "user: robert", "user: robert"},
		{"X", "PASSWORD=\nTOKEN = tiger\nUSER=bob", "tiger of USER=bob", "(masked) of USER=bob"},
		// A value below its name.
		{"X", "db:\n  password:\n    hunter2\n  user: robert", "hunter2 of robert", "(masked) of robert"},
		{"X", "password:\r\n  \"hunter2\"\r\nuser: robert", "hunter2 of robert", "(masked) of robert"},
		{"X", "password: |\n  hunter2: the first\n\n  and tiger\nuser: robert", "hunter2: the first, and tiger of robert", "(masked), (masked) of robert"},
		{"X", "password: >- # folded\n  hunter2\n", "hunter2", "(masked)"},
		{"X", "- token:\n    hunter2\n- user:\n    robert", "hunter2 of robert", "(masked) of robert"},
		{"X", "passwords:\n- hunter2\n- 'tiger'\nusers:\n- robert", "hunter2, tiger, robert", "(masked), (masked), robert"},
		{"X", "{\n  \"password\":\n    \"hunter2\",\n  \"user\": \"robert\"\n}", "hunter2 of robert", "(masked) of robert"},
		{"X", "secrets:\n  database:\n    file: /run/database\n  other:\n    external: true\n", "database in /run/database is external", "database in /run/database is external"},
		{"X", "password:\n\nuser: robert\n  and others", "robert and others", "robert and others"},
		// Neither.
		{"MODE", "production", "error in production", "error in production"},
		{"PORT", "18765", "host port 18765/tcp", "host port 18765/tcp"},
		{"HOST", "db-primary.eu-west-1.internal.example.com", "db-primary.eu-west-1.internal.example.com", "db-primary.eu-west-1.internal.example.com"},
		{"IMAGE", "registry.example.com/acme/application:1.4.2", "registry.example.com/acme/application:1.4.2", "registry.example.com/acme/application:1.4.2"},
		{"PATH", "/usr/local/sbin:/usr/local/bin:/opt/Java17/JavaRuntimeEnvironment17/bin", "/opt/Java17/JavaRuntimeEnvironment17/bin", "/opt/Java17/JavaRuntimeEnvironment17/bin"},
		{"TEXT", "The quick brown fox jumps over the lazy dog 1234567890", "quick 1234567890", "quick 1234567890"},
		{"TZ", "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"},
		{"SPRING", "org.springframework.boot.autoconfigure.jdbc.DataSource", "org.springframework.boot.autoconfigure.jdbc.DataSource", "org.springframework.boot.autoconfigure.jdbc.DataSource"},
		{"SINCE", "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.000000Z"},
		{"ADDRESS", "fe80:0000:0000:0000:0202:b3ff:fe1e:8329", "fe80:0000:0000:0000:0202:b3ff:fe1e:8329", "fe80:0000:0000:0000:0202:b3ff:fe1e:8329"},
		{"DATABASE", "productiondatabase01", "productiondatabase01", "productiondatabase01"},
	} {
		var secrets fault.Secrets
		secrets.Named(test.name, test.value)
		if got := secrets.Mask().Text(test.text); got != test.want {
			t.Errorf("%s=%s: %q became %q, want %q", test.name, test.value, test.text, got, test.want)
		}
	}
}

// What a text itself says is secret is masked though nobody knew of it: the engine quotes what belongs to
// other objects.
func TestMaskOfWhatATextSpells(t *testing.T) {
	for text, want := range map[string]string{
		"mount //nas/x, data: username=app,password=tiger,vers=3": "mount //nas/x, data: username=app,password=(masked),vers=3",
		"dial redis://app:tiger@cache:6379: refused":              "dial redis://app:(masked)@cache:6379: refused",
		`{"token":"tiger"}`:               `{"token":"(masked)"}`,
		"unexpected token: }":             "unexpected token: }",
		"password authentication failed":  "password authentication failed",
		"use_token=true":                  "use_token=true",
		"TOKENIZER=sentencepiece\nMODE=x": "TOKENIZER=sentencepiece\nMODE=x",
		"TOKEN_FILE=/run/secrets/token":   "TOKEN_FILE=/run/secrets/token",
		"API_KEY=tiger\nAPIKEY=lion":      "API_KEY=(masked)\nAPIKEY=(masked)",
		"tokenizer_token=tiger":           "tokenizer_token=(masked)",
	} {
		if got := (fault.Mask{}).Text(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{"", "a\\u00", "%", "%2", "&#;", "&#x110000;", "\\", "\\x", "\x1b", "\x1b[", "\\ud83d\\ude00", "\xff\n\n"} {
		f.Add(s, "secret")
	}
	const put = "(masked)"
	f.Fuzz(func(t *testing.T, text, secret string) {
		m := fault.NewMask(secret)
		got := m.Text(text + " " + secret + " " + text)
		if clean := strings.TrimSpace(fault.Printable(secret)); len(clean) >= 4 && !strings.Contains(put, clean) && strings.Contains(strings.ReplaceAll(got, put, "\x00"), clean) {
			t.Errorf("%q is in %q", secret, got)
		}
	})
}
