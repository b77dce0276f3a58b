// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
)

// manyLate is how many late failures are told of one by one.
const manyLate = 10

// tellLate warns of the failures of casts that no resource can tell of: where there is none any more,
// or not yet. Beyond a number it tells of all in one warning, also of those that resources would
// tell of, and gives their operations' IDs.
func tellLate(late []conductor.Late, diags *diag.Diagnostics) (told map[string]bool) {
	if len(late) > manyLate {
		told = make(map[string]bool)
		var lines []string
		for _, one := range late {
			told[one.Fault.Operation] = true
			lines = append(lines, fmt.Sprintf("- %s (%s): %s", one.Fault.Container, one.Kind, one.Fault.Summary))
		}
		slices.Sort(lines)
		engine := late[0].Fault.Engine
		diags.AddWarning(fmt.Sprintf("%d operations on engine %q failed after their apply", len(late), engine),
			fmt.Sprintf("%s\n\nThe plan repairs those of this configuration; each resource's fault has the details. "+
				"The next create, update or delete of the same name settles a failure, and so does `terraform-provider-gantry operations settle`.", strings.Join(lines, "\n")))
		return told
	}
	for _, one := range late {
		f := one.Fault
		switch {
		case !one.Stray:
		case one.Kind == conductor.KindRemove:
			diags.AddWarning(fmt.Sprintf("The removal of container %q on engine %q failed after the last apply", f.Container, f.Engine),
				f.Summary+"\n"+f.Detail()+"\n\nThe container may still be there. A create of the same name removes it first; else remove it by hand.")
		default:
			diags.AddWarning(fmt.Sprintf("The %s of container %q on engine %q failed after an apply that was cut off", one.Kind, f.Container, f.Engine),
				f.Summary+"\n"+f.Detail()+"\n\nNo state is known that names this operation. The next create, update or delete of the container deals with what it left.")
		}
	}
	return nil
}

// tellUnreadable warns of records of the journal that can't be read.
func tellUnreadable(problems []error, diags *diag.Diagnostics) {
	if len(problems) == 0 {
		return
	}
	var lines []string
	for _, problem := range problems[:min(len(problems), manyLate)] {
		lines = append(lines, "- "+problem.Error())
	}
	if more := len(problems) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("- and %d more", more))
	}
	diags.AddWarning(fmt.Sprintf("The state folder has records that can't be read (%d)", len(problems)),
		strings.Join(lines, "\n")+"\n\nWhat they tell of is not known, a failure perhaps; all else goes on by what the engine knows. They are left as they are. "+
			"What a newer gantry wrote, a newer gantry reads; a damaged record can be deleted once its container is as it should be.")
}
