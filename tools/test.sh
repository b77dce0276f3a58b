#!/usr/bin/env bash
# Copyright (c) The gantry authors
# SPDX-License-Identifier: MPL-2.0

# Runs go test with what the tests need: a Docker engine, a Terraform, and a C compiler for the
# race detector. The arguments are go test's.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

read -r compiler _ <<<"$(go env CC)"
if [[ " $* " == *' -race '* && $(uname -s) == Linux ]] && ! have "$compiler"; then
	can_install || die "the race detector needs a C compiler: install gcc (on Debian and Ubuntu: sudo apt-get install gcc libc6-dev)"
	apt_install gcc libc6-dev
fi

# The tests of connections over SSH start an sshd of their own; where it is may be missing from the path of a plain su.
if ! PATH=$PATH:/usr/sbin have sshd || ! have ssh; then
	can_install || die "the tests need sshd and ssh (on Debian and Ubuntu: sudo apt-get install openssh-server openssh-client)"
	apt_install openssh-server openssh-client
fi

terraform=$(tools/terraform.sh)
export TF_ACC=1 TF_ACC_TERRAFORM_PATH=$terraform CHECKPOINT_DISABLE=1
PATH=$(dirname "$terraform"):$PATH
if [[ $(basename "$terraform") == tofu ]]; then
	# Where OpenTofu looks for a provider without a source in the configuration.
	export TF_ACC_PROVIDER_HOST=registry.opentofu.org TF_ACC_PROVIDER_NAMESPACE=hashicorp
fi
[[ " $* " != *' -race '* ]] || export CGO_ENABLED=1

# A test with an engine waits more than it works: two for each CPU keep the machine busy. More than eight at once
# could use up the address pools of an engine, which has about thirty networks.
parallel=$((2 * $(getconf _NPROCESSORS_ONLN)))
((parallel <= 8)) || parallel=8

# The state directories of the tests are refused where a group can write them.
umask 022

exec tools/engine.sh run -- go test -count=1 -parallel "$parallel" "$@"
