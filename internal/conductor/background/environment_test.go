// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build !windows

package background

import (
	"slices"
	"testing"
)

func TestEnvironment(t *testing.T) {
	t.Parallel()
	got := environmentOf([]string{
		"PATH=/bin:tools", "HOME=/ci/job:12", "DOCKER_CONFIG=conf:1", "DOCKER_CERT_PATH=../certs", "DOCKER_API_VERSION=1.41",
		"SSL_CERT_FILE=ca.pem", "SSL_CERT_DIR=/etc/ssl:own:", "SSH_AUTH_SOCK=agent/sock", "SSH_CONNECTION=1 2", "https_proxy=http://proxy:3128",
		"NO_PROXY=local", "TMPDIR=", "XDG_STATE_HOME=/state", "TZ=UTC", "TF_LOG=trace", "PLUGIN_MIN_PORT=1", "HELPER_SECRET=x", "AWS_PROFILE=y",
	}, "/work/module")
	want := []string{
		"PATH=/bin:tools", "HOME=/ci/job:12", "DOCKER_CONFIG=/work/module/conf:1", "DOCKER_CERT_PATH=/work/certs", "DOCKER_API_VERSION=1.41",
		"SSL_CERT_FILE=/work/module/ca.pem", "SSL_CERT_DIR=/etc/ssl:/work/module/own:", "SSH_AUTH_SOCK=/work/module/agent/sock", "SSH_CONNECTION=1 2",
		"https_proxy=http://proxy:3128", "NO_PROXY=local", "TMPDIR=", "XDG_STATE_HOME=/state", "TZ=UTC",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
