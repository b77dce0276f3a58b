// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/cli/cli/config"
	tlscontext "github.com/docker/cli/cli/context"
	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	"github.com/docker/docker/client"
)

// Address is where an engine is, and who says so.
type Address struct {
	Host string
	// From names the setting that the address comes from, for messages.
	From     string
	Endpoint Endpoint
	opts     []client.Opt
}

// Endpoint is what the Docker CLI's contexts know of an engine, its TLS material included.
type Endpoint = docker.Endpoint

// Dial returns a client for the address. It does not connect.
func (a Address) Dial() (API, error) {
	return client.NewClientWithOpts(append(a.opts, client.WithUserAgent("terraform-provider-gantry"))...)
}

// ConfigDir returns the directory of the Docker CLI's configuration.
func ConfigDir() string { return config.Dir() }

// Resolve finds the engine as the Docker CLI does: the configured host, DOCKER_HOST, the
// current context (DOCKER_CONTEXT, else currentContext in the CLI's configuration), and last the
// local socket. DOCKER_TLS_VERIFY and DOCKER_CERT_PATH apply to the first two.
func Resolve(host string) (Address, error) {
	if host != "" {
		return direct(host, "host in the provider's configuration")
	}
	if host = os.Getenv(client.EnvOverrideHost); host != "" {
		return direct(host, client.EnvOverrideHost)
	}
	name, from := os.Getenv("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
	if name == "" {
		if file, err := config.Load(config.Dir()); err == nil {
			name, from = file.CurrentContext, "the Docker CLI's current context"
		}
	}
	if name == "" || name == "default" {
		return direct(client.DefaultDockerHost, "the default (neither host, DOCKER_HOST nor a Docker context is set)")
	}
	return fromContext(name, fmt.Sprintf("%s, %q", from, name))
}

func direct(host, from string) (Address, error) {
	// A path is one in this process's working directory: others that are told of it have another.
	if path, ok := strings.CutPrefix(host, "unix://"); ok && path != "" && !filepath.IsAbs(path) {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return Address{Host: host, From: from}, err
		}
		host = "unix://" + absolute
	}
	endpoint := docker.Endpoint{EndpointMeta: docker.EndpointMeta{Host: host}}
	verify := os.Getenv(client.EnvTLSVerify) != ""
	if certs := os.Getenv(client.EnvOverrideCertPath); certs != "" || verify {
		certs = cmp.Or(certs, config.Dir())
		material, err := tlscontext.TLSDataFromFiles(
			filepath.Join(certs, "ca.pem"), filepath.Join(certs, "cert.pem"), filepath.Join(certs, "key.pem"))
		if err != nil {
			return Address{Host: host, From: from}, fmt.Errorf("reading the TLS material in %s: %w", certs, err)
		}
		endpoint.TLSData, endpoint.SkipTLSVerify = material, !verify
	}
	return FromEndpoint(endpoint, from)
}

func fromContext(name, from string) (Address, error) {
	a := Address{Host: name, From: from}
	contexts := store.New(config.ContextStoreDir(), store.NewConfig(
		func() any { return &map[string]any{} },
		store.EndpointTypeGetter(docker.DockerEndpoint, func() any { return &docker.EndpointMeta{} }),
	))
	metadata, err := contexts.GetMetadata(name)
	if err != nil {
		return a, fmt.Errorf("reading the Docker context %q: %w", name, err)
	}
	meta, err := docker.EndpointFromContext(metadata)
	if err != nil {
		return a, fmt.Errorf("reading the Docker context %q: %w", name, err)
	}
	endpoint, err := docker.WithTLSData(contexts, name, meta)
	if err != nil {
		return a, fmt.Errorf("reading the TLS material of the Docker context %q: %w", name, err)
	}
	return FromEndpoint(endpoint, from)
}

// FromEndpoint returns the address of an endpoint of a Docker context; from is the setting that named it.
func FromEndpoint(endpoint Endpoint, from string) (Address, error) {
	opts, err := endpoint.ClientOpts()
	return Address{Host: endpoint.Host, From: from, Endpoint: endpoint, opts: opts}, err
}

// CheckHost reports whether an engine's address has a form that can be connected to.
func CheckHost(host string) error {
	scheme, rest, ok := strings.Cut(host, "://")
	if !ok || rest == "" || !slices.Contains([]string{"unix", "tcp", "ssh", "npipe", "http", "https", "fd"}, scheme) {
		return fmt.Errorf("%q is no engine's address", host)
	}
	_, err := client.ParseHostURL(host)
	return err
}
