// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// warnOfUnmanaged warns at an import of the settings that gantry has no argument for. Object is
// `Container "web" on engine "edge1"`.
func warnOfUnmanaged(object string, settings []container.Unmanaged, diags *diag.Diagnostics) {
	if len(settings) == 0 {
		return
	}
	diags.AddWarning(object+" has settings that gantry has no argument for",
		"They stay as they are while the object exists, and no plan compares them. A replacement would be made without them:\n  "+strings.Join(unmanagedLines(settings), "\n  "))
}

// warnOfRefused warns at an import of the settings that gantry refuses.
func warnOfRefused(object string, lines []string, diags *diag.Diagnostics) {
	if len(lines) == 0 {
		return
	}
	diags.AddWarning(object+" has settings that gantry refuses",
		"They stay as they are while the object exists, and no plan compares them. A replacement would be made without them:\n  "+strings.Join(lines, "\n  "))
}

// unmanagedLines writes each setting in one line.
func unmanagedLines(settings []container.Unmanaged) []string {
	var lines []string
	for _, s := range settings {
		lines = append(lines, fault.Printable(strings.ReplaceAll(s.String(), "\n", " ")))
	}
	return lines
}
