// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

// state is where an operation stands: in progress, or how it ended.
type state string

// aContainer is the kind of most objects.
const aContainer = "container"

// inProgress is the state of what has not ended; the others are the journal's outcomes.
const inProgress state = "in_progress"

// operation is an operation as it is shown: to a person, or with --json to a program. What programs
// read stays as it is: fields are added, never changed.
type operation struct {
	ID     string `json:"id"`
	Engine string `json:"engine"`
	// Container is the container's name, ContainerID empty as long as there is none. Both are empty
	// where the operation is about something else: an image, a network or a volume. Object and Name
	// then say what.
	Container   string `json:"container"`
	PriorName   string `json:"prior_name,omitempty"`
	ContainerID string `json:"container_id,omitempty"`
	Object      string `json:"object"`
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	// Cast says that nobody waits for it.
	Cast  bool       `json:"cast"`
	State state      `json:"state"`
	Step  fault.Step `json:"step"`
	// CancelAsked says that somebody asked to cancel it.
	CancelAsked bool      `json:"cancel_asked"`
	Accepted    time.Time `json:"accepted"`
	Deadline    time.Time `json:"deadline,omitzero"`
	Ended       time.Time `json:"ended,omitzero"`
	// Elapsed is how long it took, or takes already. It is not known of what was interrupted.
	Elapsed *float64      `json:"elapsed_seconds,omitempty"`
	Pull    *journal.Pull `json:"pull,omitempty"`
	Fault   *fault.Fault  `json:"fault,omitempty"`
	// Settled says that the failure was dealt with.
	Settled bool `json:"settled"`

	// engine is the part of the journal that it is in.
	engine *journal.Engine
}

// look makes what is shown of a record. What its record says is in progress was interrupted, if the
// process that carried it out is dead.
func look(e *journal.Engine, r journal.Record, now time.Time) operation {
	o := operation{
		ID: r.ID, Engine: r.Engine, Object: cmp.Or(r.Object, aContainer), Name: r.Container, PriorName: r.PriorName, Kind: r.Kind, Cast: r.Cast,
		State: state(r.Outcome), Step: r.Step, Accepted: r.Accepted, Deadline: r.Deadline, Ended: r.Ended, Pull: r.Pull, Fault: r.Fault,
		Settled: r.Settled, engine: e,
	}
	if o.Object == aContainer {
		o.Container, o.ContainerID = r.Container, r.ContainerID
	}
	elapsed := func(until time.Time) *float64 {
		seconds := until.Sub(r.Accepted).Seconds()
		return &seconds
	}
	switch {
	case r.InProgress() && e.Alive(r):
		o.State, o.CancelAsked, o.Elapsed = inProgress, e.CancelAsked(r.ID), elapsed(now)
	case r.InProgress(), r.Outcome == journal.Interrupted:
		// When its process died is not known: the record's end is when that was noticed.
		o.State, o.Ended, o.Fault = state(journal.Interrupted), time.Time{}, conductor.Interruption(r)
	default:
		o.Elapsed = elapsed(r.Ended)
	}
	o.Fault = faulttext.Of(o.Fault)
	return o
}

// failed reports whether the operation did not do what it was asked for.
func (o operation) failed() bool {
	return o.State == state(journal.Failed) || o.State == state(journal.Interrupted)
}

// cancelled reports whether it ended because somebody asked for that.
func (o operation) cancelled() bool {
	return o.State == state(journal.Failed) && o.Fault != nil && o.Fault.Kind == fault.Cancelled
}

// of reports whether the operation concerns a container, by the name it has or had, or something else of
// this name.
func (o operation) of(name string) bool { return o.Name == name || o.PriorName == name }

// subject names in texts what the operation is about.
func (o operation) subject() string { return fault.Subject(o.Object, o.Name) }

// label names it where there is little room: what is no container with its kind.
func (o operation) label() string {
	if o.Object == aContainer {
		return o.Name
	}
	return o.Object + " " + o.Name
}

