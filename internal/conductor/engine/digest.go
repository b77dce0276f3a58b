// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/distribution/reference"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// resolveTakes bounds a question to a registry: it only says what could be newer.
const resolveTakes = 15 * time.Second

// resolutions are the digests that this process asked registries for. Each is asked for once: all
// containers of one image are to see the same.
type resolutions struct {
	mu  sync.Mutex
	all map[string]*resolution
}

type resolution struct {
	Done   chan struct{}
	Digest string
	Err    error
}

// Begin returns the question about an image, and reports whether the caller is the one to put it.
func (r *resolutions) Begin(image string) (one *resolution, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.all[image]; known != nil {
		return known, false
	}
	if r.all == nil {
		r.all = make(map[string]*resolution)
	}
	one = &resolution{Done: make(chan struct{})}
	r.all[image] = one
	return one, true
}

// Resolve asks the registry of an image, through the engine, for the digest that its tag leads to.
func (e *Engine) Resolve(ctx context.Context, named reference.Named) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTakes)
	defer cancel()
	auth, err := Authenticate(named, e.Credentials)
	if err != nil {
		return "", err
	}
	r, err := e.API.DistributionInspect(ctx, named.String(), auth.header)
	if err != nil {
		text := fault.NewMask(auth.Secrets...).Text(err.Error())
		return "", fmt.Errorf("asking the registry through engine %q: %s; credentials: %s", e.Name, text, auth.Source)
	}
	return r.Descriptor.Digest.String(), nil
}
