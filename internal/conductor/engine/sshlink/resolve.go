// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package sshlink

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kevinburke/ssh_config"
	"golang.org/x/crypto/ssh"
)

// mostHops bounds the jump hosts, so that ones that lead to each other are an error.
const mostHops = 8

// Resolve reads OpenSSH's configuration and the keys. With ssh on this machine it is asked (ssh -G), since no library
// knows all of the configuration's language; without it a library reads the files.
func Resolve(ctx context.Context, s Settings) (Target, error) {
	t := Target{Socket: cmp.Or(s.Socket, DefaultSocket)}
	if strings.HasPrefix(s.Host, "-") || strings.HasPrefix(s.User, "-") {
		return t, fmt.Errorf("%q is no SSH host", s.Host) // It would be an option of ssh's.
	}
	if len(s.Command) > 0 {
		err := t.useCommand(s)
		return t, err
	}
	hops, err := s.hops(ctx, mostHops)
	if err != nil {
		return t, err
	}
	last := &hops[len(hops)-1]
	if s.Key != "" {
		key, err := configuredKey(s.Key)
		if err != nil {
			return t, err
		}
		last.Keys, last.OnlyKeys = []Key{key}, true
	}
	for i := range hops { // What a jump host is known by may be there, too.
		if err := hops[i].trust(s.KnownHosts); err != nil {
			return t, err
		}
	}
	t.Hops = hops
	return t, nil
}

// hops are the servers on the way to a host, as OpenSSH's configuration has it.
func (s Settings) hops(ctx context.Context, most int) ([]Hop, error) {
	if most == 0 {
		return nil, fmt.Errorf("more than %d jump hosts lead to it: they may lead to each other", mostHops)
	}
	options, err := s.options(ctx)
	if err != nil {
		return nil, err
	}
	if command := options.first("proxycommand"); command != "" && command != "none" {
		return nil, fmt.Errorf("OpenSSH's configuration has a ProxyCommand for %q, which only ssh itself can use: set ssh.command to [\"ssh\"]", s.Host)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, err
	}
	name := s.Host
	if s.User != "" {
		name = s.User + "@" + name
	}
	hop := Hop{
		Name: name, Host: options.first("hostname"), Port: options.first("port"), User: options.first("user"),
		Alias: options.first("hostkeyalias"), OnlyKeys: options.first("identitiesonly") == "yes",
	}
	hop.Agent = os.Getenv("SSH_AUTH_SOCK")
	if agent := options.first("identityagent"); agent != "" && agent != "SSH_AUTH_SOCK" {
		hop.Agent = ""
		if agent != "none" {
			hop.Agent = hop.expand(os.ExpandEnv(agent), home)
		}
	}
	for _, file := range options["identityfile"] {
		if key, ok := foundKey(hop.expand(file, home)); ok {
			hop.Keys = append(hop.Keys, key)
		}
	}
	for _, certificate := range options["certificatefile"] {
		path := hop.expand(certificate, home)
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate of OpenSSH's configuration: %w", err)
		}
		hop.certify(content)
	}
	for _, name := range []string{"userknownhostsfile", "globalknownhostsfile"} {
		for _, file := range strings.Fields(strings.Join(options[name], " ")) {
			hop.KnownHosts = append(hop.KnownHosts, hop.expand(file, home))
		}
	}
	var way []Hop
	if jump := options.first("proxyjump"); jump != "" && jump != "none" {
		for one := range strings.SplitSeq(jump, ",") {
			through, err := jumpSettings(one, s)
			if err != nil {
				return nil, err
			}
			hops, err := through.hops(ctx, most-1)
			if err != nil {
				return nil, err
			}
			way = append(way, hops...)
		}
	}
	return append(way, hop), nil
}

// jumpSettings are those of one host of a ProxyJump: [user@]host[:port], or an ssh:// address.
func jumpSettings(one string, of Settings) (Settings, error) {
	one = strings.TrimPrefix(strings.TrimSpace(one), "ssh://")
	s := Settings{ConfigFile: of.ConfigFile}
	if i := strings.LastIndex(one, "@"); i >= 0 {
		s.User, one = one[:i], one[i+1:]
	}
	parts := jumpHost.FindStringSubmatch(one)
	if parts == nil {
		return s, fmt.Errorf("%q in OpenSSH's ProxyJump is no host", one)
	}
	s.Host, s.Port = cmp.Or(parts[1], parts[2]), parts[3]
	return s, nil
}

