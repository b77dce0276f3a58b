// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/docker/docker/api/types/mount"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// What users of container providers report most: diffs and replacements with no change. The plan
// after each apply is empty, and so is the plan with the same in another spelling.
func TestAccNoNeedlessDiff(t *testing.T) {
	check := func(interval string) string {
		return fmt.Sprintf("healthcheck = { test = [\"CMD\", %q, \"health\"], interval = %q, timeout = \"1000ms\" }", enginetest.Program, interval)
	}
	for _, tt := range []struct {
		name       string
		one, other []string
	}{
		{"capabilities with and without their prefix", []string{`cap_add = ["NET_ADMIN"]`, `cap_drop = ["CAP_MKNOD"]`}, []string{`cap_add = ["CAP_NET_ADMIN"]`, `cap_drop = ["mknod"]`}},
		{"CPUs as text", []string{`cpus = "1"`}, []string{"cpus = 1.0"}},
		{"platform", []string{`platform = "linux/amd64"`}, []string{`platform = "linux/x86_64"`}},
		{"IPv6 hosts", []string{`extra_hosts = { six = ["::1"], both = ["fd00::1", "10.0.0.1"] }`}, []string{`extra_hosts = { six = ["0:0:0:0:0:0:0:1"], both = ["fd00:0::1", "10.0.0.1"] }`}},
		{
			// What a privileged container may do depends on the kernel: not whether it can be made.
			"privileged, with what the engine makes of security options",
			[]string{"privileged = true", `security_opt = ["label=disable"]`, `desired_state = "stopped"`},
			[]string{"privileged = true", `security_opt = ["label:disable"]`, `desired_state = "stopped"`},
		},
		{"durations", []string{check("60s"), `stop_grace_period = "90s"`}, []string{check("1m"), `stop_grace_period = "1m30s"`}},
		{"memory without swap", []string{`memory = "64m"`}, []string{`memory = "0.0625g"`}},
		{"slashes at the end of a path", []string{`mounts = { "/srv" = { type = "bind", source = "/tmp" } }`}, []string{`mounts = { "/srv" = { type = "bind", source = "/tmp/" } }`}},
		{"options of a log that the engine adds", []string{`logging = { driver = "local" }`}, nil}, // It has no other spelling.
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			same := &sameContainer{rig: r}
			steps := []resource.TestStep{{Config: r.container(tt.one...), ConfigStateChecks: []statecheck.StateCheck{same.is(r.Name("web"))}}}
			if tt.other != nil {
				steps = append(steps, resource.TestStep{
					Config: r.container(tt.other...), ConfigPlanChecks: plannedNothing(), ConfigStateChecks: []statecheck.StateCheck{same.is(r.Name("web"))},
				})
			}
			r.run(steps...)
		})
	}
}

// What is planned is done: updates that are planned and never sent are the other half of those
// reports.
func TestAccNoPlannedUpdateIsLost(t *testing.T) {
	r := newRig(t)
	lines := func(init bool, size, interval string, quota int) []string {
		return []string{
			fmt.Sprintf("init = %t", init),
			fmt.Sprintf("cpu_quota = %d", quota),
			fmt.Sprintf(`mounts = { "/scratch" = { type = "tmpfs", tmpfs = { size = %q } } }`, size),
			fmt.Sprintf("healthcheck = { test = [\"CMD\", %q, \"health\"], interval = %q }", enginetest.Program, interval),
			`desired_state = "stopped"`, // Debian's engine has no init program to start with.
		}
	}
	has := func(init bool, size int64, interval time.Duration, quota int64) []statecheck.StateCheck {
		return []statecheck.StateCheck{
			r.engineHas(map[string]any{"Init": init, "CPUQuota": quota}),
			stateCheck(func() error {
				c := r.Inspect(r.Name("web"))
				mounts := c.HostConfig.Mounts
				if len(mounts) != 1 || mounts[0].Type != mount.TypeTmpfs || mounts[0].TmpfsOptions.SizeBytes != size {
					return fmt.Errorf("the mounts are %+v", mounts)
				}
				if got := c.Config.Healthcheck.Interval; got != interval {
					return fmt.Errorf("the interval is %s, want %s", got, interval)
				}
				return nil
			}),
		}
	}
	r.run(
		resource.TestStep{Config: r.container(lines(false, "1m", "60s", 50000)...), ConfigStateChecks: has(false, 1<<20, time.Minute, 50000)},
		resource.TestStep{
			Config:            r.container(lines(true, "2m", "30s", 25000)...),
			ConfigPlanChecks:  planned(plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: has(true, 2<<20, 30*time.Second, 25000),
		},
	)
}
