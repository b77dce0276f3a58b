// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

const (
	connectTimeout = 30 * time.Second
	// unreachedFor is how long a failure to connect stands for all who ask, if it was a quick one; one that took
	// the whole timeout stands for the process: the next try would take as long, for each who asks.
	unreachedFor = 10 * time.Second
)

// unreached remembers why the engine could not be reached, so that many containers don't wait
// for the same failure one after the other.
type unreached struct {
	address engine.Address
	err     error
	// subject is for what it was learned first.
	subject string
	at      time.Time
	// slow says that it took the timeout to learn it.
	slow bool
}

// stands reports whether the failure is still what whoever asks is told.
func (u *unreached) stands() bool { return u.slow || time.Since(u.at) < unreachedFor }

// connect returns the engine for what is done with a container; empty is with none.
func (c *Conductor) connect(ctx context.Context, container string) (*connection, error) {
	subject := ""
	if container != "" {
		subject = fmt.Sprintf("container %q", container)
	}
	return c.connectFor(ctx, c.scope("", container), subject)
}

// connectFor returns the engine. One caller connects for all; the error is a *fault.Fault of the scope.
// The subject is what the engine is needed for, in texts; empty is the engine itself.
func (c *Conductor) connectFor(ctx context.Context, scope fault.Scope, subject string) (*connection, error) {
	if e, err := c.connected(scope, subject); e != nil || err != nil {
		return e, err
	}
	select {
	case c.connecting <- struct{}{}:
		defer func() { <-c.connecting }()
	case <-ctx.Done():
		return nil, scope.NotConnected(engine.EndedKind(ctx), subject, context.Cause(ctx))
	}
	if e, err := c.connected(scope, subject); e != nil || err != nil {
		return e, err
	}

	deadline, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	api, where, err := c.dial()
	var e *connection
	if err == nil {
		e, err = open(deadline, api, where, c.opts.Engine, c.opts.Logger)
		if err != nil {
			err = errors.Join(err, api.Close())
		}
	}
	if err == nil {
		one, joined := c.join(e, where.Host)
		if joined {
			_ = e.Engine.Close(func() {}) // Nothing was done with it.
		}
		c.mu.Lock()
		told := c.toldRemovals
		c.mu.Unlock()
		e = one
		e.settleMeanwhile(ctx, told)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.engine, c.unreached = e, nil
		return e, nil
	case ctx.Err() != nil:
		scope.Engine = where.Host
		return nil, scope.NotConnected(engine.EndedKind(ctx), subject, context.Cause(ctx))
	default:
		c.unreached = &unreached{address: where, err: err, subject: subject, at: time.Now(), slow: deadline.Err() != nil}
		return nil, scope.Unreachable(c.name, where.Host, where.From, subject, "", err)
	}
}

// Reach connects to the engine if need be. Its failure has the whole reason, whoever was told of it first.
func (c *Conductor) Reach(ctx context.Context) error {
	_, err := c.connect(ctx, "")
	c.mu.Lock()
	defer c.mu.Unlock()
	if u := c.unreached; err != nil && u != nil {
		return c.scope("", "").Unreachable(c.name, u.address.Host, u.address.From, "", "", u.err)
	}
	return err
}

// connected returns the engine, or the failure to reach it that still stands, or neither.
func (c *Conductor) connected(scope fault.Scope, subject string) (*connection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if u := c.unreached; u != nil && u.stands() {
		return nil, scope.Unreachable(c.name, u.address.Host, u.address.From, subject, u.subject, u.err)
	}
	return c.engine, nil
}
