// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package conductor carries out operations on containers: it keeps each container's operations
// in order, bounds what an engine has to do at once, coalesces pulls, waits by events, and
// brings every failure back as a fault.
package conductor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-hclog"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// Options configure a Conductor, and a Fleet, whose conductors share them but for Engine.
type Options struct {
	// Engine is the engine, and what it is used with.
	Engine EngineOptions
	// Registries says, by registry, when gantry trusts one that it asks itself.
	Registries map[string]RegistryTrust
	// StateDir is the directory of the journal and of the lane locks; empty means
	// journal.DefaultDir.
	StateDir string
	// Scope is a digest of the workspace that the operations are for: what an unanswered create left is
	// resumed only in the scope that it was for. Empty is not known: then nothing is.
	Scope string
	// Orphaned reports whether nobody takes answers any more; nil is never.
	Orphaned func() bool
	// Inline has a cast wait for its slot of the pool before it returns, so that whoever casts
	// feels the back-pressure of a saturated engine.
	Inline bool
	// Caller is, in a background conductor, the journal's owner that casts.
	Caller string
	// Background is the command that starts a background conductor (it must call
	// ServeBackground); empty means that there is none, and that casts complete before they
	// return.
	Background []string
	// Release is that of this binary: a background conductor of another one is not spoken to.
	Release string
	// Text makes the text of a fault, which a record of it has for older releases of gantry; nil is that it has none.
	Text func(*fault.Fault) *fault.Fault
	// Logger gets steps and retries; never a secret.
	Logger hclog.Logger
}

// EngineOptions are what a conductor is told of its engine. They go to a background conductor with every cast.
type EngineOptions struct {
	// Connection is how the engine is reached, as it was configured.
	Connection engine.Connection
	// From is the setting that names the engine, for messages; empty is the one that the connection came from.
	From string
	// Address is, in a background conductor, the engine as the caller found it; then Connection is not looked at.
	Address *engine.Address
	// MaxParallel is how many operations may occupy the engine at once; 0 means four times the
	// CPUs that the engine reports.
	MaxParallel int
	// MaxParallelPulls is how many images are pulled at once; 0 means 3.
	MaxParallelPulls int
	// Credentials by registry ("ghcr.io", "127.0.0.1:5000", "docker.io"). For other
	// registries the Docker CLI's configuration and its credential helpers are asked.
	Credentials map[string]engine.Credential
}

// Kind is what an operation does.
type Kind string

// The kinds of operations.
const (
	KindCreate Kind = "create"
	KindUpdate Kind = "update"
	KindRemove Kind = "remove"
	// KindExchange is an update that puts a new container in the place of the old one.
	KindExchange Kind = "exchange"
)

// verb says what an operation of this kind does to its object, for messages.
func (k Kind) verb() string {
	switch k {
	case KindRemove:
		return "delete"
	case KindExchange:
		return "update"
	default:
		return string(k)
	}
}

// Article returns what an operation of this kind does, with the indefinite article, for messages.
func (k Kind) Article() string {
	article := "a "
	if k == KindUpdate || k == KindExchange || k == KindUnpause {
		article = "an "
	}
	return article + k.verb()
}

// Outcome is what an operation left behind, also when it failed.
type Outcome struct {
	// OperationID is engine/name/unique.
	OperationID string
	// Container is the container as it is now; nil if there is none that is gantry's own, or
	// if the engine could not be asked.
	Container *container.Container
	// Warnings are what the engine said beside doing it, such as that its kernel lacks something
	// and the setting was discarded.
	Warnings []string
	// NotJournaled says why the journal does not have the operation: had its process died, nobody would know
	// of it. It is nil if the journal has it.
	NotJournaled error
	// Elsewhere is until when another machine may still make the container that a remove did not find: then no
	// state has it. The zero time is that it can't.
	Elsewhere time.Time
}

// laneKey names a lane.
type laneKey struct{ engine, container string }

