// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
)

// ConnectError is a connection that could not be made: it says what was tried, and what can be done.
type ConnectError struct{ cause error }

func (e *ConnectError) Error() string { return e.cause.Error() }

func (e *ConnectError) Unwrap() error { return e.cause }

// Reached returns the error of a first request as what it says of the connection, without the words that Docker's
// client has around it; nil stays nil.
func Reached(ctx context.Context, where Address, err error) error {
	var connecting *ConnectError
	switch {
	case errors.As(err, &connecting):
		return connecting
	case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("no answer came from %s: something listens there, but it does not speak as an engine does, or what is sent to it gets lost", where.Host)
	}
	return err
}
