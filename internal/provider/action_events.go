// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

const (
	// progressEvery is how often an action tells Terraform of its progress at most.
	progressEvery = time.Second
	// eventsApart is how long nothing follows an event at least, so that Terraform, if it is being interrupted at
	// that moment, can say so first.
	eventsApart = 200 * time.Millisecond
	// progressMost is how many bytes of progress are kept for the next event, before the action has to wait.
	progressMost = 256 << 10
)

// actionServer is the provider's server, whose actions get their answers through to a Terraform that is interrupted.
//
// An interrupted Terraform (1.14 to 1.16) takes one more event of an action. It stops listening if that is one of
// progress, and crashes on the next one; where it is the end, it shows the action's errors. The protocol's library
// drops all events from the moment at which it has answered the request to stop, and an action without an
// end counts as one that went well. So the end of every action is handed on before the request is answered, and
// progress is told so seldom that no two events can come between the interruption and the request.
type actionServer struct {
	readable

	mu      sync.Mutex
	streams map[*actionStream]bool
}

func newActionServer(server readable) *actionServer {
	return &actionServer{readable: server, streams: make(map[*actionStream]bool)}
}

func (s *actionServer) InvokeAction(ctx context.Context, req *tfprotov6.InvokeActionRequest) (*tfprotov6.InvokeActionServerStream, error) {
	resp, err := s.readable.InvokeAction(ctx, req)
	if err != nil || resp == nil {
		return resp, err
	}
	stream := &actionStream{events: resp.Events, stopped: make(chan struct{}), ended: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[stream] = true
	return &tfprotov6.InvokeActionServerStream{Events: func(push func(tfprotov6.InvokeActionEvent) bool) {
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.streams, stream)
			close(stream.ended)
		}()
		stream.relay(push)
	}}, nil
}

// StopProvider cancels all that is under way, and returns when the actions among it have been answered.
func (s *actionServer) StopProvider(ctx context.Context, req *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	var streams []*actionStream
	s.mu.Lock()
	for stream := range s.streams {
		stream.stop()
		streams = append(streams, stream)
	}
	s.mu.Unlock()
	resp, err := s.readable.StopProvider(ctx, req)
	for _, stream := range streams {
		select {
		case <-stream.ended:
		case <-ctx.Done():
		}
	}
	return resp, err
}

// actionStream is what one action tells Terraform.
type actionStream struct {
	events iter.Seq[tfprotov6.InvokeActionEvent]
	// stopped is closed when Terraform is interrupted, at stoppedAt; ended is closed when it has been told all.
	stopped, ended chan struct{}
	stoppedAt      time.Time
	once           sync.Once
}

func (s *actionStream) stop() {
	s.once.Do(func() {
		s.stoppedAt = time.Now()
		close(s.stopped)
	})
}

func (s *actionStream) isStopped() bool {
	select {
	case <-s.stopped:
		return true
	default:
		return false
	}
}

// relay hands the events on with push. It returns after the last one of the action, which thus never has to wait for
// a Terraform that takes none any more.
func (s *actionStream) relay(push func(tfprotov6.InvokeActionEvent) bool) {
	events := make(chan tfprotov6.InvokeActionEvent)
	go func() {
		defer close(events)
		for e := range s.events {
			events <- e
		}
	}()
	r := &actionRelay{actionStream: s, push: push}
	end := r.progress(events)
	for e := range events {
		if _, more := messageOf(e); !more {
			end = &e
		}
	}
	if end != nil {
		r.finish(*end)
	}
}

// actionRelay is how far a stream has been handed on. It belongs to the goroutine that does that.
type actionRelay struct {
	*actionStream
	push func(tfprotov6.InvokeActionEvent) bool
	// held are the messages for the next event, of so many bytes.
	held []string
	size int
	// last is when an event was handed on.
	last time.Time
	// gone reports whether Terraform takes no event any more.
	gone bool
}

// progress hands on what there is until the end of the action, which it returns, or until Terraform takes no
// progress any more; then it returns nil.
func (r *actionRelay) progress(events <-chan tfprotov6.InvokeActionEvent) (end *tfprotov6.InvokeActionEvent) {
	next := time.NewTimer(0)
	defer next.Stop()
	for !r.gone {
		source, due := events, next.C
		if r.size > progressMost {
			source = nil
		}
		if len(r.held) == 0 {
			due = nil
		}
		select {
		case e, open := <-source:
			message, more := messageOf(e)
			switch {
			case !open:
				return nil
			case !more:
				return &e
			}
			r.held, r.size = append(r.held, message), r.size+len(message)
		case <-due:
			r.tell()
			next.Reset(progressEvery)
		case <-r.stopped:
			r.held = nil
			return nil
		}
	}
	return nil
}

// finish hands on what is left, and the end.
func (r *actionRelay) finish(end tfprotov6.InvokeActionEvent) {
	if len(r.held) > 0 && r.apart() {
		r.tell()
	}
	if r.apart() && !r.gone {
		r.push(end)
	}
}

// tell hands on the messages that are held, unless Terraform is interrupted.
func (r *actionRelay) tell() {
	if !r.isStopped() {
		r.gone = !r.push(tfprotov6.InvokeActionEvent{Type: tfprotov6.ProgressInvokeActionEventType{Message: strings.Join(r.held, "\n")}})
		r.last = time.Now()
	}
	r.held, r.size = nil, 0
}

// apart waits until an event may follow the last one, and reports whether it ever may: not if Terraform was
// interrupted before that. Then the last one may have been what it stopped listening at.
func (r *actionRelay) apart() bool {
	timer := time.NewTimer(time.Until(r.last.Add(eventsApart)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.stopped:
	}
	return !r.isStopped() || r.stoppedAt.Sub(r.last) >= eventsApart
}

// messageOf returns the message of an event of progress. False is the end of the action.
func messageOf(e tfprotov6.InvokeActionEvent) (message string, more bool) {
	p, more := e.Type.(tfprotov6.ProgressInvokeActionEventType)
	return p.Message, more
}
