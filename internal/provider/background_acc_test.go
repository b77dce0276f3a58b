// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// castRig is a rig with a CLI and a state directory of its own, for what outlives a command.
type castRig struct {
	*rig
	cli *cli
	// dir is the provider's state_dir.
	dir string
}

// newCastRig prepares a test whose background conductors have ended when the test ends.
func newCastRig(t *testing.T) *castRig {
	t.Helper()
	return newCastRigOn(newRig(t))
}

func newCastRigOn(r *rig) *castRig {
	t := r.t
	t.Helper()
	dir := t.TempDir()
	c := &castRig{rig: r, cli: newCLI(t), dir: dir}
	t.Cleanup(func() {
		if t.Failed() {
			for _, record := range c.journal() {
				t.Logf("The journal has %+v", record)
			}
			if owners, err := filepath.Glob(filepath.Join(dir, "owners", "*")); err == nil {
				t.Logf("Owners that live or crashed: %v", owners)
			}
		}
		for _, b := range c.cli.background() {
			if !b.ends() {
				t.Errorf("The background conductor %d did not end.", b.pid)
				b.kill()
			}
		}
	})
	return c
}

// beside returns a second working directory, with a Terraform state of its own, on the same engine and the
// same state directory.
func (r *castRig) beside() *castRig {
	r.t.Helper()
	other := &castRig{rig: r.rig, cli: newCLI(r.t), dir: r.dir}
	r.t.Cleanup(func() { other.idle() })
	return other
}

// config is a whole configuration: the provider with the rig's state directory, and resources.
func (r *castRig) config(resources ...string) string {
	return r.provider(attr("state_dir", r.dir)) + strings.Join(resources, "")
}

// cast is a container that nobody waits for.
func (r *castRig) cast(label string, lines ...string) string {
	return r.resource(label, append(lines, `wait_for = "none"`)...)
}

// idle waits until there is no background conductor of the rig's CLI any more.
func (r *castRig) idle() {
	r.t.Helper()
	for _, b := range r.cli.background() {
		if !b.ends() {
			r.t.Fatalf("The background conductor %d did not end.", b.pid)
		}
	}
}

// settled converges as far as a cast can: applies, waits for the background conductor, and asserts
// that the plan is empty, without a word about failures, and that the journal has none.
func (r *castRig) settled() {
	r.t.Helper()
	r.cli.must("apply", "-auto-approve")
	r.idle()
	plan := r.cli.run("plan", "-detailed-exitcode")
	if plan.code != 0 || strings.Contains(plan.output, "failed after") {
		r.t.Errorf("the plan after the apply is not empty (%d), or has warnings:\n%s", plan.code, plan.output)
	}
	r.nothingUnsettled()
}

// emptyPlan asserts that a plan has nothing to do, with a refresh and without.
func (r *castRig) emptyPlan() {
	r.t.Helper()
	for _, args := range [][]string{{"plan", "-detailed-exitcode"}, {"plan", "-detailed-exitcode", "-refresh=false"}} {
		if plan := r.cli.run(args...); plan.code != 0 {
			r.t.Errorf("terraform %v is not empty (%d):\n%s", args, plan.code, plan.output)
		}
	}
}

// refreshed stores what a refresh finds of the container that most tests are about.
func (r *castRig) refreshed() map[string]any {
	r.t.Helper()
	r.cli.must("apply", "-refresh-only", "-auto-approve")
	return r.cli.attributes(web)
}

// plansChange asserts what a plan does with resources ("must be replaced"), and gives its output.
func (r *castRig) plansChange(how string, addresses ...string) string {
	r.t.Helper()
	plan := r.cli.run("plan", "-detailed-exitcode")
	if plan.code != 2 {
		r.t.Errorf("the plan ended with code %d, want 2:\n%s", plan.code, plan.output)
	}
	for _, address := range addresses {
		if !regexp.MustCompile(`# ` + regexp.QuoteMeta(address) + `\s[^\n]*` + how).MatchString(plan.output) {
			r.t.Errorf("the plan does not say of %s: %q\n%s", address, how, plan.output)
		}
	}
	return plan.output
}

