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
