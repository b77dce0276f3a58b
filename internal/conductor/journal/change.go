// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// Accept draws the ticket of an operation, and makes its intent durable, and its open mark if there is one.
// Until accepted, which gets the operation's ID, has returned, nobody else draws a ticket in one of its
// lanes: so the order of tickets is the order in which operations are accepted, whatever the clock does.
func (e *Engine) Accept(r Record, mark *Mark, accepted func(id string)) error {
	release, err := e.lockChanges(r.Lanes()...)
	if err != nil {
		return err
	}
	defer release()
	ticket, err := e.draw(r)
	if err != nil {
		return err
	}
	r.ID = ID(r.Engine, r.Lanes()[0], ticket)
	if mark != nil {
		if err := e.PutMark(r.ID, *mark); err != nil {
			return err
		}
	}
	if err := e.Begin(r); err != nil {
		if mark != nil {
			err = errors.Join(err, e.Deliver(r.ID))
		}
		return err
	}
	accepted(r.ID)
	return nil
}

// Begin makes an intent durable that has its ID. It belongs to this process from now on.
func (e *Engine) Begin(r Record) error {
	if _, err := e.journal.Register(); err != nil {
		return err
	}
	r.Version, r.Owner = recordVersion, e.journal.owner
	return e.write(filepath.Join(e.operations(), r.fileName()), r, nil)
}

// Change changes a record and makes the change durable. It keeps the read-change-write together, among
// goroutines and processes: who settles a record and who ends it are not the same.
func (e *Engine) Change(id string, change func(*Record)) error {
	release, err := e.lockRecord(id)
	if err != nil {
		return err
	}
	defer release()
	where, r, content, err := e.load(id)
	if err != nil {
		return err
	}
	change(&r)
	if err := e.write(where.path(), r, content); err != nil {
		return err
	}
	for _, lane := range where.lanes {
		if where.folder != e.operations() && where.folder != e.pastOf(lane) { // The history of a rename's other lane.
			err = errors.Join(err, e.write(filepath.Join(e.pastOf(lane), where.file), r, content))
		}
	}
	if !r.InProgress() {
		e.markLate(r, where)
		err = errors.Join(err, remove(e.told(id)), remove(e.cancel(id)))
	}
	return err
}

// progress is what is kept of an operation in progress beside its record: for whoever watches it, and
// as good as the machine's memory. It never takes the place of what is durable.
type progress struct {
	Version     int        `json:"version"`
	Step        fault.Step `json:"step"`
	ContainerID string     `json:"container_id,omitempty"`
	Pull        *Pull      `json:"pull,omitempty"`
	Stopping    *Stopping  `json:"stopping,omitempty"`
}

// Progress tells how far an operation in progress is: its step, its container, its pull and its stop. That
// survives the death of the process, but not that of the machine, and costs little. What has ended
// stays as it is.
func (e *Engine) Progress(id string, change func(*Record)) error {
	release, err := e.lockRecord(id)
	if err != nil {
		return err
	}
	defer release()
	r, err := e.Find(id)
	if err != nil || !r.InProgress() {
		return err
	}
	change(&r)
	content, err := json.Marshal(progress{recordVersion, r.Step, r.ContainerID, r.Pull, r.Stopping})
	if err != nil {
		return err
	}
	if err := e.journal.disk.replace(e.told(id), content, false); err != nil {
		return fmt.Errorf("writing the progress of operation %s: %w", id, err)
	}
	return nil
}

// told is where the progress of an operation is kept.
func (e *Engine) told(id string) string {
	return filepath.Join(e.progress(), Ticket(id)+".json")
}

// follow completes a record in progress with what was told of it since. What is torn tells nothing.
func (e *Engine) follow(r *Record) {
	if !r.InProgress() {
		return
	}
	content, err := e.journal.disk.open(e.told(r.ID))
	var p progress
	if err != nil || json.Unmarshal(content, &p) != nil || p.Version > recordVersion {
		return
	}
	r.Step, r.Pull, r.Stopping = p.Step, p.Pull, p.Stopping
	if p.ContainerID != "" {
		r.ContainerID = p.ContainerID
	}
}

// AskCancel asks the owner of an operation to cancel it. The owner notes nothing of it but the
// operation's outcome.
func (e *Engine) AskCancel(id string) error {
	marker, err := os.OpenFile(e.cancel(id), os.O_CREATE|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	return marker.Close()
}

// CancelAsked reports whether somebody asked to cancel an operation.
func (e *Engine) CancelAsked(id string) bool {
	_, err := os.Stat(e.cancel(id))
	return err == nil
}

func (e *Engine) cancel(id string) string {
	return filepath.Join(e.operations(), Ticket(id)+".cancel")
}

// remove removes a file that need not be there.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
