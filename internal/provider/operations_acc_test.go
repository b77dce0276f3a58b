// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// operations runs the command line for a person, and gives what it writes.
func (r *castRig) operations(args ...string) (output string, code int) {
	r.t.Helper()
	command := exec.Command(r.cli.binary, append([]string{"operations", args[0], "--state-dir", r.dir}, args[1:]...)...)
	written, _ := command.CombinedOutput() // The exit code says how it ended.
	return string(written), command.ProcessState.ExitCode()
}

// A cast in the middle of its pull is listed, shown, watched, and cancelled by a person; then nothing
// is left of it, and the next apply makes it.
func TestAccOperations(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	r.cli.configure(r.config(r.cast("web", attr("image", pushed.Reference))))
	r.cli.must("apply", "-auto-approve")
	gate.Await()

	var list struct {
		Operations []struct{ ID, Container, State, Step string }
	}
	if output, code := r.operations("list", "--in-progress", "--json"); code != 0 {
		t.Fatalf("list ended with code %d:\n%s", code, output)
	} else if err := json.Unmarshal([]byte(output), &list); err != nil {
		t.Fatalf("%v:\n%s", err, output)
	}
	listed := list.Operations
	if len(listed) != 1 || listed[0].Container != r.Name("web") || listed[0].State != "in_progress" {
		t.Fatalf("listed: %+v", listed)
	}
	for _, ref := range []string{listed[0].ID, r.Name("web")} {
		if output, code := r.operations("show", ref); code != 0 || !strings.Contains(output, listed[0].ID) {
			t.Errorf("show %s ended with code %d:\n%s", ref, code, output)
		}
	}
	watch := exec.Command(r.cli.binary, "operations", "watch", "--state-dir", r.dir)
	stdout, err := watch.StdoutPipe()
	if err == nil {
		err = watch.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	watched := bufio.NewReader(stdout)
	if first, err := watched.ReadString('\n'); err != nil || !strings.Contains(first, r.Name("web")) {
		t.Errorf("the first line is %q: %v", first, err)
	}

	if output, code := r.operations("cancel", r.Name("web")); code != 0 || !strings.Contains(output, "cancel") {
		t.Errorf("cancel ended with code %d:\n%s", code, output)
	}
	r.idle()
	gate.Open()
	// It ends, since nothing is in progress any more.
	if rest, err := io.ReadAll(watched); err != nil || !strings.Contains(string(rest), r.Name("web")) {
		t.Errorf("watched: %q, %v", rest, err)
	}
	if err := watch.Wait(); err != nil {
		t.Errorf("watch: %v", err)
	}
	if left := r.Containers(); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	if output, code := r.operations("cancel", listed[0].ID); code != 1 || !strings.Contains(output, "already ended") {
		t.Errorf("a second cancel ended with code %d:\n%s", code, output)
	}
	r.warns(r.plansChange("must be replaced", web), r.Name("web"), "cancelled")

	// Who has dealt with it by hand says so.
	if output, code := r.operations("settle", r.Name("web")); code != 0 {
		t.Errorf("settle ended with code %d:\n%s", code, output)
	}
	r.nothingUnsettled()
	r.settled()
	if output, code := r.operations("counters"); code != 0 || !strings.Contains(output, r.HostName()) {
		t.Errorf("counters ended with code %d:\n%s", code, output)
	}
	r.destroyed(r.cli)
}
