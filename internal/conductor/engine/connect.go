// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"errors"

	"github.com/docker/docker/api/types/network"
)

// ConnectAgain connects a container with settings that it had. If they can't be had any more it is
// connected without its addresses, so that it is not cut off; the error says why.
func (e *Engine) ConnectAgain(ctx context.Context, network, container string, settings *network.EndpointSettings) error {
	err := e.API.NetworkConnect(ctx, network, container, settings)
	switch {
	case err == nil || AlreadyConnected(err):
		return nil
	case LostAnswer(err) || ctx.Err() != nil || settings.IPAMConfig == nil:
		return err
	}
	plain := *settings
	plain.IPAMConfig = nil
	if again := e.API.NetworkConnect(ctx, network, container, &plain); again != nil && !AlreadyConnected(again) {
		return errors.Join(err, again)
	}
	return &UnlikeError{err}
}

// UnlikeError is a connection that was made, but without the addresses that it had.
type UnlikeError struct{ cause error }

func (e *UnlikeError) Error() string { return e.cause.Error() }

func (e *UnlikeError) Unwrap() error { return e.cause }

// AlreadyConnected and its siblings recognise that a request had been carried out before, by an
// attempt whose answer was lost.
func AlreadyConnected(err error) bool {
	return ContainsAny(err.Error(), "already exists in network", "is already attached to network")
}
