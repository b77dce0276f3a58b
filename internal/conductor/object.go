// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// task is what is done with one object around the containers, as its faults tell it. It belongs to one call.
type task struct {
	*connection
	conductor *Conductor
	object    fault.Object
	// action and timeout are what the call does in texts, and which of the timeouts bounds it.
	action, timeout string
	// at is the step that the task is at.
	at fault.Step
	// exists says what a failure leaves.
	exists fault.Exists
	// attributes finds what the engine's words are about; nil where there is nothing to find.
	attributes []attributeWord
}

// attributeWord tells that an engine's message with this word concerns this attribute.
type attributeWord struct{ word, attribute string }

// begin connects, and makes a task of it.
func (c *Conductor) begin(ctx context.Context, kind, name, action, timeout string, step fault.Step, words ...attributeWord) (*task, error) {
	object := fault.Object{Kind: kind, Name: name, Now: time.Now}
	e, err := c.connectFor(ctx, c.scope("", ""), object.String())
	if err != nil {
		return nil, err
	}
	object.Engine = e.Name
	return &task{connection: e, conductor: c, object: object, action: action, timeout: timeout, at: step, attributes: words}, nil
}

// explain makes a fault of what went wrong; nil stays nil.
func (t *task) explain(ctx context.Context, err error) error {
	if f := (*fault.Fault)(nil); err == nil || errors.As(err, &f) {
		return err
	}
	text := strings.ToLower(err.Error())
	switch {
	case ctx.Err() != nil:
		return t.object.Ended(engine.EndedKind(ctx), t.at, t.action, t.timeout, t.exists, "", context.Cause(ctx))
	case engine.LostAnswer(err):
		return t.object.Lost(t.at, t.action, t.exists, err)
	case errdefs.IsNotFound(err) && (t.at == fault.StepReading || strings.Contains(text, "no such "+t.object.Kind+":")):
		return t.missing(err)
	}
	about := concerned(t.attributes, err.Error())
	if about == "" {
		return t.object.Said(fault.EngineError, t.at, t.action, nil, t.exists, err)
	}
	f := t.object.Said(fault.Invalid, t.at, t.action, []string{about}, t.exists, err)
	f.Facts.Advice = adviceAbout(t.object.Kind, about)
	return f
}

// concerned returns the attribute of the first of these words that an engine's message has; empty is that it has none.
// It is pure.
func concerned(words []attributeWord, message string) string {
	message = strings.ToLower(message)
	for _, row := range words {
		if strings.Contains(message, row.word) {
			return row.attribute
		}
	}
	return ""
}

// missing is the fault of an object that is not there. What only names a container has an attribute of its own for it.
func (t *task) missing(err error) *fault.Fault {
	f := t.object.NotFound(err)
	if t.object.Kind == "container" {
		f.Field = []string{"container"}
	}
	return f
}

// adviceAbout is what to do about a field of an object that an engine complains of; empty is nothing special.
func adviceAbout(kind, field string) fault.Advice {
	if kind == "container" && field == "container" {
		return fault.AdviceRunningContainer
	}
	if kind != "network" && kind != "volume" {
		return ""
	}
	switch field {
	case "driver":
		return fault.AdviceDriver
	case "options", "driver_opts":
		return fault.AdviceDriverOptions
	case "ipam":
		return fault.AdviceFreeSubnets
	case "name":
		return fault.AdviceOtherName
	default:
		return ""
	}
}

// user is a container that uses an object.
type user struct {
	id, name, image string
	// imageID is the ID of the image.
	imageID string
	labels  map[string]string
	// leaving says that the container is being removed, and abandoned that its removal was left unfinished.
	leaving, abandoned bool
	// failed is why its removal failed when it was resumed.
	failed string
}

func (u user) String() string {
	text := fmt.Sprintf("container %q (image %q)", u.name, u.image)
	if u.failed != "" {
		text += fmt.Sprintf(", whose unfinished removal failed again (%s)", u.failed)
	}
	return text
}

func describeUsers(users []user) string {
	texts := make([]string, 0, len(users))
	for _, u := range users {
		texts = append(texts, u.String())
	}
	return strings.Join(texts, ", ")
}

