// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/registry"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// RegistryImage is an image as its registry has it.
type RegistryImage struct {
	// Digest is that of the index, or of the manifest where there is only one.
	Digest    string
	MediaType string
	Platforms []RegistryPlatform
}

// RegistryPlatform is one platform's image.
type RegistryPlatform struct {
	// Platform is os/architecture[/variant].
	Platform string
	Digest   string
	// Size is what a pull transfers at most, in bytes: the configuration and the packed layers.
	Size int64
}

// RegistryImage reads what a reference leads to at its registry, without pulling it. It asks the
// registry itself, from this machine: the engine's own API for that knows neither sizes nor the codes
// that tell failures apart.
func (c *Conductor) RegistryImage(ctx context.Context, ref string) (*RegistryImage, error) {
	q, err := c.question(ctx, ref)
	if err != nil {
		return nil, err
	}
	described, err := remote.Get(q.ref, q.options...)
	if err != nil {
		return nil, q.explain(ctx, err)
	}
	found := &RegistryImage{Digest: described.Digest.String(), MediaType: string(described.MediaType)}
	if !described.MediaType.IsIndex() {
		img, err := described.Image()
		if err == nil {
			err = found.add(img, nil)
		}
		return found, q.explain(ctx, err)
	}
	index, err := described.ImageIndex()
	if err != nil {
		return nil, q.explain(ctx, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, q.explain(ctx, err)
	}
	for _, m := range manifest.Manifests {
		// Attestations and the like have no platform, and are no images to run.
		if !m.MediaType.IsImage() || m.Platform == nil || m.Platform.OS == "unknown" {
			continue
		}
		img, err := index.Image(m.Digest)
		if err == nil {
			err = found.add(img, m.Platform)
		}
		if err != nil {
			return nil, q.explain(ctx, err)
		}
	}
	return found, nil
}

// add takes one platform's image in. An image outside an index says its platform in its configuration.
func (r *RegistryImage) add(img v1.Image, platform *v1.Platform) error {
	digest, err := img.Digest()
	if err != nil {
		return err
	}
	manifest, err := img.Manifest()
	if err != nil {
		return err
	}
	if platform == nil {
		file, err := img.ConfigFile()
		if err != nil {
			return err
		}
		platform = file.Platform()
	}
	p := RegistryPlatform{Digest: digest.String(), Size: manifest.Config.Size}
	if platform != nil {
		p.Platform = platforms.Format(platforms.Normalize(ocispec.Platform{OS: platform.OS, Architecture: platform.Architecture, Variant: platform.Variant}))
	}
	for _, layer := range manifest.Layers {
		p.Size += layer.Size
	}
	r.Platforms = append(r.Platforms, p)
	return nil
}

// RegistryDigest returns the digest that a reference leads to at its registry now.
func (c *Conductor) RegistryDigest(ctx context.Context, ref string) (string, error) {
	q, err := c.question(ctx, ref)
	if err != nil {
		return "", err
	}
	described, err := remote.Head(q.ref, q.options...)
	if err != nil { // Some registries answer no HEAD.
		whole, getErr := remote.Get(q.ref, q.options...)
		if getErr != nil {
			return "", q.explain(ctx, getErr)
		}
		return whole.Digest.String(), nil
	}
	return described.Digest.String(), nil
}

// question is one to a registry.
type question struct {
	object  fault.Object
	ref     name.Reference
	domain  string
	source  string
	options []remote.Option
}

func (c *Conductor) question(ctx context.Context, ref string) (*question, error) {
	q := &question{object: fault.Object{Kind: "image", Name: ref, Now: time.Now}}
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, q.object.Registry(fault.Invalid, fault.Facts{}, err)
	}
	var options []name.Option
	q.domain = reference.Domain(named)
	if c.registries.trustOf(q.domain).Insecure {
		options = append(options, name.Insecure)
	}
	if q.ref, err = name.ParseReference(reference.TagNameOnly(named).String(), options...); err != nil {
		return nil, q.object.Registry(fault.Invalid, fault.Facts{}, err)
	}
	found, source, err := engine.CredentialsFor(named, c.opts.Engine.Credentials)
	if err != nil {
		return nil, q.object.Registry(fault.NoCredentials, fault.Facts{}, err)
	}
	q.source = cmp.Or(source, "none")
	q.object.Mask = fault.NewMask(found.Password, found.Auth, found.IdentityToken, found.RegistryToken)
	q.options = []remote.Option{remote.WithContext(ctx), remote.WithUserAgent("terraform-provider-gantry"), remote.WithAuth(authenticator(found, source)), remote.WithTransport(&c.registries)}
	return q, nil
}

func authenticator(found registry.AuthConfig, source string) authn.Authenticator {
	if source == "" {
		return authn.Anonymous
	}
	return authn.FromConfig(authn.AuthConfig{
		Username: found.Username, Password: found.Password, Auth: found.Auth, IdentityToken: found.IdentityToken, RegistryToken: found.RegistryToken,
	})
}

// explain tells from the registry's codes what went wrong; nil stays nil.
func (q *question) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return q.object.Ended(engine.EndedKind(ctx), fault.StepReading, "read", "read", "", "", context.Cause(ctx))
	}
	facts := fault.Facts{Credentials: q.source, Registry: q.domain}
	var said *transport.Error
	switch told := errors.As(err, &said); {
	case distrusted(err):
		facts.Advice, facts.Trust = fault.AdviceTrustCA, certFolders(q.domain)[0]
		return q.object.Registry(fault.RegistryUnreachable, facts, err)
	case !told && errors.As(err, new(plainError)):
		facts.Advice = fault.AdvicePlainRegistry
		return q.object.Registry(fault.RegistryUnreachable, facts, err)
	case !told:
		facts.Advice = fault.AdviceReachRegistry
		return q.object.Registry(fault.RegistryUnreachable, facts, err)
	}
	facts.Status = said.StatusCode
	has := func(status int, codes ...transport.ErrorCode) bool {
		if said.StatusCode == status {
			return true
		}
		for _, d := range said.Errors {
			for _, code := range codes {
				if d.Code == code {
					return true
				}
			}
		}
		return false
	}
	switch {
	case has(http.StatusTooManyRequests, transport.TooManyRequestsErrorCode):
		return q.object.Registry(fault.RateLimited, facts, err)
	case has(http.StatusUnauthorized, transport.UnauthorizedErrorCode, transport.DeniedErrorCode), has(http.StatusForbidden):
		return q.object.Registry(fault.PullDenied, facts, err)
	case has(http.StatusNotFound, transport.ManifestUnknownErrorCode, transport.NameUnknownErrorCode):
		return q.object.Registry(fault.ImageNotFound, facts, err)
	}
	return q.object.Registry(fault.RegistryError, facts, err)
}
