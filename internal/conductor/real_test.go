// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/google/go-cmp/cmp"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

// bench is a real engine and a conductor for it.
type bench struct {
	*enginetest.Engine
	*conductor.Conductor
	t *testing.T
}

// start prepares a test with the real engine, which runs beside the others.
func start(t *testing.T) *bench {
	t.Helper()
	t.Parallel()
	b := &bench{Engine: enginetest.New(t), Conductor: conductor.New(conductor.Options{StateDir: t.TempDir()}), t: t}
	t.Cleanup(func() {
		if err := b.Conductor.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bench) spec(name, image string, command ...string) container.Spec {
	return container.Spec{
		Name: b.Name(name), DesiredState: container.DesiredRunning, PullPolicy: container.PullMissing,
		Settings: container.Settings{Image: image, Command: command, Restart: container.RestartPolicy{Name: "no"}},
	}
}

// create makes a container, and has it removed again through the conductor when the test ends.
func (b *bench) create(spec container.Spec) (conductor.Outcome, error) {
	b.t.Helper()
	out, err := b.Call(b.t.Context(), conductor.CreateRequest{Spec: spec})
	if out.Container != nil {
		b.t.Cleanup(func() { b.remove(out.Container) })
	}
	return out, err
}

func (b *bench) remove(c *container.Container) {
	b.t.Helper()
	_, err := b.Call(context.WithoutCancel(b.t.Context()), conductor.RemoveRequest{Name: c.Name, ContainerID: c.ID, RemoveVolumes: true})
	if err != nil {
		b.t.Error(err)
	}
}

func wantFault(t *testing.T, err error, kind fault.Kind, attribute string) *fault.Fault {
	t.Helper()
	var f *fault.Fault
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a fault", err)
	}
	if f.Kind != kind || strings.Join(f.Field, ".") != attribute {
		t.Fatalf("got kind %s on %q, want %s on %q:\n%v", f.Kind, strings.Join(f.Field, "."), kind, attribute, f)
	}
	return faulttext.Of(f)
}

func TestEngineReportsWhatWasAskedFor(t *testing.T) {
	b := start(t)
	image := b.Image(enginetest.ImageOptions{Env: map[string]string{"FROM_IMAGE": "1"}, Labels: map[string]string{"from": "image"}})
	front, back, volume := b.Network("front"), b.Network("back"), b.Volume("data")
	grace := 3 * time.Second
	spec := b.spec("web", image, "sleep")
	spec.Entrypoint = []string{enginetest.Program}
	spec.Environment = map[string]string{"A": "1", "B": "x=y", "C": ""}
	spec.Labels = map[string]string{"tier": "front"}
	spec.Ports = []container.Port{{Target: 53, Protocol: "udp", HostIP: "127.0.0.1"}, {Target: 80, Protocol: "tcp", Published: b.FreePort()}}
	spec.Mounts = map[string]container.Mount{
		"/anon": {Type: container.MountVolume}, "/bind": {Type: container.MountBind, Source: "/tmp", ReadOnly: true},
		"/data": {Type: container.MountVolume, Source: volume}, "/tmp2": {Type: container.MountTmpfs},
	}
	spec.Networks = map[string]container.NetworkAttachment{"a": {Network: front}, "b": {Network: back}}
	spec.Healthcheck = &container.Healthcheck{
		Test: []string{"CMD", enginetest.Program, "health"}, Interval: 500 * time.Millisecond, Timeout: time.Second, StartPeriod: 2 * time.Second, Retries: 4,
	}
	spec.Restart = container.RestartPolicy{Name: "on-failure", MaximumRetryCount: 2}
	spec.Memory, spec.NanoCPUs = 64<<20, 5e8
	spec.User, spec.WorkingDir, spec.Hostname, spec.StopSignal, spec.StopGracePeriod = "1000:1000", "/data", "host1", "SIGINT", &grace

	out, err := b.create(spec)
	if err != nil {
		t.Fatal(err)
	}
	got := out.Container.Settings
	if out.Container.State.Health != "healthy" {
		t.Errorf("it is %q, not healthy", out.Container.State.Health)
	}
	if anon := got.Mounts["/anon"]; len(anon.Source) != 64 {
		t.Errorf("anonymous volume %+v", anon)
	}
	got.Mounts["/anon"] = spec.Mounts["/anon"]
	if got.Environment["FROM_IMAGE"] != "1" || got.Labels["from"] != "image" {
		t.Error("what the image brings is missing")
	}
	delete(got.Environment, "FROM_IMAGE")
	delete(got.Environment, "PATH")
	got.Expose = nil // What is published is exposed, too.
	delete(got.Labels, "from")
	delete(got.Labels, container.LabelOperation)
	got.Networks, got.NetworkMode = spec.Networks, "" // They are reported as Attached.
	if diff := cmp.Diff(spec.Plain(out.Container.Defaults), got.Plain(out.Container.Defaults)); diff != "" {
		t.Errorf("asked for and reported differ:\n%s", diff)
	}
	for _, network := range []string{front, back} {
		if out.Container.Attached[network].Address == "" {
			t.Errorf("no address on %s: %+v", network, out.Container.Attached)
		}
	}
	if len(out.Container.Attached) != 2 || out.Container.PublishedPorts["53/udp"] == 0 || fmt.Sprint(out.Container.PublishedPorts["80/tcp"]) != spec.Ports[1].Published {
		t.Errorf("networks %+v, ports %+v", out.Container.Attached, out.Container.PublishedPorts)
	}
	defaults, err := b.ImageDefaults(t.Context(), out.Container.ImageID)
	if err != nil || defaults.Environment["FROM_IMAGE"] != "1" || defaults.Labels["from"] != "image" {
		t.Errorf("defaults %+v, %v", defaults, err)
	}
}

func TestFaultsOfARealEngine(t *testing.T) {
	b := start(t)
	image := b.Image(enginetest.ImageOptions{})
	for _, test := range []struct {
		name      string
		change    func(*container.Spec)
		kind      fault.Kind
		attribute string
		says      string
		// left says that a container is there afterwards.
		left bool
	}{
		{"crash", func(s *container.Spec) {
			s.Command, s.Environment = []string{"exit", "3", "100ms", "the token is $TOKEN"}, map[string]string{"TOKEN": "s3cret-value"}
		}, fault.Exited, "desired_state", "the token is (masked)", true},
		{"job that fails", func(s *container.Spec) {
			s.Command, s.DesiredState = []string{"exit", "3", "0s", "bye"}, container.DesiredCompleted
		}, fault.Exited, "expected_exit_codes", "bye", true},
		{"crash with a restart policy", func(s *container.Spec) {
			s.Command, s.Restart.Name = []string{"exit", "3"}, "always"
		}, fault.CrashLoop, "desired_state", "code 3", true},
		{"unhealthy", func(s *container.Spec) {
			s.Healthcheck = &container.Healthcheck{Test: []string{"CMD", enginetest.Program, "health-fail", "no database"}, Interval: 200 * time.Millisecond, Retries: 1}
		}, fault.Unhealthy, "healthcheck", "no database", true},
		{"healthy without a check", func(s *container.Spec) { s.PullPolicy = "healthy" }, fault.NoHealthcheck, "wait_for", "", true},
		{"missing image", func(s *container.Spec) {
			s.Image, s.PullPolicy = "gantry-test-nope:1", container.PullNever
		}, fault.ImageNotFound, "image", "No such image", false},
		{"missing network", func(s *container.Spec) {
			s.Networks = map[string]container.NetworkAttachment{"front": {Network: "gantry-test-nope"}}
		}, fault.NoSuchNetwork, "networks.front", "gantry-test-nope", true},
		{"second network missing", func(s *container.Spec) {
			s.Networks = map[string]container.NetworkAttachment{"a": {Network: "bridge"}, "b": {Network: "gantry-test-nope"}}
		}, fault.NoSuchNetwork, "networks.b", "gantry-test-nope", true},
		{"missing program", func(s *container.Spec) { s.Entrypoint = []string{"/nope"} }, fault.CommandNotFound, "command", "/nope", true},
		{"missing bind source", func(s *container.Spec) {
			s.Mounts = map[string]container.Mount{"/x": {Type: container.MountBind, Source: "/gantry-test-nope"}}
		}, fault.Invalid, "mounts./x", "create_host_path", false},
		{"directory onto a file", func(s *container.Spec) {
			s.Mounts = map[string]container.Mount{enginetest.Program: {Type: container.MountBind, Source: "/etc"}}
		}, fault.Invalid, "mounts./program", "a file only onto a file", true},
		{"file onto a directory", func(s *container.Spec) {
			s.Mounts = map[string]container.Mount{"/sys": {Type: container.MountBind, Source: "/etc/passwd"}}
		}, fault.Invalid, "mounts./sys", "only onto a directory", true},
		{"tmpfs onto a file", func(s *container.Spec) {
			s.Mounts = map[string]container.Mount{enginetest.Program: {Type: container.MountTmpfs}}
		}, fault.Invalid, "mounts./program", "only onto a directory", true},
		{"working directory on a file", func(s *container.Spec) { s.WorkingDir = enginetest.Program }, fault.Invalid, "working_dir", "is a file", false},
		{"address that the host lacks", func(s *container.Spec) {
			s.Ports = []container.Port{{Target: 80, Protocol: "tcp", HostIP: "203.0.113.7"}}
		}, fault.Invalid, "ports", "host_ip", true},
		{"alias in bridge", func(s *container.Spec) {
			s.Networks = map[string]container.NetworkAttachment{"b": {Network: "bridge", EndpointOptions: container.EndpointOptions{Aliases: []string{"db"}}}}
		}, fault.Invalid, "networks.b", "gantry_network", true},
		{"address in bridge", func(s *container.Spec) {
			s.Networks = map[string]container.NetworkAttachment{"b": {Network: "bridge", EndpointOptions: container.EndpointOptions{IPv4Address: "172.17.255.250"}}}
		}, fault.Invalid, "networks.b", "gantry_network", true},
		{"log server down", func(s *container.Spec) {
			s.Logging = &container.Logging{Driver: "fluentd", Options: map[string]string{"fluentd-address": "127.0.0.1:1"}}
		}, fault.Invalid, "logging", "does not reach the server", true},
		{"unknown sysctl", func(s *container.Spec) { s.Sysctls = map[string]string{"net.ipv4.nope": "1"} }, fault.Invalid, "sysctls.net.ipv4.nope", "namespaces", true},
		{"unknown limit", func(s *container.Spec) { s.Ulimits = map[string]container.Ulimit{"foo": {Soft: 1, Hard: 1}} }, fault.Invalid, "ulimits.foo", "soft limit", true},
		{"GPU without a driver", func(s *container.Spec) {
			s.DeviceRequests = []container.DeviceRequest{{Count: -1, Capabilities: [][]string{{"gpu"}}}}
		}, fault.Invalid, "device_requests", "container toolkit", true},
		{"missing device", func(s *container.Spec) {
			s.Devices.Devices = map[string]container.Device{"/dev/x": {Source: "/dev/gantry-test-nope"}}
		}, fault.Invalid, "devices./dev/x", "host has", true},
		{"throttle of a missing device", func(s *container.Spec) {
			s.Blkio.ReadBps = map[string]int64{"/dev/gantry-test-nope": 1 << 20}
		}, fault.Invalid, "blkio_config", "block devices", true},
		{"extra host without an address", func(s *container.Spec) {
			s.ExtraHosts = map[string][]string{"db": {"nowhere"}}
		}, fault.Invalid, "extra_hosts", "host-gateway", false},
		{"long host name", func(s *container.Spec) { s.Hostname = strings.Repeat("a", 80) }, fault.Invalid, "hostname", "64", true},
		{"unknown user", func(s *container.Spec) { s.User = "nobody-here" }, fault.Invalid, "user", "nobody-here", true},
		{"too many CPUs", func(s *container.Spec) { s.NanoCPUs = 1 << 40 }, fault.Invalid, "cpus", "CPUs", false},
		{"wrong platform", func(s *container.Spec) {
			s.Platform, s.PullPolicy = "linux/s390x", container.PullNever
		}, fault.ImageNotFound, "platform", "s390x", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := b.spec(strings.ReplaceAll(test.name, " ", "-"), image, "sleep")
			test.change(&spec)
			wait := container.WaitReady
			if spec.PullPolicy == "healthy" {
				spec.PullPolicy, wait = container.PullMissing, container.WaitHealthy
			}
			out, err := b.Call(t.Context(), conductor.CreateRequest{Spec: spec, Wait: wait})
			f := wantFault(t, err, test.kind, test.attribute)
			if !strings.Contains(f.Error(), test.says) || strings.Contains(f.Error(), "s3cret") {
				t.Errorf("the text lacks %q, or holds a secret:\n%v", test.says, f)
			}
			if (out.Container != nil) != test.left || b.Exists(spec.Name) != test.left {
				t.Errorf("container %v", out.Container)
			}
			if out.Container != nil {
				b.remove(out.Container)
			}
		})
	}
}

