// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import (
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
)

// view is a text as somebody reads it who undoes an encoding. From and to have, for each byte, where what it comes
// from begins and ends in the text that was looked at first. What an encoding only puts between two bytes, as a line
// break, belongs to neither.
type view struct {
	text     string
	from, to []int
	// folded says that line breaks were taken out: short secrets would be found where there are none.
	folded bool
}

// deepest is how many encodings may lie on top of each other: JSON within JSON within a URL.
const deepest = 3

// views returns a text and all that undoing encodings makes of it.
func views(s string) []view {
	plain := view{text: s, from: make([]int, len(s)), to: make([]int, len(s))}
	for i := range len(s) {
		plain.from[i], plain.to[i] = i, i+1
	}
	all, last := []view{plain}, []view{plain}
	seen := map[string]bool{s: true}
	for range deepest {
		var next []view
		for _, v := range last {
			for _, undo := range []func(view) view{unescape, unpercent, unpercentForm, unmark, fold} {
				if got := undo(v); !seen[got.text] {
					seen[got.text] = true
					next = append(next, got)
				}
			}
		}
		all, last = append(all, next...), next
	}
	return all
}

var (
	escape    = regexp.MustCompile(`\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-7]{3}|.)`)
	percent   = regexp.MustCompile(`%[0-9a-fA-F]{2}`)
	percentOr = regexp.MustCompile(`%[0-9a-fA-F]{2}|\+`)
	entity    = regexp.MustCompile(`&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});`)
	lineBreak = regexp.MustCompile(`\\?\n[ \t]*`)
)

// unescape undoes the escapes of JSON, Go, C and shells.
func unescape(v view) view {
	return v.replace(escape, func(s string) string {
		switch code := s[1]; {
		case code == 'u' && len(s) == 12:
			high, _ := strconv.ParseUint(s[2:6], 16, 32)
			low, _ := strconv.ParseUint(s[8:], 16, 32)
			return string(utf16.DecodeRune(rune(high), rune(low)))
		case code == 'u' || code == 'U':
			if n, err := strconv.ParseUint(s[2:], 16, 32); err == nil && len(s) > 2 {
				return string(rune(n))
			}
		case code == 'x' && len(s) > 2:
			n, _ := strconv.ParseUint(s[2:], 16, 8)
			return string([]byte{byte(n)})
		case len(s) == 4:
			n, _ := strconv.ParseUint(s[1:], 8, 16)
			return string([]byte{byte(n)})
		case code == 'n':
			return "\n"
		case code == 't':
			return "\t"
		case code == 'r':
			return ""
		}
		return s[1:]
	})
}

// unpercent undoes the escapes of URLs; unpercentForm those of forms and queries, where a plus is a space.
func unpercent(v view) view     { return v.replace(percent, fromPercent) }
func unpercentForm(v view) view { return v.replace(percentOr, fromPercent) }

func fromPercent(s string) string {
	if s == "+" {
		return " "
	}
	n, _ := strconv.ParseUint(s[1:], 16, 8)
	return string([]byte{byte(n)})
}

// unmark undoes the entities of HTML and XML.
func unmark(v view) view { return v.replace(entity, html.UnescapeString) }

// fold takes line breaks out, with the indent after them.
func fold(v view) view {
	v = v.replace(lineBreak, func(string) string { return "" })
	v.folded = true
	return v
}

// replace makes a view in which each match stands for something else.
func (v view) replace(what *regexp.Regexp, with func(string) string) view {
	matches := what.FindAllStringIndex(v.text, -1)
	if matches == nil {
		return v
	}
	out := view{folded: v.folded, from: make([]int, 0, len(v.from)), to: make([]int, 0, len(v.to))}
	var text strings.Builder
	keep := func(from, to int) {
		text.WriteString(v.text[from:to])
		out.from, out.to = append(out.from, v.from[from:to]...), append(out.to, v.to[from:to]...)
	}
	last := 0
	for _, m := range matches {
		keep(last, m[0])
		put := with(v.text[m[0]:m[1]])
		text.WriteString(put)
		for range len(put) {
			out.from, out.to = append(out.from, v.from[m[0]]), append(out.to, v.to[m[1]-1])
		}
		last = m[1]
	}
	keep(last, len(v.text))
	out.text = text.String()
	return out
}
