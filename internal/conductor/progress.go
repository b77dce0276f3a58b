// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"sync"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

const (
	// cancelLook is the pause between two looks at whether somebody asked to cancel.
	cancelLook = 250 * time.Millisecond
	// tellEvery is how often the journal is told at most where an operation is: who watches it
	// needs no more, and most calls end before.
	tellEvery = time.Second
)

// progress is where an operation is, for whoever watches it. Its operation's goroutine, the one that
// attends it and its pull share it.
type progress struct {
	mu          sync.Mutex
	step        fault.Step
	containerID string
	pull        *journal.Pull
	// untold says that the journal does not have it yet.
	untold bool
}

func (p *progress) setStep(step fault.Step, containerID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.untold = p.untold || p.step != step
	p.step, p.containerID = step, containerID
}

// setPull does not block: a pull reports to all who wait for it.
func (p *progress) setPull(pull journal.Pull) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pull, p.untold = &pull, true
}

func (p *progress) isUntold() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.untold
}

// note writes it into the operation's record. What has ended stays as it is.
func (p *progress) note(r *journal.Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.untold = false
	if r.InProgress() {
		r.Step, r.ContainerID, r.Pull = p.step, p.containerID, p.pull
	}
}

// tell tells the journal where the operation is.
func (o *operation) tell() {
	if !o.kept {
		return
	}
	if err := o.engine.journal.Progress(o.id, o.progress.note); err != nil {
		o.logger.Debug("the step can't be written to the journal", "error", err)
	}
}

// attend looks after the operation while it is carried out: it tells the journal now and then where
// it is, and ends the context that it gives when somebody asks, in the journal, to cancel it. The
// caller must call done.
func (o *operation) attend(ctx context.Context) (cancellable context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	if !o.kept {
		return ctx, func() { cancel(nil) }
	}
	attended := make(chan struct{})
	go func() {
		defer close(attended)
		told := time.Now()
		for pause(ctx, cancelLook) == nil {
			if o.Kind != KindRemove && o.engine.journal.CancelAsked(o.id) {
				cancel(errCancelAsked)
				return
			}
			if now := time.Now(); now.Sub(told) >= tellEvery && o.progress.isUntold() {
				told = now
				o.tell()
			}
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-attended
	}
}