// warns asserts a warning of a failure of a container that nobody waited for, with its reason.
func (r *castRig) warns(output, name string, says ...string) {
	r.t.Helper()
	quote := strings.Join(strings.Fields(output), " ")
	quote = strings.ReplaceAll(quote, "│ ", "")
	_, after, ok := strings.Cut(quote, fmt.Sprintf("Warning: Container %q on engine %q failed after the last apply", name, r.HostName()))
	after, _, _ = strings.Cut(after, "Warning: ")
	for _, text := range says {
		if !strings.Contains(after, text) {
			ok = false
		}
	}
	if !ok {
		r.t.Errorf("no warning of %s with %q:\n%s", name, says, output)
	}
}

// attributes are what Terraform's state has of a resource; nil if it has none.
func (c *cli) attributes(address string) map[string]any {
	c.t.Helper()
	content, err := os.ReadFile(filepath.Join(c.folder, "terraform.tfstate"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var state struct {
		Resources []struct {
			Type, Name string
			Instances  []struct {
				Status     string
				Attributes map[string]any
			}
		}
	}
	if err = errors.Join(err, json.Unmarshal(content, &state)); err != nil {
		c.t.Fatal(err)
	}
	for _, r := range state.Resources {
		if r.Type+"."+r.Name == address && len(r.Instances) == 1 {
			return r.Instances[0].Attributes
		}
	}
	return nil
}

// record is what the tests read of a record of the journal.
type record struct {
	path        string
	ID          string `json:"id"`
	Kind        string
	Owner       string
	Caller      string
	Claimed     bool
	Container   string
	ContainerID string `json:"container_id"`
	Outcome     string
	Settled     bool
	Cast        bool
	Accepted    time.Time
	Ended       time.Time
	Fault       *struct{ Kind, Summary, Message string }
}

// journal returns all records, oldest first.
func (r *castRig) journal() []record {
	r.t.Helper()
	open, err := filepath.Glob(filepath.Join(r.dir, "engines", "*", "operations", "*.json"))
	past, err2 := filepath.Glob(filepath.Join(r.dir, "engines", "*", "history", "*", "*.json"))
	if err := errors.Join(err, err2); err != nil {
		r.t.Fatal(err)
	}
	paths := slices.Concat(open, past)
	slices.SortFunc(paths, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	// A rename is in the history of both its names.
	paths = slices.CompactFunc(paths, func(a, b string) bool { return filepath.Base(a) == filepath.Base(b) })
	var records []record
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // Pruned meanwhile.
			continue
		}
		one := record{path: path}
		if err = errors.Join(err, json.Unmarshal(content, &one)); err != nil {
			r.t.Fatal(err)
		}
		records = append(records, one)
	}
	return records
}

// nothingUnsettled asserts that no failure is left that nobody dealt with, and no operation that has
// not ended.
func (r *castRig) nothingUnsettled() {
	r.t.Helper()
	for _, one := range r.journal() {
		if one.Outcome == "" || one.Outcome != "done" && !one.Settled {
			r.t.Errorf("the journal has %+v", one)
		}
	}
}

// child is a process of the provider's binary that Terraform, or gantry itself, started.
type child struct {
	t   testing.TB
	pid int
	// fd is a descriptor of the process: its ID may be another's by now.
	fd int
}

// background are the background conductors that live now.
func (c *cli) background() []child {
	c.t.Helper()
	return c.processes(func(args []string) bool { return slices.Contains(args[1:], "background") })
}

// providers are the providers that live now.
func (c *cli) providers() []child {
	c.t.Helper()
	return c.processes(func(args []string) bool { return !slices.Contains(args[1:], "background") })
}

// processes finds processes of this CLI's own link to the provider's binary.
func (c *cli) processes(wanted func(args []string) bool) []child {
	c.t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		c.t.Fatal(err)
	}
	var found []child
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue // It has ended.
		}
		exe, _ := os.Readlink("/proc/" + entry.Name() + "/exe")
		args, _ := os.ReadFile("/proc/" + entry.Name() + "/cmdline")
		if exe != c.binary || len(args) == 0 || !wanted(strings.Split(string(args), "\x00")) {
			_ = unix.Close(fd)
			continue
		}
		c.t.Cleanup(func() { _ = unix.Close(fd) })
		found = append(found, child{c.t, pid, fd})
	}
	return found
}

// ends waits for the end of the process, and says whether it came.
func (p child) ends() bool {
	p.t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, int(enginetest.Patience.Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return err == nil && n == 1
	}
}

// kill ends the process at once, if it still lives.
func (p child) kill() {
	p.t.Helper()
	if err := unix.PidfdSendSignal(p.fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		p.t.Fatalf("Unable to kill the process %d: %v", p.pid, err)
	}
}
