// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// SSHD is a real sshd on loopback, which lets the current user in with one key. It has files of its own, and touches
// nobody's ~/.ssh.
type SSHD struct {
	// User and Port are where it listens; Key is the path of the key that it takes.
	User, Port, Key string
	// KnownHosts is the path of a file with its host key.
	KnownHosts string
	// HostKey is its host key.
	HostKey ssh.PublicKey

	t      testing.TB
	folder string
	daemon *exec.Cmd
	mu     sync.Mutex
	log    bytes.Buffer
}

// NewSSHD starts an sshd with further lines of its configuration, which ends with the test.
func NewSSHD(tb testing.TB, configuration ...string) *SSHD {
	tb.Helper()
	Acceptance(tb)
	me, err := user.Current()
	if err != nil {
		tb.Fatal(err)
	}
	s := &SSHD{t: tb, folder: tb.TempDir(), User: me.Username, Port: freePort(tb)}
	s.Key = filepath.Join(s.folder, "id")
	own := WriteKey(tb, s.Key, "")
	s.HostKey = WriteKey(tb, filepath.Join(s.folder, "host"), "")
	s.write("authorized_keys", string(ssh.MarshalAuthorizedKey(own)))
	s.KnownHosts = s.write("known_hosts", knownhosts.Line([]string{knownhosts.Normalize(s.Address())}, s.HostKey)+"\n")
	s.write("sshd_config", strings.Join(append(configuration,
		"Port "+s.Port, "ListenAddress 127.0.0.1", "HostKey "+filepath.Join(s.folder, "host"), "PidFile none",
		"AuthorizedKeysFile "+filepath.Join(s.folder, "authorized_keys"), "StrictModes no", "UsePAM no", "PasswordAuthentication no",
		"KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password", "LogLevel VERBOSE", "MaxStartups 100:30:200",
	), "\n")+"\n")
	tb.Cleanup(func() {
		s.Stop()
		if tb.Failed() {
			tb.Logf("The log of sshd:\n%s", s.Log())
		}
	})
	s.Start()
	return s
}

// Start starts it, and waits until it listens.
func (s *SSHD) Start() {
	s.t.Helper()
	path, err := exec.LookPath("sshd")
	if err != nil {
		path = "/usr/sbin/sshd" // It may be missing from the path of a plain su.
	}
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
	s.daemon = exec.Command(path, "-D", "-e", "-f", filepath.Join(s.folder, "sshd_config"))
	output, err := s.daemon.StderrPipe()
	if err == nil {
		err = s.daemon.Start()
	}
	if err != nil {
		s.t.Fatalf("Unable to start sshd (Debian's package openssh-server): %v", err)
	}
	listens := make(chan struct{})
	go func() {
		var once sync.Once
		buffer := make([]byte, 4096)
		for {
			n, err := output.Read(buffer)
			s.mu.Lock()
			s.log.Write(buffer[:n])
			s.mu.Unlock()
			if strings.Contains(string(buffer[:n]), "Server listening") {
				once.Do(func() { close(listens) })
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case <-listens:
	case <-time.After(Patience):
		s.t.Fatalf("sshd does not listen:\n%s", s.Log())
	}
}

// Stop ends it, with all connections.
func (s *SSHD) Stop() {
	if s.daemon == nil {
		return
	}
	// The connections are processes of their own: those that it started.
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.daemon.Process.Pid, s.daemon.Process.Pid))
	_ = s.daemon.Process.Kill()
	_ = s.daemon.Wait()
	for child := range strings.FieldsSeq(string(children)) {
		_ = exec.Command("kill", "-9", child).Run() // It may have ended by itself.
	}
	s.daemon = nil
}

// Log is what it has said.
func (s *SSHD) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// Connections is how many it has accepted.
func (s *SSHD) Connections() int { return strings.Count(s.Log(), "Connection from ") }

// Address is host:port.
func (s *SSHD) Address() string { return net.JoinHostPort("127.0.0.1", s.Port) }

// Host is its address for a provider's host.
func (s *SSHD) Host() string { return "ssh://" + s.User + "@" + s.Address() }

func (s *SSHD) write(name, content string) string {
	s.t.Helper()
	path := filepath.Join(s.folder, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// WriteKey makes a private key, encrypted if there is a passphrase, and returns the public one.
func WriteKey(tb testing.TB, path, passphrase string) ssh.PublicKey {
	tb.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(private, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err == nil {
		err = os.WriteFile(path, pem.EncodeToMemory(block), 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func freePort(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	return port
}
