// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault_test

import (
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// Nobody saw an interruption: it must look the same whenever somebody finds it, or every refresh has news.
func TestInterruptionHasNoTimeOfItsOwn(t *testing.T) {
	accepted := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	scope := fault.Scope{Engine: "edge1", Container: "web", Operation: "edge1/web/1", Now: func() time.Time { return accepted.Add(time.Hour) }}
	if f := scope.Interrupted("create", fault.StepPulling, accepted); !f.Time.Equal(accepted) {
		t.Errorf("the interruption has the time %s, accepted was the operation at %s", f.Time, accepted)
	}
}
