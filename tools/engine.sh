#!/usr/bin/env bash
# Copyright (c) The gantry authors
# SPDX-License-Identifier: MPL-2.0

# Runs a command with a Docker engine at hand: finds the one that the docker command talks to
# (DOCKER_HOST, its current context, the local socket), or installs and starts one (Debian and
# Ubuntu, as root). What it started it stops, when the command ends and on Ctrl-C; the package
# stays. Calls can be nested or run side by side: the one that started the engine stops it,
# after the others have ended.
#
#	tools/engine.sh run -- COMMAND [ARGUMENT…]

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Where a daemon's binary is may be missing from the path of a plain su.
PATH=$PATH:/usr/sbin:/sbin

readonly state=/run/gantry-engine
readonly start_seconds=90 stop_seconds=60
engine='' # the process ID of the daemon that this script started
reason='' # what the docker command said last

# limited runs a command for so many seconds at most, where that can be had.
limited() { if have timeout; then timeout "$@"; else shift && "$@"; fi; }

# answers says whether an engine can be reached, and keeps the version or the error in reason.
answers() {
	local status=0
	reason=$(limited 20 docker version --format '{{.Server.Version}}' 2>&1) || status=$?
	reason=$(tail -n 1 <<<"$reason")
	return "$status"
}

endpoint() { docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || echo unknown; }

# is_process says whether a process with this ID and command name lives.
is_process() { [[ -n $1 && -r /proc/$1/comm && $(<"/proc/$1/comm") == "$2" ]]; }

read_pid() { [[ ! -r $1 ]] || tr -dc 0-9 <"$1"; }

# hold_engine keeps the engine from being stopped while this script uses it (lock 9), and others
# from starting one at the same time (lock 8, freed by engine_found). Only root starts engines;
# for others the directory may not be there, and then there is nobody to reckon with.
hold_engine() {
	have flock || return 0
	if [[ $EUID -eq 0 ]]; then
		mkdir -p "$state"
		exec 9>>"$state/use.lock" 8>>"$state/start.lock"
		flock --shared 9
		flock --exclusive 8
	elif [[ -r $state/use.lock ]]; then
		exec 9<"$state/use.lock"
		flock --shared 9
	fi
}

engine_found() { exec 8>&-; }

find_or_start() {
	if ! have docker; then
		can_install || die "no docker command here: install Docker (https://docs.docker.com/engine/install/; on Debian and Ubuntu: sudo apt-get install docker.io docker-cli), start it, and run this again"
		install_engine
	fi
	if answers; then
		say "using Docker $reason at $(endpoint)"
		name_engine
		return
	fi
	case $(endpoint) in
	unix:///var/run/docker.sock | unix:///run/docker.sock) ;;
	*) die "no engine answers at $(endpoint), where DOCKER_HOST or the docker context points ($reason): start it, or unset DOCKER_HOST" ;;
	esac
	[[ $(uname -s) == Linux ]] || die "no engine answers ($reason): start Docker, and run this again"
	[[ $EUID -eq 0 ]] || die "no engine answers ($reason): start it (sudo systemctl start docker) and join the group docker, or run this as root"
	if ! have dockerd; then
		can_install || die "no engine is installed here: install Docker Engine (https://docs.docker.com/engine/install/), and run this again"
		install_engine
	fi
	start_engine
}

