// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	containertypes "github.com/docker/docker/api/types/container"
)

// Namespaces say what a container shares with its host or with other containers, and who runs it.
// Empty is the engine's default.
type Namespaces struct {
	// IPC is private, shareable, none, host, or container:NAME.
	IPC string `json:"ipc,omitempty"`
	// PID is host or container:NAME.
	PID string `json:"pid,omitempty"`
	// UTS is host.
	UTS string `json:"uts,omitempty"`
	// Cgroup is the cgroup name space: private or host.
	Cgroup       string `json:"cgroup,omitempty"`
	CgroupParent string `json:"cgroup_parent,omitempty"`
	Runtime      string `json:"runtime,omitempty"`
}

func (n Namespaces) translate(host *containertypes.HostConfig) {
	host.IpcMode, host.PidMode, host.UTSMode = containertypes.IpcMode(n.IPC), containertypes.PidMode(n.PID), containertypes.UTSMode(n.UTS)
	host.CgroupnsMode, host.CgroupParent, host.Runtime = containertypes.CgroupnsMode(n.Cgroup), n.CgroupParent, n.Runtime
}

func observeNamespaces(host *containertypes.HostConfig) Namespaces {
	return Namespaces{
		IPC: string(host.IpcMode), PID: string(host.PidMode), UTS: string(host.UTSMode),
		Cgroup: string(host.CgroupnsMode), CgroupParent: host.CgroupParent, Runtime: host.Runtime,
	}
}

func (n Namespaces) plain(d EngineDefaults) Namespaces {
	// Private is an engine's default since 18.06, unless its own configuration says shareable,
	// which it does not report.
	n.IPC, n.Cgroup, n.Runtime = leaveOut(n.IPC, "private"), leaveOut(n.Cgroup, d.Cgroup), leaveOut(n.Runtime, d.Runtime)
	return n
}

// matches reports whether a container has these name spaces. It reports other containers by their IDs.
func (n Namespaces) matches(c *Container) bool {
	want, got := n.plain(c.Defaults), c.Namespaces.plain(c.Defaults)
	if c.SameNamespace(want.IPC, got.IPC) && c.SameNamespace(want.PID, got.PID) {
		want.IPC, want.PID = got.IPC, got.PID
	}
	return want == got
}

// shared reports whether an engine labels the container as one that shares the host's name spaces.
func (n Namespaces) shared() bool { return n.IPC == "host" || n.PID == "host" }

func leaveOut(s, byDefault string) string {
	if s == byDefault {
		return ""
	}
	return s
}
