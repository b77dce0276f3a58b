// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package sshlink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// plainError is an error of the network in plain words.
type plainError struct {
	text  string
	cause error
}

func (e plainError) Error() string { return e.text }

func (e plainError) Unwrap() error { return e.cause }

// Plain returns an error of the network in words that say what happened, and no more; what is none is returned as it
// is. The limit is what a timeout was.
func Plain(err error, limit time.Duration) error {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &dns) && dns.IsNotFound:
		return plainError{fmt.Sprintf("the name %q is not known", dns.Name), err}
	case errors.Is(err, syscall.ECONNREFUSED):
		return plainError{"it was refused: nothing listens there", err}
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		// The cause is left out: the time of whoever asked is not up.
		return plainError{text: fmt.Sprintf("no answer within %v", limit)}
	default:
		return err
	}
}
