// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// BenchmarkFleetPlan plans 2,000 containers on 100 simulated engines whose answers take 20 ms, with nothing to do, by
// Terraform's own parallelism of 10 and by 50, beside 2,000 terraform_data. Only the ratios carry over to other
// machines:
//
//	plan10/data, plan50/data   the plan against that of 2,000 terraform_data
//	state-kB/container         the size of the state for each container
func BenchmarkFleetPlan(b *testing.B) {
	enginetest.Acceptance(b)
	const engines, each = 100, 20
	dir := b.TempDir()
	var entries strings.Builder
	for i := range engines {
		s := enginetest.Simulate(b, dir, enginetest.SimulatedOptions{Name: fmt.Sprintf("e%03d", i), Latency: 20 * time.Millisecond})
		fmt.Fprintf(&entries, "    e%03d = { host = %q }\n", i, s.Host)
	}
	fleet, data := newCLI(b), newPlainCLI(b)
	fleet.configure(fmt.Sprintf(`locals {
  engines = {
%s  }
}

provider "gantry" {
  host    = %q
  engines = local.engines
}

resource "gantry_container" "all" {
  for_each = { for pair in setproduct(keys(local.engines), range(%d)) : "${pair[0]}-${pair[1]}" => pair[0] }
  engine   = each.value
  name     = "app-${each.key}"
  image    = "app"
  wait_for = "none"

  desired_state = "stopped"
}
`, entries.String(), enginetest.Simulate(b, dir, enginetest.SimulatedOptions{Name: "default"}).Host, each))
	data.configure(fmt.Sprintf("resource \"terraform_data\" \"all\" {\n  count = %d\n}\n", engines*each))
	data.must("apply", "-auto-approve", "-parallelism=50")
	apply := fleet.must("apply", "-auto-approve", "-parallelism=50")
	fleet.must("apply", "-auto-approve", "-parallelism=50") // What the casts left is in the state now.
	state, err := os.Stat(filepath.Join(fleet.folder, "terraform.tfstate"))
	if err != nil {
		b.Fatal(err)
	}
	var ten, fifty, plain []time.Duration
	for b.Loop() {
		ten = append(ten, fleet.must("plan", "-detailed-exitcode", "-parallelism=10").took)
		fifty = append(fifty, fleet.must("plan", "-detailed-exitcode", "-parallelism=50").took)
		plain = append(plain, data.must("plan", "-detailed-exitcode").took)
	}
	b.Logf("%d containers on %d engines: apply of casts %.1f s, plan %.1f s with a parallelism of 10, %.1f s with 50, %.1f s for terraform_data, state %d kB",
		engines*each, engines, apply.took.Seconds(), median(ten).Seconds(), median(fifty).Seconds(), median(plain).Seconds(), state.Size()>>10)
	b.ReportMetric(median(ten).Seconds()/median(plain).Seconds(), "plan10/data")
	b.ReportMetric(median(fifty).Seconds()/median(plain).Seconds(), "plan50/data")
	b.ReportMetric(float64(state.Size()>>10)/(engines*each), "state-kB/container")
}
