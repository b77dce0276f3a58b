// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"strings"
	"testing"
)

// An engine that fails during a refresh never makes a resource disappear, of whatever type: once it
// works again, there is nothing to do.
func TestAccRefreshFails(t *testing.T) {
	r := newCastRig(t)
	r.cli.configure(r.config(
		r.network(), r.volume(), r.image(r.Image, `pull_policy = "never"`, "keep_on_destroy = true"),
		r.cast("web", "networks = { (gantry_network.front.name) = {} }"), gather([]string{"web"}),
		execution(run("exit", "0"), "depends_on = [gantry_barrier.all]"),
	))
	r.cli.must("apply", "-auto-approve")
	r.idle()
	all := r.cli.must("state", "list").output
	if n := len(strings.Fields(all)); n != 6 {
		t.Fatalf("the state has %d resources:\n%s", n, all)
	}
	for _, path := range []string{"/containers/*/json", "/networks/*", "/volumes/*", "/images/*/json"} {
		for _, times := range []int{1, -1} {
			r.Proxy.Fail("GET", path, times, 500, "the disk is on fire")
			plan := r.cli.run("plan", "-detailed-exitcode")
			if plan.code == 2 || times < 0 && (plan.code != 1 || !strings.Contains(flat(plan.output), "the disk is on fire")) {
				t.Errorf("%s fails (%d): the plan ended with %d:\n%s", path, times, plan.code, plan.output)
			}
			r.cli.run("apply", "-auto-approve", "-refresh-only")
			r.Proxy.Clear()
			r.emptyPlan()
			if left := r.cli.must("state", "list").output; left != all {
				t.Errorf("%s failed (%d): the state has\n%s", path, times, left)
			}
		}
	}
	r.destroysAll()
}
