#!/usr/bin/env bash
# Copyright (c) The gantry authors
# SPDX-License-Identifier: MPL-2.0

# Runs a command once with each of several Docker engines of other ages: those of Debian's releases.
# Each lives in a directory made with debootstrap, which stays for the next time (GANTRY_ENGINES names
# another place), and in network and mount namespaces of its own, together with the command: so
# engines, networks and ports of this machine are not touched. It needs Debian or Ubuntu, and root.
# The packages come from where the machine's own apt has Debian's (GANTRY_MIRROR names another place).
#
#	tools/engines.sh COMMAND [ARGUMENT…]

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Debian 12 has Docker 20.10 (API 1.41), Debian 13 has 26.1 (API 1.45).
readonly releases=(bookworm trixie)
readonly debian=http://deb.debian.org/debian
readonly engines=${GANTRY_ENGINES:-/var/cache/gantry/engines}
readonly start_tries=300

# mirror prints the archive that this machine's apt has Debian's packages from, by where it would take one
# from that only Debian has. Where apt has none, as on Ubuntu, it is Debian's own archive.
mirror() {
	local os uri
	os=$(. /etc/os-release && printf %s "$ID")
	if [[ $os == debian ]]; then
		uri=$(origin_of base-files)
		if [[ -z $uri ]] && apt-get update >/dev/null 2>&1; then
			uri=$(origin_of base-files)
		fi
	fi
	case ${uri:-} in
	http://* | https://* | file:///*) printf '%s\n' "$uri" ;;
	file:/*) printf 'file://%s\n' "${uri#file:}" ;;
	# A file that lists mirrors, with options behind each: the first of them.
	mirror+file:/*) awk '/^[^#]/ && NF { print $1; exit }' "${uri#mirror+file:}" ;;
	*) printf '%s\n' "$debian" ;;
	esac
}

# origin_of prints the archive that apt would fetch a package from; nothing if it knows none.
origin_of() {
	{ apt-get download --print-uris "$1" 2>/dev/null || true; } | sed -n "1s|^'\(.*\)/pool/.*|\1|p"
}

# use_apt_proxy has programs other than apt use the proxies that apt is configured with.
use_apt_proxy() {
	local set_by_apt=''
	eval "$(apt-config shell set_by_apt Acquire::http::Proxy)"
	[[ -z $set_by_apt || $set_by_apt == DIRECT ]] || export http_proxy=$set_by_apt
	set_by_apt=''
	eval "$(apt-config shell set_by_apt Acquire::https::Proxy)"
	[[ -z $set_by_apt || $set_by_apt == DIRECT ]] || export https_proxy=$set_by_apt
}

# prepare makes the directory of one release, if it is not there yet.
prepare() {
	[[ ! -e $engines/$1/usr/sbin/dockerd ]] || return 0
	local from=${GANTRY_MIRROR:-}
	have debootstrap || apt_install debootstrap
	[[ -n $from ]] || from=$(mirror)
	say "fetching the engine of Debian $1 from $from into $engines/$1"
	rm -rf "$engines/$1.new"
	mkdir -p "$engines"
	(use_apt_proxy && exec debootstrap --variant=minbase --include=docker.io,iptables,iproute2,ca-certificates "$1" "$engines/$1.new" "$from") >"$engines/$1.log" 2>&1 ||
		die "debootstrap failed with $from: see $engines/$1.log (GANTRY_MIRROR names another archive)"
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

# daemon becomes the engine. Its root is the directory, by pivot_root: in a mere chroot no command can be
# run in a container.
daemon() {
	local root=$1 work=$2
	mount --make-rprivate /
	mount --bind "$root" "$root"
	# What tests mount into containers has to be where they think it is.
	for directory in /proc /sys /dev "${TMPDIR:-/tmp}"; do
		mkdir -p "$root$directory"
		mount --rbind "$directory" "$root$directory"
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
