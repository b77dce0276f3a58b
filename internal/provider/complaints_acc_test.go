// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/docker/docker/api/types/network"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// What is taken is told with who has it, at the attribute that asks for it.
func TestAccWhoHasIt(t *testing.T) {
	r := newRig(t)
	front, prefix := r.subnet("front")
	holder := r.Name("holder")
	id := r.Run(holder, enginetest.RunOptions{Image: r.Image})
	settings := &network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: prefix + "5"}}
	if err := r.Docker.NetworkConnect(t.Context(), front, id, settings); err != nil {
		t.Fatal(err)
	}
	in := func(options string) string {
		return r.container(fmt.Sprintf("networks = { front = { network = %q, %s } }", front, options))
	}
	refused := func(address string, says ...string) *regexp.Regexp {
		summary := fmt.Sprintf("Unable to connect container %q to network %q on engine %q: it can't have the address %s", r.Name("web"), front, r.HostName(), address)
		return failure{summary: summary, line: "networks", says: says}.regexp()
	}
	own := r.Name("own")
	other := func(name, subnet string) string {
		return r.provider() + fmt.Sprintf("resource \"gantry_network\" \"other\" {\n  name = %q\n  ipam = { config = [{ subnet = %q }] }\n}\n", name, subnet)
	}
	r.run(
		resource.TestStep{Config: in(fmt.Sprintf("ipv4_address = %q", prefix+"5")), ExpectError: refused(prefix+"5", fmt.Sprintf("container %q has it", holder))},
		resource.TestStep{Config: in(fmt.Sprintf("ipv4_address = %q", prefix+"1")), ExpectError: refused(prefix+"1", "perhaps its gateway")},
		resource.TestStep{Config: in(`ipv4_address = "192.0.2.7"`), ExpectError: refused("192.0.2.7", "outside what the network has", prefix+"0/24")},
		resource.TestStep{Config: other(own, prefix+"128/25"), ExpectError: failure{
			summary: fmt.Sprintf("Unable to create network %q", own), line: "ipam", says: []string{fmt.Sprintf("network %q has %s0/24", front, prefix), "choose another subnet"},
		}.regexp()},
		resource.TestStep{Config: other(front, "10.255.77.0/24"), ExpectError: failure{
			summary: fmt.Sprintf("The name of network %q is already in use", front), line: "name", says: []string{fmt.Sprintf("%s/%s", r.HostName(), front)},
		}.regexp()},
	)
}

// A file that can't be where it is to be is named, with the reason.
func TestAccMisplacedFile(t *testing.T) {
	r := newRig(t)
	refused := func(path, says string) resource.TestStep {
		return resource.TestStep{
			Config: r.container(`files = {`, `"/srv/a" = { content = "a" }`, fmt.Sprintf("%q = { content = \"b\" }", path), `}`),
			ExpectError: failure{
				summary: fmt.Sprintf("Unable to create container %q on engine %q", r.Name("web"), r.HostName()), line: "files",
				says: []string{fmt.Sprintf("files[%q]", path), says},
			}.regexp(),
		}
	}
	r.run(refused(enginetest.Program+"/x", "leads through a file"), refused(enginetest.Program+"/x/y", "leads through a file"), refused("/etc", "is a directory"))
}
