// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package enginetest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/client"
)

// Own is an engine of the test's own, which the test may kill and start again. It lives in network
// and mount namespaces of its own, since two daemons in one network namespace take each other's
// bridge; so it reaches no registry of the test's, and the test not its ports. It needs root.
type Own struct {
	*Engine
	folder string
	// keeper holds the namespaces open while the daemon is down.
	keeper, daemon *exec.Cmd
	// output is where the daemon writes its log, and what it starts, which outlives its death.
	output *os.File
	// listens has a message for each time that the daemon began to listen.
	listens chan struct{}

	mu  sync.Mutex
	log strings.Builder
}

// NewOwn starts an engine, which ends with the test.
func NewOwn(tb testing.TB) *Own {
	tb.Helper()
	Acceptance(tb)
	if os.Geteuid() != 0 {
		tb.Fatal("An engine of the test's own needs root: it has namespaces of its own.")
	}
	o := &Own{folder: tb.TempDir(), Engine: &Engine{t: tb}, listens: make(chan struct{}, 1)}
	output, err := o.follow()
	if err != nil {
		tb.Fatal(err)
	}
	o.output = output
	// An old engine has its ID in a file of /etc/docker: it is to have one of its own.
	own := filepath.Join(o.folder, "etc")
	if err := os.Mkdir(own, 0o700); err != nil {
		tb.Fatal(err)
	}
	o.keeper = exec.Command("unshare", "--mount", "--net", "sh", "-c", `mkdir -p /etc/docker && mount --bind "$0" /etc/docker && echo ready && exec sleep infinity`, own)
	ready, err := o.keeper.StdoutPipe()
	if err == nil {
		err = o.keeper.Start()
	}
	if err == nil {
		_, err = bufio.NewReader(ready).ReadString('\n')
	}
	if err != nil {
		tb.Fatalf("Unable to make namespaces for an engine: %v", err)
	}
	tb.Cleanup(func() {
		o.end(o.daemon, os.Interrupt)
		o.end(o.keeper, os.Kill)
		_ = o.output.Close()
		if tb.Failed() {
			tb.Logf("The engine's log:\n%s", o.said())
		}
	})
	o.Start()
	o.Engine = connect(tb, client.WithHost(o.address()))
	return o
}

func (o *Own) address() string { return "unix://" + filepath.Join(o.folder, "docker.sock") }

// Start starts the daemon, and waits until it answers.
func (o *Own) Start() {
	o.t.Helper()
	// A killed daemon leaves them, its own and that of its containerd, which the kernel ends with
	// it. By now they may be others', or of processes that nobody has waited for.
	for _, pid := range []string{"docker.pid", filepath.Join("exec", "containerd", "containerd.pid")} {
		_ = os.Remove(filepath.Join(o.folder, pid))
	}
	o.daemon = exec.Command("nsenter", "--mount", "--net", "--target", strconv.Itoa(o.keeper.Process.Pid), "dockerd",
		"--host", o.address(), "--data-root", filepath.Join(o.folder, "data"), "--exec-root", filepath.Join(o.folder, "exec"),
		"--pidfile", filepath.Join(o.folder, "docker.pid"), "--config-file", "")
	o.daemon.Stderr = o.output
	if err := o.daemon.Start(); err != nil {
		o.t.Fatalf("Unable to start an engine: %v", err)
	}
	select {
	case <-o.listens:
	case <-time.After(Patience):
		o.t.Fatalf("The engine does not listen:\n%s", o.said())
	}
}

// follow returns a pipe whose lines are kept, and watched for the one that says that the daemon listens.
func (o *Own) follow() (*os.File, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	go func() {
		defer reader.Close()
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			o.mu.Lock()
			fmt.Fprintln(&o.log, lines.Text())
			o.mu.Unlock()
			if strings.Contains(lines.Text(), "API listen on") {
				o.listens <- struct{}{}
			}
		}
	}()
	return writer, nil
}

// Kill ends the daemon at once, as the kernel does when it is out of memory.
func (o *Own) Kill() { o.end(o.daemon, os.Kill) }

func (o *Own) end(command *exec.Cmd, signal os.Signal) {
	if command.ProcessState != nil {
		return
	}
	if err := command.Process.Signal(signal); err != nil {
		o.t.Errorf("Unable to end %s: %v", command.Path, err)
	}
	_ = command.Wait() // It was told to end.
}

func (o *Own) said() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.log.String()
}
