// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package sshlink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// lookEvery is how often is looked whether ssh has its end of the forwarding ready: it tells nobody.
const lookEvery = 20 * time.Millisecond

// useCommand has the system's ssh make the connection: one process, which forwards a socket of this machine.
func (t *Target) useCommand(s Settings) error {
	if runtime.GOOS == "windows" {
		return errors.New("ssh.command is not for Windows, whose ssh can't forward a socket: leave it out")
	}
	if IsKey(s.Key) || IsKnownHosts(s.KnownHosts) {
		return errors.New("with ssh.command, ssh.key and ssh.known_hosts have to be the paths of files: ssh reads nothing else")
	}
	program, err := exec.LookPath(s.Command[0])
	if err != nil {
		return fmt.Errorf("finding ssh.command: %w", err)
	}
	if program, err = filepath.Abs(program); err != nil {
		return err
	}
	t.Command = append([]string{program}, s.Command[1:]...)
	// Nobody is there to answer a question, and a key that is not known is never trusted.
	t.Command = append(t.Command, "-N", "-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ExitOnForwardFailure=yes",
		"-o", "ControlMaster=no", "-o", "ControlPath=none", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=2",
		"-o", fmt.Sprintf("ConnectTimeout=%d", int(openTimeout.Seconds())))
	for _, one := range []struct{ option, prefix, value string }{
		{"-F", "", s.ConfigFile}, {"-l", "", s.User}, {"-p", "", s.Port}, {"-i", "", s.Key}, {"-o", "UserKnownHostsFile=", s.KnownHosts},
	} {
		if one.value == "" {
			continue
		}
		if slices.Contains([]string{"-F", "-i", "-o"}, one.option) {
			if one.value, err = filepath.Abs(one.value); err != nil {
				return err
			}
		}
		t.Command = append(t.Command, one.option, one.prefix+one.value)
	}
	t.Hops = []Hop{{Name: s.Host}}
	t.Agent = os.Getenv("SSH_AUTH_SOCK")
	return nil
}

// program is the system's ssh, which forwards a socket of this machine.
type program struct {
	socket string
	cmd    *exec.Cmd
	words  words
	name   string
	folder string
	ended  chan struct{}
}

// start starts the program, and returns when it is connected.
func (t *Target) start(ctx context.Context) (way, error) {
	folder, err := os.MkdirTemp("", "gantry-ssh-")
	if err != nil {
		return nil, err
	}
	p := &program{socket: filepath.Join(folder, "s"), name: t.Hops[0].Name, folder: folder, ended: make(chan struct{})}
	args := append(slices.Clone(t.Command[1:]), "-L", p.socket+":"+t.Socket, "--", p.name)
	p.cmd = exec.Command(t.Command[0], args...) //nolint:noctx // It outlives the context, which is for connecting.
	p.cmd.Env = os.Environ()
	if t.Agent != "" {
		p.cmd.Env = append(p.cmd.Env, "SSH_AUTH_SOCK="+t.Agent)
	}
	p.cmd.Stderr = &p.words
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting ssh: %w", err), os.RemoveAll(folder))
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if _, err := os.Stat(p.socket); err == nil {
			return p, nil
		}
		select {
		case <-p.ended:
			err = fmt.Errorf("%s to %s failed: %s", filepath.Base(t.Command[0]), p.name, p.said())
		case <-ctx.Done():
			err = fmt.Errorf("%s to %s: %w", filepath.Base(t.Command[0]), p.name, Plain(ctx.Err(), openTimeout))
		case <-look.C:
			continue
		}
		p.close()
		return nil, err
	}
}

// said is what the program said last.
func (p *program) said() string {
	if said := p.words.String(); said != "" {
		// Docker's client takes these words for an engine that is not there, and leaves out all others.
		return strings.ReplaceAll(said, "Connection refused", "it was refused")
	}
	return "it ended without a word"
}

func (p *program) forward(ctx context.Context, _ string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", p.socket)
	if err != nil {
		return nil, fmt.Errorf("ssh to %s has ended: %s", p.name, p.said())
	}
	return conn, nil
}

func (p *program) wait() { <-p.ended }

func (p *program) close() {
	_ = p.cmd.Process.Kill()
	<-p.ended
	_ = os.RemoveAll(p.folder)
}
