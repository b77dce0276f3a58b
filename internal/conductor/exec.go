// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/containerd/errdefs"
	containertypes "github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// ExecSpec is a command to run in a container.
type ExecSpec struct {
	// Container is a name or an ID.
	Container   string
	Command     []string
	Environment map[string]string
	User        string
	WorkingDir  string
	// Reject has a container with an operation in progress be an error, instead of waiting for it.
	Reject bool
	// Timeout names the timeout that bounds the command, for faults; empty is "create".
	Timeout string
	// Live, if set, is called with each line as the command writes it, on both streams, without
	// the values of Environment. The command is read no faster than Live returns.
	Live func(line string)
}

// ExecResult is how a command ended.
type ExecResult struct {
	Content
	ExitCode int
	// ContainerID is where it ran.
	ContainerID string
}

// Exec runs a command in a running container and waits for its end. It returns content, so it takes
// no slot of the pool; it waits until no operation on the container is in progress, but keeps none
// waiting. When ctx ends it is left: an engine can't end a command.
func (c *Conductor) Exec(ctx context.Context, spec ExecSpec) (*ExecResult, error) {
	t, err := c.begin(ctx, "container", spec.Container, "run a command in", cmp.Or(spec.Timeout, "create"), fault.StepStarting,
		attributeWord{"working directory", "working_dir"}, attributeWord{"chdir", "working_dir"}, attributeWord{"cwd", "working_dir"},
		attributeWord{"find user", "user"}, attributeWord{"find group", "user"}, attributeWord{"passwd", "user"},
		attributeWord{"executable file not found", "command"}, attributeWord{"no such file", "command"}, attributeWord{"exec", "command"},
		attributeWord{"no such container", "container"}, attributeWord{"not running", "container"}, attributeWord{"is paused", "container"})
	if err != nil {
		return nil, err
	}
	t.object.Mask = execMask(spec)
	result, err := c.exec(ctx, t, spec)
	return result, t.explain(ctx, err)
}

func (c *Conductor) exec(ctx context.Context, t *task, spec ExecSpec) (*ExecResult, error) {
	name := spec.Container
	if found, err := t.Inspect(ctx, spec.Container); err == nil {
		name = found.Name
	} else if engine.IgnoreNotFound(err) != nil {
		return nil, err
	} // A missing one may be on its way.
	if spec.Reject {
		if busy := t.busy(name); busy != "" {
			return nil, t.object.Said(fault.Refused, fault.StepQueued, t.action, []string{"on_busy"}, "",
				fmt.Errorf("operation %s is in progress, and on_busy = \"reject\"", busy))
		}
	}
	if err := c.inLane(ctx, t.connection, name, func(context.Context) error { return nil }); err != nil {
		return nil, err
	}
	found, err := engine.Retrying(ctx, func() (*container.Container, error) { return t.Inspect(ctx, spec.Container) })
	if err != nil {
		return nil, err
	}
	options := containertypes.ExecOptions{Cmd: spec.Command, User: spec.User, WorkingDir: spec.WorkingDir, AttachStdout: true, AttachStderr: true}
	for _, key := range slices.Sorted(maps.Keys(spec.Environment)) {
		options.Env = append(options.Env, key+"="+spec.Environment[key])
	}
	// Repeating this leaves an exec that never ran, which the engine forgets with the container.
	created, err := engine.Retrying(ctx, func() (containertypes.ExecCreateResponse, error) {
		return t.API.ContainerExecCreate(ctx, found.ID, options)
	})
	if err != nil {
		return nil, err
	}
	return t.follow(ctx, created.ID, found.ID, spec.Live)
}

// follow starts what was created, and reads it to its end. That is done once: it can't be repeated.
func (t *task) follow(ctx context.Context, exec, containerID string, live func(string)) (*ExecResult, error) {
	t.at = fault.StepWaiting
	t.exists = fault.MayRun
	stream, err := t.API.ContainerExecAttach(ctx, exec, containertypes.ExecAttachOptions{})
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, stream.Close)
	defer func() {
		if stop() {
			stream.Close()
		}
	}()
	var content Content
	if live == nil {
		content, err = readContent(stream.Reader, false)
	} else {
		content, err = readLive(stream.Reader, t.object.Mask, live)
	}
	if err != nil {
		return nil, err
	}
	ended, err := engine.Retrying(ctx, func() (containertypes.ExecInspect, error) { return t.API.ContainerExecInspect(ctx, exec) })
	if err == nil && ended.Running {
		err = errors.New("the engine ended the stream before the command ended")
	}
	if errdefs.IsNotFound(err) {
		return nil, t.object.Said(fault.EngineError, t.at, t.action, []string{"container"}, t.exists,
			fmt.Errorf("the container ended while the command ran: %w", err))
	}
	if err != nil {
		return nil, err
	}
	return &ExecResult{Content: content, ExitCode: ended.ExitCode, ContainerID: containerID}, nil
}

// busy returns the ID of an operation that is in progress on a container, empty if there is none.
func (e *connection) busy(name string) string {
	if e.journal == nil {
		return ""
	}
	records, _ := e.journal.Lane(name)
	i := slices.IndexFunc(records, func(r journal.Record) bool { return r.InProgress() && e.journal.Alive(r) })
	if i < 0 {
		return ""
	}
	return records[i].ID
}

// MaskLines splits what a command wrote into lines that can be shown: without what is secret in its
// environment and its arguments, and without control characters.
func MaskLines(text string, spec ExecSpec) []string { return execMask(spec).Lines(text) }

func execMask(spec ExecSpec) fault.Mask {
	var secrets fault.Secrets
	container.AddOptions(&secrets, spec.Environment)
	secrets.Arguments(spec.Command)
	return secrets.Mask()
}
