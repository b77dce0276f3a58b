// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/hashicorp/go-hclog"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// tailLines is how much of a container's log a fault carries.
const tailLines = 20

// diagnosis makes faults about one container: of what its engine said, of how it ended, of a wait that it did not
// meet. It looks at the engine for what that leaves open, and changes nothing.
type diagnosis struct {
	engine *connection
	logger hclog.Logger
	// operation is the ID of the operation that the faults are of, and kind what that does.
	operation string
	kind      Kind
	// spec is what is asked for. Of a container that is only looked at it may have the name alone.
	spec        container.Spec
	containerID string
	step        fault.Step
	exists      fault.Exists
	mask        fault.Mask
	// quiet says that what the container's programs wrote, and what its engine said of it, is not told.
	quiet bool
}

// scope is what the faults share.
func (d diagnosis) scope() fault.Scope {
	return fault.Scope{Engine: d.engine.Name, Container: d.spec.Name, Operation: d.operation, Mask: d.mask, Now: time.Now}
}

// of makes a fault of an error: it may be one, or the end of the context, or something that an engine said.
func (d diagnosis) of(ctx context.Context, err error) *fault.Fault {
	var f *fault.Fault
	switch {
	case errors.As(err, &f):
		return f
	case ctx.Err() != nil:
		return d.ended(ctx, "")
	default:
		return d.explain(ctx, err)
	}
}

// ended makes a fault of the end of the context. SoFar says how far a pull had come.
func (d diagnosis) ended(ctx context.Context, soFar string) *fault.Fault {
	return d.scope().Ended(engine.EndedKind(ctx), d.step, d.kind.verb(), d.exists, d.tail(ctx), soFar, context.Cause(ctx))
}

// tail reads the last log lines of the container, masked. A log that can't be read is
// no failure of its own.
func (d diagnosis) tail(ctx context.Context) []string {
	if d.containerID == "" || d.quiet {
		return nil
	}
	ctx, cancel := engine.ContextForLook(ctx)
	defer cancel()
	r, err := d.engine.API.ContainerInspect(ctx, d.containerID)
	if err != nil {
		return nil
	}
	log, err := d.engine.API.ContainerLogs(ctx, d.containerID, containertypes.LogsOptions{
		ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(tailLines),
	})
	if err != nil {
		d.logger.Debug("the log can't be read", "error", err)
		return nil
	}
	defer func() { _ = log.Close() }()
	var text bytes.Buffer
	if r.Config.Tty {
		_, err = text.ReadFrom(log)
	} else {
		_, err = stdcopy.StdCopy(&text, &text, log)
	}
	if err != nil {
		d.logger.Debug("the log ended early", "error", err)
	}
	return d.mask.Lines(text.String())
}

// unmet makes the fault of a wait that can't be met any more.
func (d diagnosis) unmet(ctx context.Context, kind fault.Kind, c *container.Container, started time.Time) error {
	s := c.State
	if d.quiet {
		s.Error = ""
	}
	switch kind {
	case fault.NoHealthcheck:
		return d.scope().NoHealthcheck(d.exists)
	case fault.Unhealthy:
		u := fault.UnhealthyFacts{After: time.Since(started), Log: d.tail(ctx), Exists: d.exists, Quiet: d.quiet}
		if c.Healthcheck != nil {
			u.Check = c.Healthcheck.Test
		}
		if n := len(s.HealthLog); n > 0 {
			u.ExitCode, u.Output = s.HealthLog[n-1].ExitCode, s.HealthLog[n-1].Output
		}
		return d.scope().Unhealthy(u)
	}
	exit := fault.Exit{
		Code: s.ExitCode, OOM: s.OOMKilled, Error: s.Error, Log: d.tail(ctx),
		Job: d.spec.DesiredState == container.DesiredCompleted, Expected: container.ExpectedExitCodes(d.spec), Exists: d.exists,
	}
	if s.FinishedAt.After(s.StartedAt) {
		exit.After = s.FinishedAt.Sub(s.StartedAt)
	}
	if kind == fault.CrashLoop {
		return d.scope().CrashLoop(s.RestartCount, exit)
	}
	return d.scope().Exited(exit)
}

// explain makes a fault of an error of the engine, and asks the engine for what its words leave
// open.
func (d diagnosis) explain(ctx context.Context, err error) *fault.Fault {
	if port, ok := engine.TakenPort(err); ok {
		return d.scope().PortTaken(port, d.engine.PortHolder(ctx, port, d.containerID), d.exists, err)
	}
	action := actionOf(d.kind, d.step)
	if r, ok := d.spec.Unusable(d.containerID, err); ok && d.kind != KindRemove {
		return d.scope().UnusableReference(d.step, action, r.Attribute, r.Ref, d.exists, err)
	}
	if f := d.anyAddressFault(ctx, err); f != nil {
		return f
	}
	return engine.ExplainAs(d.scope(), d.spec, d.step, action, d.exists, d.networkKey(err), err)
}

