// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

func progressEvent(message string) tfprotov6.InvokeActionEvent {
	return tfprotov6.InvokeActionEvent{Type: tfprotov6.ProgressInvokeActionEventType{Message: message}}
}

func endEvent() tfprotov6.InvokeActionEvent {
	return tfprotov6.InvokeActionEvent{Type: tfprotov6.CompletedInvokeActionEventType{}}
}

// step is what an action does next: it waits, and then says something.
type step struct {
	after time.Duration
	says  string
}

// Terraform hears what an action says soon, in few events, and its end after an interruption only where it is
// certain to listen.
func TestActionEvents(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", progressMost)
	tests := map[string]struct {
		says []step
		// ends is how long after its last word the action ends.
		ends time.Duration
		// stopped is when Terraform is interrupted; 0 is never. Left is after how many events it has gone; 0 is never.
		stopped time.Duration
		left    int
		want    []string
	}{
		"nothing said":            {ends: time.Second, want: []string{"1s end"}},
		"one word":                {says: []step{{0, "a"}}, want: []string{"0s a", "200ms end"}},
		"one word, then a pause":  {says: []step{{0, "a"}}, ends: time.Minute, want: []string{"0s a", "1m0s end"}},
		"slow words":              {says: []step{{0, "a"}, {time.Minute, "b"}}, ends: time.Minute, want: []string{"0s a", "1m0s b", "2m0s end"}},
		"many words at once":      {says: []step{{0, "a"}, {time.Millisecond, "b"}, {time.Millisecond, "c"}}, ends: time.Minute, want: []string{"0s a", "1s b\nc", "1m0s end"}},
		"many words and the end":  {says: []step{{0, "a"}, {time.Millisecond, "b"}, {time.Millisecond, "c"}}, want: []string{"0s a", "200ms b\nc", "400ms end"}},
		"more than is held":       {says: []step{{0, "a"}, {time.Millisecond, long + "b"}, {time.Millisecond, "c"}}, ends: time.Minute, want: []string{"0s a", "1s " + long + "b", "2s c", "1m1s end"}},
		"stopped":                 {says: []step{{0, "a"}}, ends: time.Minute, stopped: 30 * time.Second, want: []string{"0s a", "1m0s end"}},
		"stopped before a word":   {says: []step{{time.Minute, "a"}}, stopped: 30 * time.Second, want: []string{"1m0s end"}},
		"stopped while one held":  {says: []step{{0, "a"}, {time.Millisecond, "b"}}, ends: time.Minute, stopped: 500 * time.Millisecond, want: []string{"0s a", "1m0s end"}},
		"stopped right after one": {says: []step{{0, "a"}}, ends: time.Minute, stopped: 100 * time.Millisecond, want: []string{"0s a"}},
		"stopped at the end":      {says: []step{{0, "a"}, {time.Millisecond, "b"}}, stopped: 300 * time.Millisecond, want: []string{"0s a", "200ms b"}},
		"gone":                    {says: []step{{0, "a"}, {time.Minute, "b"}, {time.Minute, "c"}}, ends: time.Minute, left: 2, want: []string{"0s a", "1m0s b"}},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				over := false
				s := &actionStream{stopped: make(chan struct{}), ended: make(chan struct{}), events: func(yield func(tfprotov6.InvokeActionEvent) bool) {
					for _, step := range test.says {
						time.Sleep(step.after)
						if !yield(progressEvent(step.says)) {
							t.Error("the action was cut off")
						}
					}
					time.Sleep(test.ends)
					over = yield(endEvent())
				}}
				began := time.Now()
				if test.stopped > 0 {
					time.AfterFunc(test.stopped, s.stop)
				}
				var got []string
				s.relay(func(e tfprotov6.InvokeActionEvent) bool {
					text, more := messageOf(e)
					if !more {
						text = "end"
					}
					got = append(got, fmt.Sprintf("%s %s", time.Since(began).Round(10*time.Millisecond), text))
					return len(got) != test.left
				})
				if !slices.Equal(got, test.want) {
					t.Errorf("got %.200q\nwant %.200q", got, test.want)
				}
				if !over {
					t.Error("the action was left in the middle")
				}
			})
		})
	}
}

// An interruption is answered after the actions that it cancelled have said so.
func TestStopWaitsForActions(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // An engine that takes requests, and never answers.
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	asked := make(chan net.Conn, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			asked <- conn
		}
	}()
	c := newCore(t)
	c.configure(t, values{"host": "tcp://" + listener.Addr().String(), "state_dir": t.TempDir()})
	actions, ok := c.server.(tfprotov6.ActionServer)
	if !ok {
		t.Fatal("the server knows no actions")
	}
	for kind, config := range map[string]values{"gantry_stop": {"container": "web"}, "gantry_exec": {"container": "web", "command": []any{"true"}}} {
		t.Run(kind, func(t *testing.T) {
			schemas, err := c.server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
			if err != nil {
				t.Fatal(err)
			}
			typ := schemas.ActionSchemas[kind].Schema.ValueType()
			raw, err := tfprotov6.NewDynamicValue(typ, value(t, typ, config))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := actions.InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{ActionType: kind, Config: &raw})
			if err != nil {
				t.Fatal(err)
			}
			var told []*tfprotov6.Diagnostic
			stopped := make(chan bool)
			go func() {
				defer close(stopped)
				conn := <-asked
				defer func() { _ = conn.Close() }()
				if _, err := c.server.StopProvider(t.Context(), &tfprotov6.StopProviderRequest{}); err != nil {
					t.Error(err)
				}
				if told == nil { // What is read here was written before: else the race detector finds it.
					t.Error("the interruption was answered before the action")
				}
			}()
			for e := range resp.Events {
				if end, ok := e.Type.(tfprotov6.CompletedInvokeActionEventType); ok {
					told = end.Diagnostics
				}
			}
			<-stopped
			if d := oneDiagnostic(t, told); d.Severity != tfprotov6.DiagnosticSeverityError || !strings.Contains(d.Summary, "was cancelled") || !strings.Contains(d.Detail, invokeAgain) {
				t.Errorf("the action ended with %s: %s\n%s", d.Severity, d.Summary, d.Detail)
			}
		})
	}
}
