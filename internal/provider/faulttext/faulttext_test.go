// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package faulttext_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

func TestTexts(t *testing.T) {
	scope := fault.Scope{
		Engine: "edge1", Container: "web", Operation: "edge1/web/1", Mask: fault.NewMask("hunter22"),
		Now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) },
	}
	because := errors.New("said hunter22")
	for _, test := range []struct {
		fault     *fault.Fault
		attribute string
		summary   string
		detail    string
	}{
		{
			scope.Pull(fault.ImageNotFound, fault.Pull{Image: "ghcr.io/acme/app:1.4", Credentials: "none", Others: 2}, errors.New("manifest unknown")),
			"image", `Unable to pull image "ghcr.io/acme/app:1.4" for container "web"`,
			"Engine: edge1\nReason: manifest unknown; credentials: none; 2 others wait for this image\nNow: nothing was created\n" +
				`What to do: check the reference, or set pull_policy = "never" if the image is built on the host`,
		},
		{
			scope.Vanished("create", time.Date(2025, 12, 31, 23, 50, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 10, 0, 0, time.UTC)),
			"", `The create of container "web" on engine "edge1" has left no trace`,
			"Engine: edge1\nReason: it was accepted at 2025-12-31T23:50:00Z; the journal in the provider's state_dir does not know it, and what it was to make is not on the engine\n" +
				"Now: nothing was created\nWhat to do: if it was accepted on another machine that may still be at it, wait until 2026-01-01T00:10:00Z, when it has timed out, so that it is not created twice; then apply again; " +
				"to be told why a cast failed, keep state_dir from one run to the next, or gather casts with gantry_barrier in the apply that accepts them",
		},
		{
			scope.Exited(fault.Exit{Code: 3, After: 400 * time.Millisecond, Log: []string{"boom"}, Exists: fault.KeptForInspection}),
			"desired_state", `Container "web" exited with code 3 after 0.4 s`,
			"Engine: edge1\nLast log lines:\n  boom\nNow: the container is kept for inspection, until a later apply replaces or removes it\n" +
				`What to do: if it is meant to end, set desired_state = "completed"`,
		},
		{
			scope.Exited(fault.Exit{Code: 137, After: time.Minute, OOM: true}),
			"memory", `Container "web" exited with code 137 after 60 s`,
			"Engine: edge1\nReason: it ran out of memory and was killed\nWhat to do: raise memory, or make the program use less",
		},
		{
			scope.Exited(fault.Exit{Code: 3, Job: true, Expected: []int{0, 2}}),
			"expected_exit_codes", `Container "web" exited with code 3 after 0.0 s`,
			"Engine: edge1\nWhat to do: expected exit codes: 0, 2; fix the job, or add the code to expected_exit_codes",
		},
		{
			scope.Unhealthy(fault.UnhealthyFacts{After: 15 * time.Second, Check: []string{"CMD", "probe"}, ExitCode: 1, Output: "hunter22 refused\n", Exists: fault.KeptForInspection}),
			"healthcheck", `Container "web" is unhealthy after 15 s`,
			"Engine: edge1\nReason: its health check failed as often as healthcheck.retries allows; the last run ended with code 1\n" +
				"Health check: [\"CMD\" \"probe\"]: (masked) refused\nNow: the container is kept for inspection, until a later apply replaces or removes it\n" +
				"What to do: see what the check says; if the start is slow, raise healthcheck.start_period",
		},
		{
			scope.PortTaken("80/tcp", `container "db" (image "pg")`, fault.CreatedNotStarted, because),
			"ports", `Unable to start container "web": host port 80/tcp is taken`,
			"Engine: edge1\nReason: by container \"db\" (image \"pg\"): said (masked)\nNow: the container was created, but not started; a later apply replaces or removes it\n" +
				"What to do: free the port, publish another one, or leave published out and let the engine choose",
		},
		{
			scope.NoSuchNetwork("front", "f", fault.StepStarting, fault.CreatedNotStarted, because),
			"networks.f", `Unable to connect container "web": network "front" does not exist on engine "edge1"`, "",
		},
		{
			scope.NameConflict("web", "container 0123 has it", fault.NothingCreated, because),
			"name", `Container name "web" is already in use on engine "edge1"`,
			"Engine: edge1\nReason: container 0123 has it; it was not touched\nNow: nothing was created\n" +
				`What to do: import it as "edge1/web" to manage it here, or choose another name`,
		},
	} {
		f := faulttext.Of(test.fault)
		if got := strings.Join(f.Field, "."); got != test.attribute {
			t.Errorf("%s: attribute %q, want %q", f.Kind, got, test.attribute)
		}
		if f.Summary != test.summary {
			t.Errorf("%s: summary\n%s\nwant\n%s", f.Kind, f.Summary, test.summary)
		}
		if test.detail != "" && f.Detail() != test.detail {
			t.Errorf("%s: detail\n%s\nwant\n%s", f.Kind, f.Detail(), test.detail)
		}
		if f.Operation != "edge1/web/1" || f.Time.Year() != 2026 {
			t.Errorf("%s: operation %q, time %s", f.Kind, f.Operation, f.Time)
		}
	}
}

// gantry's own sentences are never shredded, whatever is secret; what they quote of others is masked.
func TestOwnWordsAreNotMasked(t *testing.T) {
	scope := fault.Scope{Engine: "edge1\x1b[31m", Container: "web", Mask: fault.NewMask("18765", "container", "taken", "engine"), Now: time.Now}
	taken := scope.PortTaken("18765/tcp", "container \"other\"", fault.CreatedNotStarted, errors.New("Bind for 0.0.0.0:18765 failed"))
	f := faulttext.Of(taken)
	if f.Summary != `Unable to start container "web": host port 18765/tcp is taken` || !strings.HasPrefix(f.Exists, "the container was created") ||
		f.Message != `by container "other": Bind for 0.0.0.0:(masked) failed` || f.Engine != "edge1" {
		t.Errorf("%s\n%s", f.Summary, f.Detail())
	}
	behind := faulttext.Of(scope.RefusedBehind("update", taken, ""))
	if !strings.Contains(behind.Detail(), "host port 18765/tcp is taken") {
		t.Errorf("%s\n%s", behind.Summary, behind.Detail())
	}
}

// A cancelled operation says who ended it.
func TestCancelledSaysByWhom(t *testing.T) {
	t.Parallel()
	scope := fault.Scope{Engine: "edge1", Container: "web", Now: time.Now}
	for cause, want := range map[error]string{
		context.Canceled:              "the Terraform run that asked for it was interrupted",
		errors.New("a removal began"): "a removal began",
	} {
		if got := faulttext.Of(scope.Ended(fault.Cancelled, fault.StepWaiting, "create", fault.NothingCreated, nil, "", cause)).Message; got != want {
			t.Errorf("%v: says %q", cause, got)
		}
	}
}
