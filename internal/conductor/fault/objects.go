// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import (
	"fmt"
	"time"
)

// Object is what the faults of one thing around the containers share: a network, a volume, an image.
type Object struct {
	// Kind is the word for it in texts: "network".
	Kind   string
	Name   string
	Engine string
	// Operation is the ID of the operation that is under way; empty for what has none.
	Operation string
	Mask      Mask
	Now       func() time.Time
}

// String names the object in texts.
func (o Object) String() string { return Subject(o.Kind, o.Name) }

// Scope is what the object's faults share with those of containers.
func (o Object) Scope() Scope {
	return Scope{Engine: o.Engine, Object: o.Kind, Container: o.Name, Operation: o.Operation, Mask: o.Mask, Now: o.Now}
}

func (o Object) make(f Fault, err error) *Fault { return o.Scope().make(f, err) }

// Taken is a name that something else has. Whose says what, in one line.
func (o Object) Taken(whose string, err error) *Fault {
	return o.make(Fault{
		Kind: NameConflict, Step: StepCreating, Attribute: []string{"name"},
		Summary: fmt.Sprintf("The name of %s is already in use on engine %q", o, o.Engine),
		Message: whose + "; it was not touched",
		Exists:  string(NothingCreated),
		Hint:    fmt.Sprintf("import it as \"%s/%s\" to manage it here", o.Engine, o.Name) + orAnotherName,
	}, err)
}

// OfOwnObject is a name that an object has which the same workspace made. Whether its state still has it, under another
// address, is not known here: if so, to import it would put one object under two addresses.
func (f *Fault) OfOwnObject() *Fault {
	own := *f
	own.Hint = "this workspace made it; if its state has it under another address, tell Terraform so by a moved block, or apply again once it is " +
		"destroyed there; if no state has it, " + f.Hint
	return &own
}

// Predefined is a network that the engine has by itself: it is not managed, and never removed.
func (o Object) Predefined() *Fault {
	connect := fmt.Sprintf("networks = { %s = {} }", o.Name)
	if o.Name == "host" || o.Name == "none" || o.Name == "default" {
		connect = fmt.Sprintf("network_mode = %q", o.Name)
	}
	return o.make(Fault{
		Kind: Refused, Step: StepConnecting, Attribute: []string{"name"},
		Summary: fmt.Sprintf("Engine %q has %s by itself", o.Engine, o),
		Message: "nobody can make, change or remove it",
		Exists:  o.unchanged(),
		Hint:    fmt.Sprintf("read it with the data source gantry_network, and connect a container to it with %s; for a network of your own choose another name", connect),
	}, nil)
}

// InUse is an object that can't be removed because of who uses it. By names them.
func (o Object) InUse(by, hint string, err error) *Fault {
	return o.make(Fault{
		Kind: Refused, Step: StepRemoving,
		Summary: fmt.Sprintf("Unable to remove %s on engine %q: it is in use", o, o.Engine),
		Message: "it is used by " + by,
		Exists:  o.unchanged(),
		Hint:    hint,
	}, err)
}

// HoldsData is a volume that is not empty, or may not be.
func (o Object) HoldsData(message string, err error) *Fault {
	return o.make(Fault{
		Kind: Refused, Step: StepRemoving, Attribute: []string{"force_destroy"},
		Summary: fmt.Sprintf("Unable to remove %s on engine %q: it may hold data", o, o.Engine),
		Message: message,
		Exists:  o.unchanged(),
		Hint:    "save what is needed; a removal goes by the state: set force_destroy = true in the volume's block (put the block back if it is gone), bring that alone into the state with terraform apply -target=gantry_volume.NAME, and remove the volume after that",
	}, err)
}

func (o Object) unchanged() string { return fmt.Sprintf("the %s is as it was before", o.Kind) }

// NotFound is an object that is not on the engine.
func (o Object) NotFound(err error) *Fault {
	return o.make(Fault{
		Kind: NotFound, Step: StepReading, Attribute: []string{"name"},
		Summary: fmt.Sprintf("There is no %s on engine %q", o, o.Engine),
		Hint:    "check the name, and that the provider is connected to the engine that has it",
	}, err)
}

// Pull is an image that could not be pulled for its own sake.
func (o Object) Pull(kind Kind, p Pull, err error) *Fault {
	f := o.Scope().Pull(kind, p, err)
	f.Attribute = []string{"name"}
	f.Summary = fmt.Sprintf("Unable to pull image %q on engine %q", p.Image, o.Engine)
	return f
}

// Registry is a question to a registry that was not answered as hoped. Message says why.
func (o Object) Registry(kind Kind, message, hint string, err error) *Fault {
	return o.make(Fault{
		Kind: kind, Step: StepReading, Attribute: []string{"name"}, Message: message, Hint: hint,
		Summary: fmt.Sprintf("Unable to read %s at its registry", o),
	}, err)
}

// Ended is work on an object whose context ended.
func (o Object) Ended(kind Kind, step Step, action, timeout, exists, soFar string, err error) *Fault {
	f := Fault{
		Kind: kind, Step: step, Exists: exists, Message: whoCancelled(err), Hint: "apply again to go on",
		Summary: fmt.Sprintf("Unable to %s %s on engine %q: it was cancelled", action, o, o.Engine),
	}
	if kind == Timeout {
		f.Message, f.Attribute = "it timed out", []string{"timeouts", timeout}
		f.Summary = fmt.Sprintf("Unable to %s %s on engine %q: it took too long", action, o, o.Engine)
		f.Hint = fmt.Sprintf("raise timeouts.%s if this is to be expected", timeout)
	}
	if soFar != "" {
		f.Message += "; " + soFar
	}
	return o.make(f, err)
}

// Lost is an engine that stopped answering.
func (o Object) Lost(step Step, action, exists string, err error) *Fault {
	return o.make(Fault{
		Kind: EngineUnreachable, Step: step, Exists: exists,
		Summary: fmt.Sprintf("Unable to %s %s: engine %q no longer responds", action, o, o.Engine),
		Hint:    "check the engine, then apply again",
	}, err)
}

// Said is everything else that the engine said no to.
func (o Object) Said(kind Kind, step Step, action string, attribute []string, exists string, err error) *Fault {
	hint := "see the engine's message, and its log for more"
	if kind == Invalid {
		hint = "change the setting that the engine names"
	}
	return o.make(Fault{
		Kind: kind, Step: step, Attribute: attribute, Exists: exists, Hint: hint,
		Summary: fmt.Sprintf("Unable to %s %s on engine %q", action, o, o.Engine),
	}, err)
}

// Moved is a container that a replaced network could not take along as it was connected before. Container
// names it; connected says that it is connected in another way.
func (o Object) Moved(container string, connected bool, err error) *Fault {
	f := Fault{
		Kind: EngineError, Step: StepUpdating,
		Summary: fmt.Sprintf("Container %q could not be connected to the replaced %s on engine %q", container, o, o.Engine),
		Exists:  "the network is there, the container is not connected to it",
		Hint:    "the next plan shows the container's missing network and connects it",
	}
	if connected {
		f.Summary = fmt.Sprintf("Container %q could not keep its address in the replaced %s on engine %q", container, o, o.Engine)
		f.Exists = "the network is there, and the container is connected to it with an address that the engine chose"
		f.Hint = "give the container an address that the new network has; until then every plan shows the difference"
	}
	return o.make(f, err)
}
