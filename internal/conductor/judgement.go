// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// goal is what an operation is to make of its container, as far as that can change while the container
// lives: everything else it has from its create. It is kept with the operation's record, so that whoever
// comes later can judge the outcome without the configuration. It holds no secret.
type goal struct {
	DesiredState      container.DesiredState                 `json:"desired_state"`
	ExpectedExitCodes []int                                  `json:"expected_exit_codes,omitempty"`
	Wait              container.Wait                         `json:"wait"`
	Networks          map[string]container.NetworkAttachment `json:"networks"`
	Restart           container.RestartPolicy                `json:"restart"`
	Limits            container.Limits                       `json:"limits"`
}

// goalFor is what an operation that is to make a container like this is to make of it. A removal, and a power state that
// no configuration asks for, have none.
func goalFor(spec container.Spec, wait container.Wait) json.RawMessage {
	text, err := json.Marshal(goal{
		DesiredState: spec.DesiredState, ExpectedExitCodes: spec.ExpectedExitCodes, Wait: wait,
		Networks: spec.Networks, Restart: spec.Restart, Limits: spec.Limits,
	})
	if err != nil {
		return nil // It has only plain values: there is nothing that could fail.
	}
	return text
}

// goalOf returns the goal of an operation, if its record has one that this gantry understands.
func goalOf(r journal.Record) (goal, bool) {
	var g goal
	if len(r.Goal) == 0 || json.Unmarshal(r.Goal, &g) != nil {
		return goal{}, false
	}
	return g, true
}

// spec is the goal as far as it can be planned for.
func (g goal) spec(name string) container.Spec {
	spec := container.Spec{Name: name, DesiredState: g.DesiredState, ExpectedExitCodes: g.ExpectedExitCodes}
	spec.Networks, spec.Restart, spec.Limits = g.Networks, g.Restart, g.Limits
	return spec
}

// matches reports whether nothing is left to do to a container of this name.
func (g goal) matches(name string, c *container.Container, now time.Time) bool {
	return len(container.PlanUpdate(g.spec(name), c)) == 0 && container.Meets(g.DesiredState, g.ExpectedExitCodes, g.Wait, c.State, now)
}

// unseen reports whether an operation that ended early was to do something that can't be read back from
// the engine, and that may not have been done.
func unseen(r journal.Record) bool {
	switch {
	case Kind(r.Kind) == KindExchange:
		return true // Which of the two containers is there is not for a look to decide.
	case r.Step == fault.StepWaiting:
		return false // The wait comes last.
	case Kind(r.Kind) == KindCreate:
		return r.Uploads && r.Step != fault.StepStarting
	default:
		return r.Restart || r.Uploads
	}
}

// failureOf returns the fault of an operation that failed or was interrupted, unless it is settled. Dead
// says that the process that carried the operation out does not live any more.
func failureOf(r journal.Record, dead bool) *fault.Fault {
	switch {
	case r.Settled:
		return nil
	case !r.Cast && r.Outcome != journal.Failed:
		// A state has the operation's ID from its answer: it had ended, though the outcome was not kept.
		return nil
	case r.InProgress() && dead, r.Outcome == journal.Interrupted:
		return Interruption(r)
	case r.Outcome == journal.Failed:
		return r.Fault
	default:
		return nil
	}
}

// recovered reports whether the container is by now what an operation that failed was to make of it: then
// its fault is worth a warning, and nothing has to be done again. A refresh, and through it the plan, and a
// barrier judge by this and nothing else. C is the operation's own container; nil is none.
func recovered(r journal.Record, c *container.Container, now time.Time) bool {
	g, ok := goalOf(r)
	return ok && c != nil && !unseen(r) && g.matches(r.Container, c, now)
}

// imageRecovered is recovered for an image. Of an archive nothing tells whether what is there came from it.
func imageRecovered(r journal.Record, img *Image) bool { return img != nil && !r.Uploads }

// successor returns the record of the last operation after r that made or changed the container of r's
// name, if there is one and nothing removed that container since. Records are those of the lane, oldest first.
func successor(records []journal.Record, r journal.Record) (journal.Record, bool) {
	var last journal.Record
	for _, other := range records {
		switch {
		case journal.Ticket(other.ID) <= journal.Ticket(r.ID) || other.Container != r.Container || Kind(other.Kind).power():
		case other.Outcome == journal.Done && Kind(other.Kind) == KindRemove:
			last = journal.Record{}
		case other.Outcome == journal.Done && other.ContainerID != "":
			last = other
		}
	}
	return last, last.ID != ""
}

// mending reports whether an operation is under way that may settle the failure of r. Alive reports
// whether the process of a record lives.
func mending(records []journal.Record, r journal.Record, alive func(journal.Record) bool) bool {
	return slices.ContainsFunc(records, func(other journal.Record) bool {
		return journal.Ticket(other.ID) > journal.Ticket(r.ID) && other.InProgress() && !Kind(other.Kind).power() && alive(other)
	})
}
