// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package fault has the failed operation as data: what failed, where, why, and what exists now. The text that a user
// reads is made above the conductor, by package faulttext.
package fault

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Kind is the type of a fault.
type Kind string

// The kinds of faults.
const (
	ImageNotFound     Kind = "image_not_found"
	PullDenied        Kind = "pull_denied"
	NoCredentials     Kind = "no_credentials"
	PullStalled       Kind = "pull_stalled"
	ImageCorrupt      Kind = "image_corrupt"
	PullFailed        Kind = "pull_failed"
	NameConflict      Kind = "name_conflict"
	PortTaken         Kind = "port_taken"
	NoSuchNetwork     Kind = "no_such_network"
	CommandNotFound   Kind = "command_not_found"
	Unhealthy         Kind = "unhealthy"
	NoHealthcheck     Kind = "no_healthcheck"
	Exited            Kind = "exited"
	CrashLoop         Kind = "crash_loop"
	Timeout           Kind = "timeout"
	Cancelled         Kind = "cancelled"
	EngineUnreachable Kind = "engine_unreachable"
	NotFound          Kind = "not_found"
	Refused           Kind = "refused"
	Interrupted       Kind = "interrupted"
	Invalid           Kind = "invalid"
	EngineError       Kind = "engine_error"

	RateLimited         Kind = "rate_limited"
	RegistryUnreachable Kind = "registry_unreachable"
	RegistryError       Kind = "registry_error"
)

// Step is where an operation is.
type Step string

// The steps of an operation.
const (
	StepConnecting Step = "connecting"
	StepQueued     Step = "queued"
	StepPulling    Step = "pulling"
	StepCreating   Step = "creating"
	StepUpdating   Step = "updating"
	StepStarting   Step = "starting"
	StepWaiting    Step = "waiting"
	StepStopping   Step = "stopping"
	StepRemoving   Step = "removing"
	StepReading    Step = "reading"
)

// Fault is a failed operation. Every text in it is masked: it holds no secret.
type Fault struct {
	Kind Kind `json:"kind"`
	Step Step `json:"step"`
	// Engine is the host name that the engine reports, or its address where it reported none.
	Engine string `json:"engine"`
	// Object is the kind of what failed where that is no container ("image"): Container is its name then.
	Object    string `json:"object,omitempty"`
	Container string `json:"container"`
	// Operation is the ID of the operation that failed; empty for a mere look.
	Operation string `json:"operation,omitempty"`
	// Field is the path of the field of the specification that the fault concerns: the field's name, then the keys
	// below it ("networks", "front"). Empty if it concerns none.
	Field []string `json:"attribute,omitempty"`
	// Reason is which failure of its kind it is, and Facts is what its text quotes. A fault of an older release has
	// neither: it has its text alone.
	Reason Reason `json:"reason,omitempty"`
	Facts  Facts  `json:"facts,omitzero"`
	// Left is what is there now, after the failure.
	Left Exists `json:"left,omitempty"`
	// Cause is the failure of another operation, for which this one was refused.
	Cause *Fault `json:"cause,omitempty"`
	// Over says that the failure has been made up for: what was left by it, and what to do then, hold no more.
	Over bool `json:"-"`

	// The text, empty until it is made: Summary is one line that names the object, Message is why, Exists what is
	// there now, Hint what to do, Health the last output of the health check.
	Summary string `json:"summary"`
	Message string `json:"message,omitempty"`
	Exists  string `json:"exists,omitempty"`
	Hint    string `json:"hint,omitempty"`
	Health  string `json:"health,omitempty"`
	// Log are the last lines that the container wrote, oldest first.
	Log  []string  `json:"log,omitempty"`
	Time time.Time `json:"time"`

	err error
}

// Subject names in texts what failed: container "web".
func (f *Fault) Subject() string { return Subject(f.Object, f.Container) }

// Subject names an object in texts; one of no kind is a container.
func Subject(kind, name string) string {
	if name == "" {
		return cmp.Or(kind, "container")
	}
	return fmt.Sprintf("%s %q", cmp.Or(kind, "container"), name)
}

// Error returns summary and detail in one text; of a fault that has no text yet, its kind and the engine's words.
func (f *Fault) Error() string {
	if f.Summary == "" {
		return strings.TrimSuffix(fmt.Sprintf("%s: %s while %s: %s", f.Subject(), f.Kind, f.Step, f.Facts.Said), ": ")
	}
	return f.Summary + "\n\n" + f.Detail()
}

// Unwrap returns the error behind the fault, for errors.Is.
func (f *Fault) Unwrap() error { return f.err }

// Past returns the fault as it is told once it has been made up for: what was there after it, and what to do then,
// holds no more. Nil stays nil.
func (f *Fault) Past() *Fault {
	if f == nil {
		return nil
	}
	past := *f
	past.Over, past.Exists, past.Hint = true, "", ""
	return &past
}

// Detail is the text below the summary: where it happened, why, what exists now, what to do.
func (f *Fault) Detail() string {
	var paragraphs []string
	add := func(label, text string) {
		if text != "" {
			paragraphs = append(paragraphs, label+text)
		}
	}
	add("Engine: ", f.Engine)
	add("Reason: ", f.Message)
	add("Health check: ", f.Health)
	if len(f.Log) > 0 {
		paragraphs = append(paragraphs, "Last log lines:\n  "+strings.Join(f.Log, "\n  "))
	}
	add("Now: ", f.Exists)
	add("What to do: ", f.Hint)
	return strings.Join(paragraphs, "\n")
}
