// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"slices"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// mask hides what is secret in a container's settings, in what its engine and its programs write.
func (s Spec) mask() fault.Mask { return s.maskWith(nil) }

// maskWith is mask with what the container has, which the spec of a state or of no configuration can lack; nil is none.
func (s Spec) maskWith(c *Container) fault.Mask {
	var secrets fault.Secrets
	s.addSecrets(&secrets)
	if c != nil {
		Spec{Settings: c.Settings}.addSecrets(&secrets)
	}
	return secrets.Mask()
}

func (s Spec) addSecrets(secrets *fault.Secrets) {
	for name, value := range s.Environment {
		if slices.Contains(s.WriteOnly, name) {
			secrets.Add(value)
		}
		secrets.Named(name, value)
	}
	for _, f := range s.Files {
		if f.secret() {
			secrets.Add(string(f.Content))
		}
		secrets.Text(string(f.Content))
	}
	addOptions(secrets, s.Labels)
	if s.Logging != nil {
		addOptions(secrets, s.Logging.Options)
	}
	secrets.Arguments(s.Entrypoint)
	secrets.Arguments(s.Command)
	if s.Healthcheck != nil {
		secrets.Arguments(s.Healthcheck.Test)
	}
}

// secret reports whether the whole content is secret: it is in no state, or nobody but its owner may
// read it.
func (f File) secret() bool { return f.WriteOnly || f.Mode&0o077 == 0 }

// addOptions adds what is secret in settings that have a name each.
func addOptions(secrets *fault.Secrets, options map[string]string) {
	for name, value := range options {
		secrets.Named(name, value)
	}
}

// maskOf hides what is secret in settings that have a name each.
func maskOf(settings ...map[string]string) fault.Mask {
	var secrets fault.Secrets
	for _, options := range settings {
		addOptions(&secrets, options)
	}
	return secrets.Mask()
}
