// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/network"
	"golang.org/x/sys/unix"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// timeString is when the provider of an apply is killed.
type moment string

const (
	// beforeCreate is before the engine hears of the create.
	beforeCreate moment = "before the create"
	// beforeAnswer is when the engine has made the object, and its answer has not arrived.
	beforeAnswer moment = "before the answer"
	// beforeSave is when the provider has answered, and Terraform has not saved the state: Terraform is
	// killed, too.
	beforeSave moment = "before Terraform saves"
	// duringApply is when the object has been reported as created, and Terraform is at something else. The state
	// has it.
	duringApply moment = "in the middle of the apply"
)

// owned is a kind of object that two workspaces want under one name.
type owned struct {
	kind, address, create string
	// config has a setting that the two workspaces differ in.
	config func(r *castRig, setting string) string
	// label returns the operation that made the object; empty is that there is none.
	label func(r *castRig) string
}

func ownedKinds() []owned {
	return []owned{
		{
			"container", web, "/containers/create",
			func(r *castRig, setting string) string {
				return r.resource("web", fmt.Sprintf("labels = { setting = %q }", setting))
			},
			func(r *castRig) string {
				if !r.Exists(r.Name("web")) {
					return ""
				}
				return r.Inspect(r.Name("web")).Config.Labels[container.LabelOperation]
			},
		},
		{
			"network", front, "/networks/create",
			func(r *castRig, setting string) string {
				return r.network(fmt.Sprintf("labels = { setting = %q }", setting))
			},
			func(r *castRig) string {
				found, err := r.Docker.NetworkInspect(r.t.Context(), r.Name("front"), network.InspectOptions{})
				if err != nil {
					return ""
				}
				return found.Labels[container.LabelOperation]
			},
		},
		{
			"volume", "gantry_volume.data", "/volumes/create",
			func(r *castRig, setting string) string {
				return r.volume(fmt.Sprintf("labels = { setting = %q }", setting))
			},
			func(r *castRig) string {
				if !r.VolumeExists(r.Name("data")) {
					return ""
				}
				return r.volumeLabel()
			},
		},
	}
}

// Two workspaces share an engine and a state directory, and want objects of the same names. The provider of the
// first is killed in its create. The second never touches what the first made or has: it gets a conflict, or,
// where nothing was made yet, the name. The first goes on where it was cut off, without an import, as long as
// its answer had not begun; else it gets a conflict, too, that names an import which works.
func TestAccKilledBesideAnotherWorkspace(t *testing.T) {
	t.Parallel()
	rounds := 1
	if text := os.Getenv("GANTRY_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		rounds = n
	}
	for _, o := range ownedKinds() {
		t.Run(o.kind, func(t *testing.T) {
			r := newCastRig(t)
			other := r.beside()
			for round := range rounds {
				for _, when := range []moment{beforeCreate, beforeAnswer, beforeSave, duringApply} {
					if t.Failed() {
						return
					}
					t.Logf("round %d, killed %s", round, when)
					r.killedBeside(other, o, when)
				}
			}
		})
	}
}

