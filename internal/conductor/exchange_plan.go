// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"strings"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// temporaryNames returns the names of the new and the old container while an exchange is under way.
func temporaryNames(operationID, name string) (next, prior string) {
	unique := strings.ReplaceAll(journal.Ticket(operationID), "-", "")
	unique = unique[max(0, len(unique)-12):]
	return name + ".next-" + unique, name + ".prior-" + unique
}
