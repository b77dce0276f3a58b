// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import "time"

// Spec is the container that somebody asks for. It is plain data: it knows neither Terraform
// nor the Docker client, and it can be sent to another process.
type Spec struct {
	// Name is the container's name on its engine.
	Name string `json:"name"`
	Settings
	// PullPolicy says when the image is pulled before a create.
	PullPolicy PullPolicy `json:"pull_policy"`
	// DesiredState is the power state that the container is to have.
	DesiredState DesiredState `json:"desired_state"`
	// ExpectedExitCodes are the exit codes that count as success of a job (DesiredState
	// "completed"). Nil means 0 alone.
	ExpectedExitCodes []int `json:"expected_exit_codes,omitempty"`
	// Files are put into the container before it starts, by their absolute path there.
	Files map[string]File `json:"files,omitempty"`
	// WriteOnly are the variables of Environment whose values are in no state and no plan.
	WriteOnly []string `json:"write_only,omitempty"`
}

// Settings are what a container is made of, in the words of the Compose specification. In a
// Spec they are what is asked for, in a Container what the engine reports.
//
// The zero value of every field means "not set": the image's or the engine's default.
type Settings struct {
	// Image is the image reference as the user spelled it.
	Image string `json:"image"`
	// Platform is os/arch[/variant].
	Platform string `json:"platform,omitempty"`
	// Entrypoint and Command: nil is the image's; an empty, non-nil list clears it.
	Entrypoint []string `json:"entrypoint"`
	Command    []string `json:"command"`
	// Environment holds secrets: its values never reach a disk or a log.
	Environment map[string]string `json:"environment,omitempty"`
	// Unset are variables of the image that the container does not have, in order.
	Unset  []string          `json:"unset,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	Ports  []Port            `json:"ports,omitempty"`
	// Mounts are keyed by their absolute path in the container.
	Mounts map[string]Mount `json:"mounts,omitempty"`
	// VolumesFrom are containers, by name or ID, whose mounts this one has, too; ":ro" at the end
	// makes them read-only.
	VolumesFrom []string `json:"volumes_from,omitempty"`
	// Networks are keyed by a name of the user's. Nil is the engine's default network.
	Networks map[string]NetworkAttachment `json:"networks"`
	Networking
	Healthcheck *Healthcheck  `json:"healthcheck,omitempty"`
	Restart     RestartPolicy `json:"restart"`
	Limits
	Security
	Devices
	Namespaces
	Process
	User       string `json:"user,omitempty"`
	WorkingDir string `json:"working_dir,omitempty"`
	Hostname   string `json:"hostname,omitempty"`
	StopSignal string `json:"stop_signal,omitempty"`
	// StopGracePeriod is how long a stop waits before it kills, in whole seconds. Nil is the
	// engine's default (10 s).
	StopGracePeriod *time.Duration `json:"stop_grace_period,omitempty"`
}

// Port publishes a port of the container on its host.
type Port struct {
	// Target is the port in the container, 1 to 65535.
	Target int `json:"target"`
	// Published is a port of the host ("8080"), a range to choose from ("8080-8090"), or
	// empty: the engine chooses.
	Published string `json:"published,omitempty"`
	// HostIP is the host's address to bind; empty is every address.
	HostIP string `json:"host_ip,omitempty"`
	// Protocol is tcp, udp or sctp.
	Protocol string `json:"protocol"`
}

// RestartPolicy says when the engine restarts a container that ended.
type RestartPolicy struct {
	// Name is no, always, on-failure or unless-stopped.
	Name string `json:"name"`
	// MaximumRetryCount bounds on-failure; 0 is no bound.
	MaximumRetryCount int `json:"maximum_retry_count,omitempty"`
}

// Restarts reports whether the engine may start the container again by itself.
func (p RestartPolicy) Restarts() bool { return p.Name != "" && p.Name != "no" }

// PullPolicy says when an image is pulled before a container is created from it.
type PullPolicy string

// The pull policies, as in the Compose specification.
const (
	PullMissing PullPolicy = "missing"
	PullAlways  PullPolicy = "always"
	PullNever   PullPolicy = "never"
)

// DesiredState is the power state that a container is to have.
type DesiredState string

// The desired states. Completed is a job: it runs once, and has ended with an expected exit code.
const (
	DesiredRunning   DesiredState = "running"
	DesiredStopped   DesiredState = "stopped"
	DesiredPaused    DesiredState = "paused"
	DesiredCompleted DesiredState = "completed"
)
