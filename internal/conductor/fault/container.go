// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import (
	"fmt"
	"strings"
	"time"
)

// The faults of a container: what was to be made of it, and what became of it.

// Pull are the facts of a failed pull.
type Pull struct {
	Image string
	// Credentials names the source of the credentials used, never a value.
	Credentials string
	// Others is how many other operations waited for the same pull.
	Others int
	// SoFar says how far the pull had come, empty if nothing had.
	SoFar string
}

// Pull is an image that could not be pulled. Kind says why.
func (s Scope) Pull(kind Kind, p Pull, err error) *Fault {
	return s.make(Fault{
		Kind: kind, Step: StepPulling, Field: []string{"image"}, Reason: ReasonPull, Left: NothingCreated,
		Facts: Facts{Image: p.Image, Credentials: p.Credentials, Others: p.Others, SoFar: p.SoFar},
	}, err)
}

// ImageMissing is an image that is not on the engine and may not be pulled.
func (s Scope) ImageMissing(image string, err error) *Fault {
	field := "image"
	if err != nil && strings.Contains(err.Error(), "does not match the specified platform") {
		field = "platform" // The engine has it, for another one.
	}
	return s.make(Fault{
		Kind: ImageNotFound, Step: StepCreating, Field: []string{field}, Reason: ReasonImageMissing, Left: NothingCreated,
		Facts: Facts{Image: image},
	}, err)
}

// NameConflict is a name that a stranger has. Whose describes it in one line.
func (s Scope) NameConflict(name, whose string, exists Exists, err error) *Fault {
	return s.make(Fault{
		Kind: NameConflict, Step: StepCreating, Field: []string{"name"}, Reason: ReasonNameTaken, Left: exists,
		Facts: Facts{Name: name, By: whose},
	}, err)
}

// NameReserved is a name that an engine says is taken, though no container has it.
func (s Scope) NameReserved(name string, err error) *Fault {
	return s.make(Fault{
		Kind: NameConflict, Step: StepCreating, Field: []string{"name"}, Reason: ReasonNameReserved, Left: NothingCreated,
		Facts: Facts{Name: name},
	}, err)
}

// NameOfExchange is a name whose container another workspace was exchanging when it was interrupted. Whose describes
// one of its containers in one line.
func (s Scope) NameOfExchange(name, whose string) *Fault {
	return s.make(Fault{
		Kind: NameConflict, Step: StepQueued, Field: []string{"name"}, Reason: ReasonNameOfExchange, Left: NothingCreated,
		Facts: Facts{Name: name, By: whose},
	}, nil)
}

// OfOwner is a name conflict with something of which it is known whose it is, as the journal tells: what another
// workspace has, or what the same one made. Whether the state still has that is not known here.
func (f *Fault) OfOwner(owner Owner) *Fault {
	owned := *f
	owned.Facts.Owner = owner
	return &owned
}

// OfCast is a name conflict of a create that was cast.
func (f *Fault) OfCast() *Fault {
	cast := *f
	cast.Facts.Cast = true
	return &cast
}

// PortTaken is a port of the host that something else has. By says what, in one line.
func (s Scope) PortTaken(port, by string, exists Exists, err error) *Fault {
	return s.make(Fault{
		Kind: PortTaken, Step: StepStarting, Field: []string{"ports"}, Reason: ReasonPortTaken, Left: exists,
		Facts: Facts{Port: port, By: by},
	}, err)
}

// CommandNotFound is an entrypoint or command that the container can't execute.
func (s Scope) CommandNotFound(field string, exists Exists, err error) *Fault {
	return s.make(Fault{Kind: CommandNotFound, Step: StepStarting, Field: []string{field}, Reason: ReasonCommandNotFound, Left: exists}, err)
}

// Exit are the facts of a container that ended when it should not, or not so.
type Exit struct {
	Code  int
	After time.Duration
	OOM   bool
	// Job says that the container was meant to end.
	Job bool
	// Expected are the exit codes that a job may have.
	Expected []int
	Log      []string
	Error    string
	Exists   Exists
}

// Exited is a container that ended.
func (s Scope) Exited(e Exit) *Fault {
	f := Fault{
		Kind: Exited, Step: StepWaiting, Field: []string{"desired_state"}, Reason: ReasonExited, Left: e.Exists, Log: e.Log,
		Facts: Facts{Code: e.Code, After: e.After, OOM: e.OOM, Job: e.Job, Expected: e.Expected, Said: s.Mask.Text(e.Error)},
	}
	switch {
	case e.OOM:
		f.Field = []string{"memory"}
	case e.Job:
		f.Field = []string{"expected_exit_codes"}
	}
	return s.make(f, nil)
}

