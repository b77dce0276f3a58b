// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"slices"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// Mask hides what is secret in a container's settings, in what its engine and its programs write.
func (s Spec) Mask() fault.Mask { return s.MaskWith(nil, nil) }

// MaskWith is mask with what the container has, which the spec of a state or of no configuration can lack; nil is none.
// A variable that neither the spec nor the image has may be write-only, and counts as secret.
func (s Spec) MaskWith(c *Container, image map[string]string) fault.Mask {
	var secrets fault.Secrets
	s.addSecrets(&secrets)
	if c != nil {
		Spec{Settings: c.Settings, WriteOnly: unlisted(c.Environment, s.Environment, image)}.addSecrets(&secrets)
	}
	return secrets.Mask()
}

// unlisted are the variables that none of these environments has, or with another value. It is pure.
func unlisted(environment map[string]string, known ...map[string]string) []string {
	var names []string
	for name, value := range environment {
		if !slices.ContainsFunc(known, func(k map[string]string) bool { v, ok := k[name]; return ok && v == value }) {
			names = append(names, name)
		}
	}
	return names
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
	AddOptions(secrets, s.Labels)
	if s.Logging != nil {
		AddOptions(secrets, s.Logging.Options)
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

// AnySecret reports whether one of these files is secret as a whole.
func (s Spec) AnySecret(paths []string) bool {
	return slices.ContainsFunc(paths, func(path string) bool { return s.Files[path].secret() })
}

// AnyWriteOnly reports whether there is a file that is in no state. A container in place can still have what was there
// before.
func (s Spec) AnyWriteOnly() bool {
	for _, f := range s.Files {
		if f.WriteOnly {
			return true
		}
	}
	return false
}

// AddOptions adds what is secret in settings that have a name each.
func AddOptions(secrets *fault.Secrets, options map[string]string) {
	for name, value := range options {
		secrets.Named(name, value)
	}
}

// MaskOf hides what is secret in settings that have a name each.
func MaskOf(settings ...map[string]string) fault.Mask {
	var secrets fault.Secrets
	for _, options := range settings {
		AddOptions(&secrets, options)
	}
	return secrets.Mask()
}
