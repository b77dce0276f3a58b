// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import (
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Secrets collects the values that a mask hides. What is secret is decided here and nowhere else: what
// somebody says is secret, what its name says is, and what looks as only secrets do. Ordinary words,
// numbers and short values stay readable.
type Secrets struct {
	values []string
}

// Add adds values that are secret whatever they look like: credentials, and what is write-only.
func (s *Secrets) Add(values ...string) { s.values = append(s.values, values...) }

// Named adds the value of a setting if the setting's name says that it is secret, else what in the value
// is secret by itself.
func (s *Secrets) Named(name, value string) {
	if secretName(name) && !harmless(value) {
		s.Add(value)
	}
	s.Text(value)
}

// Text adds what in a text is secret by its form, or by the name before it ("password=…").
func (s *Secrets) Text(text string) {
	for _, found := range pemBlock.FindAllString(text, -1) {
		s.Add(found)
	}
	for _, found := range urlWithUser.FindAllString(text, -1) {
		s.url(found)
	}
	for _, found := range namedValue.FindAllStringSubmatch(text, -1) {
		if secretName(found[1]) && !harmless(found[2]) {
			s.Add(found[2])
		}
	}
	s.below(text)
	for _, token := range strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("\"'`,;:=()[]{}<>|&?@#$", r) }) {
		if random(token) {
			s.Add(token)
		}
	}
}

// below adds what stands below its name, as YAML has it: in the lines after "password:" that are indented further than
// the name, or are the items of its list. In a block ("password: |") that is the whole of each line, else what is no setting of its own.
func (s *Secrets) below(text string) {
	depth, block := -1, false
	for line := range strings.Lines(text) {
		value := strings.TrimSpace(line)
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		switch {
		case value == "":
			continue
		case depth >= 0 && (indent > depth || indent == depth && strings.HasPrefix(value, "- ")):
			if !block {
				value = strings.Trim(strings.TrimSpace(strings.TrimPrefix(value, "- ")), `"',`)
			}
			if block || !setting.MatchString(value) && !harmless(value) && strings.ContainsFunc(value, isWord) {
				s.Add(value)
			}
			continue
		}
		depth = -1
		if found := nameAlone.FindStringSubmatch(strings.TrimRight(line, " \t\r\n")); len(found) > 3 && secretName(found[2]) {
			depth, block = len(found[1]), found[3] != ""
		}
	}
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// Arguments adds what in a command line is secret: as in a text, and what follows an option whose name
// says so.
func (s *Secrets) Arguments(arguments []string) {
	for i, argument := range arguments {
		s.Text(argument)
		if i > 0 && strings.HasPrefix(arguments[i-1], "-") && !strings.HasPrefix(argument, "-") {
			s.Named(strings.TrimLeft(arguments[i-1], "-"), argument)
		}
	}
}

// Mask returns a mask of the secrets.
func (s *Secrets) Mask() Mask { return NewMask(s.values...) }

var (
	pemBlock    = regexp.MustCompile(`(?s)-{5}BEGIN [A-Z0-9 ]+-{5}.*?-{5}END [A-Z0-9 ]+-{5}`)
	urlWithUser = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s/"'<>]*:[^\s"'<>]*@[^\s"'<>]*`)
	// What is secret in a text of others has to be spelled as a setting: "unexpected token: }" has none.
	passwordOfURL = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s/"'<>:@]*:([^\s"'<>]+)@`)
	spelledSecret = regexp.MustCompile(`(?i)([a-z0-9_.-]*(?:password|passwd|passphrase|secret|token|credential|api_?key)[a-z0-9_.-]*)(?:=["']?|["']\s*:\s*["'])([^\s"',;&{}\[\]]+)`)
	tokenInText   = regexp.MustCompile(`\b(eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)`)
	// unlike are words that only begin as those of secrets do.
	unlike = regexp.MustCompile(`tokeni[sz][a-z]*|secretar[a-z]*`)
	// nameAlone is a name whose value is in the lines below it, and setting what has a name of its own.
	nameAlone = regexp.MustCompile(`^(\s*(?:-\s+)*)["']?([A-Za-z0-9_.-]+)["']?\s*:\s*([|>][0-9+-]*)?\s*(?:#.*)?$`)
	setting   = regexp.MustCompile(`^["']?[A-Za-z0-9_.-]+["']?\s*[:=](\s|$)`)
	// A value is in the line of its name, or below it: an empty "PASSWORD=" doesn't make the next line's setting a secret.
	namedValue = regexp.MustCompile(`([A-Za-z0-9_.-]+)["']?[^\S\r\n]*[:=][^\S\r\n]*["']?([^\s"',;&{}\[\]]+)`)
)

