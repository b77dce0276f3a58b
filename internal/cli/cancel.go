// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// cancelLook is the pause between two looks at what became of a request to cancel.
const cancelLook = 250 * time.Millisecond

func cancel(ctx context.Context, s *session) error {
	all, err := s.meant()
	if err != nil {
		return err
	}
	o, err := find(all, s.id, func(o operation) bool { return o.State == inProgress })
	if err != nil {
		return err
	}
	switch {
	case o.State != inProgress:
		return fmt.Errorf("operation %s (%s of %s) has already ended: %s", o.short(), o.Kind, o.subject(), ending(o))
	case conductor.Kind(o.Kind) == conductor.KindRemove:
		return fmt.Errorf("the removal of %s can't be cancelled: what a removal has begun it finishes", o.subject())
	}
	if err := o.engine.AskCancel(o.ID); err != nil {
		return fmt.Errorf("asking to cancel the operation: %w", err)
	}
	if !s.json {
		s.print(fmt.Sprintf("Asked to cancel the %s of %s on engine %q, which is %s.", o.Kind, o.subject(), o.Engine, o.status()))
	}
	if o, err = s.ended(ctx, o); err != nil {
		return err
	}
	if s.json {
		if err := s.encode(o); err != nil {
			return err
		}
	} else {
		s.print("It ended: " + ending(o))
	}
	switch {
	case o.cancelled():
		return nil
	case o.State == state(journal.Interrupted):
		return errors.New("it was not cancelled: its process died")
	default:
		return errors.New("it was not cancelled: it had ended before")
	}
}

// ended waits until the operation has an outcome, or its process is dead.
func (s *session) ended(ctx context.Context, o operation) (operation, error) {
	for {
		r, err := o.engine.Find(o.ID)
		if errors.Is(err, fs.ErrNotExist) {
			return o, errors.New("it has ended, but the journal keeps its record no more")
		}
		if err != nil {
			return o, err
		}
		if o = look(o.engine, r, time.Now()); o.State != inProgress {
			return o, nil
		}
		timer := time.NewTimer(cancelLook)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return o, errors.New("its end was not waited for; the request stands")
		}
	}
}

// ending says how an operation ended.
func ending(o operation) string {
	text := o.status()
	if o.Elapsed != nil {
		text += " after " + o.took()
	}
	if o.Fault == nil {
		return text + "."
	}
	return text + ".\n" + strings.Join(faulty(o), "\n")
}
