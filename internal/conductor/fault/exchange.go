// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import "fmt"

// What can be there after an exchange that failed.
const (
	OldKept       = "the old container is as it was before, and the new one is removed; the next plan shows the update again"
	NewKept       = "the new container is in its place, and the old one is gone"
	NoneExchanged = "neither the old container nor the new one is there any more"
	OldStopping   = "the engine goes on stopping the old container, and kills it when its grace period is over; the next apply ends the exchange first"
	HalfExchanged = "the old container could not be brought back entirely: the next apply does that first"
)

// Exchanged says of a failure that it ended an exchange, and what is there now.
func (f *Fault) Exchanged(order, exists string) *Fault {
	out := *f
	out.Message = fmt.Sprintf("a new container was to take its place (update_order = %q), which failed while %s; %s", order, f.Step, f.Message)
	out.Exists = exists
	return &out
}