// url adds the password of a URL. The user's name stays readable.
func (s *Secrets) url(text string) {
	u, err := url.Parse(text)
	if err == nil && u.User != nil {
		if password, ok := u.User.Password(); ok {
			s.Add(password)
			if len(password) < minSecret {
				s.Add(":" + password + "@")
			}
		}
		return
	}
	// Passwords in URLs are often not escaped as they should be.
	_, rest, _ := strings.Cut(text, "://")
	user := rest[:strings.LastIndexByte(rest, '@')]
	if _, password, ok := strings.Cut(user, ":"); ok {
		s.Add(password)
	}
}

// secretName reports whether the name of a setting says that its value is secret. The name of a place
// where a secret lies is none.
func secretName(name string) bool {
	words := nameWords(name)
	if len(words) == 0 || slices.Contains([]string{"file", "path", "dir", "directory", "url", "uri", "endpoint", "host", "port", "name", "id", "length", "ttl", "expiry", "timeout"}, words[len(words)-1]) {
		return false
	}
	for _, word := range words {
		word = unlike.ReplaceAllString(word, "")
		for _, part := range []string{"password", "passwd", "passphrase", "passcode", "secret", "token", "credential", "apikey"} {
			if strings.Contains(word, part) {
				return true
			}
		}
		if slices.Contains([]string{"pass", "pwd", "pw", "key", "keys", "auth", "authorization", "bearer", "private", "cookie", "signature", "salt", "otp", "pin", "dsn", "jwt", "pat", "psk", "userpass"}, word) {
			return true
		}
		// "accesskey", but no "keyboard", "monkey" or "turkey".
		for _, part := range []string{"accesskey", "privatekey", "secretkey", "authkey", "masterkey", "encryptionkey", "signingkey", "licensekey", "sshkey"} {
			if strings.Contains(word, part) {
				return true
			}
		}
	}
	return false
}

// nameWords splits a name into its words, in lower case: "dbPassword", "DB_PASSWORD", "db-password".
func nameWords(name string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, strings.ToLower(word.String()))
			word.Reset()
		}
	}
	var last rune
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r):
			end()
		case unicode.IsUpper(r) && unicode.IsLower(last):
			end()
			word.WriteRune(r)
		default:
			word.WriteRune(r)
		}
		last = r
	}
	end()
	return words
}

// harmless reports whether a value is a mere switch: DISABLE_TOKEN=true.
func harmless(value string) bool {
	return slices.Contains([]string{"true", "false", "none", "null", "yes", "no", "on", "off", "enabled", "disabled", "required", "optional", "default", "auto"}, strings.ToLower(strings.TrimSpace(value)))
}

const (
	// A run of letters and digits of this length, with both in it, is no word and no number.
	secretRun = 16
	// secretLength is how long a token with other characters in it has to be.
	secretLength = 20
	// runEntropy and tokenEntropy are bits for each character: English words have less, what a
	// generator makes has more.
	runEntropy   = 3.0
	tokenEntropy = 3.8
)

var (
	runs          = regexp.MustCompile(`[A-Za-z0-9]+`)
	words         = regexp.MustCompile(`^[A-Za-z]*\d*$|^\d+[A-Za-z]*$`)
	uuid          = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	opaque        = regexp.MustCompile(`^[A-Za-z0-9+/_.~-]+$`)
	jsonWebToken  = regexp.MustCompile(`^eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$`)
	looksAsAPath  = regexp.MustCompile(`^[./~]`)
	digestOrImage = regexp.MustCompile(`^sha(256|384|512)$`)
)

// random reports whether a token looks as what a generator made: long, and of many different characters.
func random(token string) bool {
	switch {
	case jsonWebToken.MatchString(token), uuid.MatchString(token):
		return true
	case looksAsAPath.MatchString(token), digestOrImage.MatchString(token), !opaque.MatchString(token):
		return false
	}
	for _, run := range runs.FindAllString(token, -1) {
		if len(run) >= secretRun && !words.MatchString(run) && entropy(run) >= runEntropy {
			return true
		}
	}
	has := func(is func(rune) bool) bool { return strings.ContainsFunc(token, is) }
	return len(token) >= secretLength && has(unicode.IsUpper) && has(unicode.IsLower) && has(unicode.IsDigit) &&
		entropy(token) >= tokenEntropy
}

// entropy is Shannon's, in bits for each character.
func entropy(s string) float64 {
	counts := make(map[rune]float64)
	for _, r := range s {
		counts[r]++
	}
	bits, all := 0.0, float64(len([]rune(s)))
	for _, n := range counts {
		bits -= n / all * math.Log2(n/all)
	}
	return bits
}
