// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package sshlink

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// finishWithin is how long the command of a session has to end once nothing is sent to it any more.
	finishWithin = 5 * time.Second
	// mostWords is how much of what a command says on its standard error is kept.
	mostWords = 2000
)

// dialStdio is the command that connects its standard input and output with an engine's socket.
func dialStdio(socket string) string {
	if socket == DefaultSocket {
		return "docker system dial-stdio"
	}
	return fmt.Sprintf("docker --host 'unix://%s' system dial-stdio", strings.ReplaceAll(socket, "'", `'\''`))
}

// session is a stream to a socket through a command on the other machine.
type session struct {
	net.Conn // It is nil: a session has no addresses, and no deadlines, that anybody asks for.
	session  *ssh.Session
	in       io.WriteCloser
	out      io.Reader
	words    *words
	read     bool
	// over is closed when the command has ended, and the server counts the session no more.
	over  chan struct{}
	ended func()
}

// session opens one. A refusal of the server's is an *ssh.OpenChannelError.
func (c *connection) session(ctx context.Context, socket string) (*session, error) {
	type opened struct {
		session *ssh.Session
		err     error
	}
	got := make(chan opened, 1)
	c.alive.Go(func() {
		s, err := c.NewSession()
		got <- opened{s, err}
		if ctx.Err() != nil && err == nil {
			_ = s.Close()
		}
	})
	var s *session
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case one := <-got:
		if one.err != nil {
			return nil, one.err
		}
		s = &session{session: one.session, words: &words{}, over: make(chan struct{})}
	}
	var err error
	if s.in, err = s.session.StdinPipe(); err == nil {
		s.out, err = s.session.StdoutPipe()
	}
	s.session.Stderr = s.words
	if err == nil {
		err = s.session.Start(dialStdio(socket))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting %q: %w", dialStdio(socket), err), s.session.Close())
	}
	c.alive.Go(func() {
		defer close(s.over)
		_ = s.session.Wait()
	})
	return s, nil
}

// Read reads. Where the command ends before it has said anything, the error is what it says of that.
func (s *session) Read(b []byte) (int, error) {
	n, err := s.out.Read(b)
	s.read = s.read || n > 0
	if errors.Is(err, io.EOF) && !s.read {
		<-s.over
		if said := s.words.String(); said != "" {
			return n, errors.New(said)
		}
	}
	return n, err
}

func (s *session) Write(b []byte) (int, error) { return s.in.Write(b) }

func (s *session) CloseWrite() error { return s.in.Close() }

// Close ends what is sent; finish ends the rest.
func (s *session) Close() error {
	if err := s.in.Close(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// finish waits for the end of the command: until then the server counts the session.
func (s *session) finish() {
	_ = s.Close()
	go func() { _, _ = io.Copy(io.Discard, s.out) }() // It ends with the session.
	timer := time.NewTimer(finishWithin)
	defer timer.Stop()
	select {
	case <-s.over:
	case <-timer.C:
	}
	_ = s.session.Close()
	<-s.over
}

// probe asks the engine for a sign of life in a session.
func (c *connection) probe(ctx context.Context, socket string) error {
	s, err := c.session(ctx, socket)
	if err != nil {
		return err
	}
	defer s.finish()
	stop := context.AfterFunc(ctx, func() { _ = s.session.Close() })
	defer stop()
	_, err = io.WriteString(s, "GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReader(s), nil)
	if err != nil {
		return err
	}
	return errors.Join(answer.Body.Close(), s.Close())
}

// words is the end of what a command says on its standard error.
type words struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said.Write(b)
	if over := w.said.Len() - mostWords; over > 0 {
		w.said.Next(over)
	}
	return len(b), nil
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(w.said.String())
}

// isRefusedLogin reports whether a handshake ended with the login: the library has no type for that.
func isRefusedLogin(err error) bool {
	return strings.Contains(err.Error(), "unable to authenticate") || strings.Contains(err.Error(), "Too many authentication failures")
}
