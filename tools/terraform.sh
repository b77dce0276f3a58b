#!/usr/bin/env bash
# Copyright (c) The gantry authors
# SPDX-License-Identifier: MPL-2.0

# Prints the path of a Terraform or OpenTofu: TF_ACC_TERRAFORM_PATH, else the one on the PATH,
# else a Terraform of its own, installed into bin/.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly version=1.14.0

if [[ -n ${TF_ACC_TERRAFORM_PATH:-} ]]; then
	[[ -x $TF_ACC_TERRAFORM_PATH ]] || die "TF_ACC_TERRAFORM_PATH names $TF_ACC_TERRAFORM_PATH, which is no program"
	echo "$TF_ACC_TERRAFORM_PATH"
elif have terraform; then
	command -v terraform
elif have tofu; then
	command -v tofu
else
	if [[ ! -x bin/terraform ]]; then
		say "no terraform and no tofu on the PATH: installing Terraform $version into bin/"
		mkdir -p bin
		go tool -modfile=tools/go.mod hc-install install -version "$version" -path "$PWD/bin" terraform >&2 ||
			die "Terraform could not be downloaded from releases.hashicorp.com: install Terraform or OpenTofu yourself, so that it is on the PATH"
	fi
	echo "$PWD/bin/terraform"
fi