// CrashLoop is a container that its restart policy starts again and again.
func (s Scope) CrashLoop(restarts int, e Exit) *Fault {
	f := s.Exited(e)
	f.Kind, f.Reason, f.Facts.Restarts = CrashLoop, ReasonCrashLoop, restarts
	return f
}

// UnhealthyFacts are the facts of a container that its health check gave up.
type UnhealthyFacts struct {
	After    time.Duration
	Check    []string
	ExitCode int
	Output   string
	Log      []string
	Exists   Exists
	// Quiet says that neither the check nor what it wrote is told.
	Quiet bool
}

// Unhealthy is a container that its health check gave up.
func (s Scope) Unhealthy(u UnhealthyFacts) *Fault {
	f := Fault{
		Kind: Unhealthy, Step: StepWaiting, Field: []string{"healthcheck"}, Reason: ReasonUnhealthy, Left: u.Exists, Log: u.Log,
		Facts: Facts{After: u.After, Code: u.ExitCode, Quiet: u.Quiet},
	}
	if !u.Quiet {
		f.Facts.Output = s.Mask.Text(u.Output)
		if len(u.Check) > 0 {
			f.Facts.Check = s.Mask.Text(fmt.Sprintf("%q", u.Check))
		}
	}
	return s.make(f, nil)
}

// NoHealthcheck is a wait for health where neither configuration nor image has a check.
func (s Scope) NoHealthcheck(exists Exists) *Fault {
	return s.make(Fault{Kind: NoHealthcheck, Step: StepWaiting, Field: []string{"wait_for"}, Reason: ReasonNoHealthcheck, Left: exists}, nil)
}

// NoTestToInherit is a health check without a test on a container whose image has no health check.
func (s Scope) NoTestToInherit(image string, exists Exists) *Fault {
	return s.make(Fault{
		Kind: NoHealthcheck, Step: StepCreating, Field: []string{"healthcheck"}, Reason: ReasonNoTestToInherit, Left: exists,
		Facts: Facts{Image: image},
	}, nil)
}

// NotFound is a container that is not on the engine.
func (s Scope) NotFound(err error) *Fault {
	return s.make(Fault{Kind: NotFound, Step: StepReading, Reason: ReasonNotFound}, err)
}

// Foreign is an operation on a container that merely has the name. Whose describes it in one line.
func (s Scope) Foreign(operation, whose, id string) *Fault {
	return s.make(Fault{
		Kind: NameConflict, Step: StepReading, Field: []string{"container"}, Reason: ReasonForeign, Left: Unchanged,
		Facts: Facts{Action: operation, By: whose, ID: id},
	}, nil)
}

// UnusableReference is another container, which a field names, that is not there or can't be joined.
func (s Scope) UnusableReference(step Step, action, field, ref string, exists Exists, err error) *Fault {
	return s.make(Fault{
		Kind: Invalid, Step: step, Field: []string{field}, Reason: ReasonUnusableReference, Left: exists,
		Facts: Facts{Action: action, Name: ref},
	}, err)
}

// NoSuchNetwork is a network that the engine doesn't have. Key is its key in networks, or empty.
func (s Scope) NoSuchNetwork(network, key string, step Step, exists Exists, err error) *Fault {
	field := []string{"networks"}
	if key != "" {
		field = append(field, key)
	}
	return s.make(Fault{Kind: NoSuchNetwork, Step: step, Field: field, Reason: ReasonNoSuchNetwork, Left: exists, Facts: Facts{Network: network}}, err)
}

// Address is an address that a container can't have in a network. Key is the network's key in networks,
// why says what is against it, and the error is the engine's, if it has tried.
func (s Scope) Address(address, network, key, why string, step Step, exists Exists, err error) *Fault {
	return s.make(Fault{
		Kind: Invalid, Step: step, Field: []string{"networks", key}, Reason: ReasonAddress, Left: exists,
		Facts: Facts{Address: address, Network: network, Why: why},
	}, err)
}

// OwnAddress is an address that is asked for in a network of the engine's own.
func (s Scope) OwnAddress(network, key string) *Fault {
	return s.make(Fault{
		Kind: Invalid, Step: StepConnecting, Field: []string{"networks", key}, Reason: ReasonOwnAddress, Left: NothingCreated,
		Facts: Facts{Network: network},
	}, nil)
}

// Exchanged is a failure that ended an exchange, and what is there now; besides is what else became of it.
func (f *Fault) Exchanged(order string, exists Exists, besides string) *Fault {
	out := *f
	out.Left, out.Facts.Order, out.Facts.Besides = exists, order, besides
	return &out
}
