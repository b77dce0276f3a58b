// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"context"
	"fmt"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
)

// settle notes that a person has dealt with a failure: no plan tells of it any more, and a removal is
// not resumed.
func settle(_ context.Context, s *session) error {
	all, err := s.meant()
	if err != nil {
		return err
	}
	unsettled := func(o operation) bool { return o.failed() && !o.Settled }
	o, err := find(all, s.id, unsettled)
	if err != nil {
		return err
	}
	if !unsettled(o) {
		return fmt.Errorf("operation %s (%s of %s) is no failure that is open: it is %s", o.short(), o.Kind, o.subject(), o.status())
	}
	if err := conductor.Settle(o.engine, o.ID); err != nil {
		return fmt.Errorf("settling the operation: %w", err)
	}
	o.Settled = true
	if s.json {
		return s.encode(o)
	}
	s.print(fmt.Sprintf("The failed %s of %s on engine %q is settled: no plan tells of it any more.", o.Kind, o.subject(), o.Engine))
	return nil
}
