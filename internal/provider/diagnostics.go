// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// addFault makes a diagnostic of what the conductor returned, on the attribute that it concerns,
// and gives the fault.
func addFault(diags *diag.Diagnostics, err error) *fault.Fault {
	var f *fault.Fault
	if !errors.As(err, &f) {
		diags.AddError("gantry failed in a way that it does not know", err.Error())
		return nil
	}
	if len(f.Attribute) == 0 {
		diags.AddError(f.Summary, f.Detail())
		return f
	}
	diags.AddAttributeError(attributePath(f.Attribute), f.Summary, f.Detail())
	return f
}

// attributePath translates a fault's attribute: a name, and keys below it.
func attributePath(attribute []string) path.Path {
	p := path.Root(attribute[0])
	for _, key := range attribute[1:] {
		if attribute[0] == "timeouts" {
			p = p.AtName(key)
		} else {
			p = p.AtMapKey(key)
		}
	}
	return p
}
