// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package sshlink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// identity is what a client shows to one server.
type identity struct {
	signers []ssh.Signer
	agent   net.Conn // nil where there is none
	// offered and missing describe the keys, for messages.
	offered, missing []string
}

func (i *identity) close() {
	if i.agent != nil {
		_ = i.agent.Close()
	}
}

// identity collects the keys in OpenSSH's order: those of the agent that the configuration names, the agent's
// others, and those of files.
func (h *Hop) identity(ctx context.Context) *identity {
	var i identity
	var held []ssh.Signer
	if h.Agent != "" {
		if conn, err := new(net.Dialer).DialContext(ctx, "unix", h.Agent); err != nil {
			i.missing = append(i.missing, fmt.Sprintf("the agent at %s does not answer", h.Agent))
		} else {
			i.agent = conn
			if held, err = agent.NewClient(conn).Signers(); err != nil {
				i.missing = append(i.missing, fmt.Sprintf("the agent at %s does not tell its keys", h.Agent))
			}
		}
	}
	var named, others, files []ssh.Signer
	isNamed := make(map[int]bool)
	for _, key := range h.Keys {
		at := -1
		for n, signer := range held {
			if bytes.Equal(signer.PublicKey().Marshal(), key.Public) {
				at, isNamed[n] = n, true
			}
		}
		var signer ssh.Signer
		switch {
		case at >= 0:
			signer = held[at]
			named = append(named, key.certified(signer)...)
		case key.Private != nil:
			var err error
			if signer, err = ssh.ParsePrivateKey(key.Private); err != nil {
				i.missing = append(i.missing, fmt.Sprintf("%s can't be read", key.From))
				continue
			}
			files = append(files, key.certified(signer)...)
		default:
			i.missing = append(i.missing, fmt.Sprintf("%s is encrypted, and the agent does not have it (ssh-add %s)", key.From, key.From))
			continue
		}
		i.offered = append(i.offered, fmt.Sprintf("%s (%s)", key.From, ssh.FingerprintSHA256(signer.PublicKey())))
	}
	for n, signer := range held {
		if !isNamed[n] && !h.OnlyKeys {
			others = append(others, signer)
			i.offered = append(i.offered, fmt.Sprintf("the agent's %s", ssh.FingerprintSHA256(signer.PublicKey())))
		}
	}
	i.signers = append(append(named, others...), files...)
	return &i
}

// certified returns the signer, with its certificate in front if it has one.
func (k *Key) certified(signer ssh.Signer) []ssh.Signer {
	public, _, _, _, err := ssh.ParseAuthorizedKey(k.Certificate)
	certificate, ok := public.(*ssh.Certificate)
	if err != nil || !ok {
		return []ssh.Signer{signer}
	}
	with, err := ssh.NewCertSigner(certificate, signer)
	if err != nil {
		return []ssh.Signer{signer}
	}
	return []ssh.Signer{with, signer}
}

// refused is a login that no key led to.
func (h *Hop) refused(i *identity) error {
	tried := "no key was there to offer"
	if len(i.offered) > 0 {
		tried = "it accepts none of " + strings.Join(i.offered, ", ")
	}
	if len(i.missing) > 0 {
		tried += "; " + strings.Join(i.missing, "; ")
	}
	return fmt.Errorf("%s refused the login of user %q: %s. Add a key to the user's authorized_keys there, or name another with ssh.key and ssh.user",
		h.address(), h.User, tried)
}

// hostKeys is what a server's key has to be.
type hostKeys struct {
	hop *Hop
	db  *knownhosts.HostKeyDB
	// name is what the server is known as: host:port.
	name string
	// wrong is why the key was refused; the handshake's own error may not have it.
	wrong error
}

// hostKeys reads the known_hosts files that are there.
func (h *Hop) hostKeys() (*hostKeys, error) {
	k := &hostKeys{hop: h, name: h.address()}
	if h.Alias != "" {
		k.name = net.JoinHostPort(h.Alias, "22")
	}
	files := make([]string, 0, len(h.KnownHosts)+1)
	for _, path := range h.KnownHosts {
		if _, err := os.Stat(path); err == nil {
			files = append(files, path)
		}
	}
	if h.Known != "" { // The library reads files alone.
		file, err := os.CreateTemp("", "gantry-known-hosts-*")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.Remove(file.Name()) }()
		_, err = file.WriteString(h.Known)
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
		files = append(files, file.Name())
	}
	db, err := knownhosts.NewDB(files...)
	if err != nil {
		return nil, fmt.Errorf("reading the known host keys: %w", err)
	}
	k.db = db
	return k, nil
}

// check is an ssh.HostKeyCallback. A key that is not known is never trusted.
func (k *hostKeys) check(_ string, remote net.Addr, key ssh.PublicKey) error {
	err := k.db.HostKeyCallback()(k.name, remote, key)
	has := fmt.Sprintf("%s %s", key.Type(), ssh.FingerprintSHA256(key))
	var mismatch *xknownhosts.KeyError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &mismatch):
		k.wrong = fmt.Errorf("the host key of %s, %s, is not trusted: %w", k.name, has, err)
	case len(mismatch.Want) == 0:
		k.wrong = fmt.Errorf("the host key of %s is not known: it has %s. Compare that with the server's own (ssh-keygen -lf /etc/ssh/ssh_host_%s_key.pub there), "+
			"then add it: %s, or set ssh.known_hosts", k.name, has, kindOfKey(key.Type()), k.hop.scan())
	default:
		want := mismatch.Want[0]
		k.wrong = fmt.Errorf("the host key of %s has changed: it has %s, known is %s %s (%s). Somebody else may be answering. If the server was made anew: "+
			"ssh-keygen -R %q, and then %s", k.name, has, want.Key.Type(), ssh.FingerprintSHA256(want.Key), k.hop.knownIn(want),
			xknownhosts.Normalize(k.name), k.hop.scan())
	}
	return k.wrong
}

// knownIn is where a key is known from.
func (h *Hop) knownIn(key xknownhosts.KnownKey) string {
	if h.Known != "" {
		return fmt.Sprintf("ssh.known_hosts, line %d", key.Line)
	}
	return fmt.Sprintf("%s, line %d", key.Filename, key.Line)
}

// scan is the command that learns a host's key.
func (h *Hop) scan() string {
	return fmt.Sprintf("ssh-keyscan -p %s %s >> ~/.ssh/known_hosts", h.Port, h.Host)
}

// kindOfKey is how the files of a server name a type of keys.
func kindOfKey(keyType string) string {
	switch {
	case strings.Contains(keyType, "ed25519"):
		return "ed25519"
	case strings.Contains(keyType, "ecdsa"):
		return "ecdsa"
	default:
		return "rsa"
	}
}
