// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"slices"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// mask hides what is secret in a container's settings, in what its engine and its programs write.
func (s Spec) mask() fault.Mask { return s.maskWith(nil, nil) }

// maskWith is mask with what the container has, which the spec of a state or of no configuration can lack; nil is none.
// A variable that neither the spec nor the image has may be write-only, and counts as secret.
func (s Spec) maskWith(c *Container, image map[string]string) fault.Mask {
	var secrets fault.Secrets
	s.addSecrets(&secrets)
	if c != nil {
		Spec{Settings: c.Settings, WriteOnly: unlisted(c.Environment, s.Environment, image)}.addSecrets(&secrets)
	}
	return secrets.Mask()
}

// maskOf is Spec.maskWith with what the container's image has; nil is no container. Of an image that can't be read,
// all variables count as secret.
func (e *engine) maskOf(ctx context.Context, s Spec, c *Container) fault.Mask {
	if c == nil {
		return s.mask()
	}
	ctx, cancel := contextForLook(ctx)
	defer cancel()
	var image map[string]string
	r, err := e.api.ImageInspect(ctx, c.ImageID)
	if err == nil {
		image = observeImage(r).Environment
	} else {
		e.logger.Debug("the image of a container can't be read", "container", c.Name, "error", err)
	}
	return s.maskWith(c, image)
}

// hides reports whether a container can have been given files: what is secret in them is in none of its settings, so
// that whoever has only those can't mask it in what the container writes. What gantry made, and the journal does not
// know, can have been.
func (e *engine) hides(c *Container) bool {
	operation := c.Labels[LabelOperation]
	lanes := []string{c.Name}
	_, lane, _, err := journal.SplitID(operation)
	made := err == nil
	if made && lane != c.Name {
		lanes = append(lanes, lane)
	}
	if e.journal == nil {
		return made
	}
	if made {
		if r, err := e.journal.Knower(operation).Find(operation); err != nil || r.Uploads || Kind(r.Kind) != KindCreate {
			return true // An exchange does not note whether it uploads.
		}
	}
	for i := 0; i < len(lanes); i++ { // A rename leads to the lane of the name before.
		records, problems := e.journal.Lane(lanes[i])
		if len(problems) > 0 {
			return true
		}
		for _, r := range records {
			if r.ContainerID != c.ID {
				continue
			}
			if r.Uploads {
				return true
			}
			if r.PriorName != "" && !slices.Contains(lanes, r.PriorName) {
				lanes = append(lanes, r.PriorName)
			}
		}
	}
	return false
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