var jumpHost = regexp.MustCompile(`^(?:\[([^\]]+)\]|([^:\[\]-][^:\[\]]*))(?::(\d+))?$`)

// options are OpenSSH's for a host, by their names in lower case.
type options map[string][]string

func (o options) first(name string) string {
	if len(o[name]) == 0 {
		return ""
	}
	return o[name][0]
}

// options asks ssh what it would do, or reads the files.
func (s Settings) options(ctx context.Context) (options, error) {
	program, err := exec.LookPath("ssh")
	if err != nil {
		return s.optionsOfFiles()
	}
	args := []string{"-G"}
	for _, one := range []struct{ option, value string }{{"-F", s.ConfigFile}, {"-l", s.User}, {"-p", s.Port}} {
		if one.value != "" {
			args = append(args, one.option, one.value)
		}
	}
	var said, wrong bytes.Buffer
	asking := exec.CommandContext(ctx, program, append(args, "--", s.Host)...)
	asking.Stdout, asking.Stderr = &said, &wrong
	if err := asking.Run(); err != nil {
		return nil, fmt.Errorf("asking ssh for its configuration of %q (ssh -G): %w: %s", s.Host, err, strings.TrimSpace(wrong.String()))
	}
	return parseOptions(said.String()), nil
}

// parseOptions reads what ssh -G writes: an option a line.
func parseOptions(said string) options {
	o := make(options)
	for lines := bufio.NewScanner(strings.NewReader(said)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		o[strings.ToLower(name)] = append(o[strings.ToLower(name)], value)
	}
	return o
}

// optionsOfFiles reads OpenSSH's configuration without OpenSSH. What the library does not understand is an error:
// half a configuration may lead to another host.
func (s Settings) optionsOfFiles() (options, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, err
	}
	files := []string{s.ConfigFile}
	if s.ConfigFile == "" {
		files = []string{filepath.Join(home, ".ssh", "config"), "/etc/ssh/ssh_config"}
	}
	o := make(options)
	for _, path := range files {
		file, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) && s.ConfigFile == "" {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading OpenSSH's configuration: %w", err)
		}
		config, err := ssh_config.Decode(file)
		_ = file.Close()
		if err != nil {
			return nil, fmt.Errorf("reading OpenSSH's configuration %s (with ssh installed, ssh itself would read it): %w", path, err)
		}
		for _, name := range []string{
			"HostName", "Port", "User", "HostKeyAlias", "IdentitiesOnly", "IdentityAgent", "IdentityFile", "CertificateFile",
			"UserKnownHostsFile", "GlobalKnownHostsFile", "ProxyJump", "ProxyCommand",
		} {
			values, err := config.GetAll(s.Host, name)
			if err != nil {
				return nil, fmt.Errorf("reading OpenSSH's configuration %s: %w", path, err)
			}
			lower := strings.ToLower(name)
			if len(o[lower]) == 0 || lower == "identityfile" || lower == "certificatefile" {
				o[lower] = append(o[lower], values...)
			}
		}
	}
	return o, s.defaults(o, home)
}

// defaults completes what files say as OpenSSH does.
func (s Settings) defaults(o options, home string) error {
	set := func(name string, values ...string) {
		if len(o[name]) == 0 {
			o[name] = values
		}
	}
	if s.User != "" {
		o["user"] = []string{s.User}
	}
	if s.Port != "" {
		o["port"] = []string{s.Port}
	}
	if len(o["user"]) == 0 {
		me, err := user.Current()
		if err != nil {
			return err
		}
		set("user", me.Username)
	}
	set("hostname", s.Host)
	o["hostname"] = []string{strings.ReplaceAll(o.first("hostname"), "%h", s.Host)}
	set("port", "22")
	in := func(names ...string) []string {
		for i := range names {
			names[i] = filepath.Join(home, ".ssh", names[i])
		}
		return names
	}
	set("identityfile", in("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")...)
	set("userknownhostsfile", in("known_hosts", "known_hosts2")...)
	set("globalknownhostsfile", "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
	return nil
}

// expand returns a path of OpenSSH's configuration as it is meant.
func (h *Hop) expand(path, home string) string {
	local, _ := os.Hostname()
	me := ""
	if current, err := user.Current(); err == nil {
		me = current.Username
	}
	path = strings.NewReplacer("%%", "%", "%d", home, "%h", h.Host, "%r", h.User, "%p", h.Port, "%u", me, "%l", local).Replace(path)
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(home, rest)
	}
	return path
}

