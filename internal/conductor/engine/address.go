// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/docker/docker/client"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine/sshlink"
)

// Address is where an engine is and all that is needed to connect to it. It goes to the background process as JSON,
// over a socket: it holds keys.
type Address struct {
	Host string
	// From names the setting that the address comes from, for messages.
	From string
	// TLS is nil where the connection is not encrypted.
	TLS *Material `json:",omitempty"`
	// SSH is nil where the address is no ssh:// one.
	SSH *sshlink.Target `json:",omitempty"`
}

const (
	// connectTimeout bounds the making of one TCP connection with its handshake: it has to end within the time
	// that connecting to an engine as a whole has.
	connectTimeout = 15 * time.Second
	// idleConnections is how many connections that are not in use are kept: more than an engine answers at once
	// gain nothing, and each new one costs a round trip or two.
	idleConnections = 16
	idleTimeout     = 90 * time.Second
)

// Dial returns a client for the address. It does not connect. Its Close ends what it connected.
func (a Address) Dial() (API, error) {
	transport := &http.Transport{MaxIdleConns: idleConnections, MaxIdleConnsPerHost: idleConnections, IdleConnTimeout: idleTimeout}
	opts := []client.Opt{
		client.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: client.CheckRedirect}),
		client.WithUserAgent("terraform-provider-gantry"), client.WithVersionFromEnv(), client.WithAPIVersionNegotiation(),
	}
	if a.SSH != nil {
		link := sshlink.New(*a.SSH)
		// The host is one that no proxy stands for.
		docker, err := client.NewClientWithOpts(append(opts, client.WithHost("tcp://"+client.DummyHost),
			client.WithDialContext(func(ctx context.Context, _, _ string) (net.Conn, error) {
				conn, err := link.Dial(ctx)
				if err != nil {
					return nil, &ConnectError{err}
				}
				return conn, nil
			}))...)
		if err != nil {
			return nil, err
		}
		transport.Proxy = nil
		return linked{docker, link}, nil
	}
	host := a.Host
	if isTCP(host) {
		_, rest, _ := strings.Cut(host, "://")
		host = "tcp://" + rest
	}
	opts = append(opts, client.WithHost(host))
	if isTCP(host) {
		opts = append(opts, client.WithDialContext(dialTCP))
	}
	if a.TLS != nil {
		config, err := a.TLS.config()
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig, transport.DialTLSContext = config, dialTLS(config)
	}
	return client.NewClientWithOpts(opts...)
}

// linked is a client that ends its SSH connection with itself.
type linked struct {
	*client.Client
	link *sshlink.Link
}

func (l linked) Close() error { return errors.Join(l.Client.Close(), l.link.Close()) }

// dialTCP is net.Dialer's, with errors that say what was tried.
func dialTCP(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "unix" {
		network = "tcp" // Docker's client names it by the scheme.
	}
	conn, err := (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, &ConnectError{fmt.Errorf("connecting to %s: %w", address, sshlink.Plain(err, connectTimeout))}
	}
	return conn, nil
}
