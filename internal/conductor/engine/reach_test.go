// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

// connectWithin is what a conductor allows for connecting to an engine.
const connectWithin = 30 * time.Second

// fails fails the test unless the connection fails in time with an error that says all of it, and nothing of a key;
// without words it is to succeed. The address is the one that a background process would read.
func fails(t *testing.T, c engine.Connection, says ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), connectWithin)
	defer cancel()
	err := reach(ctx, c)
	if len(says) == 0 {
		if err != nil {
			t.Error(err)
		}
		return
	}
	if err == nil {
		t.Fatalf("it is reached, want %q", says)
	}
	for _, want := range says {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want %q in it", err, want)
		}
	}
	if ctx.Err() != nil || strings.Contains(err.Error(), "PRIVATE") || strings.Contains(err.Error(), "api.moby.localhost") {
		t.Errorf("%v: %v", ctx.Err(), err)
	}
}

// reach connects as a conductor does.
func reach(ctx context.Context, c engine.Connection) error {
	resolved, err := c.Resolve(ctx)
	if err != nil {
		return err
	}
	sent, err := json.Marshal(resolved)
	if err != nil {
		return err
	}
	var where engine.Address
	if err := json.Unmarshal(sent, &where); err != nil {
		return err
	}
	api, err := where.Dial()
	if err != nil {
		return err
	}
	_, err = api.Info(ctx)
	if closing := api.Close(); err == nil {
		err = closing
	}
	return engine.Reached(ctx, where, err)
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func authorized(key ssh.PublicKey) string { return string(ssh.MarshalAuthorizedKey(key)) }
