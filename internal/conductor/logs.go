// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// maxContent is how many bytes of a stream's content are kept: what is returned ends up in a state.
const maxContent = 1 << 20

// LogOptions say which part of a container's log to read.
type LogOptions struct {
	// Tail is how many lines from the end; negative is all of them.
	Tail int
	// Since and Until are times as the Docker CLI takes them: RFC 3339, or a duration before now.
	Since, Until string
	Timestamps   bool
}

// Content is what a container or a command in it wrote.
type Content struct {
	Stdout, Stderr string
	// Truncated says that there was more than can be kept: the beginning is missing.
	Truncated bool
}

// Logs reads a container's log, whether it runs or not. It takes no slot of the pool. A container
// with a terminal has one stream, standard output.
func (c *Conductor) Logs(ctx context.Context, ref string, opts LogOptions) (Content, error) {
	t, err := c.begin(ctx, "container", ref, "read the log of", "read", fault.StepReading,
		attributeWord{"since", "since"}, attributeWord{"until", "until"}, attributeWord{"logging driver", "container"})
	if err != nil {
		return Content{}, err
	}
	got, err := engine.Retrying(ctx, func() (Content, error) { return t.logs(ctx, ref, opts) })
	return got, t.explain(ctx, err)
}

func (t *task) logs(ctx context.Context, ref string, opts LogOptions) (Content, error) {
	r, err := t.API.ContainerInspect(ctx, ref)
	if err != nil {
		return Content{}, err
	}
	tail := "all"
	if opts.Tail >= 0 {
		tail = strconv.Itoa(opts.Tail)
	}
	stream, err := t.API.ContainerLogs(ctx, r.ID, container.LogsOptions{
		ShowStdout: true, ShowStderr: true, Tail: tail, Since: opts.Since, Until: opts.Until, Timestamps: opts.Timestamps,
	})
	if err != nil {
		return Content{}, err
	}
	defer stream.Close()
	return readContent(stream, r.Config != nil && r.Config.Tty)
}

// readContent reads a stream to its end and keeps the last part of it.
func readContent(stream io.Reader, tty bool) (Content, error) {
	var out, errs lastBytes
	var err error
	if tty {
		_, err = io.Copy(&out, stream)
	} else {
		_, err = stdcopy.StdCopy(&out, &errs, stream)
	}
	return Content{Stdout: out.text(), Stderr: errs.text(), Truncated: out.dropped || errs.dropped}, err
}

// readLive reads a stream of a command to its end, as readContent does, and hands out its lines as
// they come.
func readLive(stream io.Reader, mask fault.Mask, live func(line string)) (Content, error) {
	var out, errs lastBytes
	outLines, errLines := lineWriter{mask: mask, live: live}, lineWriter{mask: mask, live: live}
	_, err := stdcopy.StdCopy(io.MultiWriter(&out, &outLines), io.MultiWriter(&errs, &errLines), stream)
	outLines.end()
	errLines.end()
	return Content{Stdout: out.text(), Stderr: errs.text(), Truncated: out.dropped || errs.dropped}, err
}

// lineWriter is a writer that hands out whole lines, masked. What is no line yet waits for its end, but
// not without limit.
type lineWriter struct {
	mask fault.Mask
	live func(line string)
	rest []byte
}

// longestLine is where a line is cut that does not end.
const longestLine = 64 << 10

func (l *lineWriter) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	// What came at once is masked at once: a secret may have several lines.
	if i := bytes.LastIndexByte(l.rest, '\n'); i >= 0 {
		l.say(l.rest[:i])
		l.rest = l.rest[i+1:]
	}
	if len(l.rest) > longestLine {
		l.end()
	}
	return len(p), nil
}

// end hands out what is left.
func (l *lineWriter) end() {
	if len(l.rest) > 0 {
		l.say(l.rest)
		l.rest = nil
	}
}

func (l *lineWriter) say(lines []byte) {
	for _, text := range l.mask.Lines(string(lines)) {
		l.live(text)
	}
}

// lastBytes is a writer that keeps what was written last.
type lastBytes struct {
	kept    []byte
	dropped bool
}

func (b *lastBytes) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p...)
	// Twice as much, so that not every write has to move it all.
	if len(b.kept) > 2*maxContent {
		b.cut()
	}
	return len(p), nil
}

func (b *lastBytes) cut() {
	if over := len(b.kept) - maxContent; over > 0 {
		b.kept, b.dropped = append(b.kept[:0], b.kept[over:]...), true
	}
}

func (b *lastBytes) text() string {
	b.cut()
	return strings.ToValidUTF8(string(b.kept), "\uFFFD")
}
