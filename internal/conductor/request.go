// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/background"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// Request is an operation on a container that somebody asks for: a CreateRequest, an UpdateRequest, an ExchangeRequest
// or a RemoveRequest. A change of the power state is a PowerSpec: it is always a call.
type Request interface {
	castable
	// container is the name that the container has, or is to have.
	container() string
	// accept makes an operation of the request, and has it accepted.
	accept(c *Conductor, e *connection, cast bool, deadline time.Time) *containerJob
}

// castable is what a background conductor can be asked for.
type castable interface {
	kind() Kind
	// scope is what the faults of a request share that is not accepted.
	scope() fault.Scope
	// pulls is the image that may have to be pulled; empty is none.
	pulls() string
	// acceptCast accepts the request as one that nobody waits for. The error is a *fault.Fault, or background.ErrUnkept.
	acceptCast(ctx context.Context, c *Conductor, h *handed) (background.Cast, error)
}

// CreateRequest asks for a new container.
type CreateRequest struct {
	// Spec is the container as it shall be.
	Spec container.Spec
	// Wait is what is waited for; empty is WaitReady.
	Wait container.Wait
	// Digest is the digest at the registry to pull, where it has been resolved before; empty is
	// whatever the reference leads to.
	Digest string
}

// UpdateRequest asks for a container to be changed in place.
type UpdateRequest struct {
	// Spec is the container as it shall be.
	Spec container.Spec
	// ContainerID is the container. Where it is not known (yet), OperationID is the create that makes it.
	ContainerID string
	OperationID string
	// PriorName is the name that the container had when the operation was asked for, where
	// an update renames it.
	PriorName string
	// Wait is what is waited for; empty is WaitReady.
	Wait container.Wait
	// Restart has the update restart the container, if its desired state is one that runs.
	Restart bool
	// Upload are the files of Spec to put into the container.
	Upload []string
	// Imported says that somebody else made the container: which secrets it was given then, Spec does not tell.
	Imported bool
}

// ExchangeRequest asks for a new container in the place of an old one.
type ExchangeRequest struct {
	// Spec is the new container as it shall be.
	Spec container.Spec
	// ContainerID, OperationID and PriorName tell of the old one, as in an UpdateRequest.
	ContainerID string
	OperationID string
	PriorName   string
	// Wait is what is waited for; empty is WaitReady.
	Wait container.Wait
	// Order says which of the two is stopped or started first.
	Order container.Order
	// RemoveVolumes reports whether the anonymous volumes of the old container go, as far as the new one does not get
	// them.
	RemoveVolumes bool
	// Digest is as in a CreateRequest.
	Digest string
}

// RemoveRequest asks for a container to be stopped and removed.
type RemoveRequest struct {
	// Name is the name of the container.
	Name string
	// ContainerID is the container. Where it is not known (yet), OperationID is the create that makes it.
	ContainerID string
	OperationID string
	// Expected is until when another machine may still make that container: it is waited for.
	Expected time.Time
	// RemoveVolumes reports whether its anonymous volumes go, too.
	RemoveVolumes bool
	// Exchanged says that the container may have got anonymous volumes from the one whose place it took.
	Exchanged bool
}

func (CreateRequest) kind() Kind   { return KindCreate }
func (UpdateRequest) kind() Kind   { return KindUpdate }
func (ExchangeRequest) kind() Kind { return KindExchange }
func (RemoveRequest) kind() Kind   { return KindRemove }

func (r CreateRequest) container() string   { return r.Spec.Name }
func (r UpdateRequest) container() string   { return r.Spec.Name }
func (r ExchangeRequest) container() string { return r.Spec.Name }
func (r RemoveRequest) container() string   { return r.Name }

func (r CreateRequest) pulls() string { return mayPull(r.Spec.Image, r.Spec.PullPolicy) }
func (UpdateRequest) pulls() string   { return "" }

func (r ExchangeRequest) pulls() string { return mayPull(r.Spec.Image, r.Spec.PullPolicy) }
func (RemoveRequest) pulls() string     { return "" }

func mayPull(image string, policy container.PullPolicy) string {
	if policy == container.PullNever {
		return ""
	}
	return image
}

func (r CreateRequest) scope() fault.Scope   { return requested(r) }
func (r UpdateRequest) scope() fault.Scope   { return requested(r) }
func (r ExchangeRequest) scope() fault.Scope { return requested(r) }
func (r RemoveRequest) scope() fault.Scope   { return requested(r) }

func requested(r Request) fault.Scope { return fault.Scope{Container: r.container(), Now: time.Now} }

func (r CreateRequest) acceptCast(ctx context.Context, c *Conductor, h *handed) (background.Cast, error) {
	return c.castContainer(ctx, r, h)
}

