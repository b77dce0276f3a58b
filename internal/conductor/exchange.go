// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	containertypes "github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

const (
	// lastCalls is how long the old container still answers after it has lost its name: a client
	// that asked for the address just before gets its answer.
	lastCalls = time.Second
	// returnTakes bounds how long it may take to bring the old container back.
	returnTakes = time.Minute
)

// exchangeJob is the job of putting a new container in the place of an old one.
type exchangeJob struct {
	containerJob
	order container.Order
	// removesVolumes reports whether the anonymous volumes of the old container go that the new one does not get.
	removesVolumes bool
	// pinned is the digest to pull; empty is whatever the reference leads to.
	pinned string
	// state is how far the exchange is.
	state journal.Exchange
	// leftover is the record of the exchange, where another operation left it in the middle.
	leftover *journal.Record
}

func (o *exchangeJob) attempt(ctx context.Context) error { return o.repeat(ctx, o.exchange) }

func (o *exchangeJob) undo(ctx context.Context, err error) error {
	return o.undoBy(ctx, err, o.giveBack)
}

// current is the old container until the exchange is over.
func (o *exchangeJob) current() string { return cmp.Or(o.state.Predecessor, o.containerID) }

func (o *exchangeJob) complete(r *journal.Record) {
	o.containerJob.complete(r)
	r.Exchange = o.record()
}

// exchange puts a new container in the place of the old one: observe, decide, act. It can be
// repeated after a lost answer. What goes wrong for good is undone by giveBack.
func (o *exchangeJob) exchange(ctx context.Context) (*container.Container, error) {
	o.enter(fault.StepUpdating)
	if o.state.Predecessor == "" {
		if err := o.awaitName(ctx); err != nil {
			return nil, err
		}
		if err := o.beginExchange(ctx); err != nil {
			return nil, err
		}
	}
	x, err := o.observeExchange(ctx)
	if err != nil {
		return nil, err
	}
	if x.From == nil && x.To == nil {
		return nil, o.scope().NotFound(nil)
	}
	x.Apart = container.WhyApart(o.order, o.spec, x.From)
	for _, s := range container.PlanExchange(x) {
		o.logger.Info("exchange", "step", s.String())
		if err := o.turn(ctx, &x, s.Do); err != nil {
			return nil, err
		}
	}
	if err := o.removeVolumes(ctx); err != nil { // Those of an attempt whose answer was lost.
		return nil, err
	}
	to, err := o.engine.Inspect(ctx, o.state.Successor)
	if err != nil {
		return nil, err
	}
	o.containerID = o.state.Successor
	o.state.Over, o.state.Left = true, o.containerID
	return to, nil
}

// beginExchange finds the old container, and makes durable which it is before anything changes.
func (o *exchangeJob) beginExchange(ctx context.Context) error {
	if err := o.identify(ctx); err != nil {
		return err
	}
	if o.containerID == "" {
		return o.scope().NotFound(nil)
	}
	c, err := o.engine.Inspect(ctx, o.containerID)
	if err != nil {
		return err
	}
	o.hideOld(ctx, c)
	o.state = journal.Exchange{Order: string(o.order), Predecessor: c.ID, Was: c.State.Status}
	o.noteExchange()
	return nil
}

// hideOld has the operation hide what is secret in the old container, too, which has other settings and files.
func (o *exchangeJob) hideOld(ctx context.Context, old *container.Container) {
	o.mask, o.quiet = o.engine.MaskOf(ctx, o.spec, old), o.engine.hides(old)
	o.logger = masking(o.logger, o.mask)
}

// record is what the journal has of the exchange.
func (o *exchangeJob) record() *journal.Exchange {
	now := o.state
	now.Order = string(o.order)
	return &now
}

// noteExchange makes durable how far the exchange is.
func (o *exchangeJob) noteExchange() {
	if o.journaled {
		o.write(o.id, func(r *journal.Record) { r.Exchange, r.Volumes = o.record(), o.volumes })
	}
}

