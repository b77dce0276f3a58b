// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import (
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const (
	masked = "(masked)"
	// Shorter values are not masked: "1" or "no" would shred every text, and protects nothing.
	minSecret = 4
	// minEncoded is how much of a secret has to be seen in another encoding, broken into lines, or cut
	// off at an end of a text.
	minEncoded = 6
	// mostEncoded bounds what is looked for in other encodings: nobody quotes a whole file so.
	mostEncoded = 4 << 10
)

// Mask hides the secret values of one operation in what others wrote: the engine's messages, logs, the
// output of commands. gantry's own sentences are not for it. The zero value hides nothing.
type Mask struct {
	// forms are what to look for, whole those of them that are the values themselves.
	forms, whole []string
}

// NewMask makes a mask of secret values. A value is found in its plain form, by its lines, as JSON, URLs,
// HTML, hexadecimal digits and base64 spell it, broken into lines, and cut off at either end of a text.
func NewMask(secrets ...string) Mask {
	var m Mask
	add := func(form string, least int) {
		if len(form) >= least {
			m.forms = append(m.forms, form)
		}
	}
	for _, secret := range secrets {
		secret = strings.TrimSpace(Printable(secret))
		if len(secret) < minSecret {
			continue
		}
		add(secret, minSecret)
		m.whole = append(m.whole, secret)
		if strings.Contains(secret, "\n") {
			for line := range strings.Lines(secret) {
				if line = strings.TrimSpace(line); !ordinary(line) {
					add(line, minSecret)
				}
			}
		}
		if len(secret) <= mostEncoded {
			for _, form := range encoded(secret) {
				add(form, minEncoded)
			}
		}
	}
	slices.Sort(m.forms)
	m.forms = slices.Compact(m.forms)
	return m
}

// ordinary reports whether a line of a secret tells nothing by itself: a word, a number, a brace, the
// frame of a PEM block.
func ordinary(line string) bool {
	const short = 8
	return strings.HasPrefix(line, "-----") || len(line) < short && !strings.ContainsFunc(line, unicode.IsDigit) || words.MatchString(line) && len(line) < secretRun
}

// encoded returns how other texts spell a secret inside of theirs.
func encoded(secret string) []string {
	digits := hex.EncodeToString([]byte(secret))
	forms := []string{digits, strings.ToUpper(digits)}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		// What stands before the secret decides how its bits fall into characters: only those
		// characters are its own that have none of its neighbours' bits.
		for before := range 3 {
			text := encoding.EncodeToString(append(make([]byte, before), secret...))
			first, last := (before*8+5)/6, (before+len(secret))*8/6
			forms = append(forms, text[first:last])
		}
	}
	return forms
}

// Text drops terminal escapes and control characters from s, and then hides the secrets: so that neither
// hides the other.
func (m Mask) Text(s string) string {
	s = Printable(s)
	found := spelled(s)
	if len(m.forms) > 0 {
		for _, v := range views(s) {
			found = append(found, m.in(v)...)
		}
		found = append(found, m.ends(s)...)
	}
	return hide(s, found)
}

// With returns a mask that hides other secrets, too.
func (m Mask) With(secrets ...string) Mask {
	more := NewMask(secrets...)
	return Mask{forms: slices.Concat(m.forms, more.forms), whole: slices.Concat(m.whole, more.whole)}
}

// spelled finds what a text itself says is secret: the password of a URL, a private key, "password=…". The
// engine quotes settings of other objects so, such as a volume's, which no mask knows.
func spelled(s string) []span {
	var found []span
	for _, m := range pemBlock.FindAllStringIndex(s, -1) {
		found = append(found, span{m[0], m[1]})
	}
	for _, pattern := range []*regexp.Regexp{passwordOfURL, tokenInText} {
		for _, m := range pattern.FindAllStringSubmatchIndex(s, -1) {
			if !harmless(s[m[2]:m[3]]) {
				found = append(found, span{m[2], m[3]})
			}
		}
	}
	for _, m := range spelledSecret.FindAllStringSubmatchIndex(s, -1) {
		if secretName(s[m[2]:m[3]]) && !harmless(s[m[4]:m[5]]) {
			found = append(found, span{m[4], m[5]})
		}
	}
	return found
}

// span is a part of a text, from a byte to another.
type span struct{ from, to int }

// in finds the secrets in a view.
func (m Mask) in(v view) []span {
	var found []span
	for _, form := range m.forms {
		if v.folded && len(form) < minEncoded {
			continue
		}
		for from := 0; ; {
			i := strings.Index(v.text[from:], form)
			if i < 0 {
				break
			}
			from += i
			found = append(found, span{v.from[from], v.to[from+len(form)-1]})
			from++
		}
	}
	return found
}

// ends finds what is left of a secret at the ends of a text that was cut off there.
func (m Mask) ends(s string) []span {
	var found []span
	body := strings.TrimRight(s, " \n.…")
	for _, secret := range m.whole {
		for n := min(len(secret)-1, len(body)); n >= minEncoded; n-- {
			if strings.HasSuffix(body, secret[:n]) {
				found = append(found, span{len(body) - n, len(body)})
				break
			}
		}
		for n := min(len(secret)-1, len(s)); n >= minEncoded; n-- {
			if strings.HasPrefix(s, secret[len(secret)-n:]) {
				found = append(found, span{0, n})
				break
			}
		}
	}
	return found
}

// hide replaces parts of a text, which may overlap.
func hide(s string, parts []span) string {
	slices.SortFunc(parts, func(a, b span) int { return a.from - b.from })
	var text strings.Builder
	shown := 0
	for i := 0; i < len(parts); {
		part := parts[i]
		for i++; i < len(parts) && parts[i].from < part.to; i++ {
			part.to = max(part.to, parts[i].to)
		}
		text.WriteString(s[shown:part.from])
		text.WriteString(masked)
		shown = part.to
	}
	text.WriteString(s[shown:])
	return text.String()
}

// Lines is Text for each line, which are cut to a length that can be read. They are masked
// before they are split, so that a secret of several lines is found.
func (m Mask) Lines(s string) []string {
	const longest = 400
	s = strings.TrimRight(m.Text(s), "\n")
	if s == "" {
		return nil
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if runes := []rune(line); len(runes) > longest {
			lines[i] = string(runes[:longest]) + "…"
		}
	}
	return lines
}

// terminalSequence is a control sequence of a terminal (ECMA-48), or a window title, with one or two
// bytes at its beginning.
var terminalSequence = regexp.MustCompile("(\x1b\\[|\u009b)[\\x30-\\x3f]*[\\x20-\\x2f]*[\\x40-\\x7e]|" +
	"(\x1b[\\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\x07\x1b\u009c]*(\x07|\x1b\\\\|\u009c)?|\x1b[\\x20-\\x2f]*[\\x30-\\x7e]?")

// Printable drops from a text of others what a terminal would obey, and what can't be seen: control
// sequences, control characters but tabs and line breaks, and marks of direction.
func Printable(s string) string {
	s = terminalSequence.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return r
		}
		return -1
	}, s)
}

// Name is Printable for what has to stay on its line, as the names that an engine reports.
func Name(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, Printable(s)))
}
