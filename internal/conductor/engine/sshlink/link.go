// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package sshlink

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	// openTimeout bounds the making of a connection, jump hosts included.
	openTimeout = 20 * time.Second
	pauseFirst  = 200 * time.Millisecond
	pauseMost   = 3 * time.Second
	// mostCarriers bounds the connections to a server that forbids forwarding and allows few sessions on each; else
	// there is one.
	mostCarriers = 8
)

var errClosed = errors.New("the SSH connection was closed")

// Link is the way to a socket on another machine. All its streams share one SSH connection, which is made with the
// first, and anew after it broke. It must be closed.
type Link struct {
	target Target
	ctx    context.Context //nolint:containedctx // It is the life of the link's goroutines.
	cancel context.CancelFunc
	// running are the goroutines, which Close waits for.
	running sync.WaitGroup
	// probing is held while one caller finds out whether sessions reach the socket.
	probing chan struct{}

	mu       sync.Mutex
	closed   bool
	carriers []*carrier
	attempt  *attempt // the connection being made; all who need it wait for the same
	failures int
	failedAt time.Time
	// sessions is that forwarding is forbidden, so that a stream is a session with docker's own command in it.
	sessions bool
	// changed is closed, and made anew, whenever a place on a carrier may have become free.
	changed chan struct{}
}

// carrier is a connection that streams are opened on.
type carrier struct {
	way way
	// open streams, and how many the server allows; both belong to the link's mutex.
	open, limit int
}

// way is a connection to the other machine.
type way interface {
	// forward opens a stream to a socket there.
	forward(ctx context.Context, socket string) (net.Conn, error)
	// wait returns when the connection has ended.
	wait()
	close()
}

type attempt struct {
	done chan struct{}
	err  error
}

// New returns a link to a target. It does not connect.
func New(target Target) *Link {
	ctx, cancel := context.WithCancel(context.Background())
	return &Link{target: target, ctx: ctx, cancel: cancel, probing: make(chan struct{}, 1), changed: make(chan struct{})}
}

// Close ends the connection and all streams.
func (l *Link) Close() error {
	l.mu.Lock()
	l.closed = true
	carriers := slices.Clone(l.carriers)
	l.mu.Unlock()
	l.cancel()
	for _, c := range carriers {
		c.way.close()
	}
	l.running.Wait()
	return nil
}

// Dial opens a stream to the socket.
func (l *Link) Dial(ctx context.Context) (net.Conn, error) {
	for tries := 0; ; tries++ {
		c, err := l.carrier(ctx)
		if err != nil {
			return nil, err
		}
		conn, err := l.stream(ctx, c)
		switch {
		case err == nil:
			return conn, nil
		case errors.Is(err, errFull) && ctx.Err() == nil:
			continue
		case tries == 0 && ctx.Err() == nil && !l.has(c): // It had died before.
			continue
		}
		return nil, err
	}
}

