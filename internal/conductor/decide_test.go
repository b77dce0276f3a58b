// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/pull"
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
		want    verdict
	}{
		{"ready without a check waits to settle", DesiredRunning, WaitReady, running, false, verdict{}},
		{"ready without a check settled", DesiredRunning, WaitReady, running, true, verdict{met: true}},
		{"ready with a check waits for it", DesiredRunning, WaitReady, health("starting"), true, verdict{}},
		{"ready with a check", DesiredRunning, WaitReady, health("healthy"), false, verdict{met: true}},
		{"ready, unhealthy", DesiredRunning, WaitReady, health("unhealthy"), true, verdict{kind: fault.Unhealthy}},
		{"running ignores the check", DesiredRunning, WaitRunning, health("unhealthy"), true, verdict{met: true}},
		{"running, exited", DesiredRunning, WaitRunning, exited(3), false, verdict{kind: fault.Exited}},
		{"ready, exited with 0 is no success either", DesiredRunning, WaitReady, exited(0), false, verdict{kind: fault.Exited}},
		{"ready, one more try", DesiredRunning, WaitReady, with(running, func(s *State) { s.RestartCount = 1 }), true, verdict{}},
		{"ready with a check, one more try", DesiredRunning, WaitReady, with(health("starting"), func(s *State) { s.RestartCount = 9 }), true, verdict{}},
		{"ready with a check, came up at a later try", DesiredRunning, WaitReady, with(health("healthy"), func(s *State) { s.RestartCount = 9 }), true, verdict{met: true}},
		{"ready with a check, restarting", DesiredRunning, WaitReady, State{Status: "restarting", Checked: true, RestartCount: 1, ExitCode: 4}, true, verdict{}},
		{"ready with a check, keeps exiting", DesiredRunning, WaitReady, State{Status: "restarting", Checked: true, RestartCount: 5, ExitCode: 4}, true, verdict{kind: fault.CrashLoop}},
		{"ready, restarting", DesiredRunning, WaitReady, State{Status: "restarting", StartedAt: ran}, true, verdict{kind: fault.CrashLoop}},
		{"healthy without a check", DesiredRunning, WaitHealthy, running, false, verdict{kind: fault.NoHealthcheck}},
		{"healthy tolerates what the restart policy does", DesiredRunning, WaitHealthy, State{Status: "restarting", Checked: true, RestartCount: 4}, true, verdict{}},
		{"healthy, but it never ends", DesiredRunning, WaitHealthy, State{Status: "restarting", Checked: true, RestartCount: 5}, true, verdict{kind: fault.CrashLoop}},
		{"healthy, dead", DesiredRunning, WaitHealthy, State{Status: "dead"}, true, verdict{kind: fault.Exited}},
		{"paused needs to run first", DesiredPaused, WaitReady, health("starting"), true, verdict{met: true}},
		{"paused, exited", DesiredPaused, WaitReady, exited(0), true, verdict{kind: fault.Exited}},
		{"job runs", DesiredCompleted, WaitReady, running, true, verdict{}},
		{"job ended", DesiredCompleted, WaitReady, exited(0), false, verdict{met: true}},
		{"job failed", DesiredCompleted, WaitReady, exited(3), false, verdict{kind: fault.Exited}},
		{"job restarts by policy", DesiredCompleted, WaitReady, State{Status: "restarting", StartedAt: ran, ExitCode: 3}, true, verdict{}},
		{"job is being removed", DesiredCompleted, WaitReady, State{Status: "removing"}, true, verdict{kind: fault.Exited}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := judge(Spec{DesiredState: test.desired}, test.wait, test.state, test.settled); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
	if got := judge(Spec{DesiredState: DesiredCompleted, ExpectedExitCodes: []int{3}}, WaitReady, exited(3), true); !got.met {
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
			s := observeState(&container.State{Status: test.status, Health: &container.Health{Status: test.health, FailingStreak: test.streak}}, 0,
				&container.Config{Healthcheck: &container.HealthConfig{Test: []string{"CMD", "check"}, Retries: test.retries}})
			if s.Health != test.want || !s.Checked {
				t.Errorf("got %q, checked %v, want %q", s.Health, s.Checked, test.want)
			}
		})
	}
	for name, config := range map[string]*container.Config{
		"no check":       {},
		"disabled check": {Healthcheck: &container.HealthConfig{Test: []string{"NONE"}}},
	} {
		if s := observeState(&container.State{Status: "running"}, 0, config); s.Checked || s.Health != "" {
			t.Errorf("%s: %+v", name, s)
		}
	}
	created := observeState(&container.State{Status: "created"}, 0, &container.Config{Healthcheck: &container.HealthConfig{Test: []string{"CMD", "check"}}})
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
			for _, a := range planUpdate(spec, c) {
				lines = append(lines, a.String())
				swap += a.limits.MemorySwap
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
		for _, a := range planRestart(spec, s, planPower(spec, s)) {
			verbs = append(verbs, string(a.do))
		}
		if got := strings.Join(verbs, ", "); got != test.want {
			t.Errorf("%s, wanted %s: %q, want %q", test.status, test.desired, got, test.want)
		}
	}
}

