// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Command demo is the program in the image of the quickstart: a small web server, its health
// check and a job. It needs nothing but itself, so the image is this one file.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const listen = ":8080"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1) //nolint:gocritic // The signals need no cleaning up in a process that ends.
	}
}

func run(ctx context.Context, args []string) error {
	command := "serve"
	if len(args) > 0 {
		command = args[0]
	}
	switch command {
	case "serve":
		return serve(ctx)
	case "health":
		return health(ctx)
	case "migrate":
		return migrate(ctx)
	default:
		return fmt.Errorf("unknown command %q: serve, health or migrate", command)
	}
}

// serve answers requests until ctx ends.
func serve(ctx context.Context) error {
	greeting := os.Getenv("GREETING")
	if greeting == "" {
		greeting = "Hello"
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, greeting)
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	server := &http.Server{Addr: listen, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	closed := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer closed()
	fmt.Println("listening on", listen)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// health asks the server in the same container how it is. There is no shell and no curl in the
// image, so the program is its own health check.
func health(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1"+listen+"/health", http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", response.Status)
	}
	fmt.Println("ok")
	return nil
}

// migrate is a job: it does something, says so and ends.
func migrate(ctx context.Context) error {
	for _, step := range []string{"create table visitors", "add column seen_at", "fill seen_at"} {
		fmt.Println("migrate:", step)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	fmt.Println("migrate: done")
	return nil
}
