// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

func TestSpecsMask(t *testing.T) {
	spec := Spec{
		Settings: Settings{
			Environment: map[string]string{"DB_PASSWORD": "tell-nobody", "MODE": "production", "PORT": "18765", "HIDDEN": "quiet"},
			Labels:      map[string]string{"traefik.auth.users-secret": "labelled-one"},
			Command:     []string{"serve", "--api-token", "argued-one", "--port", "8080", "password=argued-two"},
			Healthcheck: &Healthcheck{Test: []string{"CMD", "probe", "--password=checked-one"}},
			Process:     Process{Logging: &Logging{Driver: "splunk", Options: map[string]string{"splunk-token": "logged-one", "splunk-url": "https://example.com"}}},
		},
		WriteOnly: []string{"HIDDEN"},
		Files: map[string]File{
			"/etc/app.conf":     {Content: []byte("listen = 8080\npassword = filed-one\n"), Mode: 0o644},
			"/etc/app.key":      {Content: []byte("filed-two"), Mode: 0o600},
			"/run/secrets/hush": {Content: []byte("filed-three"), Mode: 0o644, WriteOnly: true},
		},
	}
	mask := spec.mask()
	for _, secret := range []string{
		"tell-nobody", "quiet", "labelled-one", "argued-one", "argued-two", "checked-one", "logged-one", "filed-one", "filed-two", "filed-three",
	} {
		if got := mask.Text("it said " + secret + "!"); got != "it said (masked)!" {
			t.Errorf("%s: %q", secret, got)
		}
	}
	for _, plain := range []string{"error in production on port 8080 or 18765", "https://example.com", "listen = 8080", "serve"} {
		if got := mask.Text(plain); got != plain {
			t.Errorf("%q became %q", plain, got)
		}
	}
}

func TestLogIsMasked(t *testing.T) {
	var written bytes.Buffer
	logger := masking(hclog.New(&hclog.LoggerOptions{Output: &written, Level: hclog.Trace}), fault.NewMask("hunter2secret")).With("engine", "edge\x1b[31m1").Named("test")
	logger.Info("it failed", "error", errors.New("said hunter2\x1b[0msecret"))
	logger.Debug("it failed", "error", (&fault.Fault{Summary: "port 8080 is taken"}))
	text := written.String()
	if strings.Contains(text, "hunter2") || strings.ContainsRune(text, '\x1b') || !strings.Contains(text, "(masked)") || !strings.Contains(text, "port 8080 is taken") {
		t.Errorf("the log has %q", text)
	}
}

// Lines that come at once are masked at once; a line without an end is cut, also in the middle of a secret.
func TestLiveLinesAreMasked(t *testing.T) {
	var said []string
	w := lineWriter{mask: fault.NewMask("first-of-many\nsecond-of-many", "correct-horse-battery"), live: func(line string) { said = append(said, line) }}
	long := strings.Repeat("x", longestLine-8) + "correct-horse-battery"
	for _, part := range []string{"a first-of-", "many\nsecond-of-many b\n", long[:longestLine+2], long[longestLine+2:] + "\n"} {
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	w.end()
	if text := strings.Join(said, "\n"); strings.Contains(text, "of-many") || strings.Contains(text, "battery") || !slices.Contains(said, "a (masked) b") {
		t.Errorf("it said %q", text)
	}
}
