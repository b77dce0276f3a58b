// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import "time"

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
	return o.Scope().NameConflict(o.Name, whose, NothingCreated, err)
}

// Predefined is a network that the engine has by itself: it is not managed, and never removed.
func (o Object) Predefined() *Fault {
	return o.make(Fault{Kind: Refused, Step: StepConnecting, Field: []string{"name"}, Reason: ReasonPredefined, Left: Unchanged}, nil)
}

// InUse is an object that can't be removed because of who uses it. By names them.
func (o Object) InUse(by string, advice Advice, err error) *Fault {
	return o.make(Fault{Kind: Refused, Step: StepRemoving, Reason: ReasonInUse, Left: Unchanged, Facts: Facts{By: by, Advice: advice}}, err)
}

// HoldsData is a volume that is not empty, or may not be.
func (o Object) HoldsData(why string, err error) *Fault {
	return o.make(Fault{
		Kind: Refused, Step: StepRemoving, Field: []string{"force_destroy"}, Reason: ReasonHoldsData, Left: Unchanged, Facts: Facts{Why: why},
	}, err)
}

// NotFound is an object that is not on the engine.
func (o Object) NotFound(err error) *Fault {
	f := o.Scope().NotFound(err)
	f.Field = []string{"name"}
	return f
}

// Pull is an image that could not be pulled for its own sake.
func (o Object) Pull(kind Kind, p Pull, err error) *Fault {
	f := o.Scope().Pull(kind, p, err)
	f.Field = []string{"name"}
	return f
}

// Registry is a question to a registry that was not answered as hoped. Facts are those that are known of it.
func (o Object) Registry(kind Kind, facts Facts, err error) *Fault {
	return o.make(Fault{Kind: kind, Step: StepReading, Field: []string{"name"}, Reason: ReasonRegistry, Facts: facts}, err)
}

// Ended is work on an object whose context ended.
func (o Object) Ended(kind Kind, step Step, action, timeout string, exists Exists, soFar string, err error) *Fault {
	return o.Scope().ended(Fault{Kind: kind, Step: step, Reason: ReasonWorkEnded, Left: exists, Facts: Facts{Action: action, SoFar: soFar}}, timeout, err)
}

// Lost is an engine that stopped answering.
func (o Object) Lost(step Step, action string, exists Exists, err error) *Fault {
	return o.Scope().Lost(step, action, exists, err)
}

// Said is everything else that the engine said no to.
func (o Object) Said(kind Kind, step Step, action string, field []string, exists Exists, err error) *Fault {
	return o.Scope().EngineSaid(kind, step, action, field, exists, err)
}

// Moved is a container that a replaced network could not take along as it was connected before. Container
// names it; connected says that it is connected in another way.
func (o Object) Moved(container string, connected bool, err error) *Fault {
	exists := NotAttached
	if connected {
		exists = OtherAddress
	}
	return o.make(Fault{Kind: EngineError, Step: StepUpdating, Reason: ReasonMoved, Left: exists, Facts: Facts{Name: container, Connected: connected}}, err)
}
