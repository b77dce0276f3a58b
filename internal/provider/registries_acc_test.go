// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// A registry with a certificate of its own CA is read with that CA, or if it is said to be insecure, and
// else the error says how. A file that has no certificate is an error of the configuration.
func TestAccRegistryTrust(t *testing.T) {
	r := newRig(t)
	server := httptest.NewUnstartedServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	host, ca, folder := strings.TrimPrefix(server.URL, "https://"), filepath.Join(t.TempDir(), "ca.pem"), t.TempDir()
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(host + "/app:1")
	if err == nil {
		err = remote.Write(tag, empty.Image, remote.WithTransport(server.Client().Transport))
	}
	if err != nil {
		t.Fatal(err)
	}
	digest, err := empty.Image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	config := func(settings string) string {
		return r.provider(settings) + fmt.Sprintf("data \"gantry_registry_image\" \"it\" {\n  name = %q\n}\n", host+"/app:1")
	}
	reads := func(settings string) resource.TestStep {
		return resource.TestStep{Config: config(settings), ConfigStateChecks: []statecheck.StateCheck{in("data.gantry_registry_image.it", "digest", text(digest.String()))}}
	}
	fails := func(settings string, says ...string) resource.TestStep {
		return resource.TestStep{Config: config(settings), PlanOnly: true, ExpectError: regexp.MustCompile(`(?s)Error: .*` + anyOrder(says))}
	}
	r.run(
		fails("", "Unable to read image", "unknown authority", fmt.Sprintf("registries[%q].ca_file", host)),
		fails(fmt.Sprintf("registries = { %q = { ca_file = %q } }", host, filepath.Join(folder, "none.pem")), "Unable to use the certificates", "no such file"),
		fails(fmt.Sprintf("registries = { %q = { ca_file = %q, insecure = true } }", host, ca), "both insecure and trusted by a CA"),
		reads(fmt.Sprintf("registries = { %q = { ca_file = %q } }", host, ca)),
		reads(fmt.Sprintf("registries = { %q = { insecure = true } }\nregistry_auth = { %q = { anonymous = true } }", host, host)),
	)
}
