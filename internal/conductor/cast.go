// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// Accepted is a cast that was accepted.
type Accepted struct {
	// OperationID is engine/name/unique.
	OperationID string
	// Completed says that there is no background conductor, and the operation has been carried
	// out already; Container is what it left then.
	Completed bool
	Container *Container
	// Why says why there is none.
	Why string
}

// Cast accepts an operation and leaves it to itself: it returns when the intent is durable, and
// the background conductor carries it out, for at most the time of limit, whether or not this
// process lives on. The error, if any, is a *fault.Fault.
func (c *Conductor) Cast(ctx context.Context, req Request, limit time.Duration) (Accepted, error) {
	id, why, err := c.offer(ctx, ask{Request: req, Limit: limit}, c.scope("", req.Spec.Name), req.Kind)
	if why == nil {
		return Accepted{OperationID: id}, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, failure := c.Call(ctx, req)
	return Accepted{OperationID: out.OperationID, Completed: true, Container: out.Container, Why: why.Error()}, failure
}

// AcceptedImage is a cast of an image that was accepted.
type AcceptedImage struct {
	ImageOutcome
	// Completed says that there is no background conductor, and the operation has been carried
	// out already. Why says why there is none.
	Completed bool
	Why       string
}

// CastImage is Cast for an image.
func (c *Conductor) CastImage(ctx context.Context, req ImageRequest, limit time.Duration) (AcceptedImage, error) {
	if req.Spec.Archive != "" { // The other process works in another folder.
		archive, err := filepath.Abs(req.Spec.Archive)
		if err != nil {
			return AcceptedImage{}, fmt.Errorf("finding the archive: %w", err)
		}
		req.Spec.Archive = archive
	}
	scope := fault.Object{Kind: "image", Name: req.Spec.Name, Now: time.Now}.Scope()
	id, why, err := c.offer(ctx, ask{Image: &req, Limit: limit}, scope, req.Kind())
	if why == nil {
		return AcceptedImage{ImageOutcome: ImageOutcome{OperationID: id}}, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, failure := c.BringImage(ctx, req)
	return AcceptedImage{ImageOutcome: out, Completed: true, Why: why.Error()}, failure
}

// offer hands a cast to the background conductor, and gives the ID of the operation that it
// accepted. Why is set where there is none: then nothing was accepted, and the operation has to
// complete before the cast returns.
func (c *Conductor) offer(ctx context.Context, a ask, scope fault.Scope, kind Kind) (id string, why, err error) {
	background, why := c.backgroundConductor(ctx)
	var got answer
	if why == nil {
		got, err = background.ask(ctx, a)
	}
	if why == nil && err == nil && got.Unkept {
		why = errUnkept
	}
	switch {
	case why != nil:
		c.opts.Logger.Warn("the cast completes before it returns", "reason", why)
		return "", why, nil
	case ctx.Err() != nil && err != nil:
		return "", nil, scope.Ended(endedKind(ctx), fault.StepQueued, kind.verb(), "", nil, "", context.Cause(ctx))
	case err != nil:
		return "", nil, scope.Background(kind.verb(), err)
	case got.Fault != nil:
		return "", nil, got.Fault
	}
	return got.OperationID, nil, nil
}

// errUnkept is why a cast is none: nobody would find it again.
var errUnkept = errors.New("the state folder can't be written")

// backgroundConductor starts the background conductor with the first cast. The error says why
// there is none.
func (c *Conductor) backgroundConductor(ctx context.Context) (*backgroundClient, error) {
	if len(c.opts.Background) == 0 {
		return nil, errors.New("background is \"off\"")
	}
	// A cast that nobody can find again is none: without a journal there is no background.
	e, err := c.connect(ctx, "")
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.journal == nil {
		return nil, e.unkept
	}
	if c.background == nil {
		background, err := startBackground(c.opts, c.journal)
		if err != nil {
			return nil, fmt.Errorf("the background conductor can't be started: %w", err)
		}
		c.background = background
	}
	return c.background, nil
}

// hello is the first message to a background conductor. Credentials go this way and no other: not
// by disk, argument or environment.
type hello struct {
	Host             string
	MaxParallel      int
	MaxParallelPulls int
	Credentials      map[string]Credential
	StateDir         string
	Caller           string
	Inline           bool
	LogLevel         hclog.Level
}

// ask is one cast, and answer what became of it: it was accepted, or not.
type ask struct {
	Number int
	// Image is what is asked for where that is no container; then there is no Request.
	Image   *ImageRequest
	Request Request
	Limit   time.Duration
}

type answer struct {
	Number      int
	OperationID string
	Fault       *fault.Fault
	// Unkept says that the cast was not accepted because its intent can't be made durable.
	Unkept bool
}

// backgroundClient speaks with a background conductor.
type backgroundClient struct {
	conn    net.Conn
	reading sync.WaitGroup

	mu      sync.Mutex
	encoder *json.Encoder
	next    int
	waiting map[int]chan answer
	// broken says why nothing more can be asked.
	broken error
}

// startBackground starts the process and greets it.
func startBackground(opts Options, kept *journal.Journal) (*backgroundClient, error) {
	// If this process crashes, its casts may be in no state.
	caller, err := kept.Register()
	if err != nil {
		return nil, err
	}
	command := exec.Command(opts.Background[0], opts.Background[1:]...) //nolint:noctx // It outlives every context of this process.
	command.Env = backgroundEnvironment(os.Environ())
	conn, err := startDetached(command)
	if err != nil {
		return nil, err
	}
	b := &backgroundClient{conn: conn, encoder: json.NewEncoder(conn), waiting: make(map[int]chan answer)}
	err = b.encoder.Encode(hello{
		Host: opts.Host, MaxParallel: opts.MaxParallel, MaxParallelPulls: opts.MaxParallelPulls, Credentials: opts.Credentials,
		StateDir: kept.Dir(), Caller: caller, Inline: opts.Inline, LogLevel: opts.Logger.GetLevel(),
	})
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	b.reading.Go(b.read)
	return b, nil
}

// backgroundEnvironment keeps what the Docker client, its configuration and its helpers need.
func backgroundEnvironment(environment []string) []string {
	var kept []string
	for _, pair := range environment {
		name, _, _ := strings.Cut(strings.ToUpper(pair), "=")
		if strings.HasPrefix(name, "TF_") || strings.HasPrefix(name, "PLUGIN_") {
			continue
		}
		switch {
		case strings.HasPrefix(name, "DOCKER_"), strings.HasPrefix(name, "XDG_"), strings.HasSuffix(name, "_PROXY"),
			name == "HOME", name == "PATH", name == "USER", name == "LOGNAME", name == "SSH_AUTH_SOCK", name == "TMPDIR", name == "TZ", name == "LANG":
			kept = append(kept, pair)
		}
	}
	return kept
}

// ask sends a cast and waits until it is accepted.
func (b *backgroundClient) ask(ctx context.Context, a ask) (answer, error) {
	answered := make(chan answer, 1)
	b.mu.Lock()
	if b.broken != nil {
		b.mu.Unlock()
		return answer{}, b.broken
	}
	b.next++
	a.Number = b.next
	b.waiting[a.Number] = answered
	err := b.encoder.Encode(a)
	b.mu.Unlock()
	if err != nil {
		return answer{}, err
	}
	select {
	case got, ok := <-answered:
		if !ok {
			return answer{}, b.broken
		}
		return got, nil
	case <-ctx.Done():
		return answer{}, context.Cause(ctx)
	}
}

// read hands out answers until the background conductor is gone.
func (b *backgroundClient) read() {
	decoder := json.NewDecoder(b.conn)
	for {
		var got answer
		err := decoder.Decode(&got)
		b.mu.Lock()
		if err != nil {
			b.broken = fmt.Errorf("the background conductor is gone: %w", err)
			for _, answered := range b.waiting {
				close(answered)
			}
			b.mu.Unlock()
			return
		}
		if answered := b.waiting[got.Number]; answered != nil {
			delete(b.waiting, got.Number)
			answered <- got
		}
		b.mu.Unlock()
	}
}

// close leaves the background conductor to itself: it carries out what it accepted, and ends.
func (b *backgroundClient) close() {
	_ = b.conn.Close()
	b.reading.Wait()
}

// ServeBackground is the background conductor. It carries out the casts that arrive on conn, and
// returns when conn has ended and all are done.
func ServeBackground(conn io.ReadWriteCloser) error { return serveBackground(conn, New) }

func serveBackground(conn io.ReadWriteCloser, open func(Options) *Conductor) error {
	decoder, encoder := json.NewDecoder(conn), json.NewEncoder(conn)
	var greeting hello
	if err := decoder.Decode(&greeting); err != nil {
		return fmt.Errorf("reading the greeting: %w", err)
	}
	logger, closeLog := backgroundLog(greeting)
	defer closeLog()
	c := open(Options{
		Host: greeting.Host, MaxParallel: greeting.MaxParallel, MaxParallelPulls: greeting.MaxParallelPulls,
		Credentials: greeting.Credentials, StateDir: greeting.StateDir, Caller: greeting.Caller, Logger: logger,
	})
	var casts, counting sync.WaitGroup
	living, end := context.WithCancel(context.Background())
	counting.Go(func() { c.keepCounting(living) })
	var writing sync.Mutex
	reply := func(got answer) {
		writing.Lock()
		defer writing.Unlock()
		if err := encoder.Encode(got); err != nil {
			logger.Debug("whoever cast does not listen any more", "error", err)
		}
	}
	for {
		var a ask
		// The end of conn is the end of whoever cast, orderly or not. What was accepted goes on.
		if err := decoder.Decode(&a); err != nil {
			break
		}
		// One after the other: the order of arrival is the order in the lanes.
		got := answer{Number: a.Number}
		ctx, cancel := context.WithTimeout(context.Background(), a.Limit)
		accepted, err := c.acceptCast(ctx, a)
		if err != nil {
			got.Unkept = errors.Is(err, errUnkept)
			errors.As(err, &got.Fault)
			cancel()
			reply(got)
			continue
		}
		got.OperationID = accepted.id
		casts.Go(func() {
			defer cancel()
			accepted.run(ctx)
		})
		if !greeting.Inline || accepted.admitted == nil {
			reply(got)
			continue
		}
		casts.Go(func() {
			<-accepted.admitted
			reply(got)
		})
	}
	casts.Wait()
	end()
	counting.Wait()
	return errors.Join(c.Close(), conn.Close())
}

// acceptedCast is an operation that nobody waits for.
type acceptedCast struct {
	id string
	// admitted is closed when it gets its first slot of the pool; nil where it needs none for what
	// takes long.
	admitted <-chan struct{}
	// run carries it out. The journal has the outcome then; there is nobody else to tell.
	run func(context.Context)
}

// acceptCast accepts an operation that nobody waits for. Its intent has to be kept: there is no
// other trace of it. The error is a *fault.Fault, or errUnkept.
func (c *Conductor) acceptCast(ctx context.Context, a ask) (acceptedCast, error) {
	if a.Image != nil {
		b, err := c.acceptImage(ctx, *a.Image, true)
		switch {
		case err != nil:
			return acceptedCast{}, err
		case !b.kept:
			b.pass.Leave()
			return acceptedCast{}, errUnkept
		}
		return acceptedCast{id: b.id, run: func(ctx context.Context) { _, _ = b.carryOut(ctx) }}, nil
	}
	e, err := c.connect(ctx, a.Request.Spec.Name)
	if err != nil {
		return acceptedCast{}, err
	}
	deadline, _ := ctx.Deadline()
	o := c.accept(e, a.Request, true, deadline)
	if !o.kept {
		o.pass.Leave()
		return acceptedCast{}, errUnkept
	}
	return acceptedCast{id: o.id, admitted: o.queue, run: func(ctx context.Context) { _, _ = o.run(ctx) }}, nil
}
