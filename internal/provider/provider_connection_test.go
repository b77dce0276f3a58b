// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"path/filepath"
	"strings"
	"testing"
)

// What contradicts itself in the settings of a connection is refused, at its attribute, whether it is the default
// engine's or an entry's; what is not known yet is not.
func TestConnectionSettings(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "ca.pem")
	for name, tt := range map[string]struct {
		config values
		says   string
	}{
		"plain":                {values{"host": "ssh://deploy@edge1"}, ""},
		"a context":            {values{"context": "edge"}, ""},
		"both":                 {values{"host": "ssh://edge1", "context": "edge"}, "Remove one of the two"},
		"TLS with a socket":    {values{"host": "unix:///run/docker.sock", "tls": values{"insecure": true}}, "tcp:// or https://"},
		"TLS with a context":   {values{"context": "edge", "tls": values{"insecure": true}}, ""},
		"SSH with TCP":         {values{"host": "tcp://edge1:2376", "ssh": values{"user": "deploy"}}, "ssh://"},
		"SSH with SSH":         {values{"host": "ssh://edge1", "ssh": values{"user": "deploy", "port": 2222, "socket": "/run/user/1000/docker.sock"}}, ""},
		"a port":               {values{"host": "ssh://edge1", "ssh": values{"port": 70000}}, "65535"},
		"no key":               {values{"host": "tcp://edge1:2376", "tls": values{"certificate": "a.pem"}}, "set tls.key"},
		"no certificate":       {values{"host": "tcp://edge1:2376", "tls": values{"key": "a.pem"}}, "Set tls.certificate"},
		"no such file":         {values{"host": "tcp://edge1:2376", "tls": values{"ca": missing}}, "ca.pem"},
		"no certificate in it": {values{"host": "tcp://edge1:2376", "tls": values{"ca": "-----BEGIN NOTHING-----"}}, "PEM"},
		"a password":           {values{"host": "ssh://deploy:hunter2@edge1"}, "must be an address"},
		"not known yet":        {values{"host": unknown{}, "tls": values{"ca": unknown{}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCore(t)
			validate := c.validator(t, "provider")
			for _, config := range []values{tt.config, {"engines": values{"edge1": tt.config}}} {
				text := validate(config)
				if tt.says == "" && text != "" || !strings.Contains(text, tt.says) || strings.Contains(text, "hunter2") {
					t.Errorf("%v: %q, want %q", config, text, tt.says)
				}
			}
		})
	}
}
