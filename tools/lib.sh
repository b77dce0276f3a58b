# Copyright (c) The gantry authors
# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

# What the scripts of this directory share. Sourced, not run.

# say prints a line about what the script does, with its name in front.
say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }

# die prints why the script can't go on, and ends it.
die() {
	say "$@"
	exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# can_install says whether packages can be installed here: Debian or Ubuntu, as root.
can_install() { [[ $EUID -eq 0 && -e /etc/debian_version ]] && have apt-get; }

# apt_install installs packages without a question. It blocks the services that they bring,
# since whoever started a service has to stop it: that is for the scripts to decide.
apt_install() {
	local log policy=/usr/sbin/policy-rc.d blocked='' status=0
	log=$(mktemp)
	say "installing $* with apt-get"
	if [[ ! -e $policy ]]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 0755 "$policy"
		blocked=yes
	fi
	# The lists may be old but good enough: a failing update alone ends nothing.
	apt-get -o DPkg::Lock::Timeout=300 update >"$log" 2>&1 || say "apt-get update failed; trying with the lists that are there"
	DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
		apt-get -o DPkg::Lock::Timeout=300 install -y "$@" </dev/null >>"$log" 2>&1 || status=$?
	[[ -z $blocked ]] || rm -f "$policy"
	if [[ $status -ne 0 ]]; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		die "apt-get could not install $*"
	fi
	rm -f "$log"
}
