// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/docker/docker/api/types/registry"
)

// The configured credentials come first, then the registry's own helper, then the helper for all, then
// what the file itself holds. A helper that can't answer is named. (The Docker CLI's library keeps the
// directory for the whole process: no test beside this one may use it.)
func TestCredentialsFor(t *testing.T) {
	folder, before := t.TempDir(), config.Dir()
	config.SetDir(folder)
	t.Cleanup(func() { config.SetDir(before) })
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	answers := func(username, secret string) string {
		return fmt.Sprintf("#!/bin/sh\necho '{\"ServerURL\":\"x\",\"Username\":%q,\"Secret\":%q}'\n", username, secret)
	}
	write("docker-credential-own", answers("robot", "own-secret"))
	write("docker-credential-all", answers("<token>", "all-token"))
	write("docker-credential-none", "#!/bin/sh\necho 'credentials not found in native keychain'\nexit 1\n")
	write("docker-credential-sealed", "#!/bin/sh\necho 'the vault is sealed'\nexit 1\n")
	for name, test := range map[string]struct {
		file       string
		configured map[string]Credential
		want       registry.AuthConfig
		source     string
		fails      []string
	}{
		"nothing": {file: `{}`},
		"the file": {
			file:   `{"auths": {"registry.test": {"auth": "cm9ib3Q6ZmlsZS1zZWNyZXQ="}}}`,
			want:   registry.AuthConfig{Username: "robot", Password: "file-secret", ServerAddress: "registry.test"},
			source: "the Docker CLI's configuration",
		},
		"the registry's own helper": {
			file:   `{"credHelpers": {"registry.test": "own"}, "credsStore": "sealed"}`,
			want:   registry.AuthConfig{Username: "robot", Password: "own-secret", ServerAddress: "registry.test"},
			source: `credential helper "docker-credential-own" of the Docker CLI's configuration`,
		},
		"an identity token of the helper for all": {
			file:   `{"credHelpers": {"other.test": "own"}, "credsStore": "all"}`,
			want:   registry.AuthConfig{IdentityToken: "all-token", ServerAddress: "registry.test"},
			source: `credential helper "docker-credential-all" of the Docker CLI's configuration`,
		},
		"a helper that has none": {file: `{"credsStore": "none"}`},
		"configured, and no helper is asked": {
			file:       `{"credsStore": "sealed"}`,
			configured: map[string]Credential{"registry.test": {Username: "me", Password: "mine"}},
			want:       registry.AuthConfig{Username: "me", Password: "mine", ServerAddress: "registry.test"},
			source:     `registry_auth["registry.test"]`,
		},
		"a helper that fails":        {file: `{"credsStore": "sealed"}`, fails: []string{"docker-credential-sealed", "registry.test", "the vault is sealed"}},
		"a helper that is not there": {file: `{"credHelpers": {"registry.test": "gone"}}`, fails: []string{"docker-credential-gone", "not found"}},
		"a file that is none":        {file: `{`, fails: []string{folder}},
	} {
		t.Run(name, func(t *testing.T) {
			write("config.json", test.file)
			image, err := reference.ParseNormalizedNamed("registry.test/acme/app:1")
			if err != nil {
				t.Fatal(err)
			}
			got, source, err := CredentialsFor(image, test.configured)
			for _, want := range test.fails {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %v, want %q in it", err, want)
				}
			}
			if len(test.fails) == 0 && (err != nil || got != test.want || source != test.source) {
				t.Errorf("got %+v from %q, %v; want %+v from %q", got, source, err, test.want, test.source)
			}
		})
	}
}
