// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// A cancelled operation says who ended it.
func TestCancelledSaysByWhom(t *testing.T) {
	t.Parallel()
	scope := fault.Scope{Engine: "edge1", Container: "web", Now: time.Now}
	for cause, want := range map[error]string{
		context.Canceled:              "the Terraform run that asked for it was interrupted",
		errors.New("a removal began"): "a removal began",
	} {
		if got := scope.Ended(fault.Cancelled, fault.StepWaiting, "create", fault.NothingCreated, nil, "", cause).Message; got != want {
			t.Errorf("%v: says %q", cause, got)
		}
	}
}