// killedBeside is one kill of the first workspace, and what both make of it.
func (r *castRig) killedBeside(other *castRig, o owned, when moment) {
	r.t.Helper()
	r.cli.configure(r.config(o.config(r, "first")))
	other.cli.configure(other.config(o.config(other, "second")))
	r.killAt(o, when)
	made := o.label(r)
	if (made == "") != (when == beforeCreate) {
		r.t.Fatalf("after the kill %s the object's operation is %q", when, made)
	}
	if made != "" {
		other.conflicts(o, made)
	}
	switch when {
	case beforeSave:
		r.conflicts(o, made)
		id := r.HostName() + "/" + r.Name(map[string]string{"container": "web", "network": "front", "volume": "data"}[o.kind])
		r.cli.must("import", o.address, id)
	default:
	}
	r.settled()
	if now := o.label(r); made != "" && now != made {
		r.t.Errorf("killed %s: the object was made anew", when)
	}
	made = o.label(r)
	other.conflicts(o, made)
	other.cli.must("destroy", "-auto-approve") // It has nothing.
	if o.label(r) != made {
		r.t.Errorf("killed %s: the other workspace's destroy touched the object", when)
	}
	r.emptyPlan()
	r.cli.must("destroy", "-auto-approve")
	if o.label(r) != "" {
		r.t.Errorf("killed %s: the object is left", when)
	}
	for _, c := range []*cli{r.cli, other.cli} {
		for _, name := range []string{"terraform.tfstate", "terraform.tfstate.backup", ".terraform.tfstate.lock.info"} {
			if err := os.Remove(filepath.Join(c.folder, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				r.t.Fatal(err)
			}
		}
	}
}

// killAt applies, and kills the provider at a moment of the create, and Terraform with it if it would save.
func (r *castRig) killAt(o owned, when moment) {
	r.t.Helper()
	switch when {
	case beforeAnswer:
		r.killedAt(o.create)
		return
	case beforeCreate:
		gate := r.Proxy.Hold(http.MethodPost, o.create)
		apply := r.cli.start("apply", "-auto-approve")
		gate.Await()
		kill("provider", r.cli.providers())
		apply.wait()
		r.Proxy.Clear()
	case duringApply:
		r.killedWhileBusy(o)
		return
	case beforeSave:
		// The mark goes immediately before the answer: whoever sees it gone is a moment before the save.
		apply := r.cli.start("apply", "-auto-approve")
		r.awaitDelivery(apply)
		if err := unix.Kill(-apply.command.Process.Pid, unix.SIGKILL); err != nil {
			r.t.Fatal(err)
		}
		kill("provider", r.cli.providers())
		apply.wait()
		// Terraform may have been faster.
		if err := os.Remove(filepath.Join(r.cli.folder, "terraform.tfstate")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(r.cli.folder, ".terraform.tfstate.lock.info")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.t.Fatal(err)
	}
}

// killedWhileBusy applies, and kills the provider while Terraform runs a command that needs the object.
func (r *castRig) killedWhileBusy(o owned) {
	r.t.Helper()
	pipe := filepath.Join(r.t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		r.t.Fatal(err)
	}
	config := r.config(o.config(r, "first"))
	r.cli.configure(config + fmt.Sprintf(`resource "terraform_data" "busy" {
  depends_on = [%s]
  provisioner "local-exec" {
    command = "cat %s"
  }
}
`, o.address, pipe))
	apply := r.cli.start("apply", "-auto-approve")
	busy, err := os.OpenFile(pipe, os.O_WRONLY, 0) // This returns when the command reads.
	if err != nil {
		r.t.Fatal(err)
	}
	kill("provider", r.cli.providers())
	if err := busy.Close(); err != nil {
		r.t.Error(err)
	}
	apply.wait()
	if r.cli.attributes(o.address) == nil {
		r.t.Error("the state has not got what was reported as created")
	}
	r.cli.configure(config)
}

// awaitDelivery waits until an apply in progress has removed the open mark of its create, or has ended.
func (r *castRig) awaitDelivery(apply *process) {
	r.t.Helper()
	watch, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = unix.Close(watch) }()
	folders, err := filepath.Glob(filepath.Join(r.dir, "engines", "*", "operations"))
	if err != nil || len(folders) == 0 {
		apply.wait()
		r.t.Fatalf("no directory of operations to watch: %v", err)
	}
	for _, folder := range folders {
		if _, err := unix.InotifyAddWatch(watch, folder, unix.IN_DELETE); err != nil {
			r.t.Fatal(err)
		}
	}
	buffer := make([]byte, 4096)
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(watch), Events: unix.POLLIN}}, int(enginetest.Patience.Milliseconds()))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil || n == 0:
			r.t.Fatalf("the open mark was never removed: %v", err)
		}
		if n, err := unix.Read(watch, buffer); err == nil && strings.Contains(string(buffer[:n]), ".open") {
			return
		}
	}
}

// conflicts asserts that an apply is a conflict that touches nothing, names the import, and leaves no create that
// somebody would have to look at later.
func (r *castRig) conflicts(o owned, made string) {
	r.t.Helper()
	marks := r.openMarks()
	apply := r.cli.run("apply", "-auto-approve")
	said := flat(apply.output)
	if apply.code == 0 || !strings.Contains(said, "is already in use on engine") || !strings.Contains(said, "import it as \""+r.HostName()+"/") {
		r.t.Errorf("the apply ended with code %d, and does not tell of a conflict and the import:\n%s", apply.code, apply.output)
	}
	if now := o.label(r); now != made {
		r.t.Errorf("the object of operation %q was touched: now it is %q", made, now)
	}
	if now := r.openMarks(); now > marks {
		r.t.Errorf("of %d open marks there are %d", marks, now)
	}
}

// openMarks is how many creates have not been answered with a state.
func (r *castRig) openMarks() int {
	r.t.Helper()
	marks, err := filepath.Glob(filepath.Join(r.dir, "engines", "*", "operations", "*.open"))
	if err != nil {
		r.t.Fatal(err)
	}
	return len(marks)
}
