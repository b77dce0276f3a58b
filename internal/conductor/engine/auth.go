// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/docker/api/types/registry"
)

// Hub is the registry of references that name none, and hubKey its name in the Docker CLI's
// configuration.
const (
	Hub    = "docker.io"
	hubKey = "https://index.docker.io/v1/"
)

// Authentication is what goes to a registry, and where it is from.
type Authentication struct {
	// header is the encoded X-Registry-Auth; empty is none.
	header string
	// Source names where the credentials are from, never a value.
	Source string
	// Secrets are the values to mask.
	Secrets []string
}

// Fingerprint tells pulls with different credentials apart, in memory alone.
func (a Authentication) Fingerprint() string {
	sum := sha256.Sum256([]byte(a.header))
	return hex.EncodeToString(sum[:8])
}

// Authenticate finds the credentials for an image's registry, as the engine wants them.
func Authenticate(image reference.Named, configured map[string]Credential) (Authentication, error) {
	found, source, err := CredentialsFor(image, configured)
	if err != nil || source == "" {
		return Authentication{Source: "none"}, err
	}
	return Encode(found, source)
}

// CredentialsFor finds the credentials for an image's registry: the configured ones first, then
// those of the Docker CLI's configuration and its credential helpers. Without any, source is empty.
func CredentialsFor(image reference.Named, configured map[string]Credential) (found registry.AuthConfig, source string, err error) {
	domain := reference.Domain(image)
	key := domain
	if domain == Hub {
		key = hubKey
	}
	for _, name := range []string{domain, key, "https://" + domain, "index.docker.io"} {
		if name == "index.docker.io" && domain != Hub {
			continue
		}
		switch c, ok := configured[name]; {
		case ok && c.Unknown:
			return found, "", fmt.Errorf("the credentials in registry_auth[%q] are not known before the apply", name)
		case ok && c.Anonymous:
			return found, "", nil
		case ok:
			return registry.AuthConfig{Username: c.Username, Password: c.Password, ServerAddress: key}, fmt.Sprintf("registry_auth[%q]", name), nil
		}
	}
	if configured[AnyRegistry].Unknown {
		return found, "", errors.New("the credentials in registry_auth are not known before the apply")
	}
	file, err := config.Load(config.Dir())
	if err != nil {
		return found, "", fmt.Errorf("reading the Docker CLI's configuration in %s: %w", config.Dir(), err)
	}
	source = "the Docker CLI's configuration"
	helper := helperFor(file, key)
	if helper != "" {
		source = fmt.Sprintf("credential helper %q of %s", helper, source)
	}
	kept, err := file.GetAuthConfig(key)
	switch {
	case err != nil && helper != "":
		return found, "", fmt.Errorf("asking %s for %s: %s", source, domain, helperSaid(err))
	case err != nil:
		return found, "", fmt.Errorf("reading the credentials for %s in %s: %w", domain, source, err)
	}
	if kept.Username == "" && kept.Auth == "" && kept.IdentityToken == "" && kept.RegistryToken == "" {
		return found, "", nil
	}
	return registry.AuthConfig(kept), source, nil
}

// helperFor names the program that keeps a registry's credentials, as the Docker CLI chooses it:
// the registry's own one in credHelpers, else the one for all in credsStore. Empty is none.
func helperFor(file *configfile.ConfigFile, key string) string {
	suffix, ok := file.CredentialHelpers[key]
	if !ok {
		suffix = file.CredentialsStore
	}
	if suffix == "" {
		return ""
	}
	return "docker-credential-" + suffix
}

// helperSaid is a credential helper's failure for a person. The error holds what the helper wrote,
// which is the credential itself if it failed after that: there is no value yet that could be masked.
func helperSaid(err error) string {
	text := err.Error()
	said, wrote, found := strings.Cut(text, ", out: ")
	if found && strings.ContainsAny(wrote, "{}") {
		return said + ", out: (withheld: it may hold a credential)"
	}
	return text
}

// Encode returns credentials in the form of the Engine API, and where they come from.
func Encode(c registry.AuthConfig, source string) (Authentication, error) {
	header, err := registry.EncodeAuthConfig(c)
	if err != nil {
		return Authentication{}, err
	}
	return Authentication{
		header: header, Source: source,
		Secrets: []string{c.Password, c.Auth, c.IdentityToken, c.RegistryToken},
	}, nil
}