// Conductor carries out operations on the containers of one engine. It connects on first use. One that New made must
// be closed; the others are closed with their Fleet.
type Conductor struct {
	opts Options
	*shared
	// name is the engine's in its fleet; empty is the default one.
	name string
	host func() (string, error)
	dial func() (engine.API, engine.Address, error)

	// connecting is held while one caller connects for all.
	connecting chan struct{}
	// handed are the credentials that casts take along.
	handed handedOver

	mu        sync.Mutex
	engine    *connection
	unreached *unreached
	// toldRemovals are the unfinished removals that LateFaults told of before the engine was connected to.
	toldRemovals []journal.Record
	// detached are the containers that RemoveNetwork disconnected, by the network's name.
	detached map[string][]detached
}

// New makes a conductor that has everything for itself.
func New(opts Options) *Conductor {
	return NewFleet(opts, map[string]EngineOptions{"": opts.Engine}).Engine("")
}

// connection of this conductor; nil as long as it has none.
func (c *Conductor) current() *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.engine
}

// Call carries out an operation and waits for its outcome. The error, if any, is a
// *fault.Fault. When ctx ends, the operation is cancelled.
func (c *Conductor) Call(ctx context.Context, req Request) (Outcome, error) {
	e, err := c.connect(ctx, req.container())
	if err != nil {
		return Outcome{}, err
	}
	deadline, _ := ctx.Deadline()
	return req.accept(c, e, false, deadline).perform(ctx)
}

// Inspect reads one container by ID or name. A missing one is a *fault.Fault of kind
// fault.NotFound.
func (c *Conductor) Inspect(ctx context.Context, ref string) (*container.Container, error) {
	e, err := c.connect(ctx, ref)
	if err != nil {
		return nil, err
	}
	container, err := engine.Retrying(ctx, func() (*container.Container, error) { return e.Inspect(ctx, ref) })
	if err != nil {
		return nil, engine.Classify(c.scope(e.Name, ref), fault.StepReading, "read", "", err)
	}
	return container, nil
}

// ImageDefaults reads what an image brings to every container made from it.
func (c *Conductor) ImageDefaults(ctx context.Context, imageID string) (*container.ImageDefaults, error) {
	e, err := c.connect(ctx, imageID)
	if err != nil {
		return nil, err
	}
	defaults, err := engine.Retrying(ctx, func() (*container.ImageDefaults, error) {
		r, err := e.API.ImageInspect(ctx, imageID)
		if err != nil {
			return nil, fmt.Errorf("reading image %s: %w", imageID, err)
		}
		return container.ObserveImage(r), nil
	})
	if err != nil {
		return nil, engine.Classify(c.scope(e.Name, imageID), fault.StepReading, "read the image of", "", err)
	}
	return defaults, nil
}

// Engine returns the host name that the engine reports; it connects if need be.
func (c *Conductor) Engine(ctx context.Context) (string, error) {
	e, err := c.connect(ctx, "")
	if err != nil {
		return "", err
	}
	return e.Name, nil
}

// EngineID returns the ID that the engine reports; it connects if need be.
func (c *Conductor) EngineID(ctx context.Context) (string, error) {
	e, err := c.connect(ctx, "")
	if err != nil {
		return "", err
	}
	return e.ID, nil
}

func (c *Conductor) scope(engine, container string) fault.Scope {
	return fault.Scope{Engine: engine, Container: container, Now: time.Now}
}

// entry returns the beginning of an operation's record.
func (c *Conductor) entry(e *connection) entry {
	return entry{in: e.journal, notJournaled: e.notJournaled, scope: c.opts.Scope, orphaned: c.opts.Orphaned, engineID: e.ID, progress: &progress{step: fault.StepQueued}, text: c.opts.Text}
}

// newOperationID makes engine/name/unique. The unique part sorts by time.
func newOperationID(engine, lane string) string {
	return journal.ID(engine, lane, uuid.Must(uuid.NewV7()).String())
}
