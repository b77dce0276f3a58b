// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package faulttext makes the text of a fault: its sentences, and the advice, in the words of Terraform and of the
// provider's schema. The provider and the command line share it; below them a fault is data.
package faulttext

import (
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// text is what a person reads of a fault, besides what is there now.
type text struct{ summary, message, hint string }

// Of returns a fault with its text. A fault that has one keeps it: who stored it has made it, an older release
// perhaps. Nil stays nil.
func Of(f *fault.Fault) *fault.Fault {
	if f == nil || f.Summary != "" {
		return f
	}
	out, t := *f, textOf(f)
	out.Summary, out.Message = fault.Name(t.summary), strings.TrimSpace(fault.Printable(t.message))
	out.Health = strings.TrimSpace(fault.Printable(healthOf(f)))
	if !f.Over {
		out.Exists, out.Hint = fault.Printable(existsOf(f)), fault.Printable(t.hint)
	}
	return &out
}

// makers makes the text of each reason.
func makers() map[fault.Reason]func(*fault.Fault) text {
	return map[fault.Reason]func(*fault.Fault) text{
		fault.ReasonPull: pull, fault.ReasonImageMissing: imageMissing, fault.ReasonRegistry: registry,
		fault.ReasonNameTaken: nameTaken, fault.ReasonNameReserved: nameReserved, fault.ReasonNameOfExchange: nameOfExchange,
		fault.ReasonForeign: foreign, fault.ReasonMistaken: mistaken, fault.ReasonNotFound: notFound,

		fault.ReasonPortTaken: portTaken, fault.ReasonNoSuchNetwork: noSuchNetwork, fault.ReasonAddress: address,
		fault.ReasonOwnAddress: ownAddress, fault.ReasonMoved: moved, fault.ReasonPredefined: predefined,
		fault.ReasonInUse: inUse, fault.ReasonHoldsData: holdsData,

		fault.ReasonCommandNotFound: commandNotFound, fault.ReasonExited: exited, fault.ReasonCrashLoop: crashLoop,
		fault.ReasonUnhealthy: unhealthy, fault.ReasonNoHealthcheck: noHealthcheck, fault.ReasonNoTestToInherit: noTestToInherit,
		fault.ReasonUnusableReference: unusableReference,

		fault.ReasonUnreachable: unreachable, fault.ReasonNotConnected: notConnected, fault.ReasonLost: lost,
		fault.ReasonEngineSaid: engineSaid, fault.ReasonEngineTooOld: engineTooOld,

		fault.ReasonEnded: ended, fault.ReasonWorkEnded: workEnded, fault.ReasonStillUnderWay: stillUnderWay,
		fault.ReasonStateFolder: stateDirectory, fault.ReasonBackground: background, fault.ReasonInterrupted: interrupted,
		fault.ReasonHalfRemoved: halfRemoved, fault.ReasonVanished: vanished, fault.ReasonRefusedBehind: refusedBehind,
		fault.ReasonReferenceFailed: referenceFailed, fault.ReasonUnknownKind: unknownKind, fault.ReasonBusy: busy,
	}
}

// textOf makes the text by the reason; who asked, and how it ended, change parts of it.
func textOf(f *fault.Fault) text {
	maker, ok := makers()[f.Reason]
	if !ok { // A newer release of gantry stored it, without a text.
		maker = engineSaid
	}
	t := maker(f)
	switch {
	case f.Facts.Quiet && f.Reason != fault.ReasonUnhealthy:
		t.message = "the engine did not start it"
	case t.message == "":
		t.message = f.Facts.Said
	}
	if hint, ok := advices(f)[f.Facts.Advice]; ok {
		t.hint = hint
	}
	if f.Facts.ByAction {
		t.hint = hintOfAction(f, t.hint)
	}
	return ofExchange(f, ofOutage(f, t))
}

func at(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
