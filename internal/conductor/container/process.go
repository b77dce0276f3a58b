// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	containertypes "github.com/docker/docker/api/types/container"
)

// Process says how an engine runs a container's process, and what it does with its output.
type Process struct {
	// Init runs an init inside the container; nil is the engine's default.
	Init      *bool `json:"init,omitempty"`
	TTY       bool  `json:"tty,omitempty"`
	StdinOpen bool  `json:"stdin_open,omitempty"`
	// StdinOnce closes the standard input when the first client that was attached to it leaves.
	StdinOnce bool `json:"stdin_once,omitempty"`
	// Logging is nil for the engine's default.
	Logging *Logging `json:"logging,omitempty"`
	// StorageOpt are options of the engine's storage driver.
	StorageOpt map[string]string `json:"storage_opt,omitempty"`
	// Annotations are handed to the runtime.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Logging says what becomes of the container's output.
type Logging struct {
	// Driver is empty for the engine's default.
	Driver  string            `json:"driver,omitempty"`
	Options map[string]string `json:"options,omitempty"`
}

func (p Process) translate(config *containertypes.Config, host *containertypes.HostConfig) {
	config.Tty, config.OpenStdin, config.StdinOnce = p.TTY, p.StdinOpen, p.StdinOnce
	host.Init, host.StorageOpt, host.Annotations = p.Init, p.StorageOpt, p.Annotations
	if p.Logging != nil {
		host.LogConfig = containertypes.LogConfig{Type: p.Logging.Driver, Config: p.Logging.Options}
	}
}

func observeProcess(config *containertypes.Config, host *containertypes.HostConfig) Process {
	return Process{
		Init: host.Init, TTY: config.Tty, StdinOpen: config.OpenStdin, StdinOnce: config.StdinOnce, StorageOpt: host.StorageOpt, Annotations: host.Annotations,
		Logging: &Logging{Driver: host.LogConfig.Type, Options: host.LogConfig.Config},
	}
}

func (p Process) plain(d EngineDefaults) Process {
	if p.Logging != nil {
		l := Logging{Driver: leaveOut(p.Logging.Driver, d.LogDriver), Options: p.Logging.Options}
		if len(l.Options) == 0 {
			l.Options = nil
		}
		p.Logging = &l
		if l.Driver == "" && l.Options == nil {
			p.Logging = nil
		}
	}
	if p.Init != nil && !*p.Init {
		p.Init = nil // An engine's own configuration can say otherwise, which it does not report.
	}
	if len(p.StorageOpt) == 0 {
		p.StorageOpt = nil
	}
	if len(p.Annotations) == 0 {
		p.Annotations = nil
	}
	return p
}

// matches reports whether a container logs as it was asked to. An engine adds options of its own
// configuration.
func (l *Logging) matches(seen *Logging) bool {
	if l == nil || seen == nil {
		return l == nil
	}
	for key, value := range l.Options {
		if got, ok := seen.Options[key]; !ok || got != value {
			return false
		}
	}
	return l.Driver == "" || l.Driver == seen.Driver
}