func (r UpdateRequest) acceptCast(ctx context.Context, c *Conductor, h *handed) (background.Cast, error) {
	return c.castContainer(ctx, r, h)
}

func (r ExchangeRequest) acceptCast(ctx context.Context, c *Conductor, h *handed) (background.Cast, error) {
	return c.castContainer(ctx, r, h)
}

func (r RemoveRequest) acceptCast(ctx context.Context, c *Conductor, h *handed) (background.Cast, error) {
	return c.castContainer(ctx, r, h)
}

func (c *Conductor) castContainer(ctx context.Context, r Request, h *handed) (background.Cast, error) {
	e, err := c.connect(ctx, r.container())
	if err != nil {
		return background.Cast{}, err
	}
	deadline, _ := ctx.Deadline()
	o := r.accept(c, e, true, deadline)
	return o.asCast(h, func(ctx context.Context) { _, _ = o.perform(ctx) })
}

func (r CreateRequest) accept(c *Conductor, e *connection, cast bool, deadline time.Time) *containerJob {
	o := &createJob{containerJob: c.containerJob(e, KindCreate, r.Spec, r.Wait), pinned: r.Digest}
	o.accept(o, journal.Record{Uploads: len(r.Spec.Files) > 0, Goal: goalFor(r.Spec, o.wait)}, cast, deadline)
	return &o.containerJob
}

func (r UpdateRequest) accept(c *Conductor, e *connection, cast bool, deadline time.Time) *containerJob {
	o := &updateJob{alteringJob: alteringJob{containerJob: c.containerJob(e, KindUpdate, r.Spec, r.Wait), upload: r.Upload}, restart: r.Restart}
	o.containerID, o.after, o.priorName = r.ContainerID, r.OperationID, r.PriorName
	o.quiet = r.Imported || r.Spec.AnySecret(r.Upload) || r.Spec.AnyWriteOnly()
	o.accept(o, journal.Record{Restart: r.Restart, Uploads: len(r.Upload) > 0, Goal: goalFor(r.Spec, o.wait)}, cast, deadline)
	return &o.containerJob
}

func (r ExchangeRequest) accept(c *Conductor, e *connection, cast bool, deadline time.Time) *containerJob {
	o := &exchangeJob{
		containerJob: c.containerJob(e, KindExchange, r.Spec, r.Wait), order: r.Order, removesVolumes: r.RemoveVolumes, pinned: r.Digest,
	}
	o.containerID, o.after, o.priorName = r.ContainerID, r.OperationID, r.PriorName
	o.accept(o, journal.Record{Goal: goalFor(r.Spec, o.wait), RemoveVolumes: r.RemoveVolumes, Exchange: o.record()}, cast, deadline)
	return &o.containerJob
}

func (r RemoveRequest) accept(c *Conductor, e *connection, cast bool, deadline time.Time) *containerJob {
	o := &removalJob{
		containerJob: c.containerJob(e, KindRemove, container.Spec{Name: r.Name}, ""), expected: r.Expected,
		removesVolumes: r.RemoveVolumes, exchanged: r.Exchanged,
	}
	o.containerID, o.after = r.ContainerID, r.OperationID
	o.quiet = true // Of a removal no settings are known.
	o.accept(o, journal.Record{RemoveVolumes: r.RemoveVolumes}, cast, deadline)
	return &o.containerJob
}

// typed is a request on its way to a background conductor.
type typed struct {
	// Object is what is asked for where that is no container.
	Object string `json:",omitempty"`
	Kind   Kind
	Body   json.RawMessage
}

func (m typed) String() string { return strings.TrimSpace(m.Object + " " + string(m.Kind)) }

// typedOf returns the message of a request.
func typedOf(r castable) (typed, error) {
	body, err := json.Marshal(r)
	return typed{Object: r.scope().Object, Kind: r.kind(), Body: body}, err
}

// request returns the request of a message; nil if this release does not know what it asks for. What it does not know of
// a request is an error.
func (m typed) request() (castable, error) {
	switch {
	case m.Object == "image" && (m.Kind == KindCreate || m.Kind == KindUpdate):
		return decoded[ImageRequest](m.Body)
	case m.Object != "":
		return nil, nil
	}
	switch m.Kind {
	case KindCreate:
		return decoded[CreateRequest](m.Body)
	case KindUpdate:
		return decoded[UpdateRequest](m.Body)
	case KindExchange:
		return decoded[ExchangeRequest](m.Body)
	case KindRemove:
		return decoded[RemoveRequest](m.Body)
	default:
		return nil, nil
	}
}

func decoded[R castable](body json.RawMessage) (castable, error) {
	var r R
	err := background.Strict(json.NewDecoder(bytes.NewReader(body)), &r)
	return r, err
}
