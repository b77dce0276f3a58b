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

// exchangeIt puts a new container in the place of the old one: observe, decide, act. It can be
// repeated after a lost answer. What goes wrong for good is undone by giveBack.
func (o *operation) exchangeIt(ctx context.Context) (*container.Container, error) {
	o.enter(fault.StepUpdating)
	if o.exchange.Predecessor == "" {
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
	x.Apart = container.WhyApart(o.Order, o.Spec, x.From)
	for _, s := range container.PlanExchange(x) {
		o.logger.Info("exchange", "step", s.String())
		if err := o.turn(ctx, &x, s.Do); err != nil {
			return nil, err
		}
	}
	if err := o.removeVolumes(ctx); err != nil { // Those of an attempt whose answer was lost.
		return nil, err
	}
	to, err := o.engine.Inspect(ctx, o.exchange.Successor)
	if err != nil {
		return nil, err
	}
	o.containerID = o.exchange.Successor
	o.exchange.Over, o.exchange.Left = true, o.containerID
	return to, nil
}

// beginExchange finds the old container, and makes durable which it is before anything changes.
func (o *operation) beginExchange(ctx context.Context) error {
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
	o.exchange = journal.Exchange{Order: string(o.Order), Predecessor: c.ID, Was: c.State.Status}
	o.noteExchange()
	return nil
}

// hideOld has the operation hide what is secret in the old container, too, which has other settings and files.
func (o *operation) hideOld(ctx context.Context, old *container.Container) {
	o.mask, o.quiet = o.engine.MaskOf(ctx, o.Spec, old), o.engine.hides(old)
	o.logger = masking(o.logger, o.mask)
}

// exchangeRecord is what the journal has of the exchange; nil if the operation is none.
func (o *operation) exchangeRecord() *journal.Exchange {
	if o.Kind != KindExchange {
		return nil
	}
	now := o.exchange
	now.Order = string(o.Order)
	return &now
}

// noteExchange makes durable how far the exchange is.
func (o *operation) noteExchange() {
	if o.kept {
		o.write(o.id, func(r *journal.Record) { r.Exchange, r.Volumes = o.exchangeRecord(), o.volumes })
	}
}

// observeExchange finds the two containers: by ID, and the new one by its names and label, too,
// where the answer to its create got lost. What is not the exchange's any more, though a record names it, is
// left alone as if it were gone.
func (o *operation) observeExchange(ctx context.Context) (container.Exchange, error) {
	x := container.Exchange{Ready: o.exchange.Ready, Was: o.exchange.Was, Name: o.Spec.Name, Home: cmp.Or(o.PriorName, o.Spec.Name)}
	x.Next, x.Prior = temporaryNames(o.id, o.Spec.Name)
	var err error
	if x.From, err = o.lookFor(ctx, o.exchange.Predecessor); err != nil {
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
	refs := []string{o.exchange.Successor}
	if o.exchange.Successor == "" {
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
		x.To, o.exchange.Successor = found, found.ID
		break
	}
	return x, nil
}

// lookFor reads a container; nil is that there is none.
func (o *operation) lookFor(ctx context.Context, ref string) (*container.Container, error) {
	c, err := o.engine.Inspect(ctx, ref)
	if err != nil {
		return nil, engine.IgnoreNotFound(err)
	}
	return c, nil
}

// turn does one thing of an exchange, or of its return.
func (o *operation) turn(ctx context.Context, x *container.Exchange, do container.Turn) error {
	api := o.engine.API
	switch do {
	case container.TurnCreate:
		return o.createSuccessor(ctx, x)
	case container.TurnStart:
		return o.startSuccessor(ctx)
	case container.TurnHandOver:
		return o.handOver(ctx)
	case container.TurnCommit:
		o.exchange.Ready = true
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
			return api.ContainerRename(ctx, o.exchange.Predecessor, x.Prior)
		case container.TurnMoveIn:
			return api.ContainerRename(ctx, o.exchange.Successor, x.Name)
		case container.TurnReturn:
			return api.ContainerRename(ctx, o.exchange.Predecessor, x.Home)
		case container.TurnDrop:
			return engine.IgnoreNotFound(api.ContainerRemove(ctx, x.To.ID, containertypes.RemoveOptions{Force: true, RemoveVolumes: true}))
		case container.TurnResume:
			return api.ContainerStart(ctx, o.exchange.Predecessor, containertypes.StartOptions{})
		default:
			return api.ContainerPause(ctx, o.exchange.Predecessor)
		}
	})
	if err != nil && do == container.TurnMoveIn && nameTaken(err) {
		return o.renameConflict(ctx, err)
	}
	return err
}

// predecessor is the operation as seen from the old container.
func (o *operation) predecessor() *operation {
	prior := *o
	prior.Request = Request{Kind: KindRemove, Spec: container.Spec{Name: o.Spec.Name}, RemoveVolumes: o.RemoveVolumes, Exchanged: true}
	prior.containerID = o.exchange.Predecessor
	return &prior
}

