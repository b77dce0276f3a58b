// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package sshlink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// aliveEvery is how often a connection is tried: NAT forgets those that are silent, and a host that is gone says
	// nothing. As long an answer may take.
	aliveEvery = 15 * time.Second
	// clientVersion is how the client greets.
	clientVersion = "SSH-2.0-gantry"
)

// connection is an SSH connection to the last hop, through the others.
type connection struct {
	*ssh.Client
	name, user string
	// under are the connections that it goes through.
	under  []*ssh.Client
	alive  sync.WaitGroup
	closed chan struct{}
	once   sync.Once
}

// connect makes the connection. It ends with the context, and its error says how far it came.
func (t *Target) connect(ctx context.Context) (way, error) {
	if len(t.Command) > 0 {
		return t.start(ctx)
	}
	c := &connection{closed: make(chan struct{})}
	for i, hop := range t.Hops {
		dial := (&net.Dialer{KeepAlive: aliveEvery}).DialContext
		if i > 0 {
			dial = c.Client.DialContext
		}
		raw, err := dial(ctx, "tcp", hop.address())
		if err != nil {
			err = fmt.Errorf("connecting to %s%s: %w", hop.address(), t.through(i), Plain(err, openTimeout))
		} else {
			c.Client, err = hop.login(ctx, raw)
			if err != nil {
				err = fmt.Errorf("the SSH connection to %s%s failed: %w", hop.Name, t.through(i), err)
			}
		}
		if err != nil {
			for _, client := range c.under {
				_ = client.Close()
			}
			return nil, err
		}
		c.under = append(c.under, c.Client)
		c.name, c.user = hop.Name, hop.User
	}
	c.alive.Go(c.keepAlive)
	return c, nil
}

// through names the jump hosts before a hop.
func (t *Target) through(hop int) string {
	text := ""
	for _, jump := range t.Hops[:hop] {
		text += " through " + jump.Name
	}
	return text
}

// login shakes hands with the server at the other end of a connection, which it closes on an error.
func (h *Hop) login(ctx context.Context, raw net.Conn) (*ssh.Client, error) {
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	trusted, err := h.hostKeys()
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	own := h.identity(ctx)
	defer own.close()
	conn, channels, requests, err := ssh.NewClientConn(raw, trusted.name, &ssh.ClientConfig{
		User: h.User, ClientVersion: clientVersion, HostKeyCallback: trusted.check, HostKeyAlgorithms: trusted.db.HostKeyAlgorithms(trusted.name),
		Auth: []ssh.AuthMethod{ssh.PublicKeysCallback(func() ([]ssh.Signer, error) { return own.signers, nil })},
	})
	if err == nil && !stop() {
		err = errors.Join(ctx.Err(), conn.Close())
	}
	if err == nil {
		return ssh.NewClient(conn, channels, requests), nil
	}
	_ = raw.Close()
	var negotiation *ssh.AlgorithmNegotiationError
	switch {
	case trusted.wrong != nil:
		return nil, trusted.wrong
	case ctx.Err() != nil:
		return nil, Plain(ctx.Err(), openTimeout)
	case isRefusedLogin(err):
		return nil, h.refused(own)
	case errors.As(err, &negotiation):
		return nil, fmt.Errorf("no common algorithm: %w", err)
	default:
		return nil, fmt.Errorf("%s does not answer as an SSH server does: %w", h.address(), err)
	}
}

func (c *connection) forward(ctx context.Context, socket string) (net.Conn, error) {
	return c.Client.DialContext(ctx, "unix", socket)
}

func (c *connection) wait() { _ = c.Client.Wait() }

func (c *connection) close() {
	c.once.Do(func() {
		close(c.closed)
		for i := len(c.under) - 1; i >= 0; i-- {
			_ = c.under[i].Close()
		}
	})
	c.alive.Wait()
}

// keepAlive closes a connection that no longer answers.
func (c *connection) keepAlive() {
	every := time.NewTicker(aliveEvery)
	defer every.Stop()
	for {
		select {
		case <-c.closed:
			return
		case <-every.C:
		}
		answered := make(chan error, 1)
		c.alive.Go(func() {
			_, _, err := c.SendRequest("keepalive@openssh.com", true, nil)
			answered <- err
		})
		limit := time.NewTimer(aliveEvery)
		select {
		case err := <-answered:
			limit.Stop()
			if err == nil {
				continue
			}
		case <-limit.C:
		case <-c.closed:
			limit.Stop()
			return
		}
		for i := len(c.under) - 1; i >= 0; i-- {
			_ = c.under[i].Close() // Then wait returns, and the link forgets it.
		}
		return
	}
}

// refusedChannel reports whether the server refused a channel: the connection itself is well.
func refusedChannel(err error) bool {
	var refused *ssh.OpenChannelError
	return errors.As(err, &refused)
}
