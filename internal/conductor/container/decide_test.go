// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"strings"
	"testing"
	"time"

	containertypes "github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

func TestJudge(t *testing.T) {
	ran := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	running := State{Status: "running", StartedAt: ran}
	with := func(s State, change func(*State)) State { change(&s); return s }
	health := func(h string) State { return with(running, func(s *State) { s.Health, s.Checked = h, true }) }
	exited := func(code int) State { return State{Status: "exited", ExitCode: code, StartedAt: ran} }
	for _, test := range []struct {
		name    string
		desired DesiredState
		wait    Wait
		state   State
		settled bool
		want    Verdict
	}{
		{"ready without a check waits to settle", DesiredRunning, WaitReady, running, false, Verdict{}},
		{"ready without a check settled", DesiredRunning, WaitReady, running, true, Verdict{Met: true}},
		{"ready with a check waits for it", DesiredRunning, WaitReady, health("starting"), true, Verdict{}},
		{"ready with a check", DesiredRunning, WaitReady, health("healthy"), false, Verdict{Met: true}},
		{"ready, unhealthy", DesiredRunning, WaitReady, health("unhealthy"), true, Verdict{Kind: fault.Unhealthy}},
		{"running ignores the check", DesiredRunning, WaitRunning, health("unhealthy"), true, Verdict{Met: true}},
		{"running, exited", DesiredRunning, WaitRunning, exited(3), false, Verdict{Kind: fault.Exited}},
		{"ready, exited with 0 is no success either", DesiredRunning, WaitReady, exited(0), false, Verdict{Kind: fault.Exited}},
		{"ready, one more try", DesiredRunning, WaitReady, with(running, func(s *State) { s.RestartCount = 1 }), true, Verdict{}},
		{"ready with a check, one more try", DesiredRunning, WaitReady, with(health("starting"), func(s *State) { s.RestartCount = 9 }), true, Verdict{}},
		{"ready with a check, came up at a later try", DesiredRunning, WaitReady, with(health("healthy"), func(s *State) { s.RestartCount = 9 }), true, Verdict{Met: true}},
		{"ready with a check, restarting", DesiredRunning, WaitReady, State{Status: "restarting", Checked: true, RestartCount: 1, ExitCode: 4}, true, Verdict{}},
		{"ready with a check, keeps exiting", DesiredRunning, WaitReady, State{Status: "restarting", Checked: true, RestartCount: 5, ExitCode: 4}, true, Verdict{Kind: fault.CrashLoop}},
		{"ready, restarting", DesiredRunning, WaitReady, State{Status: "restarting", StartedAt: ran}, true, Verdict{Kind: fault.CrashLoop}},
		{"healthy without a check", DesiredRunning, WaitHealthy, running, false, Verdict{Kind: fault.NoHealthcheck}},
		{"healthy tolerates what the restart policy does", DesiredRunning, WaitHealthy, State{Status: "restarting", Checked: true, RestartCount: 4}, true, Verdict{}},
		{"healthy, but it never ends", DesiredRunning, WaitHealthy, State{Status: "restarting", Checked: true, RestartCount: 5}, true, Verdict{Kind: fault.CrashLoop}},
		{"healthy, dead", DesiredRunning, WaitHealthy, State{Status: "dead"}, true, Verdict{Kind: fault.Exited}},
		{"paused needs to run first", DesiredPaused, WaitReady, health("starting"), true, Verdict{Met: true}},
		{"paused, exited", DesiredPaused, WaitReady, exited(0), true, Verdict{Kind: fault.Exited}},
		{"job runs", DesiredCompleted, WaitReady, running, true, Verdict{}},
		{"job ended", DesiredCompleted, WaitReady, exited(0), false, Verdict{Met: true}},
		{"job failed", DesiredCompleted, WaitReady, exited(3), false, Verdict{Kind: fault.Exited}},
		{"job restarts by policy", DesiredCompleted, WaitReady, State{Status: "restarting", StartedAt: ran, ExitCode: 3}, true, Verdict{}},
		{"job is being removed", DesiredCompleted, WaitReady, State{Status: "removing"}, true, Verdict{Kind: fault.Exited}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Judge(Spec{DesiredState: test.desired}, test.wait, test.state, test.settled); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
	if got := Judge(Spec{DesiredState: DesiredCompleted, ExpectedExitCodes: []int{3}}, WaitReady, exited(3), true); !got.Met {
		t.Errorf("an expected code: %+v", got)
	}
}

// What an engine says of a container that it does not watch is no verdict of the health check.
func TestHealthOfWhatIsNotWatched(t *testing.T) {
	for _, test := range []struct {
		name, status, health string
		streak, retries      int
		want                 string
	}{
		{"healthy", "running", "healthy", 0, 0, "healthy"},
		{"starting", "running", "starting", 2, 0, "starting"},
		{"failed as often as allowed by default", "running", "unhealthy", 3, 0, "unhealthy"},
		{"failed as often as allowed", "running", "unhealthy", 1, 1, "unhealthy"},
		{"fails still", "running", "unhealthy", 40, 2, "unhealthy"},
		{"not run since the container goes on", "running", "unhealthy", 0, 1, "starting"},
		{"failed once before the container was paused", "running", "unhealthy", 1, 2, "starting"},
		{"restarting", "restarting", "unhealthy", 0, 0, ""},
		{"restarting after failed runs", "restarting", "unhealthy", 3, 3, ""},
		{"paused", "paused", "unhealthy", 0, 0, ""},
		{"exited", "exited", "unhealthy", 0, 0, ""},
		{"exited while it was healthy", "exited", "healthy", 0, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := ObserveState(&containertypes.State{Status: test.status, Health: &containertypes.Health{Status: test.health, FailingStreak: test.streak}}, 0,
				&containertypes.Config{Healthcheck: &containertypes.HealthConfig{Test: []string{"CMD", "check"}, Retries: test.retries}})
			if s.Health != test.want || !s.Checked {
				t.Errorf("got %q, checked %v, want %q", s.Health, s.Checked, test.want)
			}
		})
	}
	for name, config := range map[string]*containertypes.Config{
		"no check":       {},
		"disabled check": {Healthcheck: &containertypes.HealthConfig{Test: []string{"NONE"}}},
	} {
		if s := ObserveState(&containertypes.State{Status: "running"}, 0, config); s.Checked || s.Health != "" {
			t.Errorf("%s: %+v", name, s)
		}
	}
	created := ObserveState(&containertypes.State{Status: "created"}, 0, &containertypes.Config{Healthcheck: &containertypes.HealthConfig{Test: []string{"CMD", "check"}}})
	if !created.Checked {
		t.Error("a container that was never started has its check all the same")
	}
}

func TestCheckWait(t *testing.T) {
	for _, desired := range []DesiredState{DesiredRunning, DesiredStopped, DesiredPaused, DesiredCompleted} {
		for _, wait := range []Wait{WaitReady, WaitHealthy, WaitRunning} {
			possible := desired == DesiredRunning || wait == WaitReady
			if err := CheckWait(desired, wait); (err == nil) != possible {
				t.Errorf("%s, %s: %v", desired, wait, err)
			}
		}
	}
}

func TestPlanUpdate(t *testing.T) {
	ran := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	// The container as the engine reports it, and the specification that it meets.
	start := func() (Spec, *Container) {
		settings := Settings{Limits: Limits{Memory: 64 << 20, NanoCPUs: 5e8}, Restart: RestartPolicy{Name: "no"}}
		spec := Spec{Name: "web", Settings: settings, DesiredState: DesiredRunning}
		spec.Networks = map[string]NetworkAttachment{"front": {Network: "front"}, "back": {Network: "b4cc00000000"}}
		settings.MemorySwap = 128 << 20 // What the engine makes of nothing.
		return spec, &Container{
			Name: "web", Settings: settings, State: State{Status: "running", StartedAt: ran},
			Attached: map[string]AttachedNetwork{"front": {ID: "f407"}, "backend": {ID: "b4cc00000000"}},
		}
	}
	for _, test := range []struct {
		name   string
		change func(*Spec, *Container)
		want   string
		swap   int64
	}{
		{"nothing", func(*Spec, *Container) {}, "", 0},
		{"name", func(s *Spec, _ *Container) { s.Name = "www" }, `rename: the name is "web", wanted is "www"`, 0},
		{"more memory takes its swap along", func(s *Spec, _ *Container) { s.Memory = 128 << 20 }, "limit: memory is 64MiB, wanted is 128MiB", 256 << 20},
		{"less than twice the memory is kept only if it is asked for", func(s *Spec, c *Container) { s.Memory, c.MemorySwap = 32<<20, 64<<20 },
			"limit: memory is 64MiB, wanted is 32MiB; memory_swap is 64MiB, wanted is twice the memory", 64 << 20},
		{"memory and its swap", func(s *Spec, _ *Container) { s.Memory, s.MemorySwap = 128<<20, 128<<20 },
			"limit: memory is 64MiB, wanted is 128MiB; memory_swap is twice the memory, wanted is 128MiB", 128 << 20},
		{"the default, spelled out", func(s *Spec, _ *Container) { s.MemorySwap = 128 << 20 }, "", 0},
		{"no limit of swap", func(s *Spec, _ *Container) { s.MemorySwap = -1 }, "limit: memory_swap is twice the memory, wanted is unlimited\nlimit: memory_swap is twice the memory, wanted is unlimited", mostSwap - 1},
		{"more memory and no limit of swap", func(s *Spec, _ *Container) { s.Memory, s.MemorySwap = 256<<20, -1 },
			"limit: memory_swap is twice the memory, wanted is unlimited\nlimit: memory is 64MiB, wanted is 256MiB; memory_swap is twice the memory, wanted is unlimited", mostSwap - 1},
		{"what a kernel takes for no limit of swap is none", func(s *Spec, c *Container) { s.MemorySwap, c.MemorySwap = -1, mostSwap }, "", 0},
		{"a kernel that can't limit swap", func(_ *Spec, c *Container) { c.MemorySwap, c.Defaults.NoSwapLimit = -1, true }, "", 0},
		{"a quota instead of nothing", func(s *Spec, c *Container) { s.NanoCPUs, c.NanoCPUs, s.CPUQuota = 0, 0, 50000 }, "limit: cpu_quota is not set, wanted is 50000", 0},
		{"cpus in the place of a quota", func(_ *Spec, c *Container) { c.NanoCPUs, c.CPUQuota = 0, 50000 },
			"limit: cpu_quota is 50000, wanted is unlimited\nlimit: cpus is unlimited, wanted is 0.5", 0},
		{"a quota that was taken away", func(_ *Spec, c *Container) { c.CPUQuota = -1 }, "", 0},
		{"no more processes", func(_ *Spec, c *Container) { c.PidsLimit = 100 }, "limit: pids_limit is 100, wanted is not set", 0},
		{"processes without a limit, spelled out", func(s *Spec, _ *Container) { s.PidsLimit = -1 }, "", 0},
		{"much at once", func(s *Spec, _ *Container) {
			s.MemoryReservation, s.CPUShares, s.CPUSet, s.CPUSetMems, s.PidsLimit, s.Blkio.Weight = 32<<20, 512, "0", "0", 50, 300
		}, "limit: memory_reservation is unlimited, wanted is 32MiB; cpu_shares is not set, wanted is 512; cpuset is any, wanted is 0; " +
			"cpuset_mems is any, wanted is 0; blkio_config.weight is not set, wanted is 300; pids_limit is not set, wanted is 50", 0},
		{"what can't be taken away stays", func(_ *Spec, c *Container) {
			c.MemoryReservation, c.CPUShares, c.CPUSet, c.Blkio.Weight = 32<<20, 512, "0", 300
		}, "", 0},
		{"a first limit", func(_ *Spec, c *Container) { c.Limits = Limits{} },
			"limit: memory is unlimited, wanted is 64MiB; cpus is unlimited, wanted is 0.5", 128 << 20},
		{"restart", func(s *Spec, _ *Container) { s.Restart = RestartPolicy{Name: "on-failure", MaximumRetryCount: 3} }, "limit: restart is no, wanted is on-failure:3", 0},
		{"restart and a limit, which can be refused", func(s *Spec, _ *Container) { s.Restart, s.CPUSet = RestartPolicy{Name: "always"}, "0" },
			"limit: cpuset is any, wanted is 0\nlimit: restart is no, wanted is always", 0},
		{"networks are connected before others are disconnected", func(s *Spec, _ *Container) {
			s.Networks = map[string]NetworkAttachment{"new": {Network: "new"}, "back": {Network: "b4cc00000000"}}
		}, "connect new: it is wanted and not connected\ndisconnect front: it is connected and not wanted", 0},
		{"a changed network is connected anew alone", func(s *Spec, c *Container) {
			s.Networks["front"] = NetworkAttachment{Network: "front", EndpointOptions: EndpointOptions{Aliases: []string{"a"}, IPv4Address: "10.0.0.9"}}
			c.Attached["backend"] = AttachedNetwork{ID: "b4cc00000000", EndpointOptions: EndpointOptions{MACAddress: "02:42:ac:11:00:02"}}
		}, "disconnect front: it is connected with other aliases, ipv4_address\nconnect front: it is connected with other aliases, ipv4_address", 0},
		{"a network that was made anew while the container was stopped", func(_ *Spec, c *Container) {
			delete(c.Attached, "front")
			c.Gone, c.State.Status = []string{"front"}, "exited"
		}, "disconnect front: the network that it knows by this name is gone\nconnect front: it is wanted and not connected\n" +
			"start: it is exited with code 0, wanted is running", 0},
		{"a network whose connect failed is connected", func(_ *Spec, c *Container) {
			delete(c.Attached, "front")
			c.Unconnected = map[string]AttachedNetwork{"front": {}}
		}, "connect front: it is wanted and not connected", 0},
		{"what a connect that failed left of a network that nobody wants is forgotten", func(_ *Spec, c *Container) {
			c.Unconnected = map[string]AttachedNetwork{"other": {}}
		}, "forget the settings of other: a connect to it failed and left its settings", 0},
		{"networks that nobody asks for stay", func(s *Spec, _ *Container) { s.Networks = nil }, "", 0},
		{"stop", func(s *Spec, _ *Container) { s.DesiredState = DesiredStopped }, "stop: it is running, wanted is stopped", 0},
		{"stopped is created, too", func(s *Spec, c *Container) { s.DesiredState, c.State = DesiredStopped, State{Status: "created"} }, "", 0},
		{"stop what is paused", func(s *Spec, c *Container) { s.DesiredState, c.State.Status = DesiredStopped, "paused" }, "stop: it is paused, wanted is stopped", 0},
		{"start", func(_ *Spec, c *Container) { c.State.Status = "exited" }, "start: it is exited with code 0, wanted is running", 0},
		{"restarting is on its way", func(_ *Spec, c *Container) { c.State.Status = "restarting" }, "", 0},
		{"unpause", func(_ *Spec, c *Container) { c.State.Status = "paused" }, "unpause: it is paused, wanted is running", 0},
		{"pause", func(s *Spec, _ *Container) { s.DesiredState = DesiredPaused }, "pause: it is running, wanted is paused", 0},
		{"pause what is stopped", func(s *Spec, c *Container) { s.DesiredState, c.State = DesiredPaused, State{Status: "created"} }, "start: it is created, wanted is paused", 0},
		{"a finished job is finished", func(s *Spec, c *Container) { s.DesiredState, c.State.Status = DesiredCompleted, "exited" }, "", 0},
		{"a failed job runs again", func(s *Spec, c *Container) {
			s.DesiredState, c.State.Status, c.State.ExitCode = DesiredCompleted, "exited", 3
		}, "start: it is exited with code 3, wanted is completed", 0},
		{"a job that never ran", func(s *Spec, c *Container) { s.DesiredState, c.State = DesiredCompleted, State{Status: "created"} },
			"start: it is created, wanted is completed", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec, c := start()
			test.change(&spec, c)
			var lines []string
			var swap int64
			for _, a := range PlanUpdate(spec, c) {
				lines = append(lines, a.String())
				swap += a.Limits.MemorySwap
			}
			if got := strings.Join(lines, "\n"); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if swap != test.swap {
				t.Errorf("memory and swap %d, want %d", swap, test.swap)
			}
		})
	}
}

func TestPlanRestart(t *testing.T) {
	for _, test := range []struct {
		desired DesiredState
		status  string
		want    string
	}{
		{DesiredRunning, "running", "stop, start"},
		{DesiredRunning, "exited", "start"},
		{DesiredPaused, "paused", "stop, start"},
		{DesiredCompleted, "exited", "start"},
		{DesiredStopped, "exited", ""},
		{DesiredStopped, "running", "stop"},
	} {
		spec, s := Spec{DesiredState: test.desired}, State{Status: test.status, StartedAt: time.Unix(1, 0)}
		var verbs []string
		for _, a := range PlanRestart(spec, s, PlanPower(spec, s)) {
			verbs = append(verbs, string(a.Do))
		}
		if got := strings.Join(verbs, ", "); got != test.want {
			t.Errorf("%s, wanted %s: %q, want %q", test.status, test.desired, got, test.want)
		}
	}
}
