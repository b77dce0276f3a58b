// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"slices"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// hides reports whether a container can have been given files: what is secret in them is in none of its settings, so
// that whoever has only those can't mask it in what the container writes. Only the journal can tell that it was given
// none: it knows the create, and all operations since. What somebody else made can have been given files by whoever
// has imported it.
func (e *connection) hides(c *container.Container) bool {
	operation := c.Labels[container.LabelOperation]
	_, lane, _, err := journal.SplitID(operation)
	if err != nil || e.journal == nil {
		return true
	}
	if r, err := e.journal.Knower(operation).Find(operation); err != nil || r.Uploads || Kind(r.Kind) != KindCreate {
		return true // An exchange does not note whether it uploads.
	}
	lanes := []string{c.Name}
	if lane != c.Name {
		lanes = append(lanes, lane)
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
