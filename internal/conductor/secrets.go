// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"slices"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// hides reports whether a container can have been given files: what is secret in them is in none of its settings, so
// that whoever has only those can't mask it in what the container writes. What gantry made, and the journal does not
// know, can have been.
func (e *connection) hides(c *container.Container) bool {
	operation := c.Labels[container.LabelOperation]
	lanes := []string{c.Name}
	_, lane, _, err := journal.SplitID(operation)
	made := err == nil
	if made && lane != c.Name {
		lanes = append(lanes, lane)
	}
	if e.journal == nil {
		return made
	}
	if made {
		if r, err := e.journal.Knower(operation).Find(operation); err != nil || r.Uploads || Kind(r.Kind) != KindCreate {
			return true // An exchange does not note whether it uploads.
		}
	}
	for i := 0; i < len(lanes); i++ { // A rename leads to the lane of the name before.
		records, problems := e.journal.Lane(lanes[i])
		if len(problems) > 0 {
			return true
		}
		for _, r := range records {
			if r.ContainerID != c.ID {
				continue
			}
			if r.Uploads {
				return true
			}
			if r.PriorName != "" && !slices.Contains(lanes, r.PriorName) {
				lanes = append(lanes, r.PriorName)
			}
		}
	}
	return false
}
