// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package background

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
)

// greetTakes bounds the wait for a background conductor's answer to the greeting. One of an old release
// never gives any.
const greetTakes = 30 * time.Second

// Client speaks with a background conductor. It must be closed.
type Client struct {
	conn    net.Conn
	decoder *json.Decoder
	working sync.WaitGroup

	// gone is closed when nothing more can be asked; broken says why, and is set before.
	gone   chan struct{}
	broken error

	mu      sync.Mutex
	next    int
	waiting map[int]chan Answer
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

// Start starts the command as a background conductor and greets it. The error says why casts have to do without.
func Start(ctx context.Context, command []string, greeting Hello) (*Client, error) {
	process := exec.Command(command[0], command[1:]...) //nolint:noctx // It outlives every context of this process.
	folder, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("finding the working directory: %w", err)
	}
	process.Env = environmentOf(os.Environ(), folder)
	conn, err := startDetached(process)
	if err != nil {
		return nil, err
	}
	return Greet(ctx, conn, greeting)
}

// Greet makes a client of a connection to a background conductor, which it closes on an error.
func Greet(ctx context.Context, conn net.Conn, greeting Hello) (*Client, error) {
	b := &Client{
		conn: conn, decoder: json.NewDecoder(conn),
		gone: make(chan struct{}), waiting: make(map[int]chan Answer), wake: make(chan struct{}, 1),
	}
	ctx, cancel := context.WithTimeoutCause(ctx, greetTakes, errors.New("it did not answer the greeting: perhaps it is of another release"))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	var other Edition
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

// Cast asks for a cast, and returns what the background conductor says to it, and the number by which the
// cast is decided on. On an error nothing is carried out.
func (b *Client) Cast(ctx context.Context, cast any, limit time.Duration) (number int, got Answer, err error) {
	body, err := json.Marshal(cast)
	if err != nil {
		return 0, got, err
	}
	a := ask{Do: askAccept, Cast: body, Limit: limit}
	// One for each phase: who answers never waits.
	answered := make(chan Answer, 2)
	b.mu.Lock()
	b.next++
	a.Number = b.next
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
		b.Withdraw(a.Number)
	}
	return a.Number, got, err
}

// Withdraw gives up a cast that has not begun.
func (b *Client) Withdraw(number int) {
	b.Forget(number)
	b.send(ask{Number: number, Do: askWithdraw})
}

// Begin has an accepted cast carried out. An error says that it is not, as far as that can be known.
func (b *Client) Begin(ctx context.Context, number int) error {
	select {
	case <-b.send(ask{Number: number, Do: askBegin}):
		return nil
	case <-b.gone:
		return b.broken
	case <-ctx.Done(): // It will be sent.
		return nil
	}
}

// Admitted waits until a cast has its slot of the pool, or ctx ends: the cast goes on all the same.
func (b *Client) Admitted(ctx context.Context, number int) {
	b.mu.Lock()
	answered := b.waiting[number]
	b.mu.Unlock()
	select {
	case <-answered:
	case <-b.gone:
	case <-ctx.Done():
	}
}

// Forget drops what is still answered to a cast.
func (b *Client) Forget(number int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waiting, number)
}

// send puts a message behind the others. What it returns is closed when the message is on its way.
func (b *Client) send(message ask) (sent <-chan struct{}) {
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
func (b *Client) write() {
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
func (b *Client) read() {
	for {
		var got Answer
		if err := Strict(b.decoder, &got); err != nil {
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

// Close leaves the background conductor to itself: it carries out what has begun, and ends.
func (b *Client) Close() {
	_ = b.conn.Close()
	b.working.Wait()
}
