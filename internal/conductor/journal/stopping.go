// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import "time"

// Stopping is a stop that an engine was asked for, and had not answered when the operation was last heard of:
// the engine goes on with it, whatever becomes of whoever asked. What it does can't be called off.
type Stopping struct {
	ContainerID string    `json:"container_id"`
	Since       time.Time `json:"since"`
	// Grace is how long the engine waits until it kills the container, in seconds; nil is the container's own.
	Grace *int `json:"grace,omitempty"`
	// StartedAt is when the container that is being stopped was started, as the engine says; zero is not known. One that
	// was started since is not what the engine is going to kill.
	StartedAt time.Time `json:"started_at,omitzero"`
}
