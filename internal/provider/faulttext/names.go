// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package faulttext

import (
	"fmt"
	"strings"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// orAnotherName ends the hint of a name conflict.
const orAnotherName = ", or choose another name"

const untouched = "; it was not touched"

func nameTaken(f *fault.Fault) text {
	hint := fmt.Sprintf("import it as \"%s/%s\" to manage it here", f.Engine, f.Facts.Name) + orAnotherName
	switch f.Facts.Owner {
	case fault.OwnerOther:
		// To import it would have two states manage it. The journal can't tell another workspace from one whose
		// directory moved.
		hint = "another Terraform workspace on this machine manages it (or this one did, before its directory or backend changed): choose another name, " +
			"or take it out of the state there first (terraform state rm); if nothing else manages it any more, " + strings.TrimSuffix(hint, orAnotherName)
	case fault.OwnerWorkspace, fault.OwnerGantry:
		hint = ownName(f, hint)
	}
	if f.Facts.Cast { // Its resource is in the state, where an import can't go.
		hint += "; an import needs terraform state rm of this resource first, since the state has it from the apply that accepted its create"
	}
	summary := conflict(f)
	if f.Object != "" {
		summary = fmt.Sprintf("The name of %s is already in use on engine %q", f.Subject(), f.Engine)
	}
	return text{summary, f.Facts.By + untouched, hint}
}

func conflict(f *fault.Fault) string {
	return fmt.Sprintf("Container name %q is already in use on engine %q", f.Facts.Name, f.Engine)
}

// ownName is what to do about a name that something has which the same workspace made, or gantry. Whether the state
// still has that is not known: if so, to import it would be no help, or put one object under two addresses.
func ownName(f *fault.Fault, otherwise string) string {
	if f.Object != "" {
		return "this workspace made it; if its state has it under another address, tell Terraform so by a moved block, or apply again once it is " +
			"destroyed there; if no state has it, " + otherwise
	}
	maker := "this workspace"
	if f.Facts.Owner == fault.OwnerGantry {
		maker = "gantry"
	}
	return maker + " made that container; if the state of this workspace has it, and it is to get another name, apply again, and where names are " +
		"exchanged, raise -parallelism above the number of names that change, since Terraform has to ask for all of them at once, " +
		"or give one of them a third name first; if no state has it, " + otherwise
}

// nameReserved has nothing to import.
func nameReserved(f *fault.Fault) text {
	return text{conflict(f), "something that the engine is still making or removing has it" + untouched,
		"apply again; if the engine keeps the name, restart the engine, or choose another name"}
}

func nameOfExchange(f *fault.Fault) text {
	return text{conflict(f),
		"an update of it in another Terraform workspace put a new container in the place of the old one, and was interrupted: " + f.Facts.By + untouched,
		"apply again in the workspace that manages the container, which ends its update, or choose another name"}
}

func foreign(f *fault.Fault) text {
	return text{fmt.Sprintf("The %s of container %q on engine %q was refused: it is not gantry's own", f.Facts.Action, f.Container, f.Engine),
		"gantry did not make the container of this name: " + f.Facts.By,
		fmt.Sprintf("if this very container is meant, name it by its ID: container = %q (of a gantry_container, its container_id)", f.Facts.ID)}
}

func mistaken(f *fault.Fault) text {
	hint := "wait for the operation_id that the container's resource has by now: \"terraform apply\" there first, if this one is of an earlier run; " +
		"if two resources or Terraform states want this name, give one of them another; keep state_dir from one run to the next, and the provider knows its operations"
	if f.Facts.Older {
		hint = "the ID is of an older gantry, and does not tell which container it is about: if it is this one, change or replace the container's resource once " +
			"(\"terraform apply -replace\"), and wait for the operation_id that it has then; if two resources or Terraform states want this name, give one of them another"
	}
	return text{fmt.Sprintf("Unable to wait for container %q on engine %q: another container has its name", f.Container, f.Engine),
		f.Facts.By + "; nothing shows that it is the one of operation " + f.Operation, hint}
}

func notFound(f *fault.Fault) text {
	if f.Object != "" {
		return text{fmt.Sprintf("There is no %s on engine %q", f.Subject(), f.Engine), "", "check the name, and that the provider is connected to the engine that has it"}
	}
	return text{fmt.Sprintf("Container %q does not exist on engine %q", f.Container, f.Engine), "", "apply again: the next plan creates it"}
}
