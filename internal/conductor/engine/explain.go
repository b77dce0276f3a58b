// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// Classify makes a fault of an error of the engine where no operation is under way.
func Classify(scope fault.Scope, step fault.Step, action string, exists fault.Exists, err error) *fault.Fault {
	return ExplainAs(scope, container.Spec{}, step, action, exists, "", err)
}

// ExplainAs makes a fault of an error of the engine about a container that is to be so.
func ExplainAs(scope fault.Scope, spec container.Spec, step fault.Step, action string, exists fault.Exists, networkKey string, err error) *fault.Fault {
	if network, ok := MissingNetwork(err); ok {
		return scope.NoSuchNetwork(network, networkKey, step, exists, err)
	}
	text := err.Error()
	switch {
	case LostAnswer(err):
		return scope.Lost(step, action, exists, err)
	case errdefs.IsNotFound(err) && ContainsAny(text, "No such container", "no such container"):
		return scope.NotFound(err)
	}
	if about, ok := complainedOf(spec, text); ok {
		return about.fault(scope, step, action, exists, err)
	}
	kind := fault.EngineError
	if errdefs.IsInvalidArgument(err) {
		kind = fault.Invalid
	}
	return scope.EngineSaid(kind, step, action, nil, exists, err)
}

// MissingNetwork reads the network's name out of "network front not found".
func MissingNetwork(err error) (string, bool) {
	m := regexp.MustCompile(`network (\S+) not found`).FindStringSubmatch(err.Error())
	if m == nil {
		return "", false
	}
	return m[1], true
}

// TakenPort reads the port out of the engine's words: "Bind for 0.0.0.0:80 failed: port is already
// allocated", "listen tcp4 0.0.0.0:80: bind: address already in use".
func TakenPort(err error) (string, bool) {
	text := err.Error()
	if !ContainsAny(text, "port is already allocated", "address already in use") {
		return "", false
	}
	m := regexp.MustCompile(`(?:Bind for|listen|failed to bind host port|bind host port)(?: for)? ?(tcp|udp|sctp)?[46]? ?\S*?:(\d+)(?:/(tcp|udp|sctp))?`).FindStringSubmatch(text)
	if m == nil {
		return "(the engine does not say which)", true
	}
	protocol := m[1] + m[3]
	if protocol == "" {
		protocol = "tcp"
	}
	return m[2] + "/" + protocol, true
}

// holderShows is how long a container that has just got a port may take to show it: its engine takes the port before
// it starts the container.
const holderShows = 500 * time.Millisecond

// PortHolder says what has a port of the host. Who does not show it yet is looked for a second time.
func (e *Engine) PortHolder(ctx context.Context, port, self string) string {
	ctx, cancel := ContextForLook(ctx)
	defer cancel()
	number, protocol, _ := strings.Cut(port, "/")
	has := func(c containertypes.Summary) bool {
		return c.ID != self && OwnName(c) != "" && slices.ContainsFunc(c.Ports, func(p containertypes.Port) bool {
			return fmt.Sprint(p.PublicPort) == number && p.Type == protocol
		})
	}
	for again := false; ; again = true {
		// The engine's own filter looks at what was asked to be published: what the engine chose
		// itself is only in the list.
		list, err := e.API.ContainerList(ctx, containertypes.ListOptions{Filters: filters.NewArgs(filters.Arg("status", "running"), filters.Arg("status", "paused"))})
		if err != nil {
			return "something that can't be found out now"
		}
		if k := slices.IndexFunc(list, has); k >= 0 {
			return fmt.Sprintf("container %q (image %q)", OwnName(list[k]), list[k].Image)
		}
		if again {
			return "a process outside Docker"
		}
		select {
		case <-time.After(holderShows):
		case <-ctx.Done():
			return "something that can't be found out now"
		}
	}
}
