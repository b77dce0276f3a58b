// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package conductor carries out operations on containers: it keeps each container's operations
// in order, bounds what an engine has to do at once, coalesces pulls, waits by events, and
// brings every failure back as a fault.
package conductor

import (
	"context"

	"github.com/hashicorp/go-hclog"
)

// Options configure a Conductor.
type Options struct {
	// Host is the engine's address (unix://, tcp://, npipe://, ssh://). Empty means
	// DOCKER_HOST, else the Docker CLI's current context, else the local socket.
	Host string
	// MaxParallel is how many operations may occupy the engine at once; 0 means twice the
	// CPUs that the engine reports.
	MaxParallel int
	// MaxParallelPulls is how many images are pulled at once; 0 means 3.
	MaxParallelPulls int
	// Credentials by registry ("ghcr.io", "127.0.0.1:5000", "docker.io"). For other
	// registries the Docker CLI's configuration and its credential helpers are asked.
	Credentials map[string]Credential
	// Logger gets steps and retries; never a secret.
	Logger hclog.Logger
}

// Credential is what a registry wants to know. It never reaches a disk or a log.
type Credential struct {
	Username string
	Password string
}

// Kind is what an operation does.
type Kind string

// The kinds of operations.
const (
	KindCreate Kind = "create"
	KindUpdate Kind = "update"
	KindRemove Kind = "remove"
)

// Request is one operation that somebody asks for.
type Request struct {
	Kind Kind
	// Spec is the container as it shall be (create, update). A remove needs its Name alone.
	Spec Spec
	// ContainerID is the container to update or remove.
	ContainerID string
	// Wait is what a create or an update waits for.
	Wait Wait
	// RemoveVolumes says whether a remove takes the anonymous volumes along.
	RemoveVolumes bool
}

// Outcome is what an operation left behind, also when it failed.
type Outcome struct {
	// OperationID is engine/name/unique.
	OperationID string
	// Container is the container as it is now; nil if there is none that is gantry's own.
	Container *Container
}

// Conductor carries out operations on the containers of one engine.
type Conductor struct{ opts Options }

// New makes a conductor. It connects on first use.
func New(opts Options) *Conductor { return &Conductor{opts: opts} }

// Close ends what the conductor still does, and waits for it.
func (c *Conductor) Close() error { return nil }

// Call carries out an operation and waits for its outcome. The error, if any, is a
// *fault.Fault. When ctx ends, the operation is cancelled.
func (c *Conductor) Call(ctx context.Context, req Request) (Outcome, error) {
	return Outcome{}, nil
}

// Inspect reads one container by ID or name. A missing one is a *fault.Fault of kind
// fault.NotFound.
func (c *Conductor) Inspect(ctx context.Context, ref string) (*Container, error) {
	return nil, nil
}

// ImageDefaults reads what an image brings to every container made from it.
func (c *Conductor) ImageDefaults(ctx context.Context, imageID string) (*ImageDefaults, error) {
	return nil, nil
}

// Engine gives the host name that the engine reports; it connects if need be.
func (c *Conductor) Engine(ctx context.Context) (string, error) { return "", nil }

// ImageDefaults are what an image brings to every container made from it.
type ImageDefaults struct {
	Settings
	// Volumes are the paths for which the engine makes anonymous volumes.
	Volumes []string
}
