// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Scope is what all faults of one operation share.
type Scope struct {
	Engine string
	// Object is the kind of what is no container; Container is its name then.
	Object    string
	Container string
	Operation string
	Mask      Mask
	Now       func() time.Time
}

// make completes a fault with the scope's facts, the time, and what the error says. The facts in f are
// gantry's own: what they quote of others is masked before.
func (s Scope) make(f Fault, err error) *Fault {
	f.Engine, f.Object, f.Container, f.Operation, f.Time, f.err = Name(s.Engine), s.Object, s.Container, s.Operation, s.Now().UTC(), err
	if err != nil && f.Cause == nil {
		f.Facts.Said = s.Said(err)
	}
	return &f
}

// Said is what others say in an error, masked. A fault's own words are masked already.
func (s Scope) Said(err error) string {
	if f := (*Fault)(nil); errors.As(err, &f) {
		return Printable(err.Error())
	}
	// The Docker client's own preamble says nothing that the summary doesn't.
	return strings.TrimSpace(s.Mask.Text(strings.ReplaceAll(err.Error(), "Error response from daemon: ", "")))
}

// whoCancelled is what ended the context of an operation before its time was up; empty is that the run was
// interrupted that asked for it.
func whoCancelled(cause error) string {
	if cause == nil || errors.Is(cause, context.Canceled) {
		return ""
	}
	return Printable(cause.Error())
}

// asCause is a fault as another one refers to it: what its container wrote stays with it.
func asCause(f *Fault) *Fault {
	cause := *f
	cause.Log, cause.Health, cause.Cause = nil, "", nil
	return &cause
}