// networkKey finds the key of the network that an error concerns.
func (d diagnosis) networkKey(err error) string {
	name, ok := engine.MissingNetwork(err)
	if !ok {
		return ""
	}
	for _, key := range slices.Sorted(maps.Keys(d.spec.Networks)) {
		if d.spec.Networks[key].Network == name {
			return key
		}
	}
	return ""
}

// addressFault is the fault of an address that the network of this key can't give to the container; nil
// if there is none to be found. The error is the engine's, if it has tried.
func (d diagnosis) addressFault(ctx context.Context, key string, err error) *fault.Fault {
	asked := d.spec.Networks[key]
	if asked.IPv4Address == "" && asked.IPv6Address == "" {
		return nil
	}
	n, lookErr := d.engine.API.NetworkInspect(ctx, asked.Network, network.InspectOptions{})
	if lookErr != nil {
		d.logger.Debug("the network can't be read", "network", asked.Network, "error", lookErr)
		return nil
	}
	address, why := unusableAddress(asked.EndpointOptions, n, d.containerID)
	switch {
	case why == "" && err != nil && strings.Contains(strings.ToLower(err.Error()), "address already in use"):
		address, why = cmp.Or(asked.IPv4Address, asked.IPv6Address), "something in the network has it, perhaps its gateway"
	case why == "":
		return nil
	}
	return d.scope().Address(address, n.Name, key, why, d.step, d.exists, err)
}

// anyAddressFault is addressFault for the network that an error concerns which names none.
func (d diagnosis) anyAddressFault(ctx context.Context, err error) *fault.Fault {
	if !engine.ContainsAny(strings.ToLower(err.Error()), "address already in use", "does not belong to any of this network's subnets", "contain the ip address") || d.kind == KindRemove {
		return nil
	}
	keys := slices.Sorted(maps.Keys(d.spec.Networks))
	for _, tried := range []error{nil, err} { // Who has it can be seen of the gateway and of members alone.
		for _, key := range keys {
			if f := d.addressFault(ctx, key, tried); f != nil {
				return f
			}
		}
	}
	return nil
}

// explainConnect makes a fault of a connect that the engine refused.
func (d diagnosis) explainConnect(ctx context.Context, key string, err error) *fault.Fault {
	if f := d.addressFault(ctx, key, err); f != nil {
		return f
	}
	f := engine.ExplainAs(d.scope(), d.spec, d.step, string(container.DoConnect), d.exists, key, err)
	if len(f.Field) == 0 || f.Field[0] == "networks" {
		f.Field = []string{"networks", key}
	}
	return f
}

// unheard returns the fault of a create that nobody tells of, as far as its container shows one, and whether it
// may be under way elsewhere. Until is the end of that; the zero time is that it can't be. Deadline is when its time
// is up, wherever it is.
func (d diagnosis) unheard(ctx context.Context, c *container.Container, wait container.Wait, until, deadline time.Time) (f *fault.Fault, pending bool) {
	seen, kind := see(d.spec, wait, c, !until.IsZero(), time.Now())
	accepted := journal.AcceptedAt(d.operation)
	if c != nil {
		d.containerID = c.ID
	}
	switch seen {
	case sightPending:
		return nil, true
	case sightGone:
		f = d.scope().Vanished(KindCreate.verb(), accepted, deadline)
	case sightUnmet:
		errors.As(d.unmet(ctx, kind, c, c.State.StartedAt), &f)
	case sightStranded:
		f = d.stranded(ctx, c)
	case sightFine:
		return nil, false
	}
	// Whoever looks again finds the same.
	f.Time = accepted.UTC()
	return f, false
}

const neverStarted = "it was created, and nothing started it"

// stranded is the fault of a container that was made and never started. An engine keeps why a start failed.
func (d diagnosis) stranded(ctx context.Context, c *container.Container) *fault.Fault {
	d.step, d.exists = fault.StepStarting, fault.CreatedNotStarted
	f := d.explain(ctx, errors.New(cmp.Or(c.State.Error, neverStarted)))
	if d.quiet && c.State.Error != "" {
		f.Facts.Quiet, f.Facts.Said, f.Facts.Why = true, "", ""
	}
	return f
}
