// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/cli/cli/config"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// tlsRegistry is a registry on loopback with a certificate of its own CA. Wrap is nil for the registry alone.
func tlsRegistry(t *testing.T, wrap func(http.Handler) http.Handler) (host, ca string) {
	t.Helper()
	store := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	back := httptest.NewServer(store)
	t.Cleanup(back.Close)
	tag, err := name.NewTag(strings.TrimPrefix(back.URL, "http://") + "/app:1")
	if err == nil {
		err = remote.Write(tag, empty.Image)
	}
	if err != nil {
		t.Fatal(err)
	}
	handler := store
	if wrap != nil {
		handler = wrap(store)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	writeFile(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	return strings.TrimPrefix(server.URL, "https://"), ca
}

// dockerConfig has the Docker CLI's configuration in a directory of the test's own.
func dockerConfig(t *testing.T) string {
	t.Helper()
	before, folder := config.Dir(), t.TempDir()
	config.SetDir(folder)
	t.Cleanup(func() { config.SetDir(before) })
	return folder
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(content), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func askWith(t *testing.T, host string, opts Options) (*RegistryImage, error) {
	t.Helper()
	c := newConductor(opts, nil)
	defer c.registries.close()
	return c.RegistryImage(t.Context(), host+"/app:1")
}

// A registry with a certificate of its own CA is trusted by that CA alone, or if it is said to be insecure.
func TestRegistryWithItsOwnCA(t *testing.T) {
	folder := dockerConfig(t)
	host, ca := tlsRegistry(t, nil)
	trusted := func(t RegistryTrust) Options { return Options{Registries: map[string]RegistryTrust{host: t}} }
	_, err := askWith(t, host, Options{})
	f := (*fault.Fault)(nil)
	if !errors.As(err, &f) || f.Kind != fault.RegistryUnreachable || f.Facts.Advice != fault.AdviceTrustCA || f.Facts.Registry != host {
		t.Errorf("without its CA: %v", err)
	}
	for name, opts := range map[string]Options{"by its CA": trusted(RegistryTrust{CAFile: ca}), "insecure": trusted(RegistryTrust{Insecure: true})} {
		if img, err := askWith(t, host, opts); err != nil || !strings.HasPrefix(img.Digest, "sha256:") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := askWith(t, host, Options{Registries: map[string]RegistryTrust{"other.test": {Insecure: true}}}); err == nil {
		t.Error("the trust in another registry is enough")
	}
	for _, registry := range []string{host, engine.AnyRegistry} {
		if _, err := askWith(t, host, Options{Registries: map[string]RegistryTrust{registry: {Unknown: true}}}); err == nil || !strings.Contains(err.Error(), "not known before the apply") {
			t.Errorf("while its settings are not known: %v", err)
		}
	}
	content, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(folder, "certs.d", host, "ca.crt"), string(content))
	if _, err := askWith(t, host, Options{}); err != nil {
		t.Errorf("by the directory of Docker's certificates: %v", err)
	}
	writeFile(t, filepath.Join(folder, "certs.d", host, "bad.crt"), "no certificate")
	if _, err := askWith(t, host, Options{}); err == nil || !strings.Contains(err.Error(), "bad.crt") {
		t.Errorf("with a file that is no certificate: %v", err)
	}
}

// What an insecure registry refers to is not trusted with it: no credential goes to a server of tokens
// that nobody trusts.
func TestTokensOfAnotherServer(t *testing.T) {
	dockerConfig(t)
	tokens := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked for a token, with credentials: %t", r.Header.Get("Authorization") != "")
	}))
	tokens.Config.ErrorLog = log.New(io.Discard, "", 0)
	tokens.StartTLS()
	defer tokens.Close()
	host, _ := tlsRegistry(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+tokens.URL+`/token",service="test"`)
			w.WriteHeader(http.StatusUnauthorized)
		})
	})
	_, err := askWith(t, host, Options{
		Registries: map[string]RegistryTrust{host: {Insecure: true}}, Engine: EngineOptions{Credentials: map[string]engine.Credential{host: {Username: "me", Password: "hunter2"}}},
	})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the answer is %v", err)
	}
}

// Plain HTTP is for this machine, and for what is said to be insecure. Nothing else gets a request: not
// what has a private address, and not what a registry refers to.
func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://registry.test/v2/": true, "http://127.0.0.1:5000/v2/": true, "http://[::1]:5000/v2/": true, "http://localhost/v2/": true,
		"http://registry.test/v2/": false, "http://10.0.0.5:5000/v2/": false, "http://192.168.1.1/v2/": false, "http://registry.local/v2/": false, "http://localhost.test/v2/": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := (RegistryTrust{}).allows(u) == nil; got != want {
			t.Errorf("%s is asked: %t", address, got)
		}
		if (RegistryTrust{Insecure: true}).allows(u) != nil {
			t.Errorf("%s is not asked, though insecure", address)
		}
	}
	answer, err := (&trusting{}).RoundTrip(httptest.NewRequest(http.MethodGet, "http://10.0.0.5:5000/v2/", http.NoBody))
	if !errors.As(err, new(plainError)) {
		t.Errorf("it was sent: %v", err)
	}
	if answer != nil {
		_ = answer.Body.Close()
	}
}

// An anonymous registry is asked without what the Docker CLI has for it, by gantry and by the engine.
func TestAnonymousRegistry(t *testing.T) {
	folder := dockerConfig(t)
	var authorized bool
	host, ca := tlsRegistry(t, func(store http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				authorized = true
			} else if r.URL.Path == "/v2/" {
				w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			store.ServeHTTP(w, r)
		})
	})
	writeFile(t, filepath.Join(folder, "config.json"), `{"auths": {"`+host+`": {"auth": "bWU6aHVudGVyMg=="}}}`)
	trust := map[string]RegistryTrust{host: {CAFile: ca}}
	for name, want := range map[string]bool{"with the CLI's": true, "anonymous": false} {
		authorized = false
		opts := Options{Registries: trust}
		if !want {
			opts.Engine.Credentials = map[string]engine.Credential{host: {Anonymous: true}}
		}
		if _, err := askWith(t, host, opts); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if authorized != want {
			t.Errorf("%s: credentials were sent: %t", name, authorized)
		}
	}
}

func TestTrustCheck(t *testing.T) {
	t.Parallel()
	_, ca := tlsRegistry(t, nil)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	writeFile(t, empty, "")
	for file, want := range map[string]bool{"": true, ca: true, empty: false, filepath.Join(t.TempDir(), "none.pem"): false} {
		if got := (RegistryTrust{CAFile: file}).Check() == nil; got != want {
			t.Errorf("%q can be used: %t", file, got)
		}
	}
}