func TestTakenPorts(t *testing.T) {
	b := start(t)
	image := b.Image(enginetest.ImageOptions{})
	holder := b.Name("holder")
	stranger := b.Run(holder, enginetest.RunOptions{Image: image, Publish: []string{"80/tcp"}})
	taken := b.Engine.Inspect(stranger).NetworkSettings.Ports["80/tcp"][0].HostPort
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, outside, _ := net.SplitHostPort(listener.Addr().String())

	for port, by := range map[string]string{taken: holder, outside: "a process outside Docker"} {
		spec := b.spec("web"+port, image, "sleep")
		spec.Ports = []container.Port{{Target: 80, Protocol: "tcp", HostIP: "127.0.0.1", Published: port}}
		if port == taken {
			spec.Ports[0].HostIP = ""
		}
		out, err := b.create(spec)
		f := wantFault(t, err, fault.PortTaken, "ports")
		if !strings.Contains(f.Summary, port+"/tcp") || !strings.Contains(f.Message, by) || out.Container == nil {
			t.Errorf("%v", f)
		}
	}
	if !b.Engine.Inspect(stranger).State.Running {
		t.Error("the one who had the port does not run any more")
	}
}

func TestNameOfAStranger(t *testing.T) {
	b := start(t)
	image := b.Image(enginetest.ImageOptions{})
	name := b.Name("web")
	stranger := b.Run(name, enginetest.RunOptions{Image: image, Labels: map[string]string{"com.docker.compose.project": "shop"}})
	out, err := b.create(b.spec("web", image, "sleep"))
	f := wantFault(t, err, fault.NameConflict, "name")
	if out.Container != nil || !strings.Contains(f.Message, stranger[:12]) || !strings.Contains(f.Message, `"shop"`) {
		t.Errorf("container %v, fault %v", out.Container, f)
	}
	if !b.Engine.Inspect(stranger).State.Running {
		t.Error("the stranger does not run any more")
	}
}

