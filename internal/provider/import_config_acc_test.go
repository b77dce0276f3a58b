// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// ran is a container that somebody made with docker run, or with docker create where it can't run on
// every machine.
type ran struct {
	created bool
	flags   []string
	command []string
}

// everyFamily are the flags of docker run, family by family. NETWORK, SUBNET, LINKED and
// VOLUME stand for names, PREFIX for the beginning of the addresses in SUBNET.
func everyFamily(port string) []ran {
	flags := func(flags ...string) ran { return ran{flags: flags} }
	created := func(flags ...string) ran { return ran{created: true, flags: flags} }
	return []ran{
		{},
		{command: []string{"sleep"}},
		flags("--env", "A=1", "--env", "B=two words", "--env", "C=${not a template}"),
		flags("--env", "EMPTY="),
		flags("--env", "GANTRY_SET_NOWHERE", "--env", "PATH=/"),
		flags("--label", "com.example/role=web", "--label", "empty="),
		flags("--publish", "127.0.0.1:"+port+":80"),
		flags("--publish", "80", "--publish", "53/udp"),
		flags("--link", "LINKED", "--link", "LINKED:data"),
		flags("--network", "NETWORK", "--link", "db:data", "--link", "cache"),
		flags("--expose", "9000"),
		flags("--expose", "7000-7002", "--expose", "53/udp", "--publish", "80"),
		flags("--volume", "VOLUME:/data"),
		flags("--volume", "VOLUME:/data:ro"),
		flags("--volume", "/anonymous"),
		flags("--volume", "/tmp:/host:ro"),
		flags("--mount", "type=bind,source=/tmp,target=/host"),
		flags("--mount", "type=volume,source=VOLUME,target=/data,volume-nocopy"),
		flags("--mount", "type=tmpfs,target=/scratch,tmpfs-size=16m,tmpfs-mode=1770"),
		flags("--tmpfs", "/scratch"),
		flags("--tmpfs", "/run:mode=770,uid=2000,gid=1000,exec,noatime,size=50%"),
		flags("--volume", "/tmp:/host:ro,z"),
		flags("--volume", "VOLUME:/data:nocopy,Z"),
		flags("--network", "NETWORK"),
		flags("--network", "NETWORK", "--network-alias", "db", "--network-alias", "primary"),
		flags("--network", "SUBNET", "--ip", "PREFIX9"),
		flags("--network", "none"),
		flags("--network", "host"),
		flags("--network", "host", "--publish", "80", "--publish-all"),
		flags("--network", "none", "--publish", "127.0.0.1::80"),
		{flags: []string{"--entrypoint", ""}, command: []string{enginetest.Program, "sleep"}},
		flags("--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.service=web"),
		flags("--workdir", "/tmp/", "--hostname", "under_score", "--stop-signal", "term"),
		flags("--dns", "9.9.9.9", "--dns-search", "example.com", "--dns-option", "ndots:2"),
		flags("--add-host", "db:10.0.0.7", "--add-host", "db:10.0.0.8", "--add-host", "cache:::1"),
		flags("--hostname", "web", "--domainname", "example.com"),
		flags("--memory", "64m"),
		flags("--memory", "64m", "--memory-swap", "128m", "--memory-reservation", "32m"),
		flags("--memory", "64m", "--memory-swap", "-1"),
		flags("--cpus", "0.5"),
		flags("--cpu-shares", "512", "--cpuset-cpus", "0"),
		flags("--cpu-quota", "20000", "--cpu-period", "100000"),
		flags("--pids-limit", "100", "--ulimit", "nofile=1024:2048", "--ulimit", "nproc=100"),
		flags("--shm-size", "32m", "--oom-score-adj", "100"),
		flags("--restart", "on-failure:3"),
		flags("--restart", "unless-stopped"),
		flags("--health-cmd", enginetest.Program+" health", "--health-interval", "1m30s", "--health-retries", "5", "--health-timeout", "10s", "--health-start-period", "1s"),
		flags("--no-healthcheck"),
		flags("--user", "1000:1000", "--workdir", "/tmp", "--group-add", "44"),
		flags("--stop-signal", "SIGINT", "--stop-timeout", "3"),
		flags("--entrypoint", enginetest.Program),
		flags("--init", "--tty", "--interactive"),
		flags("--read-only", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--security-opt", "no-new-privileges"),
		flags("--sysctl", "net.ipv4.ip_unprivileged_port_start=0", "--ipc", "shareable"),
		flags("--pid", "host", "--uts", "host"),
		flags("--device", "/dev/null:/dev/nothing:rw", "--device-cgroup-rule", "c 42:* rmw"),
		flags("--log-driver", "json-file", "--log-opt", "max-size=1m", "--log-opt", "max-file=2"),
		flags("--log-driver", "none"),
		flags("--publish-all", "--expose", "7000"),
		created("--privileged"),
		created("--blkio-weight", "300", "--cgroup-parent", "/docker"),
		created("--gpus", "all"),
		created("--interactive"),
		created("--runtime", "runc", "--userns", "host"),
	}
}

// Containers with every family of flags of docker run are imported with the configuration that the
// provider's own command writes: nothing changes, then or later, and a destroy leaves nothing.
func TestAccImportConfig(t *testing.T) {
	r := newRig(t)
	names := r.runEveryFamily("own")
	c := newCLI(t)
	c.configure(r.provider(attr("state_dir", t.TempDir())) + importConfig(t, r, c, names))
	imported(t, c, len(names))
	c.must("destroy", "-auto-approve")
	if left := r.Containers(); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

// The same with the configuration that Terraform generates.
func TestAccGenerateConfigOut(t *testing.T) {
	r := newRig(t)
	names := r.runEveryFamily("generated")
	c := newCLI(t)
	config := r.provider(attr("state_dir", t.TempDir()))
	for i, name := range names {
		config += fmt.Sprintf("import {\n  to = gantry_container.c%d\n  id = %q\n}\n", i, name)
	}
	c.configure(config)
	if plan := c.run("plan", "-generate-config-out=generated.tf"); plan.code != 0 {
		t.Fatalf("the plan ended with code %d:\n%s", plan.code, plan.output)
	}
	imported(t, c, len(names))
	c.must("destroy", "-auto-approve")
	if left := r.Containers(); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

// A container that removes itself is refused, with the reason; the others are written.
func TestAccImportConfigRefuses(t *testing.T) {
	r := newRig(t)
	r.docker("run", "--detach", "--rm", "--name", r.Name("rm"), r.Image)
	r.Leaves(r.Name("rm"))
	r.docker("run", "--detach", "--name", r.Name("web"), r.Image)
	r.Leaves(r.Name("web"))
	var stdout, stderr bytes.Buffer
	command := exec.Command(newCLI(t).binary, "import-config", "-host", r.Proxy.Host, r.Name("rm"), r.Name("web"), r.Name("missing"))
	command.Env = append(command.Environ(), "XDG_STATE_HOME="+t.TempDir())
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err == nil {
		t.Error("the command says that all is well")
	}
	if strings.Contains(stderr.String(), "the next plan creates it") {
		t.Errorf("the hint is about a plan: %s", stderr.String())
	}
	for _, says := range []string{"--rm", fmt.Sprintf("Container %q does not exist", r.Name("missing")), "check the name or the ID"} {
		if !strings.Contains(stderr.String(), says) {
			t.Errorf("the error does not say %q: %s", says, stderr.String())
		}
	}
	if strings.Contains(stdout.String(), r.Name("rm")) || !strings.Contains(stdout.String(), r.Name("web")) {
		t.Errorf("written is %s", stdout.String())
	}
}

// A container that gantry made is in a state already: it is told of, and of all of an engine it is left out.
func TestAccImportConfigOfGantrysOwn(t *testing.T) {
	r := newRig(t)
	c := newCLI(t)
	c.configure(r.provider() + r.resource("web"))
	c.must("apply", "-auto-approve")
	for _, tt := range []struct {
		names   []string
		written bool
	}{{nil, false}, {[]string{r.Name("web")}, true}} {
		var stdout bytes.Buffer
		command := exec.Command(c.binary, append([]string{"import-config", "-host", r.Proxy.Host}, tt.names...)...)
		command.Env = append(command.Environ(), "XDG_STATE_HOME="+t.TempDir())
		command.Stdout = &stdout
		_ = command.Run() // Others on the engine can be refused.
		if says := fmt.Sprintf("# Container %q was made by gantry", r.Name("web")); !strings.Contains(stdout.String(), says) {
			t.Errorf("with the names %v nothing says %q:\n%s", tt.names, says, stdout.String())
		}
		if id := fmt.Sprintf("/%s\"", r.Name("web")); strings.Contains(stdout.String(), id) != tt.written {
			t.Errorf("with the names %v that the container is written is to be %t:\n%s", tt.names, tt.written, stdout.String())
		}
	}
	c.must("destroy", "-auto-approve")
}

// runEveryFamily makes the containers, and gives their names.
func (r *rig) runEveryFamily(suffix string) (names []string) {
	r.t.Helper()
	network := r.Network(suffix)
	subnet, prefix := r.subnet(suffix + "-subnet")
	linked := r.Name(suffix + "-linked")
	r.docker("run", "--detach", "--name", linked, r.Image)
	r.Leaves(linked)
	names = append(names, linked)
	for i, one := range everyFamily(r.FreePort()) {
		name := r.Name(fmt.Sprintf("%s-%d", suffix, i))
		volume := r.Name(fmt.Sprintf("%s-%d-data", suffix, i))
		args := []string{"run", "--detach"}
		if one.created {
			args = []string{"create"}
		}
		args = append(args, "--name", name)
		for _, flag := range one.flags {
			args = append(args, strings.NewReplacer("NETWORK", network, "SUBNET", subnet, "PREFIX", prefix, "VOLUME", volume, "LINKED", linked).Replace(flag))
		}
		r.docker(append(append(args, r.Image), one.command...)...)
		r.Leaves(name)
		names = append(names, name)
	}
	return names
}

// docker runs the Docker CLI.
func (r *rig) docker(args ...string) {
	r.t.Helper()
	command := exec.Command("docker", append([]string{"--host", r.Engine.Host}, args...)...)
	if output, err := command.CombinedOutput(); err != nil {
		r.t.Fatalf("docker %v: %v\n%s", args, err, output)
	}
}

// importConfig is what the provider's own command writes.
func importConfig(t *testing.T, r *rig, c *cli, names []string) string {
	t.Helper()
	var stderr bytes.Buffer
	command := exec.Command(c.binary, append([]string{"import-config"}, names...)...)
	if !slices.Contains(names, "--engine") {
		command.Args = append(command.Args, "-host", r.Proxy.Host)
	}
	command.Env = append(command.Environ(), "XDG_STATE_HOME="+t.TempDir())
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("import-config: %v\n%s", err, stderr.String())
	}
	return string(output)
}

// imported imports, and asserts that nothing else is planned, then and afterwards.
func imported(t *testing.T, c *cli, number int) {
	t.Helper()
	want := fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", number)
	plan := c.run("plan", "-out="+filepath.Join(c.folder, "plan"))
	if plan.code != 0 || !strings.Contains(plan.output, want) {
		t.Fatalf("the plan ended with code %d, and does not say %q:\n%s", plan.code, want, plan.output)
	}
	if strings.Contains(plan.output, "no argument for") {
		t.Errorf("the plan warns of settings that gantry has no argument for:\n%s", plan.output)
	}
	c.must("apply", filepath.Join(c.folder, "plan"))
	if plan := c.run("plan", "-detailed-exitcode"); plan.code != 0 {
		t.Errorf("the plan after the import is not empty (%d):\n%s", plan.code, plan.output)
	}
}
