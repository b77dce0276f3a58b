// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// Late is a failure of a cast that nothing has settled since.
type Late struct {
	Kind  Kind
	Fault *fault.Fault
	// Stray says that no Terraform state can tell of it: the resource of a removal has left its
	// state, and what a crashed process cast may never have got into one.
	Stray bool
}

// LateFaults gives the failures on this conductor's engine that nobody waited for, oldest first. It
// reads the journal alone; an engine that was never connected to has none. Unreadable are the records
// that can't be read, and may tell of more.
func (c *Conductor) LateFaults() (late []Late, unreadable []error) {
	c.mu.Lock()
	c.openJournal()
	j := c.journal
	c.mu.Unlock()
	where, err := resolveHost(c.opts.Host)
	if err != nil || j == nil {
		return nil, nil // Connecting tells why.
	}
	e, err := j.Noted(where.Host)
	if err != nil {
		return nil, nil // It was never connected to.
	}
	records, unreadable := e.Records()
	for _, r := range records {
		one := Late{Kind: Kind(r.Kind)}
		switch {
		case !r.Cast || r.Settled:
			continue
		case r.InProgress() && !e.Alive(r), r.Outcome == journal.Interrupted:
			one.Fault = Interruption(r)
		case r.Outcome == journal.Failed && r.Fault != nil:
			one.Fault = r.Fault
		default:
			continue
		}
		one.Stray = one.Kind == KindRemove || e.Lost(r)
		late = append(late, one)
	}
	return late, unreadable
}
