// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/cli/cli/config"
	clicontext "github.com/docker/cli/cli/context"
	"github.com/docker/cli/cli/context/store"
	"github.com/docker/docker/client"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine/sshlink"
)

// Connection is how an engine is reached, as it was configured. The zero value is the engine that the Docker CLI
// would talk to.
type Connection struct {
	// Host is the engine's address (unix://, npipe://, tcp://, http://, https://, ssh://). Empty, with an empty
	// Context, means DOCKER_HOST, else DOCKER_CONTEXT, else the Docker CLI's current context, else the local socket.
	Host string
	// Context is the name of a Docker context, used in place of Host.
	Context string
	// TLS is for tcp:// and https://; nil means DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or what the context has.
	TLS *TLS
	// SSH is for ssh://, on top of what the address and OpenSSH's configuration say; nil adds nothing.
	SSH *sshlink.Settings
}

// TLS is how an engine's certificate is verified, and what is presented to it. CA, Certificate and Key are in PEM
// form, or the paths of files that are.
type TLS struct {
	CA          string
	Certificate string
	Key         string
	// ServerName is the name that the engine's certificate has to be for; empty is that of the address.
	ServerName string
	// Insecure accepts any certificate.
	Insecure bool
}

// contextOfDocker is the endpoint of a Docker context that is an engine.
const contextOfDocker = "docker"

// ConfigDir returns the directory of the Docker CLI's configuration.
func ConfigDir() string { return config.Dir() }

// Resolve reads what only this process can: environment, working directory, files, Docker contexts and OpenSSH's
// configuration. The address is whole: whoever gets it needs nothing else of this process. With an error it still
// has the host, and the setting that named it.
func (c Connection) Resolve(ctx context.Context) (Address, error) {
	a, err := c.locate()
	if err != nil {
		return a, err
	}
	return c.complete(ctx, a)
}

// Located returns the host that Resolve reports. It asks no program, which for many engines would take long.
func (c Connection) Located() (string, error) {
	a, err := c.locate()
	return a.Host, err
}

// locate finds the host in its one spelling, and the setting that names it.
func (c Connection) locate() (Address, error) {
	a, err := c.named()
	if err != nil {
		return a, err
	}
	// A path is one in this process's working directory: others that are told of it have another.
	if path, ok := strings.CutPrefix(a.Host, "unix://"); ok && path != "" && !filepath.IsAbs(path) {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return a, err
		}
		a.Host = "unix://" + absolute
	}
	if strings.HasPrefix(a.Host, "ssh://") {
		settings, err := sshSettings(a.Host, c.SSH)
		if err != nil {
			a.Host = Redacted(a.Host)
			return a, err
		}
		a.Host = settings.URL()
	}
	return a, nil
}

