// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const (
	masked = "(masked)"
	// Shorter values are not masked: "1" or "no" would shred every text, and protects nothing.
	minSecret = 4
)

// Mask hides the secret values of one operation in texts that leave it. The zero value hides
// nothing.
type Mask struct {
	replacer *strings.Replacer
}

// NewMask makes a mask of secret values. A value is found in its plain form, by its lines, and
// as JSON, URLs and base64 would spell it.
func NewMask(secrets ...string) Mask {
	var forms []string
	add := func(s string) {
		if len(s) >= minSecret {
			forms = append(forms, s)
		}
	}
	for _, secret := range secrets {
		if len(secret) < minSecret {
			continue
		}
		add(secret)
		for line := range strings.Lines(secret) {
			add(strings.TrimSpace(line))
		}
		if quoted, err := json.Marshal(secret); err == nil {
			add(strings.Trim(string(quoted), `"`))
		}
		add(url.QueryEscape(secret))
		add(url.PathEscape(secret))
		add(base64.StdEncoding.EncodeToString([]byte(secret)))
		add(base64.RawURLEncoding.EncodeToString([]byte(secret)))
	}
	if len(forms) == 0 {
		return Mask{}
	}
	// The longest first: a replacer takes the first of its pairs that fits.
	slices.SortFunc(forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range slices.Compact(forms) {
		pairs = append(pairs, form, masked)
	}
	return Mask{replacer: strings.NewReplacer(pairs...)}
}

// Text hides the secrets in s and drops terminal escapes and control characters.
func (m Mask) Text(s string) string {
	if m.replacer != nil {
		s = m.replacer.Replace(s)
	}
	return printable(s)
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

func printable(s string) string {
	// Control sequences of a terminal (ECMA-48), and its window titles.
	s = regexp.MustCompile(`\x1b(\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]|\][^\x07\x1b]*(\x07|\x1b\\)?|[\x40-\x5f])`).ReplaceAllString(s, "")
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
