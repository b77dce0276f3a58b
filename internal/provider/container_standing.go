// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// What status says where the engine has no word.
const (
	statusCreateInProgress = "create_in_progress"
	statusUpdateInProgress = "update_in_progress"
	statusCreateFailed     = "create_failed"
	statusUpdateFailed     = "update_failed"
	statusInterrupted      = "interrupted"

	// operationDelete is the operation of a fault that a removal left.
	operationDelete = "delete"
)

// accepted notes a cast: it is under way, and what it will bring is not known.
func (m *containerModel) accepted(status, operationID string) {
	m.settle()
	engine, _, _ := strings.Cut(operationID, "/")
	m.ID = types.StringValue(engine + "/" + m.Name.ValueString())
	m.OperationID = types.StringValue(operationID)
	m.Status = types.StringValue(status)
	m.Fault = flattenFault("", nil)
}

// judge makes the state of what engine and journal say. It says whether the container is there, or
// may still come.
func (m *containerModel) judge(s conductor.Status, wait container.Wait, now time.Time, settles settling, diags *diag.Diagnostics) bool {
	switch {
	case s.InProgress:
		// Only computed values change: what is asked for is being done.
		if s.Container != nil {
			m.compute(s.Container)
		}
		m.Status = types.StringValue(inProgress(s.Kind))
		reportElsewhere(fmt.Sprintf("Container %q", m.Name.ValueString()), m.OperationID, s.Elsewhere, diags)
		return true
	case s.Vanished:
		m.warn(s, createsAnew, diags)
		return false
	case s.Container == nil && s.Fault != nil && s.Kind == conductor.KindRemove:
		m.Status = types.StringValue(statusInterrupted)
		m.Fault = flattenFault(operationDelete, s.Fault)
		m.warn(s, "An apply of a configuration that has it removes the volumes, and creates it again.", diags)
		return true
	case s.Container == nil && s.Fault != nil && s.Kind == conductor.KindCreate:
		m.Status = types.StringValue(statusCreateFailed)
		if s.Fault.Kind == fault.Interrupted {
			m.Status = types.StringValue(statusInterrupted)
		}
		m.Fault = flattenFault(string(s.Kind), s.Fault)
		m.warn(s, createsAnew, diags)
		return true
	case s.Container == nil:
		if s.Fault != nil { // With the container goes the last that could tell of it.
			m.warn(s, "The container is gone by now. "+createsAnew, diags)
		}
		return false
	}
	if wait == container.WaitNone {
		wait = container.WaitReady
	}
	m.warnOfStop(s, diags)
	// While a failure stands, the state keeps what was asked for: it is what the plan does again in any case.
	observed := *m
	observed.refresh(s.Container)
	switch {
	case s.Fault == nil:
		// Of a failed call the state alone tells: what it has was asked for before.
		meets := reflect.DeepEqual(m.expand(), observed.expand()) &&
			container.Meets(m.desired(), m.exitCodes(), wait, s.Container.State, now)
		*m = observed
		if meets || s.Settled {
			m.Fault = flattenFault("", nil)
		}
	case s.Recovered:
		*m = observed
		m.Fault = flattenFault("", nil)
		m.warn(s, "By now it is as it should be; that alone plans no change."+settles.hint(s.Fault), diags)
	case s.Kind == conductor.KindCreate:
		m.compute(s.Container)
		m.Fault = flattenFault(string(s.Kind), s.Fault)
		m.warn(s, "An apply of a configuration that has it replaces it.", diags)
	default:
		m.compute(s.Container)
		m.Fault = flattenFault(string(s.Kind), s.Fault)
		if s.Restart {
			m.RestartTriggers = otherTriggers(m.RestartTriggers)
		}
		if s.Uploads && m.Files != nil {
			m.Files = files{} // Which of them are there can't be read back.
		}
		m.warn(s, doesAgain, diags)
	}
	return true
}

// What an apply does about a failure. A refresh does not know which plan it is for: one that destroys, replaces or only
// refreshes, or one whose configuration does not have the object any more.
const (
	createsAnew = "An apply of a configuration that has it creates it again."
	doesAgain   = "An apply of a configuration that has it does it again, or replaces it."
)

func inProgress(kind conductor.Kind) string {
	if kind == conductor.KindUpdate || kind == conductor.KindExchange {
		return statusUpdateInProgress
	}
	return statusCreateInProgress
}

// warn tells of a failure that nobody waited for.
func (m *containerModel) warn(s conductor.Status, plan string, diags *diag.Diagnostics) {
	reportFailed(fmt.Sprintf("Container %q", m.Name.ValueString()), m.ID.ValueString(), s.Fault, plan, diags)
}

// unheard returns what the state has of a create whose outcome neither it nor the journal knows; ok reports whether
// that is so.
func (m *containerModel) unheard(s conductor.Status, wait container.Wait) (u conductor.Unheard, ok bool) {
	if s.Known || s.InProgress || s.Fault != nil || !m.ContainerID.IsNull() || m.OperationID.IsNull() {
		return conductor.Unheard{}, false
	}
	if wait == container.WaitNone {
		wait = container.WaitReady
	}
	spec, hidden := m.expandStored()
	return conductor.Unheard{OperationID: m.OperationID.ValueString(), Spec: spec, Wait: wait, Deadline: m.deadline(), Quiet: hidden}, true
}

// warnOfStop tells of a stop that the engine goes on with, though nobody waits for it any more.
func (m *containerModel) warnOfStop(s conductor.Status, diags *diag.Diagnostics) {
	if s.Stop == nil {
		return
	}
	diags.AddWarning(fmt.Sprintf("Container %q on engine %q is being stopped", s.Container.Name, s.Container.Engine),
		fmt.Sprintf("The engine was told to stop the container by %s that was cancelled or interrupted, at %s. An engine goes on with that, and kills the "+
			"container by %s at the latest, so the plan takes it for stopped. An apply that starts it waits for the end of the stop first.",
			s.Stop.Kind.Article(), s.Stop.At.UTC().Format(time.RFC3339), s.Stop.Until.UTC().Format(time.RFC3339)))
}

// deadline is when the time of the last create was up.
func (m *containerModel) deadline() time.Time { return castDeadline(m.OperationID, m.Timeouts) }

// castDeadline is when the time of a create is up: its operation's ID has the time at which it was
// accepted.
func castDeadline(operation types.String, limits timeouts.Value) time.Time {
	id := operation.ValueString()
	unique, err := uuid.Parse(id[strings.LastIndexByte(id, '/')+1:])
	if err != nil {
		return time.Time{}
	}
	seconds, nanoseconds := unique.Time().UnixTime()
	limit := defaultCreateTimeout
	if own, ok := limits.Attributes()["create"].(types.String); ok {
		if d, err := time.ParseDuration(own.ValueString()); err == nil {
			limit = d
		}
	}
	return time.Unix(seconds, nanoseconds).Add(limit)
}

// otherTriggers have other values under the same keys: what triggered a restart that failed triggers it again.
func otherTriggers(triggers map[string]types.String) map[string]types.String {
	others := maps.Clone(triggers)
	for key, value := range others {
		others[key] = types.StringNull()
		if value.IsNull() {
			others[key] = types.StringValue("")
		}
	}
	return others
}

func (m *containerModel) exitCodes() []int {
	var codes []int
	for _, code := range m.ExpectedExitCodes {
		codes = append(codes, int(code.ValueInt64()))
	}
	return codes
}
