// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package enginetest_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/docker/docker/api/types/image"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// pull pulls an image to its end, and gives the failure that the engine reports.
func pull(ctx context.Context, engine *enginetest.Engine, ref string, opts image.PullOptions) error {
	stream, err := engine.Docker.ImagePull(ctx, ref, opts)
	if err != nil {
		return err
	}
	defer stream.Close()
	for decoder := json.NewDecoder(stream); ; {
		var message struct {
			Error string `json:"error"`
		}
		if err := decoder.Decode(&message); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if message.Error != "" {
			return errors.New(message.Error)
		}
	}
}

func TestRegistryCounts(t *testing.T) {
	t.Parallel()
	engine := enginetest.New(t)
	registry := enginetest.NewRegistry(t, engine)
	pushed := registry.Push("app", enginetest.ImageOptions{Random: 1 << 10, Command: []string{"exit", "4"}})
	if err := pull(t.Context(), engine, pushed.Reference, image.PullOptions{}); err != nil {
		t.Fatal(err)
	}
	if manifests, blobs := registry.Manifests(pushed), registry.Blobs(pushed); manifests != 1 || blobs != 1 {
		t.Errorf("%d manifests and %d blobs fetched: %v", manifests, blobs, registry.Requests("", ""))
	}
	id := engine.Run(engine.Name("pulled"), enginetest.RunOptions{Image: pushed.Reference})
	if code := engine.AwaitExit(id); code != 4 {
		t.Errorf("exit code %d", code)
	}
	moved := registry.PushAgain(pushed, enginetest.ImageOptions{Random: 1 << 10})
	if moved.Reference != pushed.Reference || moved.Digest == pushed.Digest {
		t.Errorf("pushed again: %+v after %+v", moved, pushed)
	}
}

func TestRegistryAuth(t *testing.T) {
	t.Parallel()
	engine := enginetest.New(t)
	registry := enginetest.NewRegistry(t, engine)
	registry.RequireAuth("somebody", "secret")
	pushed := registry.Push("app", enginetest.ImageOptions{})
	if err := pull(t.Context(), engine, pushed.Reference, image.PullOptions{}); err == nil {
		t.Error("pulled without credentials")
	}
	auth := base64.URLEncoding.EncodeToString([]byte(`{"username":"somebody","password":"secret"}`))
	if err := pull(t.Context(), engine, pushed.Reference, image.PullOptions{RegistryAuth: auth}); err != nil {
		t.Errorf("with credentials: %v", err)
	}
}

func TestRegistryDisturbs(t *testing.T) {
	t.Parallel()
	random := enginetest.ImageOptions{Random: 1 << 16}

	t.Run("holds a blob in its middle", func(t *testing.T) {
		t.Parallel()
		engine := enginetest.New(t)
		registry := enginetest.NewRegistry(t, engine)
		pushed := registry.Push("app", random)
		gate := registry.HoldBlob(pushed)
		pulled := make(chan error, 1)
		go func() { pulled <- pull(t.Context(), engine, pushed.Reference, image.PullOptions{}) }()
		gate.Await()
		select {
		case err := <-pulled:
			t.Fatalf("the pull ended before the gate opened: %v", err)
		default:
		}
		gate.Open()
		if err := <-pulled; err != nil {
			t.Error(err)
		}
	})

	t.Run("holds a manifest", func(t *testing.T) {
		t.Parallel()
		engine := enginetest.New(t)
		registry := enginetest.NewRegistry(t, engine)
		pushed := registry.Push("app", random)
		gate := registry.HoldManifest(pushed)
		ctx, leave := context.WithCancel(t.Context())
		pulled := make(chan error, 1)
		go func() { pulled <- pull(ctx, engine, pushed.Reference, image.PullOptions{}) }()
		<-gate.Reached()
		leave()
		if err := <-pulled; !errors.Is(err, context.Canceled) {
			t.Errorf("the caller that left got %v", err)
		}
	})

	t.Run("breaks a blob", func(t *testing.T) {
		t.Parallel()
		engine := enginetest.New(t)
		registry := enginetest.NewRegistry(t, engine)
		pushed := registry.Push("app", random)
		registry.BreakBlob(pushed)
		if err := pull(t.Context(), engine, pushed.Reference, image.PullOptions{}); err == nil {
			t.Error("pulled a broken image")
		}
	})

	t.Run("fails the first requests for a manifest", func(t *testing.T) {
		t.Parallel()
		engine := enginetest.New(t)
		registry := enginetest.NewRegistry(t, engine)
		pushed := registry.Push("app", random)
		registry.FailManifest(pushed, 1, http.StatusServiceUnavailable)
		// The engine tries by itself again, or not, according to its version.
		first := pull(t.Context(), engine, pushed.Reference, image.PullOptions{})
		if err := pull(t.Context(), engine, pushed.Reference, image.PullOptions{}); err != nil {
			t.Errorf("the first pull: %v, the second: %v", first, err)
		}
		t.Logf("the first pull: %v", first)
	})
}