// observeExchange finds the two containers: by ID, and the new one by its names and label, too,
// where the answer to its create got lost. What is not the exchange's any more, though a record names it, is
// left alone as if it were gone.
func (o *exchangeJob) observeExchange(ctx context.Context) (container.Exchange, error) {
	x := container.Exchange{Ready: o.state.Ready, Was: o.state.Was, Name: o.spec.Name, Home: cmp.Or(o.priorName, o.spec.Name)}
	x.Next, x.Prior = temporaryNames(o.id, o.spec.Name)
	var err error
	if x.From, err = o.lookFor(ctx, o.state.Predecessor); err != nil {
		return x, err
	}
	if x.From != nil && o.leftover != nil {
		concerns, err := o.engine.stillConcerns(ctx, x.From, *o.leftover, x.Name, x.Home, x.Prior)
		if err != nil {
			return x, err
		}
		if !concerns {
			o.logger.Warn("an exchange that was left in the middle names a container that is another one: it is left alone", "container_id", x.From.ID, "name", x.From.Name)
			x.From = nil
		}
	}
	refs := []string{o.state.Successor}
	if o.state.Successor == "" {
		refs = []string{x.Next, x.Name}
	}
	for _, ref := range refs {
		found, err := o.lookFor(ctx, ref)
		if err != nil {
			return x, err
		}
		if found == nil || !o.made(found) {
			continue
		}
		if ref != found.ID { // Somebody can have made it from what was the new one.
			inherits, err := o.engine.Inherits(ctx, found.ImageID, o.id)
			if err != nil {
				return x, err
			}
			if inherits {
				continue
			}
		}
		x.To, o.state.Successor = found, found.ID
		break
	}
	return x, nil
}

// turn does one thing of an exchange, or of its return.
func (o *exchangeJob) turn(ctx context.Context, x *container.Exchange, do container.Turn) error {
	api := o.engine.API
	switch do {
	case container.TurnCreate:
		return o.createSuccessor(ctx, x)
	case container.TurnStart:
		return o.startSuccessor(ctx)
	case container.TurnHandOver:
		return o.handOver(ctx)
	case container.TurnCommit:
		o.state.Ready = true
		o.noteExchange()
		return nil
	case container.TurnStop:
		return o.stopPredecessor(ctx, x)
	case container.TurnRemove:
		prior := o.predecessor()
		err := prior.remove(ctx)
		o.volumes = prior.volumes
		return err
	}
	o.enter(fault.StepUpdating)
	err := o.change(ctx, func(ctx context.Context) error {
		switch do {
		case container.TurnMoveOut:
			return api.ContainerRename(ctx, o.state.Predecessor, x.Prior)
		case container.TurnMoveIn:
			return api.ContainerRename(ctx, o.state.Successor, x.Name)
		case container.TurnReturn:
			return api.ContainerRename(ctx, o.state.Predecessor, x.Home)
		case container.TurnDrop:
			return engine.IgnoreNotFound(api.ContainerRemove(ctx, x.To.ID, containertypes.RemoveOptions{Force: true, RemoveVolumes: true}))
		case container.TurnResume:
			return api.ContainerStart(ctx, o.state.Predecessor, containertypes.StartOptions{})
		default:
			return api.ContainerPause(ctx, o.state.Predecessor)
		}
	})
	if err != nil && do == container.TurnMoveIn && nameTaken(err) {
		return o.renameConflict(ctx, err)
	}
	return err
}

// predecessor is the job on the old container: its removal.
func (o *exchangeJob) predecessor() *removalJob {
	prior := &removalJob{containerJob: o.containerJob, removesVolumes: o.removesVolumes, exchanged: true}
	prior.does, prior.spec, prior.containerID = KindRemove, container.Spec{Name: o.spec.Name}, o.state.Predecessor
	prior.after, prior.priorName = "", ""
	return prior
}

// successor is the job on the new container: its create.
func (o *exchangeJob) successor() *createJob {
	next := &createJob{containerJob: o.containerJob, pinned: o.pinned}
	next.does, next.containerID, next.quiet = KindCreate, o.state.Successor, o.leftover != nil // The request has its files.
	return next
}

// createSuccessor creates the new container under its temporary name, with the old one's anonymous
// volumes. Its ID is durable before anything else is done.
func (o *exchangeJob) createSuccessor(ctx context.Context, x *container.Exchange) error {
	next := o.successor()
	next.as = x.Next
	if x.Apart == "" {
		next.spec.Networks = container.Unnamed(o.spec.Networks)
	}
	if x.From != nil && len(container.AnonymousVolumes(x.From)) > 0 {
		ofImage, err := next.imageVolumes(ctx)
		if err != nil {
			return err
		}
		next.spec.Mounts, next.carried = container.CarryVolumes(o.spec.Mounts, x.From, ofImage)
	}
	err := next.createWithImage(ctx)
	o.state.Successor, o.digest = next.containerID, next.digest
	if next.containerID != "" {
		o.noteExchange()
	}
	return o.explained(ctx, next, err)
}

// imageVolumes returns the paths for which the new image wants volumes. It pulls the image if need be.
func (o *createJob) imageVolumes(ctx context.Context) ([]string, error) {
	if o.spec.PullPolicy == container.PullAlways {
		if err := o.pull(ctx); err != nil {
			return nil, err
		}
		o.spec.PullPolicy = container.PullMissing // It is there now.
	}
	for {
		r, err := o.engine.API.ImageInspect(ctx, o.spec.Image)
		switch {
		case err == nil:
			return container.ObserveImage(r).Volumes, nil
		case !errdefs.IsNotFound(err):
			return nil, err
		case o.spec.PullPolicy != container.PullMissing || o.digest != "":
			return nil, o.scope().ImageMissing(o.spec.Image, err)
		}
		if err := o.pull(ctx); err != nil {
			return nil, err
		}
	}
}

