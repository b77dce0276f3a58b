// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"slices"
	"strings"
	"testing"
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
	r.warns(r.plansChange("must be replaced", web), r.Name("web"), "interrupted", "The plan creates it anew")
	if again := r.cli.must("apply", "-auto-approve"); strings.Contains(again.output, "cut off with the CI runner") {
		t.Errorf("the apply warns of a CI runner:\n%s", again.output)
	}
	r.idle()
	r.emptyPlan()
	r.nothingUnsettled()
	r.cli.must("destroy", "-auto-approve")
}
