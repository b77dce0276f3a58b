// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package sshlink reaches a socket on another machine through SSH: one connection carries all streams. It knows
// nothing of what is said over them.
package sshlink

import (
	"net"
	"net/url"
)

// Settings are an SSH host as it was configured. What is left out is as OpenSSH's configuration says, else its default.
type Settings struct {
	// Host is a host name, or an alias of OpenSSH's configuration.
	Host string
	User string
	Port string
	// Key is a private key, or the path of its file. With one, no other key is offered.
	Key string
	// KnownHosts are the host keys that are trusted, as lines of a known_hosts file, or the path of such a file.
	KnownHosts string
	// ConfigFile is the path of OpenSSH's configuration; empty is the user's and the system's.
	ConfigFile string
	// Command is the system's ssh program with arguments of its own, which then makes the connection; empty is
	// this package.
	Command []string
	// Socket is the path of the socket on the other machine; empty is Docker's.
	Socket string
}

// DefaultSocket is where a Docker engine listens unless it is told otherwise.
const DefaultSocket = "/var/run/docker.sock"

// URL returns the settings as an address.
func (s Settings) URL() string {
	u := url.URL{Scheme: "ssh", Host: s.Host, Path: s.Socket}
	if s.Port != "" {
		u.Host = net.JoinHostPort(s.Host, s.Port)
	}
	if s.User != "" {
		u.User = url.User(s.User)
	}
	return u.String()
}

// Target is a socket on another machine, and all that is needed to reach it. It holds keys.
type Target struct {
	// Hops are the SSH servers on the way, in the order in which they are connected to: jump hosts, and last the
	// one with the socket.
	Hops   []Hop
	Socket string
	// Command is the system's ssh program with all its arguments, if it makes the connection; then there are no hops.
	Command []string `json:",omitempty"`
	// Agent is the path of the agent's socket for the command.
	Agent string `json:",omitempty"`
}

// Hop is an SSH server.
type Hop struct {
	// Name is how it was named, for messages.
	Name string
	Host string
	Port string
	User string
	// Alias is the name of its host key, if that is not the host's.
	Alias string `json:",omitempty"`
	// Agent is the path of the agent's socket; empty is no agent.
	Agent string `json:",omitempty"`
	// OnlyKeys offers no key of the agent that is not among Keys.
	OnlyKeys bool `json:",omitempty"`
	Keys     []Key
	// KnownHosts are the paths of known_hosts files; Known are lines of one.
	KnownHosts []string `json:",omitempty"`
	Known      string   `json:",omitempty"`
}

// Key is a key that is offered to a server.
type Key struct {
	// From is where it comes from, for messages: a path, or the name of a setting.
	From string
	// Private is empty where only the agent can use the key.
	Private     []byte `json:",omitempty"`
	Public      []byte `json:",omitempty"`
	Certificate []byte `json:",omitempty"`
}

// address is what is dialled.
func (h *Hop) address() string { return net.JoinHostPort(h.Host, h.Port) }
