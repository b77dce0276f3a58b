// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

// reportLate warns of the failures of casts that no resource can tell of: where there is none any more,
// or not yet. Beyond a number it tells in one warning of the newest, and how many there are besides, also of
// those that resources would tell of: it reports whether it did.
func reportLate(late conductor.LateFaults, diags *diag.Diagnostics) (toldAll bool) {
	if more := late.Count - len(late.Newest); more > 0 && len(late.Newest) > 0 {
		var lines []string
		for _, one := range late.Newest {
			lines = append(lines, fmt.Sprintf("- %s (%s): %s", one.Fault.Subject(), one.Kind, faulttext.Of(one.Fault).Summary))
		}
		slices.Sort(lines)
		all, others := fmt.Sprintf("%d operations", late.Count), fmt.Sprintf("%d more", more)
		if late.More {
			all, others = fmt.Sprintf("More than %d operations", late.Count), fmt.Sprintf("more than %d others", more)
		}
		lines = append(lines, "- and "+others)
		diags.AddWarning(fmt.Sprintf("%s on engine %q failed after their apply", all, late.Newest[0].Fault.Engine),
			fmt.Sprintf("%s\n\nAn apply of this configuration repairs what it has of them; each resource's fault has the details, and `terraform-provider-gantry operations list --failed --all` "+
				"lists all. The next create, update or delete of the same name settles a failure, and so does `terraform-provider-gantry operations settle`.", strings.Join(lines, "\n")))
		return true
	}
	for _, one := range late.Newest {
		f := faulttext.Of(one.Fault)
		switch {
		case !one.Stray:
		case one.Kind == conductor.KindRemove:
			diags.AddWarning(fmt.Sprintf("The removal of %s on engine %q failed after the last apply", f.Subject(), f.Engine),
				f.Summary+"\n"+f.Detail()+"\n\nThe container may still be there. A create of the same name removes it first; else remove it by hand.")
		default:
			diags.AddWarning(fmt.Sprintf("The %s of %s on engine %q failed after an apply that was cut off", one.Kind, f.Subject(), f.Engine),
				f.Summary+"\n"+f.Detail()+"\n\nNo state is known that names this operation. The next create, update or delete of the same name deals with what it left.")
		}
	}
	return false
}

// settling is how somebody has a failure that was made up for told no more. Its value is the state directory that the
// provider's configuration sets; empty is the default.
type settling struct{ stateDir string }

// hint returns the sentences that name the command; none where no operation failed.
func (s settling) hint(f *fault.Fault) string {
	if f.Operation == "" {
		return ""
	}
	command := "terraform-provider-gantry operations settle"
	if s.stateDir != "" {
		command += fmt.Sprintf(" --state-dir %q", s.stateDir)
	}
	return fmt.Sprintf(" Each plan tells of it until an update or a removal of it has succeeded, or until this is run:\n\n  %s %s", command, f.Operation)
}

// reportUnreadable warns of records of the journal that can't be read: of some why, and how many there are.
func reportUnreadable(problems []error, count int, diags *diag.Diagnostics) {
	if len(problems) == 0 {
		return
	}
	var lines []string
	for _, problem := range problems {
		lines = append(lines, "- "+problem.Error())
	}
	if more := count - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("- and %d more", more))
	}
	diags.AddWarning(fmt.Sprintf("The state directory has records that can't be read (%d)", count),
		strings.Join(lines, "\n")+"\n\nWhat they tell of is not known, a failure perhaps; all else goes on by what the engine knows. They are left as they are. "+
			"What a newer gantry wrote, a newer gantry reads; a damaged record can be deleted once its container is as it should be.")
}

// reportFailed warns of the failure of an operation that nobody waited for. Subject names what it was
// about, id is engine/name, plan what the plan does about it.
func reportFailed(subject, id string, f *fault.Fault, plan string, diags *diag.Diagnostics) {
	f = faulttext.Of(f)
	engine, _, _ := strings.Cut(id, "/")
	what := f.Summary
	if f.Kind != fault.Interrupted { // Nobody saw when that was.
		what += ", at " + f.Time.UTC().Format(time.RFC3339)
	}
	diags.AddWarning(fmt.Sprintf("%s on engine %q failed after the last apply", subject, engine), fmt.Sprintf("%s.\n%s\n\n%s", what, f.Detail(), plan))
}

// reportElsewhere warns of an operation that may be under way on another machine, which nothing here can tell.
func reportElsewhere(subject string, operation types.String, until time.Time, diags *diag.Diagnostics) {
	if until.IsZero() {
		return
	}
	diags.AddWarning(subject+" may be under way on another machine", fmt.Sprintf("The journal in the provider's state_dir does not know the operation %s, which the state names. "+
		"Until %s it is taken for one that is being carried out where it was accepted, and nothing is planned for it; after that it is judged by what the engine has.",
		operation.ValueString(), until.UTC().Format(time.RFC3339)))
}

// reportStillMade warns of a container that has left the state, and that another machine may yet make.
func reportStillMade(m *containerModel, until time.Time, diags *diag.Diagnostics) {
	if until.IsZero() {
		return
	}
	diags.AddWarning(fmt.Sprintf("Container %q may still be made by another machine", m.Name.ValueString()), fmt.Sprintf("It was not on the engine, and has left the state. "+
		"But the journal in the provider's state_dir does not know the operation %s, which was to make it: where it was accepted it may go on until %s.\n\n"+
		"Look for the container after that: no state has it then. Remove it, or import it as %q.", m.OperationID.ValueString(), until.UTC().Format(time.RFC3339), m.ID.ValueString()))
}

// reportNotJournaled warns once that the journal does not have what was carried out.
func (d *providerData) reportNotJournaled(why error, diags *diag.Diagnostics) {
	if why == nil {
		return
	}
	d.unkept.Do(func() {
		diags.AddWarning("Operations are not noted in the state directory", fmt.Sprintf("%s.\n\nThe apply goes on. But had it been killed in the middle, "+
			"the next one would not know what was under way, and others that work on the same containers are not waited for: "+
			"see that the provider's state_dir can be written.", sentence(why)))
	})
}

// reportCast warns once of what casts are, where that is less than they should be: they complete before
// they return, or may be cut off.
func (d *providerData) reportCast(completed bool, why string, err error, diags *diag.Diagnostics) {
	switch {
	case err == nil && !completed && d.ci:
		d.cutOff.Do(func() {
			diags.AddWarning("Operations may be cut off with the CI runner", "This apply leaves operations to a background conductor, which ends with the "+
				"machine or the container that it runs in (the environment variable CI is set). What a gantry_barrier gathers has ended before the apply does. "+
				"What is cut off is found and repaired by the next apply.")
		})
	case completed:
		d.completes.Do(func() {
			diags.AddWarning("Casts complete before they return", fmt.Sprintf("There is no background conductor: %s. "+
				"Operations that nobody should wait for (wait_for = %q, wait_for_removal = false) were carried out by the apply itself.", why, container.WaitNone))
		})
	}
}
