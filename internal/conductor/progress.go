// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"sync"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// progress is where an operation is, for whoever watches it. Its operation's goroutine, the one that
// attends it and its pull share it.
type progress struct {
	mu          sync.Mutex
	step        fault.Step
	containerID string
	pull        *journal.Pull
	// stopping is a stop that the engine has not answered.
	stopping *journal.Stopping
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

// setStopping notes that the engine is asked for a stop; nil is that it has answered.
func (p *progress) setStopping(stopping *journal.Stopping) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopping, p.untold = stopping, true
}

// leftStopping returns the stop that the engine has not answered; nil if there is none. What only looks at
// a container makes no progress.
func (p *progress) leftStopping() *journal.Stopping {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopping
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
		r.Step, r.ContainerID, r.Pull, r.Stopping = p.step, p.containerID, p.pull, p.stopping
	}
}