// named is the address as a setting has it.
func (c Connection) named() (Address, error) {
	if c.Context != "" {
		return c.fromContext(c.Context, fmt.Sprintf("context %q in the provider's configuration", c.Context))
	}
	if c.Host != "" {
		return c.direct(c.Host, "host in the provider's configuration")
	}
	if host := os.Getenv(client.EnvOverrideHost); host != "" {
		return c.direct(host, client.EnvOverrideHost)
	}
	name, from := os.Getenv("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
	if name == "" {
		if file, err := config.Load(config.Dir()); err == nil {
			name, from = file.CurrentContext, "the Docker CLI's current context"
		}
	}
	if name == "" || name == "default" {
		return c.direct(client.DefaultDockerHost, "the default (neither host, DOCKER_HOST nor a Docker context is set)")
	}
	return c.fromContext(name, fmt.Sprintf("%s, %q", from, name))
}

// direct is an address that a setting has. DOCKER_TLS_VERIFY and DOCKER_CERT_PATH apply to it as they do for the
// Docker CLI.
func (c Connection) direct(host, from string) (Address, error) {
	a := Address{Host: host, From: from}
	verify := os.Getenv(client.EnvTLSVerify) != ""
	if certs := os.Getenv(client.EnvOverrideCertPath); c.TLS == nil && isTCP(host) && (certs != "" || verify) {
		certs = cmp.Or(certs, config.Dir())
		material, err := clicontext.TLSDataFromFiles(
			filepath.Join(certs, "ca.pem"), filepath.Join(certs, "cert.pem"), filepath.Join(certs, "key.pem"))
		if err != nil {
			return a, fmt.Errorf("reading the TLS material in %s: %w", certs, err)
		}
		a.TLS = &Material{CA: material.CA, Certificate: material.Cert, Key: material.Key, Insecure: !verify}
	}
	return a, nil
}

func (c Connection) fromContext(name, from string) (Address, error) {
	a := Address{Host: name, From: from}
	contexts := store.New(config.ContextStoreDir(), store.NewConfig(
		func() any { return &map[string]any{} },
		store.EndpointTypeGetter(contextOfDocker, func() any { return &clicontext.EndpointMetaBase{} }),
	))
	metadata, err := contexts.GetMetadata(name)
	if err != nil {
		return a, fmt.Errorf("reading the Docker context %q: %w", name, err)
	}
	endpoint, ok := metadata.Endpoints[contextOfDocker].(clicontext.EndpointMetaBase)
	if !ok {
		return a, fmt.Errorf("the Docker context %q has no engine", name)
	}
	material, err := clicontext.LoadTLSData(contexts, name, contextOfDocker)
	if err != nil {
		return a, fmt.Errorf("reading the TLS material of the Docker context %q: %w", name, err)
	}
	a.Host = cmp.Or(endpoint.Host, client.DefaultDockerHost)
	if isTCP(a.Host) && (material != nil || endpoint.SkipTLSVerify) {
		a.TLS = &Material{Insecure: endpoint.SkipTLSVerify}
		if material != nil {
			a.TLS.CA, a.TLS.Certificate, a.TLS.Key = material.CA, material.Cert, material.Key
		}
	}
	return a, nil
}

// complete adds what the settings for TLS and SSH say.
func (c Connection) complete(ctx context.Context, a Address) (Address, error) {
	if c.TLS != nil {
		material, err := c.TLS.read()
		if err != nil {
			return a, err
		}
		a.TLS = &material
	}
	if strings.HasPrefix(a.Host, "https://") && a.TLS == nil {
		a.TLS = &Material{}
	}
	if !strings.HasPrefix(a.Host, "ssh://") {
		return a, nil
	}
	settings, err := sshSettings(a.Host, c.SSH)
	if err != nil {
		return a, err
	}
	target, err := sshlink.Resolve(ctx, settings)
	a.SSH = &target
	return a, err
}

// sshSettings are the settings of an ssh:// address, and those that are configured beside it, which win.
func sshSettings(host string, configured *sshlink.Settings) (sshlink.Settings, error) {
	var s sshlink.Settings
	if configured != nil {
		s = *configured
	}
	at, err := url.Parse(host)
	if err != nil {
		return s, fmt.Errorf("%q is no address: %w", host, errors.Unwrap(err))
	}
	if _, has := at.User.Password(); has {
		return s, errors.New("a password in the address is not used: use a key, or the agent")
	}
	s.Host = at.Hostname()
	s.User, s.Port = cmp.Or(s.User, at.User.Username()), cmp.Or(s.Port, at.Port())
	if at.Path != "/" {
		s.Socket = cmp.Or(s.Socket, at.Path)
	}
	return s, nil
}

// Redacted returns an address without the password that may be in it, for messages.
func Redacted(host string) string {
	if at, err := url.Parse(host); err == nil && at.User != nil {
		return at.Redacted()
	}
	return host
}

func isTCP(host string) bool {
	scheme, _, _ := strings.Cut(host, "://")
	return slices.Contains([]string{"tcp", "http", "https"}, scheme)
}

// CheckHost reports whether an engine's address has a form that can be connected to.
func CheckHost(host string) error {
	scheme, rest, ok := strings.Cut(host, "://")
	if !ok || rest == "" || !slices.Contains([]string{"unix", "tcp", "ssh", "npipe", "http", "https", "fd"}, scheme) {
		return fmt.Errorf("%q is no engine's address", host)
	}
	if scheme == "ssh" {
		s, err := sshSettings(host, nil)
		if err == nil && s.Host == "" {
			err = fmt.Errorf("%q names no host", host)
		}
		return err
	}
	_, err := client.ParseHostURL(host)
	return err
}
