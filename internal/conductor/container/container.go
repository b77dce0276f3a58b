// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package container says what a container is: what is asked of an engine and what it reports, in gantry's words; what
// means the same; what an update or an exchange has to do; and when a container is as it is to be. All of it is pure:
// nothing here asks an engine, keeps a record, or waits.
package container

import (
	"strings"
	"time"
)

// LabelOperation is the label that names the operation that created a container. A container
// made from an image that was committed from a labelled container inherits it: alone it proves
// nothing about any other operation than the one at hand.
const LabelOperation = LabelPrefix + "operation"

// LabelCarried is the label that names the anonymous volumes that an exchange gave to the container: to the engine
// they are its own no more than a volume with a name.
const LabelCarried = LabelPrefix + "carried"

// LabelPrefix is the name space of gantry's own labels.
const LabelPrefix = "io.github.gantry-provider."

// Container is a container as its engine reports it.
type Container struct {
	// Engine is the host name that the engine reports.
	Engine string
	// ID is the container's ID: 64 hexadecimal digits.
	ID string
	// Name has no leading slash.
	Name string
	// Settings as the engine reports them: they include what the image brought.
	Settings
	// Unmanaged are settings that gantry has no argument for.
	Unmanaged []Unmanaged
	// Defaults are what the engine gives to containers that ask for nothing.
	Defaults EngineDefaults
	// ImageID is the ID of the image that the container was made from ("sha256:…").
	ImageID string
	// ImageDigest is the digest at the registry ("sha256:…"), where this operation learned
	// it from a pull or from the reference itself. Empty is unknown, not none.
	ImageDigest string
	Created     time.Time
	State       State
	// AutoRemove says that the engine removes the container when it ends (docker run --rm).
	AutoRemove bool
	// FileFolders are the volumes that are there for the sake of files, as the root is read-only, by their directories.
	FileFolders map[string]string
	// Attached are the networks that the container is connected to, by the network's name.
	Attached map[string]AttachedNetwork
	// Unconnected are networks that the running container is not connected to, though it keeps settings
	// for them: a connect failed. It could not be started with them again.
	Unconnected map[string]AttachedNetwork
	// Gone are networks that are not among Attached any more: a container that does not run still knows
	// them, by the ID that they had.
	Gone []string
	// Shared are the present names of the containers with which it shares namespaces, by ID.
	Shared map[string]string
	// Linked are the IDs of the containers that it is linked to, by their present names.
	Linked map[string]string
	// Joined are those containers, for each attribute that shares a name space.
	Joined []Joined
	// PublishedPorts maps "80/tcp" to the lowest port of the host that leads to it now.
	PublishedPorts map[string]int
}

// AttachedNetwork is a network that a container is connected to.
type AttachedNetwork struct {
	// ID is the network's ID.
	ID string
	// Address is the container's address there (IPv4, else IPv6), and AddressIPv6 its IPv6 address; both are
	// empty unless it runs.
	Address, AddressIPv6 string
	EndpointOptions
}

// ShortID is how many digits of an ID the Docker CLI prints. Fewer could well be a name.
const ShortID = 12

// AttachedAs finds a network that the container is connected to by its name, its ID, or its short
// ID. It returns the network's name.
func (c *Container) AttachedAs(ref string) (name string, ok bool) {
	return networkAs(c.Attached, ref)
}

// UnconnectedAs is AttachedAs for a network that a connect failed to; empty if there is none.
func (c *Container) UnconnectedAs(ref string) (name string) {
	name, _ = networkAs(c.Unconnected, ref)
	return name
}

func networkAs(networks map[string]AttachedNetwork, ref string) (name string, ok bool) {
	if _, ok := networks[ref]; ok {
		return ref, true
	}
	for name, n := range networks {
		if n.ID != "" && n.ID == ref || len(ref) >= ShortID && strings.HasPrefix(n.ID, ref) {
			return name, true
		}
	}
	return "", false
}

// State is the power state of a container as its engine reports it.
type State struct {
	// Status is the engine's word: created, running, paused, restarting, removing, exited, dead.
	Status string
	// Checked reports whether there is a health check.
	Checked bool
	// Health is starting, healthy or unhealthy: what the check found. It is empty without a check, and while
	// the container does not run.
	Health string
	// HealthLog are the last outputs of the health check, oldest first.
	HealthLog []HealthResult
	// ExitCode means something only after the container has run and ended.
	ExitCode     int
	OOMKilled    bool
	Error        string
	RestartCount int
	StartedAt    time.Time
	FinishedAt   time.Time
	// Stopping says that the engine is stopping the container for an operation that has ended: it runs, but
	// nothing keeps it running.
	Stopping bool
}

// HealthResult is one run of a health check.
type HealthResult struct {
	ExitCode int
	Output   string
}

// Ended reports whether the container has run and is not running any more.
func (s State) Ended() bool {
	return (s.Status == "exited" || s.Status == "dead") && !s.StartedAt.IsZero()
}

// Running reports whether the container's processes run (a paused container's do not).
func (s State) Running() bool { return s.Status == "running" }

// ImageDefaults are what an image brings to every container made from it.
type ImageDefaults struct {
	Settings
	// Volumes are the paths for which the engine makes anonymous volumes.
	Volumes []string
}
