// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import "slices"

// Given is what the configuration of an engine (daemon.json) gives to a container that does not ask for it, and
// what no request to an engine tells: it reports such settings as it reports those of a request. The zero
// value of a field is that it is not known, because the container was asked to have something.
type Given struct {
	ShmSize int64             `json:"shm_size,omitempty"`
	Ulimits map[string]Ulimit `json:"ulimits,omitempty"`
	// LogOptions are those of the engine's own log driver.
	LogOptions map[string]string `json:"log_options,omitempty"`
	IPC        string            `json:"ipc,omitempty"`
	Cgroup     string            `json:"cgroup,omitempty"`
}

// Given finds what a container has of what its engine can be configured to give, and what was not asked of it.
// Nobody knows what was asked of a container that is imported: nothing, then.
func (c *Container) Given(asked Settings) Given {
	var g Given
	if asked.ShmSize == 0 {
		g.ShmSize = c.ShmSize
	}
	if asked.IPC == "" && slices.Contains([]string{"private", "shareable"}, c.IPC) {
		g.IPC = c.IPC
	}
	if asked.Cgroup == "" {
		g.Cgroup = c.Cgroup
	}
	g.Ulimits = others(c.Ulimits, asked.Ulimits)
	if c.Logging != nil && c.Logging.Driver == c.Defaults.LogDriver {
		var options map[string]string
		if asked.Logging != nil {
			options = asked.Logging.Options
		}
		g.LogOptions = others(c.Logging.Options, options)
	}
	return g
}

// Uncertain returns what may have been asked for after all: all but what the settings ask for, and
// what an engine gives that has no configuration of its own.
func (g Given) Uncertain(asked Settings, d EngineDefaults) Given {
	if asked.ShmSize != 0 || g.ShmSize == defaultShmSize {
		g.ShmSize = 0
	}
	if asked.IPC != "" || g.IPC == "private" {
		g.IPC = ""
	}
	if asked.Cgroup != "" || g.Cgroup == d.Cgroup {
		g.Cgroup = ""
	}
	g.Ulimits = others(g.Ulimits, asked.Ulimits)
	if asked.Logging != nil {
		g.LogOptions = others(g.LogOptions, asked.Logging.Options)
		if asked.Logging.Driver != "" && asked.Logging.Driver != d.LogDriver {
			g.LogOptions = nil
		}
	}
	return g
}

// others returns the pairs whose keys nobody asked for.
func others[V any](seen, asked map[string]V) map[string]V {
	var out map[string]V
	for key, value := range seen {
		if _, ok := asked[key]; !ok {
			out = Put(out, key, value)
		}
	}
	return out
}

// leave leaves out of the plain spelling of settings what the engine gives anyway. Asked are the same settings
// as they were asked for: what Plain takes for the default need not be this engine's.
func (g Given) leave(plain, asked Settings) Settings {
	if g.ShmSize != 0 {
		plain.ShmSize = unlike(asked.ShmSize, g.ShmSize)
	}
	if g.IPC != "" {
		plain.IPC = unlike(asked.IPC, g.IPC)
	}
	if g.Cgroup != "" {
		plain.Cgroup = unlike(asked.Cgroup, g.Cgroup)
	}
	plain.Ulimits = beyond(plain.Ulimits, g.Ulimits)
	if plain.Logging != nil && plain.Logging.Driver == "" {
		plain.Logging = nil
		if options := beyond(asked.Logging.Options, g.LogOptions); options != nil {
			plain.Logging = &Logging{Options: options}
		}
	}
	return plain
}

// unlike returns what was asked for, or zero if that is what the engine gives.
func unlike[V comparable](asked, given V) V {
	if asked == given {
		var zero V
		return zero
	}
	return asked
}
