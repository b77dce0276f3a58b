// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

// faultOf returns the fault that the conductor returned, with its text; nil if there is none.
func faultOf(err error) *fault.Fault {
	var f *fault.Fault
	if !errors.As(err, &f) {
		return nil
	}
	return faulttext.Of(f)
}

// invokeAgain is what to do about an action that was cancelled: its trigger is over.
const invokeAgain = "invoke the action again (terraform apply -invoke) if it is still to be done: another apply does not repeat it"

// addActionFault is addFault for what an action asked for.
func addActionFault(diags *diag.Diagnostics, err error) {
	if f := faultOf(err); f != nil && f.Kind == fault.Cancelled {
		told := *f
		told.Hint, err = invokeAgain, &told
	}
	addFault(diags, err)
}

// addFault makes a diagnostic of what the conductor returned, if it failed, on the attribute that
// it concerns.
func addFault(diags *diag.Diagnostics, err error) {
	if err == nil {
		return
	}
	f := faultOf(err)
	switch {
	case f == nil:
		diags.AddError("gantry failed in a way that it does not know", err.Error())
		return
	case len(f.Field) == 0:
		diags.AddError(f.Summary, f.Detail())
		return
	}
	// The fault may know a key below the attribute, and its text names it. Terraform finds the
	// line of an attribute in the configuration, but not of what is nested in one: with the whole
	// path it would show the first line of the resource.
	diags.AddAttributeError(path.Root(f.Field[0]), f.Summary, f.Detail())
}
