// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine/sshlink"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// over is a connection to the engine through an sshd.
func over(s *enginetest.SSHD) engine.Connection {
	return engine.Connection{Host: s.Host(), SSH: &sshlink.Settings{Key: s.Key, KnownHosts: s.KnownHosts}}
}

// dialled returns a client for a connection, which is closed with the test.
func dialled(t testing.TB, c engine.Connection) engine.API {
	t.Helper()
	where, err := c.Resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	api, err := where.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Close(); err != nil {
			t.Error(err)
		}
	})
	return api
}

// answers fails the test unless the engine does.
func answers(t testing.TB, api engine.API) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), enginetest.Patience)
	defer cancel()
	if _, err := api.Info(ctx); err != nil {
		t.Fatal(err)
	}
}

// manyAtOnce lists containers on many connections at once, with a stream of events beside.
func manyAtOnce(t testing.TB, api engine.API, many int) {
	t.Helper()
	answers(t, api) // It negotiates the version of the API.
	ctx, cancel := context.WithTimeout(t.Context(), enginetest.Patience)
	defer cancel()
	_, ended := api.Events(ctx, events.ListOptions{})
	failed := make(chan error, many)
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			if _, err := api.ContainerList(ctx, containertypes.ListOptions{All: true}); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		t.Error(err)
	case err := <-ended:
		t.Error(err)
	default:
	}
}

// A hundred requests at once go over one connection. Where the server forbids forwarding they go through docker's
// command, within the sessions that it allows.
func TestAccSSHConnections(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		configuration []string
		many, most    int
	}{
		"forwarding":                          {nil, 100, 1},
		"forwarding, one session":             {[]string{"MaxSessions 1"}, 100, 1},
		"sessions":                            {[]string{"AllowStreamLocalForwarding no"}, 20, 8},
		"sessions, few on a connection":       {[]string{"AllowStreamLocalForwarding no", "MaxSessions 2"}, 20, 8},
		"sessions, forwarding disabled whole": {[]string{"DisableForwarding yes"}, 5, 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := enginetest.NewSSHD(t, tt.configuration...)
			api := dialled(t, over(s))
			manyAtOnce(t, api, tt.many)
			if got := s.Connections(); got < 1 || got > tt.most {
				t.Errorf("%d connections, want at most %d", got, tt.most)
			}
		})
	}
}

// What was configured is enough for whoever gets it: an address lives on as JSON.
func TestAccSSHKeys(t *testing.T) {
	t.Parallel()
	s := enginetest.NewSSHD(t)
	stranger := t.TempDir() + "/id"
	enginetest.WriteKey(t, stranger, "")
	encrypted := t.TempDir() + "/encrypted"
	enginetest.WriteKey(t, encrypted, "a passphrase")
	for name, tt := range map[string]struct {
		change func(*sshlink.Settings)
		says   []string
	}{
		"the path of a key":  {func(*sshlink.Settings) {}, nil},
		"the key itself":     {func(c *sshlink.Settings) { c.Key = content(t, s.Key) }, nil},
		"known hosts inline": {func(c *sshlink.Settings) { c.KnownHosts = content(t, s.KnownHosts) }, nil},
		"a refused key":      {func(c *sshlink.Settings) { c.Key = stranger }, []string{"refused the login of user", stranger, "SHA256:", "authorized_keys"}},
		"an encrypted key":   {func(c *sshlink.Settings) { c.Key = encrypted }, []string{encrypted, "is encrypted", "ssh-add"}},
		"an unknown host": {func(c *sshlink.Settings) {
			c.KnownHosts = "other ssh-ed25519 " + strings.Fields(content(t, s.KnownHosts))[2]
		},
			[]string{"is not known", "SHA256:", "ssh-keyscan -p " + s.Port}},
		"a changed host key": {func(c *sshlink.Settings) {
			other := enginetest.WriteKey(t, t.TempDir()+"/other", "")
			c.KnownHosts = fmt.Sprintf("[127.0.0.1]:%s %s", s.Port, authorized(other))
		}, []string{"has changed", "SHA256:", "ssh-keygen -R"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := over(s)
			tt.change(c.SSH)
			fails(t, c, tt.says...)
		})
	}
}
