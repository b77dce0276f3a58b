#!/usr/bin/env bash
# Copyright (c) The gantry authors
# SPDX-License-Identifier: MPL-2.0

# Checks what is not Go: the format of the examples, and the shell scripts.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

terraform=$(tools/terraform.sh)
TF_CLI_CONFIG_FILE=/dev/null "$terraform" fmt -check -diff -recursive examples

if ! have shellcheck; then
	can_install || die "shellcheck is missing: install it (https://www.shellcheck.net)"
	apt_install shellcheck
fi
shellcheck -x tools/*.sh .ci/run
