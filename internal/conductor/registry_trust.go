// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

// RegistryTrust says when gantry takes a registry for what it says it is, where it asks one itself. What
// an engine asks is the engine's own configuration.
type RegistryTrust struct {
	// CAFile has certificates in PEM form that are trusted besides the system's.
	CAFile string
	// Insecure takes any certificate, and a registry that speaks plain HTTP.
	Insecure bool
	// Unknown says that the settings are not known yet: whatever asks the registry fails.
	Unknown bool
}

// Check is an error if the trust's file can't be used.
func (t RegistryTrust) Check() error {
	if t.CAFile == "" {
		return nil
	}
	_, err := t.roots(nil)
	return err
}

// roots are the trusted certificates: the system's, the trust's own, and those of the directories.
func (t RegistryTrust) roots(folders []string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // A machine may have none.
	}
	files := []string{}
	if t.CAFile != "" {
		files = append(files, t.CAFile)
	}
	for _, folder := range folders {
		found, _ := filepath.Glob(filepath.Join(folder, "*.crt")) // The pattern is valid.
		files = append(files, found...)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if !pool.AppendCertsFromPEM(content) {
			return nil, fmt.Errorf("%s has no certificate in PEM form", file)
		}
	}
	return pool, nil
}

// allows reports whether a request may be sent as it is: in plain HTTP only to this machine, as an engine
// has it, and to what is configured so.
func (t RegistryTrust) allows(u *url.URL) error {
	if u.Scheme == "https" || t.Insecure {
		return nil
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); ip.IsLoopback() || host == "localhost" {
		return nil
	}
	return plainError(u.Host)
}

// plainError is a host that is not asked in plain HTTP.
type plainError string

func (host plainError) Error() string {
	return fmt.Sprintf("%s is not asked in plain HTTP: its registry is not configured as insecure", string(host))
}

// trusting sends requests to registries, and to what these refer to: each host by its own trust.
type trusting struct {
	configured map[string]RegistryTrust

	mu sync.Mutex
	// made are the transports by host.
	made map[string]*http.Transport
}

// trustOf returns what is configured for a host.
func (t *trusting) trustOf(host string) RegistryTrust {
	for _, name := range []string{host, strings.TrimSuffix(host, ":443")} {
		if own, ok := t.configured[name]; ok {
			return own
		}
	}
	if strings.HasSuffix(host, ".docker.io") {
		return t.configured[engine.Hub]
	}
	return t.configured[engine.AnyRegistry]
}

// RoundTrip sends a request.
func (t *trusting) RoundTrip(req *http.Request) (*http.Response, error) {
	trust := t.trustOf(req.URL.Host)
	if trust.Unknown {
		return nil, fmt.Errorf("the settings of %s in registries are not known before the apply", req.URL.Host)
	}
	if err := trust.allows(req.URL); err != nil {
		return nil, err
	}
	transport, err := t.transport(req.URL.Host, trust)
	if err != nil {
		return nil, err
	}
	return transport.RoundTrip(req)
}

func (t *trusting) transport(host string, trust RegistryTrust) (*http.Transport, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if made := t.made[host]; made != nil {
		return made, nil
	}
	base, ok := remote.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the default transport is another one")
	}
	made := base.Clone()
	made.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: trust.Insecure} //nolint:gosec // It is asked for.
	if !trust.Insecure {
		folders := certFolders(host)
		roots, err := trust.roots(folders)
		if err != nil {
			return nil, fmt.Errorf("reading the certificates for %s: %w", host, err)
		}
		pairs, err := clientPairs(folders)
		if err != nil {
			return nil, fmt.Errorf("reading the client certificates for %s: %w", host, err)
		}
		made.TLSClientConfig.RootCAs, made.TLSClientConfig.Certificates = roots, pairs
	}
	t.made = container.Put(t.made, host, made)
	return made, nil
}

// close gives up the connections that nobody uses.
func (t *trusting) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, made := range t.made {
		made.CloseIdleConnections()
	}
}

// certFolders are where Docker looks for the certificates of a registry: *.crt are roots, *.cert and *.key
// the client's.
func certFolders(host string) []string {
	return []string{"/etc/docker/certs.d/" + host, filepath.Join(engine.ConfigDir(), "certs.d", host)}
}

func clientPairs(folders []string) ([]tls.Certificate, error) {
	var pairs []tls.Certificate
	for _, folder := range folders {
		found, _ := filepath.Glob(filepath.Join(folder, "*.cert")) // The pattern is valid.
		for _, file := range found {
			pair, err := tls.LoadX509KeyPair(file, strings.TrimSuffix(file, ".cert")+".key")
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, pair)
		}
	}
	return pairs, nil
}

// distrusted reports whether an error is about a registry's certificate.
func distrusted(err error) bool {
	var unverified *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &unverified) || errors.As(err, &unknown) || errors.As(err, &name) || errors.As(err, &invalid)
}
