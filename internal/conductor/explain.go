// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"strings"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// actionOf says what a step was to do, for messages.
func actionOf(kind Kind, step fault.Step) string {
	switch step {
	case fault.StepStarting:
		return "start"
	case fault.StepStopping:
		return "stop"
	case fault.StepWaiting:
		return "watch"
	default:
		return strings.Replace(kind.verb(), "delete", "remove", 1)
	}
}
