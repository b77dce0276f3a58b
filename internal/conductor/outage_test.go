// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

// What became of a container that nobody failed with is told; what an operation accounts for, and what was asked
// for, is not.
func TestOutageOf(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	up, began := container.Spec{DesiredState: container.DesiredRunning}, now.Add(-time.Hour)
	running := container.State{Status: "running", StartedAt: began}
	ended := container.State{Status: "exited", ExitCode: 1, StartedAt: began}
	unhealthy := container.State{Status: "running", StartedAt: began, Checked: true, Health: "unhealthy"}
	of := func(s container.State) Status {
		return Status{Container: &container.Container{Name: "web", State: s}}
	}
	with := func(s Status, change func(*Status)) Status {
		change(&s)
		return s
	}
	for name, tt := range map[string]struct {
		asked container.Spec
		wait  container.Wait
		s     Status
		want  fault.Kind
	}{
		"it runs":                              {up, container.WaitReady, of(running), ""},
		"it ended":                             {up, container.WaitReady, of(ended), fault.Exited},
		"it ended, though it should be paused": {container.Spec{DesiredState: container.DesiredPaused}, container.WaitReady, of(ended), fault.Exited},
		"it is dead":                           {up, container.WaitReady, of(container.State{Status: "dead", StartedAt: began}), fault.Exited},
		"it ended, after a cast":               {up, container.WaitNone, of(ended), fault.Exited},
		"it is to be stopped":                  {container.Spec{DesiredState: container.DesiredStopped}, container.WaitReady, of(ended), ""},
		"it is unhealthy":                      {up, container.WaitReady, of(unhealthy), fault.Unhealthy},
		"it is unhealthy, after a cast":        {up, container.WaitNone, of(unhealthy), fault.Unhealthy},
		"nobody asks for its health":           {up, container.WaitRunning, of(unhealthy), ""},
		"its health is not known yet":          {up, container.WaitReady, of(container.State{Status: "running", StartedAt: began, Checked: true, Health: "starting"}), ""},
		"it has no check, and was to":          {up, container.WaitHealthy, of(running), ""},
		"it keeps ending":                      {up, container.WaitReady, of(container.State{Status: "restarting", RestartCount: 9, StartedAt: began}), fault.CrashLoop},
		"it came up at a later try":            {up, container.WaitReady, of(container.State{Status: "running", RestartCount: 9, StartedAt: began}), ""},
		"it was never started":                 {up, container.WaitReady, of(container.State{Status: "created"}), ""},
		"it is being removed":                  {up, container.WaitReady, of(container.State{Status: "removing", StartedAt: began}), ""},
		"a job ended well":                     {container.Spec{DesiredState: container.DesiredCompleted, ExpectedExitCodes: []int{1}}, container.WaitReady, of(ended), ""},
		"a job ended badly":                    {container.Spec{DesiredState: container.DesiredCompleted}, container.WaitReady, of(ended), fault.Exited},
		"a job runs again":                     {container.Spec{DesiredState: container.DesiredCompleted}, container.WaitReady, of(running), ""},
		"there is none":                        {up, container.WaitReady, Status{}, ""},
		"an operation is under way":            {up, container.WaitReady, with(of(ended), func(s *Status) { s.InProgress = true }), ""},
		"an operation failed":                  {up, container.WaitReady, with(of(ended), func(s *Status) { s.Fault = &fault.Fault{} }), ""},
		"an engine goes on with a stop":        {up, container.WaitReady, with(of(running), func(s *Status) { s.Stop = &StopLeft{} }), ""},
	} {
		if got := OutageOf(tt.asked, tt.wait, tt.s, now); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// revealing is fakeEngine whose containers, and the engine of them, tell what is in a variable and in a file.
type revealing struct{ *fakeEngine }

const revealed = "greets with hunter2-wo-env, opened with hunter2-wo-file"

func (revealing) ContainerLogs(context.Context, string, containertypes.LogsOptions) (io.ReadCloser, error) {
	var log bytes.Buffer
	_, err := stdcopy.NewStdWriter(&log, stdcopy.Stdout).Write([]byte(revealed + "\n"))
	return io.NopCloser(&log), err
}

func (f revealing) ContainerInspect(ctx context.Context, ref string) (containertypes.InspectResponse, error) {
	r, err := f.fakeEngine.ContainerInspect(ctx, ref)
	if err == nil {
		r.State.Error = revealed
		if r.State.Health != nil {
			r.State.Health.Log[0].Output = revealed
		}
	}
	return r, err
}

func (revealing) NetworkInspect(context.Context, string, network.InspectOptions) (network.Inspect, error) {
	return network.Inspect{}, errors.New("the fake has no networks")
}

// container makes a container with a write-only variable that has this status and health, and returns how it is.
func (f revealing) container(t *testing.T, c *Conductor, status, health string) Status {
	t.Helper()
	request := checked("web")
	request.Wait = container.WaitRunning
	request.Spec.Environment, request.Spec.WriteOnly = map[string]string{"GREETING": "hunter2-wo-env"}, []string{"GREETING"}
	out, err := c.Call(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	f.set("web", func(c *fakeContainer) { c.status, c.health = status, health }, events.ActionDie)
	e, err := c.connect(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	now, err := e.Inspect(t.Context(), out.Container.ID)
	if err != nil {
		t.Fatal(err)
	}
	return Status{Container: now}
}

// What a container, its health check and its engine wrote is told without the values of write-only variables, and
// not at all where there is a file whose content is not known.
func TestWriteOnlyValuesAreNotTold(t *testing.T) {
	up := container.Spec{Name: "web", DesiredState: container.DesiredRunning}
	outage := func(kind fault.Kind) func(*testing.T, *Conductor, Status, bool) *fault.Fault {
		return func(t *testing.T, c *Conductor, s Status, quiet bool) *fault.Fault {
			return c.Outage(t.Context(), kind, s, up, quiet)
		}
	}
	unheard := func(t *testing.T, c *Conductor, s Status, quiet bool) *fault.Fault {
		s, err := c.JudgeUnheard(t.Context(), s, Unheard{OperationID: "edge1/web/0", Spec: up, Wait: container.WaitReady, Quiet: quiet})
		if err != nil {
			t.Fatal(err)
		}
		return s.Fault
	}
	for name, tt := range map[string]struct {
		status, health string
		tell           func(*testing.T, *Conductor, Status, bool) *fault.Fault
		// neverTells says that what the container wrote is always left out, neverQuiet that it never is.
		neverTells, neverQuiet bool
	}{
		"an outage, unhealthy":  {status: "running", health: "unhealthy", tell: outage(fault.Unhealthy)},
		"an outage, ended":      {status: "exited", tell: outage(fault.Exited)},
		"an outage, ends again": {status: "restarting", tell: outage(fault.CrashLoop)},
		"unheard of, unhealthy": {status: "running", health: "unhealthy", tell: unheard},
		"unheard of, ended":     {status: "exited", tell: unheard},
		"unheard of, never up":  {status: "created", tell: unheard},
		"waited for by a barrier": {status: "running", health: "unhealthy", neverQuiet: true, tell: func(t *testing.T, c *Conductor, s Status, _ bool) *fault.Fault {
			_, err := c.Await(t.Context(), s.Container.Labels[container.LabelOperation], container.WaitHealthy)
			return faultOf(t, err, fault.Unhealthy)
		}},
		"started by an action": {status: "exited", neverQuiet: true, tell: func(t *testing.T, c *Conductor, s Status, _ bool) *fault.Fault {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // Its health stays unknown.
			defer cancel()
			_, err := c.Power(ctx, PowerSpec{Kind: KindStart, Container: s.Container.ID, Wait: container.WaitHealthy})
			return faultOf(t, err, fault.Timeout)
		}},
		"removed in vain": {status: "running", neverTells: true, tell: func(t *testing.T, c *Conductor, s Status, _ bool) *fault.Fault {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := c.Call(ctx, RemoveRequest{Name: "web", ContainerID: s.Container.ID})
			return faultOf(t, err, fault.Timeout)
		}},
	} {
		for _, quiet := range []bool{false, true} {
			if quiet && tt.neverQuiet || !quiet && tt.neverTells {
				continue
			}
			t.Run(fmt.Sprintf("%s, quiet %t", name, quiet), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := revealing{newFake()}
					c := newConductor(Options{StateDir: t.TempDir(), Scope: scopeHere}, func() (engine.API, engine.Address, error) { return f, engine.Address{Host: "fake"}, nil })
					defer func() { _ = c.Close() }()
					s := f.container(t, c, tt.status, tt.health)
					f.grace = time.Hour
					told := tt.tell(t, c, s, quiet)
					if told == nil {
						t.Fatal("nothing is told")
					}
					text := faulttext.Of(told).Error()
					if strings.Contains(text, "hunter2-wo-env") {
						t.Errorf("a write-only value is told: %s", text)
					}
					if says := strings.Contains(text, "hunter2-wo-file"); says == quiet {
						t.Errorf("what the container wrote is told: %t, want %t: %s", says, !quiet, text)
					}
				})
			})
		}
	}
}

// What is told of the container and of the plan holds, and nothing is advised that is done already.
func TestAftermath(t *testing.T) {
	always, no := container.RestartPolicy{Name: "always"}, container.RestartPolicy{Name: "no"}
	for name, tt := range map[string]struct {
		kind            fault.Kind
		desired         container.DesiredState
		asked, observed container.RestartPolicy
		oom             bool
		left            fault.Exists
		resting         bool
	}{
		"it ended":                      {fault.Exited, container.DesiredRunning, no, no, false, fault.Stopped, true},
		"it ended, nothing asked for":   {fault.Exited, container.DesiredRunning, container.RestartPolicy{}, no, false, fault.Stopped, true},
		"somebody stopped it":           {fault.Exited, container.DesiredRunning, always, always, false, fault.Stopped, false},
		"its policy was taken away":     {fault.Exited, container.DesiredRunning, always, no, false, fault.Stopped, false},
		"its policy is somebody else's": {fault.Exited, container.DesiredRunning, container.RestartPolicy{}, always, false, fault.Stopped, false},
		"a job failed":                  {fault.Exited, container.DesiredCompleted, no, no, false, fault.Stopped, false},
		"it had no memory left":         {fault.Exited, container.DesiredRunning, no, no, true, fault.Stopped, false},
		"it keeps ending":               {fault.CrashLoop, container.DesiredRunning, always, always, false, fault.RestartsOn, false},
		"it keeps ending, to be paused": {fault.CrashLoop, container.DesiredPaused, always, always, false, fault.Restarting, false},
		"it is unhealthy":               {fault.Unhealthy, container.DesiredRunning, no, no, false, fault.RunsOn, false},
	} {
		c := &container.Container{Settings: container.Settings{Restart: tt.observed}, State: container.State{OOMKilled: tt.oom}}
		left, resting := aftermath(tt.kind, container.Spec{DesiredState: tt.desired, Settings: container.Settings{Restart: tt.asked}}, c)
		if left != tt.left || resting != tt.resting {
			t.Errorf("%s: %q and %t, want %q and %t", name, left, resting, tt.left, tt.resting)
		}
	}
}
