#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# apt-get fetches the lists and a package (its locks, its mapped cache, its renames), dpkg unpacks and installs it: with the
# system's package sources, so it needs a network. The installed tree is that of the disk.

. "$TEST_LIB/programs.sh"
require_root
require_program apt-get

PACKAGES="hello ed"

own_apt() {
	"$@" -o Dir::State="$PWD/state" -o Dir::State::status="$PWD/root/var/lib/dpkg/status" -o Dir::Cache="$PWD/cache" \
		-o APT::Sandbox::User=root -o APT::Get::List-Cleanup=false -qq
}

prepare() {
	mkdir -p state/lists/partial cache/archives/partial root/var/lib/dpkg/{info,updates,parts,triggers} root/var/log packages
	: >root/var/lib/dpkg/status
	: >root/var/lib/dpkg/available
}

work() {
	own_apt apt-get update
	own_apt apt-cache gencaches
	# shellcheck disable=SC2086 # a list of words
	own_apt apt-get download $PACKAGES
	mv ./*.deb packages/
	(cd packages && sha256sum ./*.deb)
	mkdir extracted
	for package in packages/*.deb; do
		dpkg-deb --extract "$package" "extracted/$(basename "$package" .deb)"
	done
	dpkg --root="$PWD/root" --force-depends --unpack packages/*.deb >/dev/null
	dpkg --root="$PWD/root" --force-depends --unpack packages/*.deb >/dev/null # over itself
	dpkg --root="$PWD/root" --verify
	dpkg --root="$PWD/root" -l | tail -n +6
	rm -rf cache state root/var/log # times of this run
	rm -f root/var/lib/dpkg/*-old
}

run_on_both
