// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import "testing"

func TestSpecsMask(t *testing.T) {
	spec := Spec{
		Settings: Settings{
			Environment: map[string]string{"DB_PASSWORD": "tell-nobody", "MODE": "production", "PORT": "18765", "HIDDEN": "quiet"},
			Labels:      map[string]string{"traefik.auth.users-secret": "labelled-one"},
			Command:     []string{"serve", "--api-token", "argued-one", "--port", "8080", "password=argued-two"},
			Healthcheck: &Healthcheck{Test: []string{"CMD", "probe", "--password=checked-one"}},
			Process:     Process{Logging: &Logging{Driver: "splunk", Options: map[string]string{"splunk-token": "logged-one", "splunk-url": "https://example.com"}}},
		},
		WriteOnly: []string{"HIDDEN"},
		Files: map[string]File{
			"/etc/app.conf":     {Content: []byte("listen = 8080\npassword = filed-one\n"), Mode: 0o644},
			"/etc/app.key":      {Content: []byte("filed-two"), Mode: 0o600},
			"/run/secrets/hush": {Content: []byte("filed-three"), Mode: 0o644, WriteOnly: true},
		},
	}
	mask := spec.Mask()
	for _, secret := range []string{
		"tell-nobody", "quiet", "labelled-one", "argued-one", "argued-two", "checked-one", "logged-one", "filed-one", "filed-two", "filed-three",
	} {
		if got := mask.Text("it said " + secret + "!"); got != "it said (masked)!" {
			t.Errorf("%s: %q", secret, got)
		}
	}
	for _, plain := range []string{"error in production on port 8080 or 18765", "https://example.com", "listen = 8080", "serve"} {
		if got := mask.Text(plain); got != plain {
			t.Errorf("%q became %q", plain, got)
		}
	}
}
