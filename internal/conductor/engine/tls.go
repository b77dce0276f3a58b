// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/docker/go-connections/tlsconfig"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine/sshlink"
)

// Material is what a TLS connection to an engine needs, in PEM form.
type Material struct {
	CA          []byte `json:",omitempty"`
	Certificate []byte `json:",omitempty"`
	Key         []byte `json:",omitempty"`
	ServerName  string `json:",omitempty"`
	Insecure    bool   `json:",omitempty"`
}

// IsPEM reports whether the value of a setting is the content of a file in PEM form, and not a path.
func IsPEM(value string) bool { return strings.Contains(value, "-----BEGIN ") }

// read returns the material, with the files read.
func (t TLS) read() (Material, error) {
	m := Material{ServerName: t.ServerName, Insecure: t.Insecure}
	for _, one := range []struct {
		what, value string
		to          *[]byte
	}{{"CA", t.CA, &m.CA}, {"certificate", t.Certificate, &m.Certificate}, {"key of the certificate", t.Key, &m.Key}} {
		switch {
		case one.value == "":
		case IsPEM(one.value):
			*one.to = []byte(one.value)
		default:
			content, err := os.ReadFile(one.value)
			if err != nil {
				return m, fmt.Errorf("reading the %s: %w", one.what, err)
			}
			*one.to = content
		}
	}
	_, err := m.config()
	return m, err
}

// Check reports what is wrong with the material; files that are there are read.
func (t TLS) Check() error {
	_, err := t.read()
	return err
}

// config is the material for crypto/tls. Its errors have nothing of the key.
func (m Material) config() (*tls.Config, error) {
	config := tlsconfig.ClientDefault(func(c *tls.Config) {
		c.ServerName, c.InsecureSkipVerify = m.ServerName, m.Insecure
	})
	if len(m.CA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(m.CA) {
			return nil, errors.New("the CA has no certificate in PEM form")
		}
	}
	if len(m.Certificate) > 0 || len(m.Key) > 0 {
		if strings.Contains(string(m.Key), "ENCRYPTED") {
			return nil, errors.New("the key of the certificate is encrypted: decrypt it (openssl pkey -in KEY -out PLAIN)")
		}
		pair, err := tls.X509KeyPair(m.Certificate, m.Key)
		if err != nil {
			return nil, fmt.Errorf("the certificate and its key can't be used: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// dialTLS connects and shakes hands, with errors that say what to do.
func dialTLS(config *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		raw, err := dialTCP(ctx, network, address)
		if err != nil {
			return nil, err
		}
		own := config.Clone()
		if own.ServerName == "" {
			own.ServerName, _, _ = net.SplitHostPort(address)
		}
		conn := tls.Client(raw, own)
		if err := conn.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, &ConnectError{fmt.Errorf("the TLS handshake with %s failed: %w", address, adviseTLS(sshlink.Plain(err, connectTimeout)))}
		}
		return conn, nil
	}
}

// adviseTLS adds to an error of a handshake what can be done about it.
func adviseTLS(err error) error {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		garbage tls.RecordHeaderError
		alert   tls.AlertError
	)
	var advice string
	switch {
	case errors.As(err, &unknown):
		advice = "set tls.ca to the CA that signed the engine's certificate"
	case errors.As(err, &name):
		advice = "set tls.server_name to a name that the engine's certificate is for"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		advice = "renew the engine's certificate, or correct this machine's clock"
	case errors.As(err, &garbage):
		advice = "what answers there does not speak TLS: check the port, or leave tls out"
	case errors.As(err, &alert):
		advice = "the engine refused this client's certificate: check tls.certificate and tls.key"
	default:
		return err
	}
	return fmt.Errorf("%w (%s)", err, advice)
}