func TestLostAnswersOfARealEngine(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"/containers/create", "/containers/*/start", "/containers/*/json"} {
		t.Run(pattern, func(t *testing.T) {
			docker := enginetest.New(t)
			proxy := enginetest.NewProxy(t, docker)
			b := &bench{Engine: docker, Conductor: conductor.New(conductor.Options{Engine: conductor.EngineOptions{Connection: engine.Connection{Host: proxy.Host}}, StateDir: t.TempDir()}), t: t}
			t.Cleanup(func() { _ = b.Conductor.Close() })
			method := "POST"
			if strings.HasSuffix(pattern, "json") {
				method = "GET"
			}
			proxy.DropAnswer(method, pattern, 1)
			out, err := b.create(b.spec("web", b.Image(enginetest.ImageOptions{}), "sleep"))
			if err != nil {
				t.Fatal(err)
			}
			if n := len(b.Containers()); n != 1 || !out.Container.State.Running() {
				t.Errorf("%d containers, %+v", n, out.Container.State)
			}
		})
	}
}

func TestOnePullForAll(t *testing.T) {
	b := start(t)
	registry := enginetest.NewRegistry(t, b.Engine)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 20})
	gate := registry.HoldBlob(pushed)
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			out, err := b.create(b.spec(fmt.Sprintf("w%d", i), pushed.Reference, "sleep"))
			if err != nil {
				t.Error(err)
				return
			}
			if out.Container.ImageDigest != pushed.Digest {
				t.Errorf("digest %q, want %q", out.Container.ImageDigest, pushed.Digest)
			}
		})
	}
	gate.Await()
	gate.Open()
	all.Wait()
	if n := registry.Blobs(pushed); n != 1 {
		t.Errorf("the layer was fetched %d times, want once", n)
	}
}

