// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package operations

import (
	"context"
	"time"
)

func list(_ context.Context, s *session) error {
	all, err := s.operations()
	if err != nil {
		return err
	}
	picked := pick(all, s.filter)
	if s.json {
		return s.encode(struct {
			Operations []operation `json:"operations"`
		}{picked})
	}
	if len(picked) == 0 {
		s.print("There are no such operations.")
		return nil
	}
	s.print(listed(picked, s.Zone)...)
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
