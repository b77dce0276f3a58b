// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/pull"
)

func TestTakenPort(t *testing.T) {
	for text, want := range map[string]string{
		"driver failed programming external connectivity on endpoint a (28): Bind for 0.0.0.0:18080 failed: port is already allocated":                                                                    "18080/tcp",
		"driver failed programming external connectivity on endpoint a (28): Bind for :::18080 failed: port is already allocated":                                                                         "18080/tcp",
		"driver failed programming external connectivity on endpoint a (eb): Error starting userland proxy: listen tcp4 127.0.0.1:18081: bind: address already in use":                                    "18081/tcp",
		"Error starting userland proxy: listen udp4 0.0.0.0:53: bind: address already in use":                                                                                                             "53/udp",
		"failed to set up container networking: driver failed programming external connectivity on endpoint a (1): failed to bind host port for 127.0.0.1:8080:172.17.0.2:80/tcp: address already in use": "8080/tcp",
		"failed to bind host port 0.0.0.0:8080/tcp: address already in use":                                                                                                                               "8080/tcp",
		"port is already allocated": "(the engine does not say which)",
		"no space left on device":   "",
	} {
		if got, _ := TakenPort(errors.New(text)); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestEngineWordsLeadToTheAttribute(t *testing.T) {
	scope := fault.Scope{Engine: "edge1", Container: "web", Now: time.Now}
	for text, want := range map[string]string{
		"network front not found": "no_such_network networks.front",
		"unable to find user nobody: no matching entries in passwd file":                 "invalid user",
		"Minimum memory limit allowed is 6MB":                                            "invalid memory",
		"Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available":         "invalid cpus",
		"invalid mount config for type \"bind\": bind source path does not exist: /nope": "invalid mounts",
		"Invalid signal: SIGFOO": "invalid stop_signal",
		"OCI runtime create failed: unable to start container process: exec: \"/nope\": stat /nope: no such file or directory": "command_not_found command",
		"unable to start container process: chdir to cwd (\"/x\") set in config.json failed: permission denied":                "command_not_found working_dir",
		"Unable to find group nope: no matching entries in group file":                                                         "invalid group_add",
		"error gathering device information while adding custom device \"/dev/nope\": no such file or directory":               "invalid devices",
		"Unknown runtime specified nope":                                                                        "invalid runtime",
		"error looking up logging plugin nope: plugin \"nope\" not found":                                       "invalid logging",
		"unknown log opt 'nope' for json-file log driver":                                                       "invalid logging",
		"invalid CapAdd: unknown capability: \"CAP_NOPE\"":                                                      "invalid cap_add",
		"could not select device driver \"\" with capabilities: [[gpu]]":                                        "invalid device_requests",
		"Requested CPUs are not available - requested 7, available: 0-1":                                        "invalid cpuset",
		"Minimum memory limit can not be less than memory reservation limit, see usage":                         "invalid memory_reservation",
		"OCI runtime create failed: runc create failed: wrong rlimit value: RLIMIT_NOPE: unknown":               "invalid ulimits",
		"unable to start container process: error during container init: open /proc/sys/net/nope: no such file": "invalid sysctls",
		"runc create failed: unable to start container process: unable to apply caps: operation not permitted":  "invalid privileged",
		"--storage-opt is supported only for overlay over xfs with 'pquota' mount option":                       "invalid storage_opt",
		"something else": "engine_error ",
	} {
		f := ExplainAs(scope, container.Spec{}, fault.StepStarting, "start", fault.CreatedNotStarted, "front", errors.New(text))
		if got := string(f.Kind) + " " + strings.Join(f.Field, "."); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// Engines pass on a registry's answer as it is, where it did not say that it is JSON.
func TestReadable(t *testing.T) {
	raw := errors.New(`unknown: {"errors":[{"code":"NAME_UNKNOWN","message":"Unknown name"},{"code":"DENIED","message":"no"}]}`)
	if got := readable(raw); got.Error() != "name unknown: Unknown name; denied: no" || !errors.Is(got, raw) || PullKind(got) != fault.ImageNotFound {
		t.Errorf("%v is %s", got, PullKind(got))
	}
	for _, text := range []string{"manifest unknown", `{"errors":`, `{"errors":[]}`} {
		if got := readable(errors.New(text)); got.Error() != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestPullKind(t *testing.T) {
	for text, want := range map[string]struct {
		kind   fault.Kind
		repeat bool
	}{
		"manifest for 127.0.0.1:5000/app:1 not found: manifest unknown: manifest unknown":                       {fault.ImageNotFound, false},
		"pull access denied for acme/app, repository does not exist or may require 'docker login'":              {fault.PullDenied, false},
		"Head \"https://ghcr.io/v2/acme/app/manifests/1\": unauthorized: authentication required":               {fault.PullDenied, false},
		"no matching manifest for linux/arm64 in the manifest list entries":                                     {fault.ImageNotFound, false},
		"Get \"https://registry.invalid/v2/\": dial tcp: lookup registry.invalid on 127.0.0.1:53: no such host": {fault.RegistryUnreachable, false},
		"Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused":                     {fault.RegistryUnreachable, false},
		"Get \"https://10.0.0.9/v2/\": dial tcp 10.0.0.9:443: i/o timeout":                                      {fault.RegistryUnreachable, true},
		"received unexpected HTTP status: 503 Service Unavailable":                                              {fault.RegistryError, true},
		"unexpected status from HEAD request to http://127.0.0.1/v2/app/manifests/1: 500 Internal Server Error": {fault.RegistryError, true},
		"toomanyrequests: You have reached your pull rate limit.":                                               {fault.RateLimited, true},
		"unexpected status from GET request to http://127.0.0.1/v2/app/manifests/1: 429 Too Many Requests":      {fault.RateLimited, true},
		"error parsing HTTP 429 response body: invalid character 'T' looking for beginning of value: \"Too\"":   {fault.RateLimited, true},
		"error parsing HTTP 403 response body: unexpected end of JSON input: \"\"":                              {fault.PullDenied, false},
		"filesystem layer verification failed for digest sha256:0123":                                           {fault.ImageCorrupt, true},
		"unexpected EOF": {fault.PullFailed, true},
		"write /var/lib/docker/tmp/GetImageBlob1: no space left on device": {fault.PullFailed, false},
	} {
		if got, repeat := PullKind(errors.New(text)), transientPull(errors.New(text)); got != want.kind || repeat != want.repeat {
			t.Errorf("%s: got %s, repeated %t, want %v", text, got, repeat, want)
		}
	}
	if got := PullKind(fmt.Errorf("%w (5m)", pull.ErrStalled)); got != fault.PullStalled {
		t.Errorf("a stall is %s", got)
	}
}

func TestHelperSaid(t *testing.T) {
	const head = "error getting credentials - err: exit status 1, out: "
	for text, want := range map[string]string{
		head + "`the vault is sealed`":                             head + "`the vault is sealed`",
		head + "`{\"Username\":\"a\",\"Secret\":\"open sesame\"}`": head + "(withheld: it may hold a credential)",
	} {
		if got := helperSaid(errors.New(text)); got != want {
			t.Errorf("%s: got %s", text, got)
		}
	}
}
