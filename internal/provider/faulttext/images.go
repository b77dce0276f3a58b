// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package faulttext

import (
	"fmt"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

const (
	hintOfCredentials = "fix the Docker CLI's configuration or the credential helper that it names (it is looked for in the PATH of Terraform), " +
		"or set registry_auth in the provider's configuration"
	hintOfAccess = "check that the image exists and that the credentials may read it (registry_auth of the provider, or docker login)"
)

func pull(f *fault.Fault) text {
	hint := fmt.Sprintf("check the reference, or set pull_policy = %q if the image is built on the host", "never")
	switch f.Kind {
	case fault.PullDenied:
		hint = hintOfAccess
	case fault.NoCredentials:
		hint = hintOfCredentials
	case fault.RateLimited:
		hint = "wait, then apply again, or use credentials with a higher limit; layers that are complete are kept"
	case fault.RegistryError:
		hint = "try again later, or see the registry's log; layers that are complete are kept"
	case fault.ImageCorrupt:
		hint = "the registry, or a proxy before it, gave other bytes than the image's digest promises: push the image again, or empty the proxy's cache"
	case fault.PullStalled:
		hint = "see whether the registry, or what is between it and the engine's host, still answers; then apply again: layers that are complete are kept"
	case fault.PullFailed, fault.RegistryUnreachable:
		hint = "check that the engine's host reaches the registry; the pull can be repeated, layers that are complete are kept"
	}
	message := f.Facts.Said
	if f.Facts.SoFar != "" {
		message += "; " + f.Facts.SoFar
	}
	message += "; credentials: " + f.Facts.Credentials
	if n := f.Facts.Others; n > 0 {
		message += fmt.Sprintf("; %d %s for this image", n, plural(n, "other waits", "others wait"))
	}
	summary := fmt.Sprintf("Unable to pull image %q for container %q", f.Facts.Image, f.Container)
	if f.Object != "" {
		summary = fmt.Sprintf("Unable to pull image %q on engine %q", f.Facts.Image, f.Engine)
	}
	return text{summary, message, hint}
}

func imageMissing(f *fault.Fault) text {
	return text{fmt.Sprintf("Image %q for container %q is not on engine %q", f.Facts.Image, f.Container, f.Engine), "",
		fmt.Sprintf("bring the image to the engine, or set pull_policy = %q to pull it", "missing")}
}

func registry(f *fault.Fault) text {
	t := text{summary: fmt.Sprintf("Unable to read %s at its registry", f.Subject()), message: f.Facts.Said}
	if f.Facts.Credentials != "" {
		t.message += "; credentials: " + f.Facts.Credentials
	}
	switch f.Kind {
	case fault.Invalid:
		t.hint = "an image reference is [registry/]name[:tag][@digest]"
	case fault.NoCredentials:
		t.hint = hintOfCredentials
	case fault.RateLimited:
		t.message, t.hint = "the registry's rate limit is reached: "+t.message, "wait, or use credentials with a higher limit"
	case fault.PullDenied:
		t.message, t.hint = "no access: "+t.message, hintOfAccess
	case fault.ImageNotFound:
		t.message, t.hint = "no such image: "+t.message, "check the repository and the tag"
	case fault.RegistryError:
		t.message, t.hint = fmt.Sprintf("the registry answered with status %d: %s", f.Facts.Status, t.message), "try again later, or see the registry's log"
	}
	return t
}
