// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// actionOf says what a step was to do, for messages.
func actionOf(kind Kind, step fault.Step) string {
	switch step {
	case fault.StepStarting:
		return "start"
	case fault.StepStopping:
		return "stop"
	case fault.StepWaiting:
		return "watch"
	default:
		return strings.Replace(kind.verb(), "delete", "remove", 1)
	}
}

// explain makes a fault of an error of the engine, and asks the engine for what its words leave
// open.
func (o *operation) explain(ctx context.Context, err error) *fault.Fault {
	if port, ok := engine.TakenPort(err); ok {
		return o.scope().PortTaken(port, o.engine.PortHolder(ctx, port, o.containerID), o.exists(), err)
	}
	action := actionOf(o.Kind, o.step)
	if r, ok := o.Spec.Unusable(o.containerID, err); ok && o.Kind != KindRemove {
		return o.scope().UnusableReference(o.step, action, r.Attribute, r.Ref, o.exists(), err)
	}
	if f := o.anyAddressFault(ctx, err); f != nil {
		return f
	}
	return engine.ExplainAs(o.scope(), o.Spec, o.step, action, o.exists(), o.networkKey(err), err)
}

// networkKey finds the key of the network that an error concerns.
func (o *operation) networkKey(err error) string {
	name, ok := engine.MissingNetwork(err)
	if !ok {
		return ""
	}
	for _, key := range slices.Sorted(maps.Keys(o.Spec.Networks)) {
		if o.Spec.Networks[key].Network == name {
			return key
		}
	}
	return ""
}
