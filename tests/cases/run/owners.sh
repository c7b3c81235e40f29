#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 60
#
# Files of users and groups that the mount's user namespace does not have can be written to by who may outside: of another group
# of an ordinary user's, and of anybody in a container that has one user.

. "$TEST_LIB/common.sh"

if [ "$(id -u)" -eq 0 ]; then
	mkdir base base/shared
	echo 1 >base/file
	echo 1 >base/shared/file
	chgrp -R 4242 base
	chmod 2770 base/shared
fi
as_ordinary_user
require_namespaces
git config --global user.name "Test Person"
git config --global user.email "test@example.org"
if [ ! -d base ]; then
	mkdir -p base/shared
	echo 1 >base/file
	echo 1 >base/shared/file
fi
heddle_init base

changes='echo 2 >>file && echo 2 >>shared/file && touch shared/new && chmod 750 shared && mv shared/new moved && rm file'
check heddle run -q --name outside -- sh -c "$changes"
check_equal "$(heddle diff main outside --name-status | tr '\t\n' ' ;')" "D file;A moved;M shared/;M shared/file;"
inside=(unshare --user --map-root-user)
check "${inside[@]}" heddle run -q --name inside -- sh -c "$changes; stat -c '%u %g' shared shared/file moved >$PWD/owners"
check_equal "$(heddle diff outside inside --name-status)" ""
check_content owners "0 0
0 0
0 0"
check "${inside[@]}" --mount sh -c "mkdir mnt && heddle mount other mnt >/dev/null && (cd mnt && $changes) && heddle unmount mnt >/dev/null"
check heddle capture -m "Other" other >/dev/null
check_equal "$(heddle diff outside other --name-status)" ""