// unique is the part of the ID that is the operation's alone.
func (o operation) unique() string { return journal.Ticket(o.ID) }

// short names the operation where there is little room. Unique parts begin with the time, and end at
// random.
func (o operation) short() string {
	const enough = 12
	unique := o.unique()
	return unique[max(0, len(unique)-enough):]
}

// status says in a few words where the operation stands.
func (o operation) status() string {
	var text string
	switch {
	case o.State == inProgress && o.Step == fault.StepPulling && o.Pull != nil && o.Pull.Total > 0:
		text = fmt.Sprintf("pulling %s of %s", size(o.Pull.Done), size(o.Pull.Total))
	case o.State == inProgress:
		text = string(o.Step)
	case o.State == state(journal.Interrupted):
		text = "interrupted while " + string(o.Step)
	case o.State == state(journal.Failed) && o.Fault != nil:
		text = "failed: " + strings.ReplaceAll(string(o.Fault.Kind), "_", " ")
	default:
		text = string(o.State)
	}
	if o.CancelAsked {
		text += ", to be cancelled"
	}
	if o.failed() && o.Settled {
		text += ", settled"
	}
	return text
}

// took spells how long it took, or takes already.
func (o operation) took() string {
	if o.Elapsed == nil {
		return "-"
	}
	return duration(time.Duration(*o.Elapsed * float64(time.Second)))
}

// filter picks operations.
type filter struct {
	engine, container  string
	inProgress, failed bool
}

func (f filter) takes(o operation) bool {
	switch {
	case f.engine != "" && f.engine != o.Engine, f.container != "" && (o.Object != aContainer || !o.of(f.container)):
		return false
	case !f.inProgress && !f.failed:
		return true
	default:
		return f.inProgress && o.State == inProgress || f.failed && o.failed()
	}
}

// pick returns the operations that a filter takes.
func pick(all []operation, f filter) []operation {
	return slices.DeleteFunc(slices.Clone(all), func(o operation) bool { return !f.takes(o) })
}

// ambiguousError says that a reference means more than one operation.
type ambiguousError struct {
	ref        string
	candidates []operation
}

func (e *ambiguousError) Error() string {
	lines := []string{fmt.Sprintf("%q is ambiguous: name one of these by its ID", e.ref)}
	for _, o := range e.candidates {
		lines = append(lines, fmt.Sprintf("  %s  %s, %s", o.ID, o.Kind, o.status()))
	}
	return strings.Join(lines, "\n")
}

// shortest is how much of an ID's unique part has to be given.
const shortest = 4

// find returns the operation that a person means, of all, which are sorted by time: by its whole ID, by
// the unique part of it, by the beginning or the end of that, or by the container, as "name" or
// "engine/name": then the last one, or those that are wanted, if there are any.
func find(all []operation, ref string, wanted func(operation) bool) (operation, error) {
	var candidates, meant []operation
	last := make(map[string]operation)
	for _, o := range all {
		unique := o.unique()
		switch {
		case ref == o.ID || ref == unique:
			return o, nil
		case len(ref) >= shortest && (strings.HasPrefix(unique, ref) || strings.HasSuffix(unique, ref)):
			candidates = append(candidates, o)
		case o.of(ref), ref == o.Engine+"/"+o.Name:
			last[o.Engine] = o
			if wanted(o) {
				meant = append(meant, o)
			}
		}
	}
	if len(meant) == 0 {
		meant = slices.Collect(maps.Values(last))
	}
	candidates = append(candidates, meant...)
	slices.SortFunc(candidates, byTime)
	switch len(candidates) {
	case 0:
		return operation{}, fmt.Errorf("no operation %q is known", ref)
	case 1:
		return candidates[0], nil
	default:
		return operation{}, &ambiguousError{ref, candidates}
	}
}

// byTime sorts the newest last.
func byTime(a, b operation) int { return strings.Compare(a.unique(), b.unique()) }
