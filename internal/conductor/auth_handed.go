// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"errors"
	"sync"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/registry"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

// handed is what the process that casts has for the registry of an image. The background conductor has
// another environment and working directory: there the Docker CLI's configuration can be another one, and
// a credential helper may not find what it reads.
type handed struct {
	Auth registry.AuthConfig
	// Source names where the credentials are from; empty is that there are none.
	Source string
	// Err says why they can't be read. That is a failure only of what needs them.
	Err string
}

// authenticate is authenticate with the credentials that were handed over, if some were.
func (h *handed) authenticate(image reference.Named, configured map[string]engine.Credential) (engine.Authentication, error) {
	switch {
	case h == nil:
		return engine.Authenticate(image, configured)
	case h.Err != "":
		return engine.Authentication{Source: "none"}, errors.New(h.Err)
	case h.Source == "":
		return engine.Authentication{Source: "none"}, nil
	}
	return engine.Encode(h.Auth, h.Source)
}

// handedOver are credentials by the registry's domain: a helper is asked once for all casts.
type handedOver struct {
	mu  sync.Mutex
	all map[string]*handed
}

// of returns what there is for the registry of an image; nil where the image names none.
func (h *handedOver) of(image string, configured map[string]engine.Credential) *handed {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	domain := reference.Domain(named)
	if known := h.all[domain]; known != nil {
		return known
	}
	one := new(handed)
	if one.Auth, one.Source, err = engine.CredentialsFor(named, configured); err != nil {
		one.Err = err.Error()
	}
	if h.all == nil {
		h.all = make(map[string]*handed)
	}
	h.all[domain] = one
	return one
}

// handOver returns the credentials that a cast takes along; nil where it pulls nothing.
func (c *Conductor) handOver(req castable) *handed {
	image := req.pulls()
	if image == "" || len(c.opts.Background) == 0 {
		return nil
	}
	return c.handed.of(image, c.opts.Engine.Credentials)
}
