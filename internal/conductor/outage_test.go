// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// What became of a container that nobody failed with is told; what an operation accounts for, and what was asked
// for, is not.
func TestOutageOf(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	up, began := Spec{DesiredState: DesiredRunning}, now.Add(-time.Hour)
	running := State{Status: "running", StartedAt: began}
	ended := State{Status: "exited", ExitCode: 1, StartedAt: began}
	unhealthy := State{Status: "running", StartedAt: began, Checked: true, Health: "unhealthy"}
	of := func(s State) Standing { return Standing{Container: &Container{Name: "web", State: s}} }
	with := func(s Standing, change func(*Standing)) Standing {
		change(&s)
		return s
	}
	for name, tt := range map[string]struct {
		asked Spec
		wait  Wait
		s     Standing
		want  fault.Kind
	}{
		"it runs":                              {up, WaitReady, of(running), ""},
		"it ended":                             {up, WaitReady, of(ended), fault.Exited},
		"it ended, though it should be paused": {Spec{DesiredState: DesiredPaused}, WaitReady, of(ended), fault.Exited},
		"it is dead":                           {up, WaitReady, of(State{Status: "dead", StartedAt: began}), fault.Exited},
		"it ended, after a cast":               {up, WaitNone, of(ended), fault.Exited},
		"it is to be stopped":                  {Spec{DesiredState: DesiredStopped}, WaitReady, of(ended), ""},
		"it is unhealthy":                      {up, WaitReady, of(unhealthy), fault.Unhealthy},
		"it is unhealthy, after a cast":        {up, WaitNone, of(unhealthy), fault.Unhealthy},
		"nobody asks for its health":           {up, WaitRunning, of(unhealthy), ""},
		"its health is not known yet":          {up, WaitReady, of(State{Status: "running", StartedAt: began, Checked: true, Health: "starting"}), ""},
		"it has no check, and was to":          {up, WaitHealthy, of(running), ""},
		"it keeps ending":                      {up, WaitReady, of(State{Status: "restarting", RestartCount: 9, StartedAt: began}), fault.CrashLoop},
		"it came up at a later try":            {up, WaitReady, of(State{Status: "running", RestartCount: 9, StartedAt: began}), ""},
		"it was never started":                 {up, WaitReady, of(State{Status: "created"}), ""},
		"it is being removed":                  {up, WaitReady, of(State{Status: "removing", StartedAt: began}), ""},
		"a job ended well":                     {Spec{DesiredState: DesiredCompleted, ExpectedExitCodes: []int{1}}, WaitReady, of(ended), ""},
		"a job ended badly":                    {Spec{DesiredState: DesiredCompleted}, WaitReady, of(ended), fault.Exited},
		"a job runs again":                     {Spec{DesiredState: DesiredCompleted}, WaitReady, of(running), ""},
		"there is none":                        {up, WaitReady, Standing{}, ""},
		"an operation is under way":            {up, WaitReady, with(of(ended), func(s *Standing) { s.InProgress = true }), ""},
		"an operation failed":                  {up, WaitReady, with(of(ended), func(s *Standing) { s.Fault = &fault.Fault{} }), ""},
		"an engine goes on with a stop":        {up, WaitReady, with(of(running), func(s *Standing) { s.Stop = &StopLeft{} }), ""},
	} {
		if got := OutageOf(tt.asked, tt.wait, tt.s, now); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
