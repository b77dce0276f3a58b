// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"fmt"
	"slices"

	containertypes "github.com/docker/docker/api/types/container"
)

// Verb is one thing that an update can do.
type Verb string

// What an update can do.
const (
	DoRename     Verb = "rename"
	DoLimit      Verb = "limit"
	DoConnect    Verb = "connect"
	DoDisconnect Verb = "disconnect"
	DoForget     Verb = "forget the settings of"
	DoUnpause    Verb = "unpause"
	DoStop       Verb = "stop"
	DoStart      Verb = "start"
	DoPause      Verb = "pause"
	DoKill       Verb = "kill"
	DoUpload     Verb = "upload files to"
)

// Action is one step of an update, with its reason. It prints itself.
type Action struct {
	Do Verb
	// Network is what connect and disconnect concern, key its key in the configuration.
	Network, Key string
	// Limits is the request of limit, and undo the one that takes it back. It is nil unless what it takes
	// away only makes room for the next limits.
	Limits  containertypes.UpdateConfig
	Undo    *containertypes.UpdateConfig
	Because string
}

func (a Action) String() string {
	if a.Network != "" {
		return fmt.Sprintf("%s %s: %s", a.Do, a.Network, a.Because)
	}
	return fmt.Sprintf("%s: %s", a.Do, a.Because)
}

// PlanUpdate decides what has to change so that the container becomes what spec says, by
// comparing spec with the engine's report. What an update can't change is not looked at: that is
// replaced. It is pure.
func PlanUpdate(spec Spec, c *Container) []Action {
	var actions []Action
	if spec.Name != c.Name {
		actions = append(actions, Action{Do: DoRename, Because: fmt.Sprintf("the name is %q, wanted is %q", c.Name, spec.Name)})
	}
	actions = append(actions, planLimits(spec, c)...)
	actions = append(actions, planNetworks(spec, c)...)
	return append(actions, PlanPower(spec, c.State)...)
}

// PlanRestart puts a restart in the place of what an update does to the power state. A container
// that is not to run has nothing to restart. It is pure.
func PlanRestart(spec Spec, s State, actions []Action) []Action {
	if spec.DesiredState == DesiredStopped {
		return actions
	}
	const because = "a restart is asked for"
	actions = slices.DeleteFunc(actions, func(a Action) bool { return slices.Contains([]Verb{DoUnpause, DoStop, DoStart, DoPause}, a.Do) })
	if s.Status == "running" || s.Status == "restarting" || s.Status == "paused" {
		actions = append(actions, Action{Do: DoStop, Because: because})
	}
	return append(actions, Action{Do: DoStart, Because: because})
}

// PlanPower returns what brings a container from the state that it is in to the one that is asked for.
func PlanPower(spec Spec, s State) []Action {
	active := s.Status == "running" || s.Status == "restarting"
	because := fmt.Sprintf("it is %s, wanted is %s", s.Status, spec.DesiredState)
	if s.Ended() {
		because = fmt.Sprintf("it is %s with code %d, wanted is %s", s.Status, s.ExitCode, spec.DesiredState)
	}
	one := func(do Verb) []Action { return []Action{{Do: do, Because: because}} }
	switch spec.DesiredState {
	case DesiredStopped:
		if active || s.Status == "paused" {
			return one(DoStop)
		}
	case DesiredPaused:
		if s.Status == "running" {
			return one(DoPause)
		}
		if s.Status != "paused" {
			// The start ends with the pause: that is what it waits for.
			return one(DoStart)
		}
	case DesiredCompleted:
		if s.Status == "paused" {
			return append(one(DoUnpause), one(DoStart)...)
		}
		if !judgeJob(spec, s).Met {
			return one(DoStart)
		}
	default:
		if s.Status == "paused" {
			return one(DoUnpause)
		}
		if !active {
			return one(DoStart)
		}
	}
	return nil
}
