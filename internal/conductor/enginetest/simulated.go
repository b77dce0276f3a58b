// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/system"
	"github.com/google/uuid"
)

// Simulated is an engine that only says it made containers: a thousand of them fit into a test, where a thousand real
// ones would not. It knows what gantry asks about containers that run, and nothing else. Its containers never end by
// themselves.
type Simulated struct {
	// Host is its address.
	Host string

	name    string
	latency time.Duration

	mu         sync.Mutex
	containers map[string]*container.InspectResponse // By ID, and by name.
	calls      int
}

// SimulatedOptions are what an engine is like.
type SimulatedOptions struct {
	// Name is the host name that it reports.
	Name string
	// Latency passes before each answer.
	Latency time.Duration
	// Silent has it take connections, and never answer.
	Silent bool
}

// Simulate starts an engine on a socket in a directory, which ends with the test.
func Simulate(tb testing.TB, dir string, opts SimulatedOptions) *Simulated {
	tb.Helper()
	path := filepath.Join(dir, opts.Name+".sock")
	s := &Simulated{Host: "unix://" + path, name: opts.Name, latency: opts.Latency, containers: make(map[string]*container.InspectResponse)}
	listener, err := net.Listen("unix", path)
	if err != nil {
		tb.Fatal(err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: Patience}
	if opts.Silent {
		server.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	tb.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			tb.Error(err)
		}
	})
	return s
}

// Calls is how many requests it was asked.
func (s *Simulated) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// ServeHTTP answers a request of the API.
func (s *Simulated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls++
	s.mu.Unlock()
	timer := time.NewTimer(s.latency)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return
	}
	w.Header().Set("Api-Version", "1.47")
	w.Header().Set("Ostype", "linux")
	words := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if strings.HasPrefix(words[0], "v1.") {
		words = words[1:]
	}
	switch words[0] {
	case "_ping":
		fmt.Fprint(w, "OK")
	case "info":
		s.answer(w, http.StatusOK, system.Info{ID: "SIM-" + s.name, Name: s.name, NCPU: 2, OSType: "linux", ServerVersion: "27.0.0"})
	case "events":
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case "containers":
		s.serveContainers(w, r, words[1:])
	default:
		s.missing(w)
	}
}

func (s *Simulated) serveContainers(w http.ResponseWriter, r *http.Request, words []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch action := words[len(words)-1]; {
	case words[0] == "create":
		s.create(w, r)
		return
	case words[0] == "json":
		s.answer(w, http.StatusOK, []container.Summary{})
		return
	case s.containers[words[0]] == nil:
		s.missing(w)
	case r.Method == http.MethodDelete:
		c := s.containers[words[0]]
		delete(s.containers, c.ID)
		delete(s.containers, strings.TrimPrefix(c.Name, "/"))
		w.WriteHeader(http.StatusNoContent)
	case action == "json":
		s.answer(w, http.StatusOK, s.containers[words[0]])
	case action == "start" || action == "stop":
		state := s.containers[words[0]].State
		state.Running, state.Status = action == "start", map[bool]container.ContainerState{true: "running", false: "exited"}[action == "start"]
		state.StartedAt = time.Now().UTC().Format(time.RFC3339Nano)
		w.WriteHeader(http.StatusNoContent)
	default:
		s.missing(w)
	}
}

// create takes what is asked for as it is: what it reports of it is what was asked for.
func (s *Simulated) create(w http.ResponseWriter, r *http.Request) {
	var asked container.CreateRequest
	name := r.URL.Query().Get("name")
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		s.answer(w, http.StatusBadRequest, map[string]string{"message": err.Error()})
		return
	}
	if s.containers[name] != nil {
		s.answer(w, http.StatusConflict, map[string]string{"message": "the name is already in use by container " + s.containers[name].ID})
		return
	}
	id := strings.ReplaceAll(uuid.NewString()+uuid.NewString(), "-", "")
	c := &container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{
			ID: id, Name: "/" + name, Created: time.Now().UTC().Format(time.RFC3339Nano), Image: "sha256:" + id, Driver: "overlay2",
			State: &container.State{Status: "created"}, HostConfig: asked.HostConfig,
		},
		Config: asked.Config, NetworkSettings: &container.NetworkSettings{Networks: map[string]*network.EndpointSettings{}},
	}
	if c.Config.Hostname == "" {
		c.Config.Hostname = id[:12]
	}
	s.containers[id], s.containers[name] = c, c
	s.answer(w, http.StatusCreated, container.CreateResponse{ID: id, Warnings: []string{}})
}

func (s *Simulated) missing(w http.ResponseWriter) {
	s.answer(w, http.StatusNotFound, map[string]string{"message": "No such object"})
}

func (s *Simulated) answer(w http.ResponseWriter, status int, body any) {
	content, err := json.Marshal(body)
	if err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(content)
}
