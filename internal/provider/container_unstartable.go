// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// validateNamespaces refuses what belongs to a name space that the container does not have, so that no start succeeds.
// A container that is to be stopped can have all but a host name, which no engine takes: an import may find it so.
func validateNamespaces(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	var diags diag.Diagnostics
	var sysctls map[string]types.String
	var mode, ipc, uts, runtime, desired types.String
	stopped := known(ctx, config, "desired_state", &desired, &diags) && desired.ValueString() == string(container.DesiredStopped)
	if known(ctx, config, "uts", &uts, &diags) && uts.ValueString() == "host" {
		for _, name := range []string{"hostname", "domainname"} {
			if isSet(config, name) && (name == "hostname" || !stopped) {
				diags.AddAttributeError(path.Root(name), fmt.Sprintf("%s with uts = \"host\"", name),
					fmt.Sprintf("The container has the names of the engine's host. Leave %s out, or uts.", name))
			}
		}
	}
	if stopped || !known(ctx, config, "sysctls", &sysctls, &diags) || !known(ctx, config, "network_mode", &mode, &diags) || !known(ctx, config, "ipc", &ipc, &diags) ||
		!known(ctx, config, "runtime", &runtime, &diags) || runtime.ValueString() != "" {
		return diags // Other runtimes than the usual one may have a kernel for each container.
	}
	for _, name := range slices.Sorted(maps.Keys(sysctls)) {
		if wrong := unstartableSysctl(name, mode.ValueString() == "host" || slices.Contains(keysOf(config, "networks"), "host"), ipc.ValueString() == "host"); wrong != "" {
			diags.AddAttributeError(path.Root("sysctls"), fmt.Sprintf("The kernel parameter %q can't be the container's own", name), wrong)
		}
	}
	return diags
}

// unstartableSysctl returns why no container has such a kernel parameter of its own (runc's validation); empty is that it
// can. It is pure.
func unstartableSysctl(name string, hostNetwork, hostIPC bool) string {
	name = strings.ReplaceAll(name, "/", ".")
	ofIPC := regexp.MustCompile(`^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$`)
	switch {
	case strings.HasPrefix(name, "net."):
		if hostNetwork {
			return "With the network of the engine's host it is the host's: set it there, and leave it out here."
		}
	case ofIPC.MatchString(name):
		if hostIPC {
			return "With ipc = \"host\" it is the host's: set it there, and leave it out here."
		}
	case name == "kernel.domainname":
	case name == "kernel.hostname":
		return "Use hostname."
	default:
		return "It holds for the whole host of the engine: set it there. A container has of its own those of its network (net.*), and those of its messages, semaphores and " +
			"shared memory (kernel.msg*, kernel.sem, kernel.shm*, fs.mqueue.*)."
	}
	return ""
}

// unstartableMount returns why nothing can be mounted at a path; empty is that it can. It is pure.
func unstartableMount(at string, kind container.MountType) string {
	switch {
	case at == "/":
		return "Nothing can be mounted on a container's root. Mount it on a directory."
	case at == "/proc" && (kind == container.MountVolume || kind == container.MountTmpfs):
		return "A container can't start without the kernel's own /proc. Mount it elsewhere."
	}
	return ""
}
