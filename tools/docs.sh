#!/usr/bin/env bash
# Copyright (c) The gantry authors
# SPDX-License-Identifier: MPL-2.0

# Generates docs/ with tfplugindocs, from the schema of the built provider, templates/ and
# examples/. With "check" it fails if that changes anything.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case ${1:-} in
generate | check) ;;
*)
	printf 'usage: tools/docs.sh generate|check\n' >&2
	exit 2
	;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The schema comes from the binary itself, so that nothing has to be downloaded. tfplugindocs
# looks for it under the namespace hashicorp, whatever the provider's own is.
mkdir "$work/schema"
cat >"$work/schema/main.tf" <<'TF'
terraform {
  required_providers {
    gantry = { source = "registry.terraform.io/hashicorp/gantry" }
  }
}

provider "gantry" {}
TF
cat >"$work/cli.tfrc" <<TF
provider_installation {
  dev_overrides {
    "registry.terraform.io/hashicorp/gantry" = "$PWD/bin"
  }
  direct {}
}
TF
terraform=$(tools/terraform.sh)
TF_CLI_CONFIG_FILE=$work/cli.tfrc CHECKPOINT_DISABLE=1 \
	"$terraform" -chdir="$work/schema" providers schema -json >"$work/printed.json"
# Not every Terraform knows actions, but the documentation has them.
go run ./internal/provider/actionschemas <"$work/printed.json" >"$work/schema.json"

mkdir -p docs
cp -r docs "$work/before"
go tool -modfile=tools/go.mod tfplugindocs generate \
	--provider-dir "$PWD" \
	--provider-name terraform-provider-gantry \
	--rendered-provider-name gantry \
	--providers-schema "$work/schema.json"

if [[ $1 == check ]] && ! diff -ru "$work/before" docs; then
	die "docs/ is out of date: run make generate, and commit what it changes"
fi