// successor is the operation as seen from the new container: its create.
func (o *operation) successor() *operation {
	next := *o
	next.Kind, next.containerID, next.quiet = KindCreate, o.exchange.Successor, false // The request has its files.
	return &next
}

// createSuccessor creates the new container under its temporary name, with the old one's anonymous
// volumes. Its ID is durable before anything else is done.
func (o *operation) createSuccessor(ctx context.Context, x *container.Exchange) error {
	next := o.successor()
	next.as = x.Next
	if x.Apart == "" {
		next.Spec.Networks = container.Unnamed(o.Spec.Networks)
	}
	if x.From != nil && len(container.AnonymousVolumes(x.From)) > 0 {
		ofImage, err := next.imageVolumes(ctx)
		if err != nil {
			return err
		}
		next.Spec.Mounts, next.carried = container.CarryVolumes(o.Spec.Mounts, x.From, ofImage)
	}
	err := next.bring(ctx)
	o.exchange.Successor, o.digest = next.containerID, next.digest
	if next.containerID != "" {
		o.noteExchange()
	}
	return o.explained(ctx, next, err)
}

// imageVolumes returns the paths for which the new image wants volumes. It pulls the image if need be.
func (o *operation) imageVolumes(ctx context.Context) ([]string, error) {
	if o.Spec.PullPolicy == container.PullAlways {
		if err := o.pull(ctx); err != nil {
			return nil, err
		}
		o.Spec.PullPolicy = container.PullMissing // It is there now.
	}
	for {
		r, err := o.engine.API.ImageInspect(ctx, o.Spec.Image)
		switch {
		case err == nil:
			return container.ObserveImage(r).Volumes, nil
		case !errdefs.IsNotFound(err):
			return nil, err
		case o.Spec.PullPolicy != container.PullMissing || o.digest != "":
			return nil, o.scope().ImageMissing(o.Spec.Image, err)
		}
		if err := o.pull(ctx); err != nil {
			return nil, err
		}
	}
}

func (o *operation) startSuccessor(ctx context.Context) error {
	next := o.successor()
	if o.Spec.DesiredState == container.DesiredStopped {
		return nil
	}
	_, err := next.bringUp(ctx, true)
	return o.explained(ctx, next, err)
}

// explained makes the fault of what failed for the new container, while its log can still be read.
// A lost answer stays as it is: it is asked again.
func (o *operation) explained(ctx context.Context, next *operation, err error) error {
	if err == nil || engine.LostAnswer(err) {
		return err
	}
	return next.fail(ctx, err)
}

// handOver has clients find the new container by name while they still find the old one: the engine
// takes further names of a container only with its connection. What the new container itself had
// connected to breaks by that, so it is waited for once more.
func (o *operation) handOver(ctx context.Context) error {
	to, err := o.engine.Inspect(ctx, o.exchange.Successor)
	if err != nil {
		return err
	}
	o.enter(fault.StepUpdating)
	again := false
	for _, key := range slices.Sorted(maps.Keys(o.Spec.Networks)) {
		attachment := o.Spec.Networks[key]
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
			return o.engine.API.NetworkConnect(ctx, attachment.Network, to.ID, container.NamedEndpoint(o.Spec.Name, attachment))
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

func (o *operation) stopPredecessor(ctx context.Context, x *container.Exchange) error {
	if o.exchange.Ready && x.Apart == "" {
		if err := pause(ctx, lastCalls); err != nil {
			return err
		}
	}
	return o.predecessor().stop(ctx)
}

// giveBack undoes what failed in the middle. Of an exchange that is: the old container is back as it was, and the fault says
// so. What can't be undone now is ended by the next operation of the lane.
func (o *operation) giveBack(ctx context.Context, failure error) error {
	f := (*fault.Fault)(nil)
	if o.Kind != KindExchange {
		return o.putBack(ctx, failure)
	}
	if o.exchange.Predecessor == "" || !errors.As(failure, &f) {
		return failure
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), returnTakes)
	defer cancel()
	left, err := engine.Retrying(ctx, func() (string, error) { return o.endExchange(ctx, container.PlanReturn) })
	if err != nil {
		o.logger.Warn("the exchange can't be undone now", "error", err)
		return f.Exchanged(string(o.Order), fault.HalfExchanged+"; "+o.mask.Text(err.Error()))
	}
	o.containerID = left
	exists := fault.NoneExchanged
	switch left {
	case o.exchange.Predecessor:
		exists = fault.OldKept
	case o.exchange.Successor:
		exists = fault.NewKept
	}
	return f.Exchanged(string(o.Order), exists)
}

// endExchange does what a plan says, and notes which container is left.
func (o *operation) endExchange(ctx context.Context, plan func(container.Exchange) []container.Step) (left string, err error) {
	if err := o.awaitOwnStop(ctx); err != nil {
		return "", err
	}
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
	o.exchange.Over, o.exchange.Left = true, left
	o.noteExchange()
	return left, nil
}
