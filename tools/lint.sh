#!/usr/bin/env bash
# Copyright (c) The gantry authors
# SPDX-License-Identifier: MPL-2.0

# Checks what is not Go: the examples (format, and against the schema of the built provider), and
# the shell scripts.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# An example that names no source means the namespace hashicorp.
cat >"$work/cli.tfrc" <<TF
provider_installation {
  dev_overrides {
    "gantry-provider/gantry" = "$PWD/bin"
    "hashicorp/gantry"       = "$PWD/bin"
  }
  direct {}
}
TF
export TF_CLI_CONFIG_FILE=$work/cli.tfrc CHECKPOINT_DISABLE=1

terraform=$(tools/terraform.sh)
"$terraform" fmt -check -diff -recursive examples
cp -r examples "$work/examples"
cd "$work"
valid=(examples/{provider,quickstart,stack,side-by-side,many,job,import,secrets} examples/modules/* examples/resources/* examples/data-sources/*)
# Actions are for Terraform 1.14 and later, not for OpenTofu.
read -r program version <<<"$("$terraform" version | head -n 1)"
if [[ $program == Terraform && $(printf '%s\n' v1.14.0 "$version" | sort -V | head -n 1) == v1.14.0 ]]; then
	valid+=(examples/maintenance examples/actions/*)
else
	say "$program $version has no actions: their examples are not validated"
fi
for example in "${valid[@]}"; do
	# Modules are linked into the directory of the configuration: that of the copy.
	"$terraform" -chdir="$example" get -no-color >/dev/null
	if ! "$terraform" -chdir="$example" validate -no-color >"$work/validate.log" 2>&1; then
		cat "$work/validate.log" >&2
		die "$example is not valid"
	fi
done
cd - >/dev/null

if ! have shellcheck; then
	can_install || die "shellcheck is missing: install it (https://www.shellcheck.net)"
	apt_install shellcheck
fi
shellcheck -x tools/*.sh .ci/run
