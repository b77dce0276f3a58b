// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

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

// ServeBackground is the background conductor. It carries out the casts that arrive on conn, and
// returns when conn has ended and all are done. Release is that of its binary.
func ServeBackground(conn io.ReadWriteCloser, release string) error {
	return serveBackground(conn, release, New)
}

func serveBackground(conn io.ReadWriteCloser, release string, open func(Options) *Conductor) error {
	decoder := json.NewDecoder(conn)
	greeting, err := welcome(conn, decoder, release)
	if err != nil {
		return errors.Join(fmt.Errorf("greeting the provider: %w", err), conn.Close())
	}
	logger, closeLog := backgroundLog(greeting)
	defer closeLog()
	s := &backgroundServer{
		Conductor: open(Options{
			Endpoint: &greeting.Endpoint, From: greeting.From, MaxParallel: greeting.MaxParallel, MaxParallelPulls: greeting.MaxParallelPulls,
			Credentials: greeting.Credentials, StateDir: greeting.StateDir, Caller: greeting.Caller, Scope: greeting.Scope, Logger: logger,
		}),
		logger: logger, inline: greeting.Inline, encoder: json.NewEncoder(conn), undecided: make(map[int]chan bool),
	}
	var counting sync.WaitGroup
	living, end := context.WithCancel(context.Background())
	counting.Go(func() { s.keepCounting(living) })
	s.serve(decoder)
	s.casts.Wait()
	end()
	counting.Wait()
	return errors.Join(s.Close(), conn.Close())
}

// welcome reads the greeting and answers it. The versions are read first: they say whether the rest can
// be read.
func welcome(conn io.Writer, decoder *json.Decoder, release string) (hello, error) {
	var raw json.RawMessage
	if err := decoder.Decode(&raw); err != nil {
		return hello{}, err
	}
	own := edition{protocolVersion, release}
	if err := json.NewEncoder(conn).Encode(own); err != nil {
		return hello{}, err
	}
	var other edition
	if err := json.Unmarshal(raw, &other); err != nil {
		return hello{}, err
	}
	if err := other.differs(own); err != nil {
		return hello{}, err
	}
	var greeting hello
	err := strict(json.NewDecoder(bytes.NewReader(raw)), &greeting)
	return greeting, err
}

// backgroundServer carries out the casts of one provider.
type backgroundServer struct {
	*Conductor
	logger hclog.Logger
	inline bool

	writing sync.Mutex
	encoder *json.Encoder

	casts sync.WaitGroup
	// takingUp takes up, once, what dead background conductors left.
	takingUp sync.Once
	// undecided are the casts that were accepted and have not begun, by their numbers. They belong to the
	// goroutine that reads.
	undecided map[int]chan bool
}

// serve takes messages one after the other until the provider is gone: the order of arrival is the order
// in the lanes.
func (s *backgroundServer) serve(decoder *json.Decoder) {
	for {
		var a ask
		// The end of the connection is the end of whoever cast, orderly or not.
		if err := strict(decoder, &a); err != nil {
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
func (s *backgroundServer) accept(a ask) {
	ctx, cancel := context.WithTimeout(context.Background(), a.Limit)
	accepted, err := s.acceptCast(ctx, a)
	if err != nil {
		got := answer{Number: a.Number, Phase: phaseRefused, Unkept: errors.Is(err, errUnkept)}
		errors.As(err, &got.Fault)
		cancel()
		s.reply(got)
		return
	}
	s.takingUp.Do(func() { // There is an engine now.
		s.casts.Go(func() { s.takeUpLeft() })
	})
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
		accepted.withdraw()
	})
	s.reply(answer{Number: a.Number, Phase: phaseAccepted, OperationID: accepted.id})
}

// takeUpLeft takes up the removals that dead background conductors of the engine left.
func (s *backgroundServer) takeUpLeft() {
	ctx := context.Background()
	if e, err := s.connect(ctx, ""); err == nil && e.journal != nil {
		s.takeUp(ctx, e)
	}
}

// decide begins a cast, or withdraws it. It is done once; what is not known was refused.
func (s *backgroundServer) decide(number int, begin bool) {
	if begun := s.undecided[number]; begun != nil {
		begun <- begin
		delete(s.undecided, number)
	}
}

func (s *backgroundServer) carryOut(ctx context.Context, number int, accepted acceptedCast) {
	if s.inline {
		s.casts.Go(func() {
			if accepted.admitted != nil {
				<-accepted.admitted
			}
			s.reply(answer{Number: number, Phase: phaseAdmitted})
		})
	}
	accepted.run(ctx)
}

func (s *backgroundServer) reply(got answer) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.encoder.Encode(got); err != nil {
		s.logger.Debug("whoever cast does not listen any more", "error", err)
	}
}