// carrier returns a connection with room for one more stream, whose place is taken.
func (l *Link) carrier(ctx context.Context) (*carrier, error) {
	for {
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			return nil, errClosed
		}
		for _, c := range l.carriers {
			if c.open < c.limit {
				c.open++
				l.mu.Unlock()
				return c, nil
			}
		}
		if l.attempt == nil && len(l.carriers) < mostCarriers {
			l.attempt = &attempt{done: make(chan struct{})}
			a, pause := l.attempt, l.pause()
			l.running.Go(func() { l.connect(a, pause) }) //nolint:contextcheck // Others wait for it, too.
		}
		a, changed := l.attempt, l.changed
		l.mu.Unlock()
		var done chan struct{}
		if a != nil {
			done = a.done
		}
		select {
		case <-done:
			if a.err != nil {
				return nil, a.err
			}
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// pause is how long the next attempt waits. It is called with the mutex.
func (l *Link) pause() time.Duration {
	if l.failures == 0 {
		return 0
	}
	pause := min(pauseFirst<<min(l.failures-1, 8), pauseMost)
	return time.Until(l.failedAt.Add(pause))
}

// connect makes a connection for all who wait for it.
func (l *Link) connect(a *attempt, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	var way way
	err := errClosed
	select {
	case <-l.ctx.Done():
	case <-timer.C:
		ctx, cancel := context.WithTimeout(l.ctx, openTimeout)
		way, err = l.target.connect(ctx)
		cancel()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempt, a.err = nil, err
	switch {
	case err != nil:
		l.failures++
		l.failedAt = time.Now()
	case l.closed:
		way.close()
		a.err = errClosed
	default:
		l.failures = 0
		c := &carrier{way: way, limit: math.MaxInt}
		l.carriers = append(l.carriers, c)
		l.running.Go(func() { l.watch(c) })
	}
	close(a.done)
}

// watch forgets a connection that has ended.
func (l *Link) watch(c *carrier) {
	c.way.wait()
	c.way.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.carriers = slices.DeleteFunc(l.carriers, func(one *carrier) bool { return one == c })
	if len(l.carriers) == 0 {
		l.sessions = false // The server may be another one now.
	}
	l.wake()
}

// wake has those who wait for a place look again. It is called with the mutex.
func (l *Link) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *Link) has(c *carrier) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.carriers, c)
}

// leave gives a stream's place back.
func (l *Link) leave(c *carrier) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.open--
	l.wake()
}

// stream opens a stream on a carrier, whose place it takes over: by forwarding, and where that is refused, in a session.
func (l *Link) stream(ctx context.Context, c *carrier) (net.Conn, error) {
	ssh, isSSH := c.way.(*connection)
	l.mu.Lock()
	sessions := l.sessions
	l.mu.Unlock()
	if !sessions {
		conn, err := c.way.forward(ctx, l.target.Socket)
		if err == nil {
			return &stream{Conn: conn, ended: func() { l.leave(c) }}, nil
		}
		if !isSSH || !refusedChannel(err) {
			l.leave(c)
			return nil, err
		}
		if err := l.probe(ctx, ssh, err); err != nil {
			l.leave(c)
			return nil, err
		}
	}
	conn, err := ssh.session(ctx, l.target.Socket)
	if err != nil {
		if refusedChannel(err) && l.full(c) {
			return nil, errFull
		}
		l.leave(c)
		return nil, fmt.Errorf("opening a session on %s: %w", ssh.name, err)
	}
	conn.ended = func() { l.running.Go(func() { conn.finish(); l.leave(c) }) }
	return &stream{Conn: conn, ended: conn.ended}, nil
}

// errFull is a connection that carries as many sessions as the server allows.
var errFull = errors.New("the server allows no more sessions")

// full gives back the place of a session that the server refused, and reports whether others are open: as many are
// allowed then.
func (l *Link) full(c *carrier) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.open <= 1 {
		return false
	}
	c.open--
	c.limit = c.open
	return true
}

// probe finds out whether the socket is reached in a session, after forwarding was refused. A server does not tell
// a socket that is not there from forwarding that is forbidden.
func (l *Link) probe(ctx context.Context, to *connection, refused error) error {
	select {
	case l.probing <- struct{}{}:
		defer func() { <-l.probing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	l.mu.Lock()
	known := l.sessions
	l.mu.Unlock()
	if known {
		return nil
	}
	if err := to.probe(ctx, l.target.Socket); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the SSH connection to %s works, but it does not lead to an engine: forwarding to %s was refused (%w), and %q there failed: %w. "+
			"Check that the engine runs, that user %q may use its socket, and that it is at that path (ssh.socket)",
			to.name, l.target.Socket, refused, dialStdio(l.target.Socket), err, to.user)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions = true
	return nil
}

// stream is a net.Conn that gives back its place when it is closed.
type stream struct {
	net.Conn
	once  sync.Once
	ended func()
}

func (s *stream) Close() error {
	err := s.Conn.Close()
	s.once.Do(s.ended)
	return err
}

// CloseWrite ends what is sent; what is received goes on.
func (s *stream) CloseWrite() error {
	if half, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