func TestTakenPort(t *testing.T) {
	for text, want := range map[string]string{
		"driver failed programming external connectivity on endpoint a (28): Bind for 0.0.0.0:18080 failed: port is already allocated":                                                                    "18080/tcp",
		"driver failed programming external connectivity on endpoint a (28): Bind for :::18080 failed: port is already allocated":                                                                         "18080/tcp",
		"driver failed programming external connectivity on endpoint a (eb): Error starting userland proxy: listen tcp4 127.0.0.1:18081: bind: address already in use":                                    "18081/tcp",
		"Error starting userland proxy: listen udp4 0.0.0.0:53: bind: address already in use":                                                                                                             "53/udp",
		"failed to set up container networking: driver failed programming external connectivity on endpoint a (1): failed to bind host port for 127.0.0.1:8080:172.17.0.2:80/tcp: address already in use": "8080/tcp",
		"failed to bind host port 0.0.0.0:8080/tcp: address already in use":                                                                                                                               "8080/tcp",
		"port is already allocated": "(the engine does not say which)",
		"no space left on device":   "",
	} {
		if got, _ := takenPort(errors.New(text)); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestEngineWordsLeadToTheAttribute(t *testing.T) {
	scope := fault.Scope{Engine: "edge1", Container: "web", Now: time.Now}
	for text, want := range map[string]string{
		"network front not found": "no_such_network networks.front",
		"unable to find user nobody: no matching entries in passwd file":                 "invalid user",
		"Minimum memory limit allowed is 6MB":                                            "invalid memory",
		"Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available":         "invalid cpus",
		"invalid mount config for type \"bind\": bind source path does not exist: /nope": "invalid mounts",
		"Invalid signal: SIGFOO": "invalid stop_signal",
		"OCI runtime create failed: unable to start container process: exec: \"/nope\": stat /nope: no such file or directory": "command_not_found command",
		"unable to start container process: chdir to cwd (\"/x\") set in config.json failed: permission denied":                "command_not_found working_dir",
		"Unable to find group nope: no matching entries in group file":                                                         "invalid group_add",
		"error gathering device information while adding custom device \"/dev/nope\": no such file or directory":               "invalid devices",
		"Unknown runtime specified nope":                                                                        "invalid runtime",
		"error looking up logging plugin nope: plugin \"nope\" not found":                                       "invalid logging",
		"unknown log opt 'nope' for json-file log driver":                                                       "invalid logging",
		"invalid CapAdd: unknown capability: \"CAP_NOPE\"":                                                      "invalid cap_add",
		"could not select device driver \"\" with capabilities: [[gpu]]":                                        "invalid device_requests",
		"Requested CPUs are not available - requested 7, available: 0-1":                                        "invalid cpuset",
		"Minimum memory limit can not be less than memory reservation limit, see usage":                         "invalid memory_reservation",
		"OCI runtime create failed: runc create failed: wrong rlimit value: RLIMIT_NOPE: unknown":               "invalid ulimits",
		"unable to start container process: error during container init: open /proc/sys/net/nope: no such file": "invalid sysctls",
		"runc create failed: unable to start container process: unable to apply caps: operation not permitted":  "invalid privileged",
		"--storage-opt is supported only for overlay over xfs with 'pquota' mount option":                       "invalid storage_opt",
		"something else": "engine_error ",
	} {
		f := explainAs(scope, Spec{}, fault.StepStarting, "start", fault.CreatedNotStarted, "front", errors.New(text))
		if got := string(f.Kind) + " " + strings.Join(f.Attribute, "."); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// Engines pass on a registry's answer as it is, where it did not say that it is JSON.
func TestReadable(t *testing.T) {
	raw := errors.New(`unknown: {"errors":[{"code":"NAME_UNKNOWN","message":"Unknown name"},{"code":"DENIED","message":"no"}]}`)
	if got := readable(raw); got.Error() != "name unknown: Unknown name; denied: no" || !errors.Is(got, raw) || pullKind(got) != fault.ImageNotFound {
		t.Errorf("%v is %s", got, pullKind(got))
	}
	for _, text := range []string{"manifest unknown", `{"errors":`, `{"errors":[]}`} {
		if got := readable(errors.New(text)); got.Error() != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestPullKind(t *testing.T) {
	for text, want := range map[string]struct {
		kind   fault.Kind
		repeat bool
	}{
		"manifest for 127.0.0.1:5000/app:1 not found: manifest unknown: manifest unknown":                       {fault.ImageNotFound, false},
		"pull access denied for acme/app, repository does not exist or may require 'docker login'":              {fault.PullDenied, false},
		"Head \"https://ghcr.io/v2/acme/app/manifests/1\": unauthorized: authentication required":               {fault.PullDenied, false},
		"no matching manifest for linux/arm64 in the manifest list entries":                                     {fault.ImageNotFound, false},
		"Get \"https://registry.invalid/v2/\": dial tcp: lookup registry.invalid on 127.0.0.1:53: no such host": {fault.RegistryUnreachable, false},
		"Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused":                     {fault.RegistryUnreachable, false},
		"Get \"https://10.0.0.9/v2/\": dial tcp 10.0.0.9:443: i/o timeout":                                      {fault.RegistryUnreachable, true},
		"received unexpected HTTP status: 503 Service Unavailable":                                              {fault.RegistryError, true},
		"unexpected status from HEAD request to http://127.0.0.1/v2/app/manifests/1: 500 Internal Server Error": {fault.RegistryError, true},
		"toomanyrequests: You have reached your pull rate limit.":                                               {fault.RateLimited, true},
		"unexpected status from GET request to http://127.0.0.1/v2/app/manifests/1: 429 Too Many Requests":      {fault.RateLimited, true},
		"error parsing HTTP 429 response body: invalid character 'T' looking for beginning of value: \"Too\"":   {fault.RateLimited, true},
		"error parsing HTTP 403 response body: unexpected end of JSON input: \"\"":                              {fault.PullDenied, false},
		"filesystem layer verification failed for digest sha256:0123":                                           {fault.ImageCorrupt, true},
		"unexpected EOF": {fault.PullFailed, true},
		"write /var/lib/docker/tmp/GetImageBlob1: no space left on device": {fault.PullFailed, false},
	} {
		if got, repeat := pullKind(errors.New(text)), transientPull(errors.New(text)); got != want.kind || repeat != want.repeat {
			t.Errorf("%s: got %s, repeated %t, want %v", text, got, repeat, want)
		}
	}
	if got := pullKind(fmt.Errorf("%w (5m)", pull.ErrStalled)); got != fault.PullStalled {
		t.Errorf("a stall is %s", got)
	}
}

func TestHelperSaid(t *testing.T) {
	const head = "error getting credentials - err: exit status 1, out: "
	for text, want := range map[string]string{
		head + "`the vault is sealed`":                             head + "`the vault is sealed`",
		head + "`{\"Username\":\"a\",\"Secret\":\"open sesame\"}`": head + "(withheld: it may hold a credential)",
	} {
		if got := helperSaid(errors.New(text)); got != want {
			t.Errorf("%s: got %s", text, got)
		}
	}
}
