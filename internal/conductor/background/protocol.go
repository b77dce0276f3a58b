// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package background is how a provider and its background conductor speak with each other: the start of the process, the
// greeting, and the messages about casts. What a cast is it does not know: that is its callers' matter.
package background

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// The provider and its background conductor speak JSON over a connection that only the two of them have.
//
//	provider                                background conductor
//	greeting: protocol, release, options →
//	                                      ← welcome: protocol, release
//	ask: a cast                           → has a durable intent, and its place in the lane
//	                                      ← accepted, or refused
//	begin, or withdraw                    → carries it out, or concludes it: nothing was done
//	                                      ← admitted: it has its slot of the pool
//
// A cast is carried out only after "begin": until then whoever casts can be interrupted, and either the
// cast is withdrawn, or its ID is in the answer to Terraform. Between "accepted" and "begin" the provider
// removes the open mark of a create. What happens if one of the two dies:
//
//	the provider, before "ask"            there is nothing
//	the provider, before "begin"          the end of the connection withdraws the cast
//	the provider, after "begin"           the cast is carried out
//	the background, before "accepted"     the cast failed; at most its intent is there, which nobody carries out
//	the background, before "begin"        as before, or the state has an operation that is interrupted
//	the background, after "begin"         the state has an operation that is interrupted
//
// Both are of one release: another one might take a message for something else. What the other side does
// not know is refused, never left out.

// Version is the version of the messages. It rises with each change of them.
const Version = 8

// Edition is the part of a greeting that every release can read.
type Edition struct {
	Protocol int
	Release  string
}

// differs is an error that tells two conductors apart that must not work together; nil if they may.
func (v Edition) differs(other Edition) error {
	if v == other {
		return nil
	}
	return fmt.Errorf("the background conductor is of release %q (protocol %d), the provider of release %q (protocol %d)",
		other.Release, other.Protocol, v.Release, v.Protocol)
}

// Hello is the first message to a background conductor. What is secret comes with the casts, and no other way:
// not by disk, argument or environment.
type Hello struct {
	Edition
	StateDir string
	Caller   string
	Scope    string
	// Inline has each cast answered once more, when it is admitted.
	Inline   bool
	LogLevel hclog.Level
}

// ask is a message about one cast, which Number identifies on the connection.
type ask struct {
	Number int
	Do     request
	// Cast is what is asked for.
	Cast  json.RawMessage `json:",omitempty"`
	Limit time.Duration   `json:",omitempty"`
}

// request is what a message asks for.
type request string

const (
	askAccept   request = "accept"
	askBegin    request = "begin"
	askWithdraw request = "withdraw"
)

// Answer is what became of a cast so far.
type Answer struct {
	Number int
	Phase  Phase
	// OperationID belongs to an accepted cast.
	OperationID string       `json:",omitempty"`
	Fault       *fault.Fault `json:",omitempty"`
	// NotJournaled says that the cast was refused because its intent can't be made durable.
	NotJournaled bool `json:",omitempty"`
}

// Phase is how far a cast is.
type Phase string

// The phases of a cast.
const (
	Refused  Phase = "refused"
	Accepted Phase = "accepted"
	Admitted Phase = "admitted"
)

// ErrNotJournaled is why a cast is refused that nobody would find again.
var ErrNotJournaled = errors.New("the state directory can't be written")

// Strict reads a message, and refuses what it does not know.
func Strict(decoder *json.Decoder, message any) error {
	decoder.DisallowUnknownFields()
	return decoder.Decode(message)
}
