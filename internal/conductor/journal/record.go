// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// recordVersion is the version of the files' format. A file with a higher one is from a newer
// gantry: it is reported, never changed.
const recordVersion = 1

// Outcome is how an operation ended; empty while it has not.
type Outcome string

// The outcomes.
const (
	// Done is an operation that did what it was asked for.
	Done Outcome = "done"
	// Failed is one that has a fault.
	Failed Outcome = "failed"
	// Interrupted is one whose process died in the middle.
	Interrupted Outcome = "interrupted"
	// Withdrawn is one that was accepted, and that its caller took back before anybody began to carry it out.
	Withdrawn Outcome = "superseded"
)

// Record is one operation on disk. It never holds a secret.
type Record struct {
	Version int `json:"version"`
	// ID is engine/name/unique; the unique part sorts by time, and is the ticket in the
	// operation's lanes.
	ID   string `json:"id"`
	Kind string `json:"kind"`
	// Engine is the host name that the engine reports.
	Engine string `json:"engine"`
	// Object is the kind of what the operation is about where that is no container ("image").
	Object string `json:"object,omitempty"`
	// Container is the name of the container, or of the object: with it the lane. PriorName is
	// the second lane of a rename.
	Container string `json:"container"`
	PriorName string `json:"prior_name,omitempty"`
	// ContainerID is the container (or the object) that the operation concerns, as soon as it is known.
	ContainerID string `json:"container_id,omitempty"`
	// Replaced is the image in whose place an operation brings another one: it is removed once it
	// has no name. Dropped are the names that it is to lose.
	Replaced string   `json:"replaced,omitempty"`
	Dropped  []string `json:"dropped,omitempty"`
	// After is the operation of the same container that the caller knew as the last one.
	After string `json:"after,omitempty"`
	// Awaits is the operation that has to free a name before this one can go on: meanwhile this one is not in
	// its lanes, and nobody is behind it. Parked says that its container has given up its own name.
	Awaits string `json:"awaits,omitempty"`
	Parked bool   `json:"parked,omitempty"`
	// Owner is the conductor process that carries the operation out.
	Owner string `json:"owner"`
	// Caller is the process that gives the answer to Terraform, where that is not the owner.
	Caller string `json:"caller,omitempty"`
	// Scope is a digest of the workspace that asked for the operation; empty is not known.
	Scope string `json:"scope,omitempty"`
	// Claimed says that a Terraform state was seen that names the operation.
	Claimed bool `json:"claimed,omitempty"`
	// Cast says that nobody waits for the operation.
	Cast     bool      `json:"cast,omitempty"`
	Accepted time.Time `json:"accepted"`
	Deadline time.Time `json:"deadline,omitzero"`
	// Step is where the operation was when the record was last written.
	Step fault.Step `json:"step"`
	// Pull is how far the operation's pull is, or was.
	Pull    *Pull        `json:"pull,omitempty"`
	Outcome Outcome      `json:"outcome,omitempty"`
	Ended   time.Time    `json:"ended,omitzero"`
	Fault   *fault.Fault `json:"fault,omitempty"`
	// Settled says that a later create, update or delete of the same container has dealt with
	// the failure.
	Settled bool `json:"settled,omitempty"`
	// Restart says that an update was to restart the container.
	Restart bool `json:"restart,omitempty"`
	// Uploads says that it was to upload files, or to load an archive.
	Uploads bool `json:"uploads,omitempty"`
	// Goal is what the operation is to make of its container, in the conductor's own words.
	Goal json.RawMessage `json:"goal,omitempty"`
	// RemoveVolumes belongs to a remove or an exchange, so that it can be resumed.
	RemoveVolumes bool `json:"remove_volumes,omitempty"`
	// Volumes go with the container that the operation removes, though its engine leaves them. They are noted before
	// the container goes, and no more once they are gone as well.
	Volumes []string `json:"volumes,omitempty"`
	// Exchange belongs to an exchange.
	Exchange *Exchange `json:"exchange,omitempty"`
	// Stopping is the stop that the operation left to the engine, if it did.
	Stopping *Stopping `json:"stopping,omitempty"`
}

// Pull is how far a pull is. Operations that need the same image show the same pull.
type Pull struct {
	Image string `json:"image"`
	// Done and Total are bytes of the layers known so far; they grow as layers turn up.
	Done  int64 `json:"done"`
	Total int64 `json:"total"`
	// Layers are those known so far, Complete those that the engine has.
	Layers   int `json:"layers"`
	Complete int `json:"complete"`
}

// InProgress reports whether the operation has not ended, as far as its record says: its owner may
// have died.
func (r Record) InProgress() bool { return r.Outcome == "" }

// Unsettled reports whether the record is a failure that nobody has dealt with.
func (r Record) Unsettled() bool {
	return !r.Settled && (r.Outcome == Failed || r.Outcome == Interrupted)
}

// Settle is the change of a record that notes that somebody has dealt with the failure of its operation. One whose
// process died in the middle has ended by that.
func Settle(r *Record) {
	if r.InProgress() {
		r.Outcome, r.Ended = Interrupted, time.Now().UTC()
	}
	r.Settled = true
}

// Lane names the order to which the operations of an object belong; the kind of a container is empty.
// No container's name has a colon.
func Lane(kind, name string) string {
	if kind == "" {
		return name
	}
	return kind + ":" + name
}

// Lanes are those whose order the operation belongs to.
func (r Record) Lanes() []string {
	if r.Object != "" {
		return []string{Lane(r.Object, r.Container)}
	}
	if r.PriorName != "" && r.PriorName != r.Container {
		return []string{r.Container, r.PriorName}
	}
	return []string{r.Container}
}

// ticket orders the operations of a lane by the time they were accepted.
func (r Record) ticket() string { return Ticket(r.ID) }

// Ticket is the unique part of an operation's ID, which sorts by time.
func Ticket(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// ID makes the ID of an operation: engine/lane/unique. The name of an image can have slashes.
func ID(engine, lane, unique string) string {
	return url.PathEscape(engine) + "/" + url.PathEscape(lane) + "/" + unique
}

// SplitLane returns the kind and the name behind a lane; the kind of a container is empty.
func SplitLane(lane string) (kind, name string) {
	if kind, name, found := strings.Cut(lane, ":"); found {
		return kind, name
	}
	return "", lane
}

// SplitID returns the parts of an operation's ID.
func SplitID(id string) (engine, lane, unique string, err error) {
	parts := strings.Split(id, "/")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return "", "", "", fmt.Errorf("%q is no operation ID: it must have the form engine/name/unique", id)
	}
	if lane, err = url.PathUnescape(parts[1]); err != nil {
		return "", "", "", fmt.Errorf("%q is no operation ID: %w", id, err)
	}
	if engine, err = url.PathUnescape(parts[0]); err != nil {
		engine = parts[0] // An older gantry did not escape it.
	}
	return engine, lane, parts[2], nil
}

// short names a thing of any length and spelling in a file name.
func short(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}
