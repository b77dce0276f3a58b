#!/usr/bin/env bash
# Copyright (c) The gantry authors
# SPDX-License-Identifier: MPL-2.0

# Runs a command once with each of several Docker engines of other ages: those of Debian's releases.
# Each lives in a folder made with debootstrap, which stays for the next time (GANTRY_ENGINES names
# another place), and in network and mount namespaces of its own, together with the command: so
# engines, networks and ports of this machine are not touched. It needs Debian or Ubuntu, and root.
#
#	tools/engines.sh COMMAND [ARGUMENT…]

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Debian 12 has Docker 20.10 (API 1.41), Debian 13 has 26.1 (API 1.45).
readonly releases=(bookworm trixie)
readonly mirror=http://deb.debian.org/debian
readonly engines=${GANTRY_ENGINES:-/var/cache/gantry/engines}
readonly start_tries=300

# prepare makes the folder of one release, if it is not there yet.
prepare() {
	[[ ! -e $engines/$1/usr/sbin/dockerd ]] || return 0
	have debootstrap || apt_install debootstrap
	say "fetching the engine of Debian $1 into $engines/$1"
	rm -rf "$engines/$1.new"
	mkdir -p "$engines"
	debootstrap --variant=minbase --include=docker.io,iptables,iproute2,ca-certificates "$1" "$engines/$1.new" "$mirror" >"$engines/$1.log" 2>&1 ||
		die "debootstrap failed: see $engines/$1.log"
	rm -rf "${engines:?}/$1"
	mv "$engines/$1.new" "$engines/$1"
}

# inside starts the engine of one release in this process's namespaces, runs the command with it,
# and stops it.
inside() {
	local root=$engines/$1 work daemon status=0
	shift
	work=$(mktemp -d "${TMPDIR:-/tmp}/gantry-engine.XXXXXX")
	mkdir -p "$work/run" "$work/data"
	unshare --mount "${BASH_SOURCE[0]}" daemon "$root" "$work" >"$work/log" 2>&1 &
	daemon=$!
	export DOCKER_HOST=unix://$work/run/docker.sock
	for ((try = 0; try < start_tries; try++)); do
		docker version >/dev/null 2>&1 && break
		sleep 0.1
	done
	if docker version --format 'engine {{.Server.Version}}, API {{.Server.APIVersion}}' >&2; then
		"$@" || status=$?
	else
		tail -n 20 "$work/log" >&2
		status=1
	fi
	kill "$daemon"
	wait "$daemon" || true
	rm -rf "$work"
	return "$status"
}

# daemon becomes the engine. Its root is the folder, by pivot_root: in a mere chroot no command can be
# run in a container.
daemon() {
	local root=$1 work=$2
	mount --make-rprivate /
	mount --bind "$root" "$root"
	# What tests mount into containers has to be where they think it is.
	for folder in /proc /sys /dev "${TMPDIR:-/tmp}"; do
		mkdir -p "$root$folder"
		mount --rbind "$folder" "$root$folder"
	done
	mount --bind "$work/run" "$root/run"
	mkdir -p "$root/run/before"
	cd "$root"
	pivot_root . run/before
	cd /
	umount --recursive --lazy /run/before
	ip link set lo up
	exec dockerd --host "unix://$work/run/docker.sock" --data-root "$work/data" --exec-root "$work/run/exec" --pidfile "$work/run/docker.pid"
}

if [[ ${1:-} == daemon ]]; then
	shift
	daemon "$@"
fi
if [[ ${1:-} == inside ]]; then
	shift
	inside "$@"
	exit
fi

can_install || die "this needs Debian or Ubuntu, and root"
have docker || apt_install docker.io
failed=()
for release in "${releases[@]}"; do
	prepare "$release"
	say "the engine of Debian $release:"
	unshare --net --mount "${BASH_SOURCE[0]}" inside "$release" "$@" || failed+=("$release")
done
[[ ${#failed[@]} -eq 0 ]] || die "failed with the engine of Debian ${failed[*]}"