# name_engine tells an engine that only the docker command's context names to commands that
# know nothing of contexts.
name_engine() {
	local host
	host=$(endpoint)
	if [[ -z ${DOCKER_HOST:-} && $host == unix://* && $host != unix:///var/run/docker.sock ]]; then
		export DOCKER_HOST=$host
	fi
}

install_engine() {
	apt_install docker.io
	# Debian 13 has the command line in a package of its own.
	have docker || apt_install docker-cli
}

start_engine() {
	local pid
	# A daemon that somebody else is starting needs a moment; two of them would be at odds.
	pid=$(read_pid /var/run/docker.pid)
	if is_process "$pid" dockerd; then
		say "waiting for the daemon that runs already (process $pid)"
		wait_for_engine "$pid" || die "the daemon with process ID $pid does not answer: $reason"
		return
	fi

	# A machine that went down hard leaves process IDs that may be somebody else's by now.
	# The daemon gets a file of its own for its ID; that of its containerd has a fixed place.
	pid=$(read_pid /var/run/docker/containerd/containerd.pid)
	is_process "$pid" containerd || rm -f /var/run/docker/containerd/containerd.pid
	rm -f "$state/dockerd.pid"

	# Without systemd nobody may have mounted the control groups yet.
	if [[ ! -e /sys/fs/cgroup/cgroup.controllers && ! -d /sys/fs/cgroup/devices ]] && have cgroupfs-mount; then
		cgroupfs-mount
	fi

	say "starting a Docker engine"
	# In a session of its own, so that Ctrl-C reaches the command first and this script then
	# stops the daemon in order.
	(cd / && exec setsid dockerd --pidfile "$state/dockerd.pid") </dev/null >"$state/dockerd.log" 2>&1 8>&- 9>&- &
	engine=$!
	if ! wait_for_engine "$engine"; then
		say "the engine did not start; its log ends with:"
		tail -n 20 "$state/dockerd.log" >&2
		kill -0 "$engine" 2>/dev/null || engine=''
		exit 1
	fi
	say "started Docker $reason"
}

# wait_for_engine waits until the engine answers. It fails when the process ends before, or
# when it takes too long.
wait_for_engine() {
	local deadline=$((SECONDS + start_seconds))
	until answers; do
		kill -0 "$1" 2>/dev/null || return 1
		((SECONDS < deadline)) || return 1
		sleep 0.2
	done
}

# stop_engine stops the daemon that this script started, and waits until it has ended.
stop_engine() {
	local deadline=$((SECONDS + stop_seconds))
	if ! flock --exclusive --nonblock 9; then
		say "another run uses the engine: waiting for its end (Ctrl-C: stop the engine now)"
		flock --exclusive 9 || true
	fi
	say "stopping the Docker engine"
	kill -TERM "$engine" 2>/dev/null || true
	while kill -0 "$engine" 2>/dev/null; do
		if ((SECONDS >= deadline)); then
			say "it did not stop within $stop_seconds s: killing it"
			kill -KILL "$engine" 2>/dev/null || true
			break
		fi
		sleep 0.2
	done
	rm -f "$state/dockerd.pid" "$state/dockerd.log"
}

finish() {
	local status=$?
	trap - EXIT
	trap : INT TERM HUP # the stop itself must not be cut short
	[[ -z $engine ]] || stop_engine
	exit "$status"
}

# run_command runs the command and gives its exit code. It runs in the background, where the
# shell can hear a signal at once; env undoes that such commands ignore Ctrl-C.
run_command() {
	local command
	# Whoever runs without a standard input has it empty.
	{ true <&0; } 2>/dev/null || exec </dev/null
	if env --default-signal=INT,QUIT true 2>/dev/null; then
		env --default-signal=INT,QUIT "$@" <&0 9>&- &
	elif [[ -z $engine ]]; then
		exec "$@"
	else
		"$@" <&0 9>&- &
	fi
	command=$!
	# The terminal sends Ctrl-C to the command as well; a TERM is for this script alone.
	trap : INT
	# shellcheck disable=SC2064 # The ID is known now.
	trap "kill -TERM $command 2>/dev/null || true" TERM HUP
	while kill -0 "$command" 2>/dev/null; do
		wait "$command" || true
	done
	wait "$command"
}

main() {
	if [[ $# -lt 3 || $1 != run || $2 != -- ]]; then
		printf 'usage: tools/engine.sh run -- COMMAND [ARGUMENT…]\n' >&2
		exit 2
	fi
	shift 2
	trap finish EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	hold_engine
	find_or_start
	engine_found
	run_command "$@"
}

main "$@"
