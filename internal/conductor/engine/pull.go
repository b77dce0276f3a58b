// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/cenkalti/backoff/v5"
	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/pkg/jsonmessage"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/pull"
)

const pullTries = 4

// Pull pulls one image, and repeats what failed in a way that can mend itself. The engine keeps
// the layers that are complete.
func (e *Engine) Pull(ctx context.Context, named reference.Named, platform string, auth Authentication, report func(pull.Progress)) (pull.Result, error) {
	return backoff.Retry(ctx, func() (pull.Result, error) {
		report(pull.Progress{})
		result, err := e.pullOnce(ctx, named, platform, auth, report)
		if err != nil && !transientPull(err) {
			err = backoff.Permanent(err)
		}
		return result, err
	}, backoff.WithMaxTries(pullTries), backoff.WithMaxElapsedTime(0))
}

func (e *Engine) pullOnce(ctx context.Context, named reference.Named, platform string, auth Authentication, report func(pull.Progress)) (pull.Result, error) {
	stream, err := e.API.ImagePull(ctx, named.String(), image.PullOptions{RegistryAuth: auth.header, Platform: platform})
	if err != nil {
		return pull.Result{}, readable(err)
	}
	defer func() { _ = stream.Close() }()
	var result pull.Result
	known := make(Layers)
	decoder := json.NewDecoder(stream)
	for {
		var m jsonmessage.JSONMessage
		switch err := decoder.Decode(&m); {
		case errors.Is(err, io.EOF):
			return result, nil
		case err != nil:
			return result, fmt.Errorf("reading the progress of the pull: %w", err)
		case m.Error != nil:
			return result, readable(m.Error)
		}
		if digest, ok := strings.CutPrefix(m.Status, "Digest: "); ok {
			result.Digest = digest
		}
		known.Note(m)
		report(known.Sum())
	}
}

// Layers are the layers of a pull by their short IDs, as far as the engine has told.
type Layers map[string]layer

type layer struct {
	done, total int64
	complete    bool
}

// Note takes in a message of the engine. There is no field that says what a message is about: its
// words decide. (The ID of other messages is the tag.)
func (l Layers) Note(m jsonmessage.JSONMessage) {
	known := l[m.ID]
	switch m.Status {
	case "Pulling fs layer", "Waiting":
	case "Downloading":
		if m.Progress != nil {
			known.done, known.total = m.Progress.Current, m.Progress.Total
		}
	case "Verifying Checksum", "Download complete", "Extracting":
		known.done = known.total
	case "Pull complete", "Already exists":
		known.done, known.complete = known.total, true
	default:
		return
	}
	l[m.ID] = known
}

// Sum is the progress of all layers.
func (l Layers) Sum() pull.Progress {
	sum := pull.Progress{Layers: len(l)}
	for _, one := range l {
		sum.Done, sum.Total = sum.Done+one.done, sum.Total+one.total
		if one.complete {
			sum.Complete++
		}
	}
	return sum
}

// registryError is what a registry said, for a person.
type registryError struct {
	text string
	err  error
}

func (e *registryError) Error() string { return e.text }

func (e *registryError) Unwrap() error { return e.err }

// readable makes words of a registry's answer (OCI distribution specification, error codes), which
// engines from 25.0 pass on as it is where the registry did not say that it is JSON.
func readable(err error) error {
	before, raw, found := strings.Cut(err.Error(), `{"errors":`)
	var said []struct{ Code, Message string }
	if !found || json.NewDecoder(strings.NewReader(raw)).Decode(&said) != nil || len(said) == 0 {
		return err
	}
	var words []string
	for _, one := range said {
		words = append(words, strings.ToLower(strings.ReplaceAll(one.Code, "_", " "))+": "+one.Message)
	}
	return &registryError{strings.TrimPrefix(before, "unknown: ") + strings.Join(words, "; "), err}
}

// PullKind tells from the engine's words why a pull failed. The engine passes on what the
// registry said as text: there is no code for it.
func PullKind(err error) fault.Kind {
	text := strings.ToLower(err.Error())
	switch {
	case errors.Is(err, pull.ErrStalled):
		return fault.PullStalled
	case ContainsAny(text, "toomanyrequests", "too many requests", "http 429"):
		return fault.RateLimited
	case ContainsAny(text, "manifest unknown", "name unknown", "no matching manifest", "does not match the specified platform"):
		return fault.ImageNotFound
	case ContainsAny(text, "pull access denied", "unauthorized", "authentication required", "denied", "no basic auth credentials", "forbidden", "http 403", "http 401"):
		return fault.PullDenied
	case ContainsAny(text, "verification failed", "unexpected commit digest", "failed commit on ref"):
		return fault.ImageCorrupt
	case ContainsAny(text, "not found"):
		return fault.ImageNotFound
	case serverFailed.MatchString(text):
		return fault.RegistryError
	case ContainsAny(text, "no such host", "connection refused", "no route to host", "network is unreachable", "i/o timeout", "tls handshake timeout",
		"client.timeout exceeded", "request canceled while waiting for connection"):
		return fault.RegistryUnreachable
	default:
		return fault.PullFailed
	}
}

// serverFailed finds a registry's status of 500 and above in the engine's words (lower case), as
// engines before 25.0 and since spell it.
var serverFailed = regexp.MustCompile(`unexpected (http status|status from \w+ request to \S+|status code \S+?): 5\d\d`)

// transientPull reports whether the same pull may succeed a moment later. A registry that limits the
// rate of requests, not their number, lets a later one through: the engine does not repeat it.
func transientPull(err error) bool {
	switch PullKind(err) {
	case fault.RateLimited, fault.RegistryError, fault.RegistryUnreachable, fault.ImageCorrupt, fault.PullFailed:
	default:
		return false
	}
	return !errdefs.IsInvalidArgument(err) && !ContainsAny(strings.ToLower(err.Error()), "no such host", "connection refused", "invalid reference", "certificate",
		"http response to https client", "no space left")
}

// PinnedDigest returns the digest that a reference names itself.
func PinnedDigest(image string) string {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return ""
	}
	if digested, ok := named.(reference.Digested); ok {
		return digested.Digest().String()
	}
	return ""
}

// ContainsAny reports whether a text contains one of the parts.
func ContainsAny(text string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