// trust adds the host keys of a setting, in front of OpenSSH's files.
func (h *Hop) trust(knownHosts string) error {
	switch {
	case knownHosts == "":
	case IsKnownHosts(knownHosts):
		h.Known, h.KnownHosts = knownHosts, nil
	default:
		path, err := filepath.Abs(knownHosts)
		if err == nil {
			_, err = os.Stat(path)
		}
		if err != nil {
			return fmt.Errorf("reading ssh.known_hosts: %w", err)
		}
		h.KnownHosts = []string{path}
	}
	return nil
}

// IsKnownHosts reports whether the value of a setting is lines of a known_hosts file, and not a path.
func IsKnownHosts(value string) bool {
	return strings.Contains(value, "\n") || slices.ContainsFunc([]string{" ssh-", " ecdsa-", " sk-"}, func(key string) bool { return strings.Contains(value, key) })
}

// IsKey reports whether the value of a setting is a private key, and not a path.
func IsKey(value string) bool { return strings.Contains(value, "-----BEGIN ") }

// configuredKey is the key of a setting. One that is encrypted the agent has to have.
func configuredKey(value string) (Key, error) {
	if IsKey(value) {
		key, err := parseKey("ssh.key", []byte(strings.TrimSpace(value)+"\n"))
		if err == nil && key.Private == nil && key.Public == nil {
			err = errors.New("ssh.key is encrypted: add it to the agent and give the path of its file, or decrypt it")
		}
		return key, err
	}
	path, err := filepath.Abs(value)
	if err != nil {
		return Key{}, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("reading ssh.key: %w", err)
	}
	key, err := parseKey(path, content)
	if err != nil {
		return key, err
	}
	key.beside(path)
	return key, nil
}

// foundKey is a key of OpenSSH's configuration: one that is not there, or that only the agent can use, is no error.
func foundKey(path string) (Key, bool) {
	content, err := os.ReadFile(path)
	key := Key{From: path}
	if err == nil {
		if parsed, err := parseKey(path, content); err == nil {
			key = parsed
		}
	}
	key.beside(path)
	return key, key.Private != nil || key.Public != nil
}

// parseKey reads a private key. Of an encrypted one only the public half is had, if that.
func parseKey(from string, content []byte) (Key, error) {
	key := Key{From: from}
	signer, err := ssh.ParsePrivateKey(content)
	var encrypted *ssh.PassphraseMissingError
	switch {
	case err == nil:
		key.Private, key.Public = content, signer.PublicKey().Marshal()
	case errors.As(err, &encrypted):
		if encrypted.PublicKey != nil {
			key.Public = encrypted.PublicKey.Marshal()
		}
	default:
		return key, fmt.Errorf("%s is no private key that can be read (public keys and PuTTY's format are not)", from)
	}
	return key, nil
}

// beside reads what is kept beside a private key: the public one, and a certificate.
func (k *Key) beside(path string) {
	if content, err := os.ReadFile(path + ".pub"); err == nil && k.Public == nil {
		if public, _, _, _, err := ssh.ParseAuthorizedKey(content); err == nil {
			k.Public = public.Marshal()
		}
	}
	if content, err := os.ReadFile(path + "-cert.pub"); err == nil {
		k.Certificate = content
	}
}

// certify gives a certificate to the key that it is for.
func (h *Hop) certify(content []byte) {
	public, _, _, _, err := ssh.ParseAuthorizedKey(content)
	certificate, ok := public.(*ssh.Certificate)
	if err != nil || !ok {
		return
	}
	for i := range h.Keys {
		if bytes.Equal(h.Keys[i].Public, certificate.Key.Marshal()) {
			h.Keys[i].Certificate = content
		}
	}
}