func TestPullFaults(t *testing.T) {
	b := start(t)
	registry := enginetest.NewRegistry(t, b.Engine)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1000})
	host, _, _ := strings.Cut(pushed.Reference, "/")

	_, err := b.create(b.spec("missing", host+"/"+b.Name("nope")+":1", "sleep"))
	if f := wantFault(t, err, fault.ImageNotFound, "image"); !strings.Contains(f.Detail(), "nothing was created") {
		t.Errorf("%v", f)
	}
	registry.RequireAuth("me", "right-password")
	_, err = b.create(b.spec("denied", pushed.Reference, "sleep"))
	wantFault(t, err, fault.PullDenied, "image")

	wrong := conductor.New(conductor.Options{Engine: conductor.EngineOptions{Credentials: map[string]engine.Credential{host: {Username: "me", Password: "wrong-password"}}}, StateDir: t.TempDir()})
	defer func() { _ = wrong.Close() }()
	_, err = wrong.Call(t.Context(), conductor.CreateRequest{Spec: b.spec("wrong", pushed.Reference, "sleep")})
	if f := wantFault(t, err, fault.PullDenied, "image"); !strings.Contains(f.Message, "registry_auth") || strings.Contains(f.Error(), "wrong-password") {
		t.Errorf("%v", f)
	}

	right := conductor.New(conductor.Options{Engine: conductor.EngineOptions{Credentials: map[string]engine.Credential{host: {Username: "me", Password: "right-password"}}}, StateDir: t.TempDir()})
	defer func() { _ = right.Close() }()
	registry.FailManifest(pushed, 1, 503) // Mends itself.
	out, err := right.Call(t.Context(), conductor.CreateRequest{Spec: b.spec("right", pushed.Reference, "sleep")})
	if err != nil {
		t.Fatal(err)
	}
	b.remove(out.Container)
}

