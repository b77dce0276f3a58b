#!/usr/bin/env bash
# Copyright (c) The gantry authors
# SPDX-License-Identifier: MPL-2.0

# Shows the provider at work with the example in examples/quickstart: apply, an empty second
# plan, a change in place, destroy. It needs Go; tools/engine.sh and tools/terraform.sh bring
# the rest. Nothing is left behind, except with KEEP=1: then containers, image and directory stay.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# With an engine at hand the script starts over, as the command of engine.sh.
if [[ ${1:-} != with-engine ]]; then
	exec tools/engine.sh run -- tools/demo.sh with-engine
fi

readonly root=$PWD
# A name of its own, so that demos side by side, or kept ones, do not meet.
name=gantry-demo-$(printf '%04x' "$RANDOM")
readonly name image=$name:1.0
work=''
terraform=''
started=$SECONDS
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
	readonly bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
else
	readonly bold='' dim='' plain=''
fi

step() { printf '\n%s==> %s%s\n' "$bold" "$*" "$plain"; }

note() { printf '    %s\n' "$*"; }

# quietly runs a command and shows what it says only if it fails.
quietly() {
	local status=0
	"$@" >"$work/quiet.log" 2>&1 || status=$?
	[[ $status -eq 0 ]] || cat "$work/quiet.log" >&2
	return "$status"
}

# tf runs Terraform in the example and shows, as they come, the lines that the pattern matches;
# if the exit code is none of those expected, everything is shown.
#	tf PATTERN EXPECTED_CODE ARGUMENT…
tf() {
	local pattern=$1 expected=$2 status=0
	shift 2
	printf '    %s$ %s %s%s\n' "$dim" "$(basename "$terraform")" "$*" "$plain"
	# Ctrl-C is for Terraform; whoever shows its output stays to the end.
	"$terraform" -chdir="$work/example" "$@" -no-color 2>&1 | (
		trap '' INT
		tee "$work/tf.log" | sed -u -n -E "/$pattern/s/^/    /p"
	) || status=${PIPESTATUS[0]}
	if [[ $status -ne $expected ]]; then
		cat "$work/tf.log" >&2
		die "$(basename "$terraform") $1 ended with code $status, expected $expected"
	fi
}

# inspect asks the engine about the web server.
inspect() { docker inspect --type container --format "$1" "$name-web"; }

# identity changes when the web server is replaced, and when it is restarted.
identity() { inspect '{{.Id}}, started {{.State.StartedAt}}'; }

output() { "$terraform" -chdir="$work/example" output -raw "$1"; }

finish() {
	local status=$?
	trap - EXIT
	trap : INT TERM HUP # cleaning up must not be cut short
	set +e
	if [[ $status -ne 0 && -n $work ]]; then
		step "Cleaning up"
	fi
	if [[ -n $work && ${KEEP:-} == 1 && $status -eq 0 ]]; then
		step "Kept, as KEEP=1 asks"
		note "look:   docker ps --all --filter name=$name"
		note "remove: TF_CLI_CONFIG_FILE=$work/cli.tfrc $terraform -chdir=$work/example destroy"
		note "        docker image rm $image && rm -r $work"
	elif [[ -n $work ]]; then
		if [[ -s $work/example/terraform.tfstate ]]; then
			"$terraform" -chdir="$work/example" destroy -auto-approve -no-color >"$work/tf.log" 2>&1 || cat "$work/tf.log" >&2
		fi
		# What a failed apply did not bring into the state; the name is this run's own.
		remove_leftovers
		docker image inspect "$image" >/dev/null 2>&1 && docker image rm --force "$image" >/dev/null
		rm -rf "$work"
	fi
	exit "$status"
}

leftovers() { docker ps --all --quiet --filter "name=^/$name-"; }

remove_leftovers() {
	local ids
	ids=$(leftovers)
	# shellcheck disable=SC2086 # One word an ID.
	[[ -z $ids ]] || docker rm --force --volumes $ids >/dev/null
}

build_image() {
	local platform
	platform=$(docker version --format '{{.Server.Os}} {{.Server.Arch}}')
	mkdir "$work/image"
	CGO_ENABLED=0 GOOS=${platform% *} GOARCH=${platform#* } \
		go build -trimpath -ldflags='-s -w' -o "$work/image/demo" ./examples/quickstart/demo
	tar -C "$work/image" -c demo |
		docker import --change 'ENTRYPOINT ["/demo"]' --change 'EXPOSE 8080' - "$image" >/dev/null
}

prepare_example() {
	mkdir "$work/example"
	cp examples/quickstart/*.tf "$work/example/"
	printf 'name  = "%s"\nimage = "%s"\n' "$name" "$image" >"$work/example/terraform.tfvars"
	cat >"$work/cli.tfrc" <<-CONFIG
		provider_installation {
		  dev_overrides {
		    "gantry-provider/gantry" = "$root/bin"
		  }
		  direct {}
		}
	CONFIG
	export TF_CLI_CONFIG_FILE=$work/cli.tfrc TF_IN_AUTOMATION=1 TF_INPUT=0 CHECKPOINT_DISABLE=1
	unset TF_DATA_DIR TF_WORKSPACE
}

main() {
	trap finish EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	terraform=$(tools/terraform.sh)
	work=$(mktemp -d "${TMPDIR:-/tmp}/gantry-demo.XXXXXX")

	local summary='^(Plan|Apply complete|Destroy complete|No changes)' progress='^gantry_container\.'
	local before after

	step "Build the provider, and a small image with a web server in it"
	quietly make build
	note "bin/terraform-provider-gantry"
	build_image
	note "$image (no registry: compiled here, imported into the engine)"
	prepare_example

	step "Apply: a job that has to succeed, then a web server that has to be healthy"
	tf "$summary|$progress" 0 apply -auto-approve
	before=$(identity)
	note "the job ended with exit code $(output migrate_exit_code), and wrote:"
	docker logs "$name-migrate" 2>&1 | sed 's/^/        /'
	note "the web server answers at $(output url); its health check says: $(docker exec "$name-web" /demo health)"

	step "Plan again: nothing changed, so there is nothing to do"
	tf "$summary" 0 plan -detailed-exitcode

	step "Twice the memory and another restart policy: a change in place"
	printf 'memory  = "128m"\nrestart = "always"\n' >>"$work/example/terraform.tfvars"
	tf "will be|must be|[~].*-> [^(]|$summary" 2 plan -detailed-exitcode -out=change.tfplan
	tf "$progress|$summary" 0 apply change.tfplan
	after=$(identity)
	[[ $before == "$after" ]] || die "the container was replaced or restarted: it was $before, and is $after"
	[[ $(inspect '{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}') == '134217728 always' ]] ||
		die "the engine does not have the new settings"
	note "still the same container, ${after:0:12}, and it was not restarted"

	step "Plan again: there is nothing to do"
	tf "$summary" 0 plan -detailed-exitcode

	if [[ ${KEEP:-} != 1 ]]; then
		step "Destroy"
		tf "$progress|$summary" 0 destroy -auto-approve
		[[ -z $(leftovers) ]] || die "containers are left: $(leftovers | tr '\n' ' ')"
	fi

	step "Done in $((SECONDS - started)) s"
}

main
