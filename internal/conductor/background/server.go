// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package background

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// Handler carries out casts. It belongs to one provider.
type Handler interface {
	// Accept accepts a cast; nothing is carried out yet. The error is a *fault.Fault, or ErrUnkept.
	Accept(ctx context.Context, cast json.RawMessage) (Cast, error)
	// Watch looks after what has to be looked after now and then, until ctx ends.
	Watch(ctx context.Context)
	// Close waits for what the handler does on its own.
	Close() error
}

// Cast is an operation that was accepted, and that nobody waits for.
type Cast struct {
	ID string
	// Admitted is closed when it gets its first slot of the pool; nil where it needs none for what
	// takes long.
	Admitted <-chan struct{}
	// Run carries it out. The journal has the outcome then; there is nobody else to tell.
	Run func(context.Context)
	// Withdraw ends it in its stead: nothing was done.
	Withdraw func()
}

// Open makes the handler for a provider that has greeted.
type Open func(greeting Hello, logger hclog.Logger) Handler

// Serve is the background conductor. It has the casts carried out that arrive on conn, and returns when conn has ended
// and all are done. Release is that of its binary.
func Serve(conn io.ReadWriteCloser, release string, open Open) error {
	decoder := json.NewDecoder(conn)
	greeting, err := welcome(conn, decoder, release)
	if err != nil {
		return errors.Join(fmt.Errorf("greeting the provider: %w", err), conn.Close())
	}
	logger, closeLog := openLog(greeting)
	defer closeLog()
	s := &server{
		Handler: open(greeting, logger), logger: logger, inline: greeting.Inline, encoder: json.NewEncoder(conn), undecided: make(map[int]chan bool),
	}
	var watching sync.WaitGroup
	living, end := context.WithCancel(context.Background())
	watching.Go(func() { s.Watch(living) })
	s.serve(decoder)
	s.casts.Wait()
	end()
	watching.Wait()
	return errors.Join(s.Close(), conn.Close())
}

// welcome reads the greeting and answers it. The versions are read first: they say whether the rest can
// be read.
func welcome(conn io.Writer, decoder *json.Decoder, release string) (Hello, error) {
	var raw json.RawMessage
	if err := decoder.Decode(&raw); err != nil {
		return Hello{}, err
	}
	own := Edition{Version, release}
	if err := json.NewEncoder(conn).Encode(own); err != nil {
		return Hello{}, err
	}
	var other Edition
	if err := json.Unmarshal(raw, &other); err != nil {
		return Hello{}, err
	}
	if err := other.differs(own); err != nil {
		return Hello{}, err
	}
	var greeting Hello
	err := Strict(json.NewDecoder(bytes.NewReader(raw)), &greeting)
	return greeting, err
}

// server has the casts of one provider carried out.
type server struct {
	Handler
	logger hclog.Logger
	inline bool

	writing sync.Mutex
	encoder *json.Encoder

	casts sync.WaitGroup
	// undecided are the casts that were accepted and have not begun, by their numbers. They belong to the
	// goroutine that reads.
	undecided map[int]chan bool
}

// serve takes messages one after the other until the provider is gone: the order of arrival is the order
// in the lanes.
func (s *server) serve(decoder *json.Decoder) {
	for {
		var a ask
		// The end of the connection is the end of whoever cast, orderly or not.
		if err := Strict(decoder, &a); err != nil {
			if !errors.Is(err, io.EOF) {
				s.logger.Warn("a message of the provider can't be read", "error", err)
			}
			break
		}
		switch a.Do {
		case askAccept:
			s.accept(a)
		case askBegin, askWithdraw:
			s.decide(a.Number, a.Do == askBegin)
		default:
			s.logger.Warn("a message of the provider is not known", "message", string(a.Do))
		}
	}
	for number := range s.undecided {
		s.decide(number, false)
	}
}

// accept accepts a cast, and has it wait for the decision about it, as long as its time lasts.
func (s *server) accept(a ask) {
	ctx, cancel := context.WithTimeout(context.Background(), a.Limit)
	accepted, err := s.Accept(ctx, a.Cast)
	if err != nil {
		got := Answer{Number: a.Number, Phase: Refused, NotJournaled: errors.Is(err, ErrNotJournaled)}
		errors.As(err, &got.Fault)
		cancel()
		s.reply(got)
		return
	}
	begun := make(chan bool, 1)
	s.undecided[a.Number] = begun
	s.casts.Go(func() {
		defer cancel()
		select {
		case yes := <-begun:
			if yes {
				s.carryOut(ctx, a.Number, accepted)
				return
			}
		case <-ctx.Done():
		}
		accepted.Withdraw()
	})
	s.reply(Answer{Number: a.Number, Phase: Accepted, OperationID: accepted.ID})
}

// decide begins a cast, or withdraws it. It is done once; what is not known was refused.
func (s *server) decide(number int, begin bool) {
	if begun := s.undecided[number]; begun != nil {
		begun <- begin
		delete(s.undecided, number)
	}
}

func (s *server) carryOut(ctx context.Context, number int, accepted Cast) {
	if s.inline {
		s.casts.Go(func() {
			if accepted.Admitted != nil {
				<-accepted.Admitted
			}
			s.reply(Answer{Number: number, Phase: Admitted})
		})
	}
	accepted.Run(ctx)
}

func (s *server) reply(got Answer) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.encoder.Encode(got); err != nil {
		s.logger.Debug("whoever cast does not listen any more", "error", err)
	}
}
