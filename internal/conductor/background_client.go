// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// greetTakes bounds the wait for a background conductor's answer to the greeting. One of an old release
// never gives any.
const greetTakes = 30 * time.Second

// backgroundClient speaks with a background conductor. It must be closed.
type backgroundClient struct {
	conn    net.Conn
	decoder *json.Decoder
	working sync.WaitGroup

	// gone is closed when nothing more can be asked; broken says why, and is set before.
	gone   chan struct{}
	broken error

	mu      sync.Mutex
	next    int
	waiting map[int]chan answer
	// outgoing is what is to be sent, in order, and wake has the writer look at it: whoever has a message
	// never waits for the other side to read.
	outgoing []outgoing
	wake     chan struct{}
}

// outgoing is a message to a background conductor; sent is closed when it is on its way.
type outgoing struct {
	message ask
	sent    chan struct{}
}

// startBackground starts the process and greets it. The error says why casts have to do without.
func startBackground(ctx context.Context, opts Options, where engine.Address, kept *journal.Journal) (*backgroundClient, error) {
	// If this process crashes, its casts may be in no state.
	caller, err := kept.Register()
	if err != nil {
		return nil, err
	}
	greeting := hello{
		edition: edition{protocolVersion, opts.Release}, Endpoint: where.Endpoint, From: where.From,
		MaxParallel: opts.MaxParallel, MaxParallelPulls: opts.MaxParallelPulls, Credentials: opts.Credentials,
		StateDir: kept.Dir(), Caller: caller, Scope: opts.Scope, Inline: opts.Inline, LogLevel: opts.Logger.GetLevel(),
	}
	command := exec.Command(opts.Background[0], opts.Background[1:]...) //nolint:noctx // It outlives every context of this process.
	folder, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("finding the working directory: %w", err)
	}
	command.Env = backgroundEnvironment(os.Environ(), folder)
	conn, err := startDetached(command)
	if err != nil {
		return nil, err
	}
	return greet(ctx, conn, greeting)
}

// greet makes a client of a connection to a background conductor, which it closes on an error.
func greet(ctx context.Context, conn net.Conn, greeting hello) (*backgroundClient, error) {
	b := &backgroundClient{
		conn: conn, decoder: json.NewDecoder(conn),
		gone: make(chan struct{}), waiting: make(map[int]chan answer), wake: make(chan struct{}, 1),
	}
	ctx, cancel := context.WithTimeoutCause(ctx, greetTakes, errors.New("it did not answer the greeting: perhaps it is of another release"))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	var other edition
	err := json.NewEncoder(conn).Encode(greeting)
	if err == nil {
		err = b.decoder.Decode(&other)
	}
	switch {
	case !stop():
		err = context.Cause(ctx)
	case err == nil:
		err = greeting.differs(other)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	b.working.Go(b.read)
	b.working.Go(b.write)
	return b, nil
}

// cast asks for a cast, and returns what the background conductor says to it, and the number by which the
// cast is decided on. On an error nothing is carried out.
func (b *backgroundClient) cast(ctx context.Context, a ask) (number int, got answer, err error) {
	// One for each phase: who answers never waits.
	answered := make(chan answer, 2)
	b.mu.Lock()
	b.next++
	a.Number, a.Do = b.next, askAccept
	b.waiting[a.Number] = answered
	b.mu.Unlock()
	b.send(a)
	select {
	case got = <-answered:
	case <-b.gone:
		err = b.broken
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		b.withdraw(a.Number)
	}
	return a.Number, got, err
}

// withdraw gives up a cast that has not begun.
func (b *backgroundClient) withdraw(number int) {
	b.forget(number)
	b.send(ask{Number: number, Do: askWithdraw})
}

// begin has an accepted cast carried out. An error says that it is not, as far as that can be known.
func (b *backgroundClient) begin(ctx context.Context, number int) error {
	select {
	case <-b.send(ask{Number: number, Do: askBegin}):
		return nil
	case <-b.gone:
		return b.broken
	case <-ctx.Done(): // It will be sent.
		return nil
	}
}

// admitted waits until a cast has its slot of the pool, or ctx ends: the cast goes on all the same.
func (b *backgroundClient) admitted(ctx context.Context, number int) {
	b.mu.Lock()
	answered := b.waiting[number]
	b.mu.Unlock()
	select {
	case <-answered:
	case <-b.gone:
	case <-ctx.Done():
	}
}

// forget drops what is still answered to a cast.
func (b *backgroundClient) forget(number int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waiting, number)
}

// send puts a message behind the others. What it returns is closed when the message is on its way.
func (b *backgroundClient) send(message ask) (sent <-chan struct{}) {
	m := outgoing{message, make(chan struct{})}
	b.mu.Lock()
	b.outgoing = append(b.outgoing, m)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default: // It will look.
	}
	return m.sent
}

// write sends messages until the background conductor is gone.
func (b *backgroundClient) write() {
	encoder := json.NewEncoder(b.conn)
	for {
		select {
		case <-b.wake:
		case <-b.gone:
			return
		}
		b.mu.Lock()
		messages := b.outgoing
		b.outgoing = nil
		b.mu.Unlock()
		for _, m := range messages {
			if err := encoder.Encode(m.message); err != nil {
				_ = b.conn.Close() // The reader says why nothing more can be asked.
				return
			}
			close(m.sent)
		}
	}
}

// read hands out answers until the background conductor is gone.
func (b *backgroundClient) read() {
	for {
		var got answer
		if err := strict(b.decoder, &got); err != nil {
			b.broken = fmt.Errorf("the background conductor is gone: %w", err)
			close(b.gone)
			return
		}
		b.mu.Lock()
		answered := b.waiting[got.Number]
		b.mu.Unlock()
		if answered != nil {
			answered <- got
		}
	}
}

// close leaves the background conductor to itself: it carries out what has begun, and ends.
func (b *backgroundClient) close() {
	_ = b.conn.Close()
	b.working.Wait()
}
