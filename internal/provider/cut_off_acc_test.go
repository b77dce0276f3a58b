// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// In a CI job that runs in a container of its own, the background conductor ends with the job. The
// apply says so beforehand, and the next one tells of what was cut off and repairs it.
func TestAccPIDNamespaceEnds(t *testing.T) {
	r := newCastRig(t)
	pushed, gate := r.heldImage()
	r.cli.configure(r.config(r.cast("web", attr("image", pushed.Reference)), r.cast("other", attr("image", pushed.Reference))))
	outside := r.cli.env
	r.cli.env = slices.Concat(outside, []string{"CI=true"})
	r.cli.within = []string{"unshare", "--pid", "--fork", "--mount-proc"}
	apply := r.cli.must("apply", "-auto-approve")
	if n := strings.Count(apply.output, "Operations may be cut off with the CI runner"); n != 1 {
		t.Errorf("the apply warns %d times that casts may be cut off:\n%s", n, apply.output)
	}
	r.idle()
	gate.Open()

	r.cli.env, r.cli.within = slices.Concat(outside, []string{"CI="}), nil
	r.warns(r.plansChange("must be replaced", web), r.Name("web"), "interrupted", "An apply of a configuration that has it creates it again")
	if again := r.cli.must("apply", "-auto-approve"); strings.Contains(again.output, "cut off with the CI runner") {
		t.Errorf("the apply warns of a CI runner:\n%s", again.output)
	}
	r.idle()
	r.emptyPlan()
	r.nothingUnsettled()
	r.cli.must("destroy", "-auto-approve")
}

// A cast that was cut off, and whose container has become what it was to be, is told of by every plan, whatever that is
// to do, until somebody runs the command that the warning names.
func TestAccRecoveredCutOffIsSettled(t *testing.T) {
	r := newCastRig(t)
	folder := t.TempDir()
	r.cli.configure(r.config(r.cast("web",
		fmt.Sprintf(`healthcheck = { test = ["CMD", %q, "health-file", "/probe/up"], interval = "500ms", retries = 1000 }`, enginetest.Program),
		fmt.Sprintf(`mounts = { "/probe" = { type = "bind", source = %q } }`, folder))))
	gate := r.Proxy.Hold("POST", "/containers/*/start")
	r.cli.must("apply", "-auto-approve")
	gate.Await()
	gate.Open()
	r.Await(r.Name("web"), "running", func(c container.InspectResponse) bool { return c.State.Running })
	kill("background", r.cli.background())
	if err := os.WriteFile(filepath.Join(folder, "up"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.Await(r.Name("web"), "healthy", func(c container.InspectResponse) bool { return c.State.Health.Status == container.Healthy })
	r.cli.must("apply", "-refresh-only", "-auto-approve")
	var plan result
	for _, how := range [][]string{{}, {"-refresh-only"}, {"-replace=" + web}} {
		plan = r.cli.must(append([]string{"plan"}, how...)...)
		r.warns(plan.output, r.Name("web"), "interrupted", "By now it is as it should be; that alone plans no change.")
	}
	command := regexp.MustCompile(`(?m)^\W*terraform-provider-gantry (operations settle .*)$`).FindStringSubmatch(plan.output)
	if command == nil {
		t.Fatalf("the plan names no command:\n%s", plan.output)
	}
	if output, err := exec.CommandContext(t.Context(), "sh", "-c", r.cli.binary+" "+command[1]).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", command[1], err, output)
	}
	if plan := r.cli.must("plan", "-detailed-exitcode"); strings.Contains(plan.output, "interrupted") {
		t.Errorf("the plan tells of what is settled:\n%s", plan.output)
	}
	r.nothingUnsettled()
	r.cli.must("destroy", "-auto-approve")
}