// users lists the containers, running or not, that match the filters and pass the test.
func (e *connection) users(ctx context.Context, args filters.Args, uses func(containertypes.Summary) bool) ([]user, error) {
	list, err := engine.Retrying(ctx, func() ([]containertypes.Summary, error) {
		return e.API.ContainerList(ctx, containertypes.ListOptions{All: true, Filters: args})
	})
	if err != nil {
		return nil, err
	}
	var users []user
	for _, c := range list {
		name := engine.OwnName(c)
		if !uses(c) || name == "" {
			continue
		}
		u := user{id: c.ID, name: name, image: c.Image, imageID: c.ImageID, labels: c.Labels}
		u.leaving = c.State == containertypes.StateRemoving || e.removals.has(u.name)
		if !u.leaving {
			u.leaving, u.abandoned = e.removalOf(u)
		}
		users = append(users, u)
	}
	return users, nil
}

// removalOf reports whether an operation is under way that removes the container, and whether one was left
// unfinished.
func (e *connection) removalOf(u user) (underWay, unfinished bool) {
	if e.journal == nil {
		return false, false
	}
	records, _ := e.journal.Lane(u.name)
	for _, r := range records {
		if Kind(r.Kind) == KindRemove && r.InProgress() && e.journal.Alive(r) {
			underWay = true
		}
		unfinished = unfinished || e.unfinished(r) && r.Container == u.name && r.ContainerID == u.id
	}
	return underWay, unfinished && !underWay
}

// remaining lists the users that stay: it waits for those that are being removed, and a while for the
// removal of those that may be about to go. A stranger that stays ends the wait for the latter. A removal
// that was left unfinished is resumed, once.
func (t *task) remaining(ctx context.Context, mayGo func(user) bool, list func(context.Context) ([]user, error)) ([]user, error) {
	resumed := make(map[string]string)
	for began := time.Now(); ; {
		users, err := list(ctx)
		if err != nil {
			return nil, err
		}
		var stay []user
		var going *user
		finished := false
		for _, u := range users {
			failed, again := resumed[u.id]
			switch {
			case u.abandoned && !again:
				if resumed[u.id], err = t.finish(ctx, u); err != nil {
					return nil, err
				}
				finished = true
			case u.leaving:
				going = &u
			default:
				u.failed = failed
				stay = append(stay, u)
			}
		}
		if finished {
			continue // They are listed anew.
		}
		expected := func(u user) bool { return u.failed == "" && mayGo(u) }
		if going == nil && len(stay) > 0 && !slices.ContainsFunc(stay, func(u user) bool { return !expected(u) }) && !t.removals.over(began) {
			going = &stay[0]
		}
		if going == nil {
			return t.present(ctx, stay)
		}
		if err := t.AwaitChange(ctx, going.id); err != nil {
			return nil, err
		}
	}
}

// finish resumes the unfinished removal of a container, and returns why it failed. The error is the end of ctx.
func (t *task) finish(ctx context.Context, u user) (failed string, err error) {
	err = t.conductor.finishRemovals(ctx, t.connection, u.name, false)
	if err == nil || ctx.Err() != nil {
		return "", err
	}
	if f := (*fault.Fault)(nil); errors.As(err, &f) {
		return cmp.Or(f.Facts.Said, f.Error()), nil
	}
	return err.Error(), nil
}

// staysUsed is for objects that gantry takes its own containers away from: none is waited for unless it
// is being removed.
func staysUsed(user) bool { return false }

// present leaves out the users that have gone since they were listed: who is gone uses nothing.
func (e *connection) present(ctx context.Context, users []user) ([]user, error) {
	var there []user
	for _, u := range users {
		_, err := engine.Retrying(ctx, func() (containertypes.InspectResponse, error) { return e.API.ContainerInspect(ctx, u.id) })
		switch {
		case err == nil:
			there = append(there, u)
		case !errdefs.IsNotFound(err):
			return nil, err
		}
	}
	return there, nil
}

// inLane does something with a container when it is its turn, as an operation would.
func (c *Conductor) inLane(ctx context.Context, e *connection, name string, do func(context.Context) error) error {
	own := entry{id: newOperationID(e.Name, name), in: e.journal, journaled: e.journal != nil, logger: e.Logger.With("container", name)}
	pass := c.lanes.Queue(laneKey{e.Key(), name})
	if err := pass.Wait(ctx); err != nil {
		return err
	}
	defer pass.Leave()
	hold, err := own.hold(ctx, c.scope(e.Name, name), journal.Record{ID: own.id, Engine: e.Name, Container: name})
	if err != nil {
		return err
	}
	defer own.release(hold)
	return do(ctx)
}