func (o *exchangeJob) startSuccessor(ctx context.Context) error {
	next := o.successor()
	if o.spec.DesiredState == container.DesiredStopped {
		return nil
	}
	_, err := next.bringUp(ctx, true)
	return o.explained(ctx, next, err)
}

// explained makes the fault of what failed for the new container, while its log can still be read.
// A lost answer stays as it is: it is asked again.
func (o *exchangeJob) explained(ctx context.Context, next *createJob, err error) error {
	if err == nil || engine.LostAnswer(err) {
		return err
	}
	return next.fail(ctx, err)
}

// handOver has clients find the new container by name while they still find the old one: the engine
// takes further names of a container only with its connection. What the new container itself had
// connected to breaks by that, so it is waited for once more.
func (o *exchangeJob) handOver(ctx context.Context) error {
	to, err := o.engine.Inspect(ctx, o.state.Successor)
	if err != nil {
		return err
	}
	o.enter(fault.StepUpdating)
	again := false
	for _, key := range slices.Sorted(maps.Keys(o.spec.Networks)) {
		attachment := o.spec.Networks[key]
		name, connected := to.AttachedAs(attachment.Network)
		if connected && predefinedNetwork(name, o.engine.Windows) {
			continue
		}
		again = true
		err := o.change(ctx, func(ctx context.Context) error {
			if connected {
				if err := o.engine.API.NetworkDisconnect(ctx, name, to.ID, false); err != nil && !notConnected(err) {
					return err
				}
			}
			return o.engine.API.NetworkConnect(ctx, attachment.Network, to.ID, container.NamedEndpoint(o.spec.Name, attachment))
		})
		if err != nil && !engine.AlreadyConnected(err) {
			return err
		}
	}
	if !again {
		return nil
	}
	return o.startSuccessor(ctx)
}

func notConnected(err error) bool { return engine.ContainsAny(err.Error(), "is not connected to") }

func (o *exchangeJob) stopPredecessor(ctx context.Context, x *container.Exchange) error {
	if o.state.Ready && x.Apart == "" {
		if err := pause(ctx, lastCalls); err != nil {
			return err
		}
	}
	return o.predecessor().stop(ctx, nil)
}

// giveBack undoes an exchange that failed in the middle: the old container is back as it was, and the fault says so. What can't be undone now is ended by the next operation of the lane.
func (o *exchangeJob) giveBack(ctx context.Context, failure error) error {
	f := (*fault.Fault)(nil)
	if o.state.Predecessor == "" || !errors.As(failure, &f) {
		return failure
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), returnTakes)
	defer cancel()
	switch ended, err := o.awaitOwnStop(ctx, f); {
	case err != nil:
		return f.Exchanged(string(o.order), fault.HalfExchanged, o.mask.Text(err.Error()))
	case !ended:
		return f.Exchanged(string(o.order), fault.OldStopping, "")
	}
	left, err := engine.Retrying(ctx, func() (string, error) { return o.endExchange(ctx, container.PlanReturn) })
	if err != nil {
		o.logger.Warn("the exchange can't be undone now", "error", err)
		return f.Exchanged(string(o.order), fault.HalfExchanged, o.mask.Text(err.Error()))
	}
	o.containerID = left
	exists := fault.NoneExchanged
	switch left {
	case o.state.Predecessor:
		exists = fault.OldKept
	case o.state.Successor:
		exists = fault.NewKept
	}
	return f.Exchanged(string(o.order), exists, "")
}

// endExchange does what a plan says, and notes which container is left.
func (o *exchangeJob) endExchange(ctx context.Context, plan func(container.Exchange) []container.Step) (left string, err error) {
	x, err := o.observeExchange(ctx)
	if err != nil {
		return "", err
	}
	for _, s := range plan(x) {
		o.logger.Info("end of the exchange", "step", s.String())
		if err := o.turn(ctx, &x, s.Do); err != nil {
			return "", err
		}
	}
	if err := o.removeVolumes(ctx); err != nil {
		return "", err
	}
	if x, err = o.observeExchange(ctx); err != nil {
		return "", err
	}
	switch {
	case x.From != nil:
		left = x.From.ID
	case x.To != nil:
		left = x.To.ID
	}
	o.state.Over, o.state.Left = true, left
	o.noteExchange()
	return left, nil
}