// Every setting comes back from a real engine as it was asked for.
func TestEngineReportsEverySetting(t *testing.T) {
	b := start(t)
	image := b.Image(enginetest.ImageOptions{})
	text, err := os.ReadFile("container/testdata/settings.json")
	if err != nil {
		t.Fatal(err)
	}
	var samples map[string]container.Settings
	if err := json.Unmarshal(text, &samples); err != nil {
		t.Fatal(err)
	}
	delete(samples, "not on every engine")
	delete(samples, "beside other containers")
	for name, settings := range samples {
		t.Run(name, func(t *testing.T) {
			spec := b.spec("web", image, "sleep")
			settings.Image, settings.Command, settings.Restart = image, spec.Command, spec.Restart
			spec.Settings = settings
			if name == "privileged" || name == "GPUs" || name == "security" {
				// Not every machine can run these; an engine makes them all the same.
				spec.DesiredState = container.DesiredStopped
			}
			out, err := b.Call(t.Context(), conductor.CreateRequest{Spec: spec})
			if err != nil {
				t.Fatal(err)
			}
			defer b.remove(out.Container)
			got := out.Container.Settings
			got.Hostname, got.Environment, got.Labels, got.Mounts, got.Entrypoint, got.WorkingDir = "", nil, nil, nil, nil, ""
			if diff := cmp.Diff(spec.Plain(out.Container.Defaults), got.Plain(out.Container.Defaults)); diff != "" {
				t.Errorf("asked for and reported differ:\n%s", diff)
			}
		})
	}
}

// What the engine says beside making a container reaches who asked.
func TestEngineWarnings(t *testing.T) {
	b := start(t)
	spec := b.spec("web", b.Image(enginetest.ImageOptions{}), "sleep")
	spec.DesiredState, spec.OOMKillDisable = container.DesiredStopped, true
	out, err := b.create(spec)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.ToUpper(strings.Join(out.Warnings, "\n")), "OOM") {
		t.Errorf("warnings are %q", out.Warnings)
	}
}

