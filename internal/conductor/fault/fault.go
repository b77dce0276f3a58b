// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package fault has the failed operation as data: what failed, where, why, what exists now, and
// what to do about it. The text that a user reads is made here and nowhere else.
package fault

import (
	"time"
)

// Kind is the type of a fault.
type Kind string

// The kinds of faults.
const (
	ImageNotFound     Kind = "image_not_found"
	PullDenied        Kind = "pull_denied"
	PullFailed        Kind = "pull_failed"
	NameConflict      Kind = "name_conflict"
	PortTaken         Kind = "port_taken"
	NoSuchNetwork     Kind = "no_such_network"
	Unhealthy         Kind = "unhealthy"
	NoHealthcheck     Kind = "no_healthcheck"
	Exited            Kind = "exited"
	Timeout           Kind = "timeout"
	Cancelled         Kind = "cancelled"
	EngineUnreachable Kind = "engine_unreachable"
	NotFound          Kind = "not_found"
	Refused           Kind = "refused"
	Invalid           Kind = "invalid"
	Engine            Kind = "engine"
)

// Step is where an operation is.
type Step string

// The steps of an operation.
const (
	StepQueued   Step = "queued"
	StepPulling  Step = "pulling"
	StepCreating Step = "creating"
	StepStarting Step = "starting"
	StepWaiting  Step = "waiting"
	StepUpdating Step = "updating"
	StepStopping Step = "stopping"
	StepRemoving Step = "removing"
)

// Fault is a failed operation. Every text in it is masked: it holds no secret.
type Fault struct {
	Kind      Kind   `json:"kind"`
	Step      Step   `json:"step"`
	Engine    string `json:"engine"`
	Container string `json:"container"`
	// Operation is the ID of the operation that failed.
	Operation string `json:"operation"`
	// Attribute is the path of the attribute that the fault concerns: the attribute's name,
	// then the keys below it ("networks", "front"). Empty if it concerns none.
	Attribute []string `json:"attribute,omitempty"`
	// Summary is one line that names the object and its engine.
	Summary string `json:"summary"`
	// Message holds the engine's own words.
	Message string `json:"message,omitempty"`
	// Exists says what is there now, after the failure.
	Exists string `json:"exists,omitempty"`
	// Hint says what to do.
	Hint string `json:"hint,omitempty"`
	// Log are the last lines that the container wrote.
	Log []string `json:"log,omitempty"`
	// Health is the last output of the health check.
	Health string    `json:"health,omitempty"`
	Time   time.Time `json:"time"`

	err error
}

// Error gives summary and detail in one text.
func (f *Fault) Error() string { return f.Summary + ": " + f.Detail() }

// Unwrap gives the error behind the fault, for errors.Is.
func (f *Fault) Unwrap() error { return f.err }

// Detail is the text below the summary, in paragraphs.
func (f *Fault) Detail() string { return "" }
