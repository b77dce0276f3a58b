// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"context"
	"fmt"
	"time"
)

func list(_ context.Context, s *session) error {
	if s.limit < 1 {
		return &usageError{fmt.Errorf("--limit takes a number above 0, not %d", s.limit), name + " operations list"}
	}
	all, more, err := s.newest()
	if err != nil {
		return err
	}
	picked := pick(all, s.filter)
	if s.json {
		return s.encode(struct {
			Operations []operation `json:"operations"`
			// More says that older operations were not looked at.
			More bool `json:"more"`
		}{picked, more})
	}
	if len(picked) > 0 {
		s.print(listed(picked, s.Zone)...)
	} else {
		s.print("There are no such operations.")
	}
	if more {
		s.print(fmt.Sprintf("Older operations than the newest %d of an engine were not looked at: see --limit and --all.", s.limit))
	}
	return nil
}

// listed is a line for each operation, below a heading.
func listed(all []operation, zone *time.Location) []string {
	rows := [][]string{{"STARTED", "ENGINE", "NAME", "KIND", "STATE", "ELAPSED", "ID"}}
	for _, o := range all {
		rows = append(rows, []string{moment(o.Accepted, zone), o.Engine, o.label(), o.Kind, o.status(), o.took(), o.short()})
	}
	return table(rows)
}