func TestUpdateOfARealContainer(t *testing.T) {
	b := start(t)
	image := b.Image(enginetest.ImageOptions{})
	front, back := b.Network("front"), b.Network("back")
	spec := b.spec("web", image, "sleep")
	spec.Memory = 64 << 20
	spec.Networks = map[string]container.NetworkAttachment{"net": {Network: front}}
	out, err := b.create(spec)
	if err != nil {
		t.Fatal(err)
	}
	id, old := out.Container.ID, spec.Name
	update := func(what string, change func(*container.Spec), check func(containertypes.InspectResponse) bool) {
		t.Helper()
		prior := spec.Name
		change(&spec)
		out, err := b.Call(t.Context(), conductor.UpdateRequest{Spec: spec, ContainerID: id, PriorName: prior})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got := b.Engine.Inspect(id); out.Container.ID != id || !check(got) {
			t.Errorf("%s: not done: %+v", what, got.State)
		}
	}
	update("name", func(s *container.Spec) { s.Name = b.Name("www") }, func(r containertypes.InspectResponse) bool { return r.Name == "/"+b.Name("www") })
	update("memory up", func(s *container.Spec) { s.Memory = 256 << 20 }, func(r containertypes.InspectResponse) bool { return r.HostConfig.Memory == 256<<20 })
	update("memory down", func(s *container.Spec) { s.Memory = 32 << 20 }, func(r containertypes.InspectResponse) bool {
		return r.HostConfig.Memory == 32<<20 && r.HostConfig.MemorySwap == 64<<20
	})
	update("cpus", func(s *container.Spec) { s.NanoCPUs = 25e7 }, func(r containertypes.InspectResponse) bool { return r.HostConfig.NanoCPUs == 25e7 })
	update("restart", func(s *container.Spec) { s.Restart.Name = "always" }, func(r containertypes.InspectResponse) bool { return r.HostConfig.RestartPolicy.Name == "always" })
	update("networks", func(s *container.Spec) { s.Networks["net"] = container.NetworkAttachment{Network: back} }, func(r containertypes.InspectResponse) bool {
		return len(r.NetworkSettings.Networks) == 1 && r.NetworkSettings.Networks[back] != nil
	})
	update("stop", func(s *container.Spec) { s.DesiredState = container.DesiredStopped }, func(r containertypes.InspectResponse) bool { return r.State.Status == "exited" })
	update("pause", func(s *container.Spec) { s.DesiredState = container.DesiredPaused }, func(r containertypes.InspectResponse) bool { return r.State.Paused })
	update("unpause", func(s *container.Spec) { s.DesiredState = container.DesiredRunning }, func(r containertypes.InspectResponse) bool { return r.State.Status == "running" })

	stranger := b.Run(old, enginetest.RunOptions{Image: image})
	failing := spec
	failing.Name = old
	_, err = b.Call(t.Context(), conductor.UpdateRequest{Spec: failing, ContainerID: id, PriorName: spec.Name})
	wantFault(t, err, fault.NameConflict, "name")
	if !b.Engine.Inspect(stranger).State.Running {
		t.Error("the stranger does not run any more")
	}
}

func TestRemoveOfWhatIsBeingRemoved(t *testing.T) {
	b := start(t)
	out, err := b.create(b.spec("web", b.Image(enginetest.ImageOptions{}), "sleep"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 { // In lanes of other conductors: only the engine sees them all.
		other := conductor.New(conductor.Options{StateDir: t.TempDir()})
		all.Go(func() {
			defer func() { _ = other.Close() }()
			_, err := other.Call(t.Context(), conductor.RemoveRequest{Name: out.Container.Name, ContainerID: out.Container.ID})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if b.Exists(out.Container.ID) {
		t.Error("it is still there")
	}
}

// However a network is named, the container is connected to it once, under its name, and an
// update finds nothing to do. Before the first start the engine itself has no IDs.
func TestNetworksByNameAndID(t *testing.T) {
	b := start(t)
	image, front := b.Image(enginetest.ImageOptions{}), b.Network("front")
	found, err := b.Docker.NetworkInspect(t.Context(), front, network.InspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for by, ref := range map[string]string{"name": front, "id": found.ID, "short-id": found.ID[:12]} {
		for _, desired := range []container.DesiredState{container.DesiredStopped, container.DesiredRunning} {
			spec := b.spec(by+"-"+string(desired), image, "sleep")
			spec.DesiredState, spec.Networks = desired, map[string]container.NetworkAttachment{"front": {Network: ref}}
			out, err := b.create(spec)
			if err != nil {
				t.Fatal(err)
			}
			again, err := b.Call(t.Context(), conductor.UpdateRequest{Spec: spec, ContainerID: out.Container.ID})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []*container.Container{out.Container, again.Container} {
				if name, ok := c.AttachedAs(ref); !ok || name != front || len(c.Attached) != 1 {
					t.Errorf("by %s, %s: connected to %+v", by, desired, c.Attached)
				}
			}
		}
	}
}
