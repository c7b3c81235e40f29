#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
#
# What .heddle/states shows of a state is that state: names, bytes, modes, owners, times, targets, links, extended
# attributes and holes are those of the live tree that was captured, over a git base and over a directory, and names
# and bytes those of the state's export.

. "$TEST_LIB/common.sh"

describe() { check python3 "$TEST_LIB/describe_tree.py" --times "$1"; }

# A name of every kind of thing, beside what the base has.
make_everything() {
	local at=$1
	mkdir -p "$at/kinds/empty" "$at/kinds/private"
	chmod 700 "$at/kinds/private"
	echo hidden >"$at/kinds/private/file"
	chmod 4755 "$at/kinds/private/file"
	mkfifo "$at/kinds/fifo"
	ln "$at/README" "$at/kinds/hard"
	ln "$at/README" "$at/kinds/harder"
	ln -s /nowhere/at/all "$at/kinds/dangling"
	ln -s "$(printf 'x%.0s' $(seq 1000))" "$at/kinds/long"
	: >"$at/kinds/nothing"
	printf 'a\nb' >"$at/kinds/$(printf 'line\nbreak')"
	echo bytes >"$at/kinds/$(printf '\377\001')"
	echo long >"$at/kinds/$(printf 'n%.0s' $(seq 255))"
	head -c 5000000 /dev/urandom >"$at/kinds/large"
	mkdir "$at/holes"
	truncate -s 9M "$at/holes/sparse"
	printf end | dd of="$at/holes/sparse" bs=1 seek=8000000 conv=notrunc status=none
	touch -d 2001-02-03T04:05:06.789 "$at/kinds/nothing"
	setfattr -n user.one -v 1 "$at/kinds/nothing"
	setfattr -n user.two -v "$(printf 'v%.0s' $(seq 3000))" "$at/kinds/nothing"
	setfattr -n user.folder -v yes "$at/kinds/empty"
	setfattr -n user.root -v yes "$at"
}

compare() {
	make_everything "$MNT"
	capture all >/dev/null
	local state=$MNT/.heddle/states/main/
	diff <(describe "$MNT") <(describe "$state") || fail "the state is not what was captured"
	check_equal "$(getfattr -dm- "$state" 2>/dev/null | tail -n +2)" "$(getfattr -dm- "$MNT" 2>/dev/null | tail -n +2)"
	# Reached by another way, after the names were forgotten, and in another process.
	heddle_remount
	diff <(describe "$MNT") <(describe "$state") || fail "the state is another in another mount"
	# Both know of holes what the store knows, once the live file is what was captured.
	check_equal "$(python3 "$TEST_LIB/extents.py" list "$state/holes")" "$(python3 "$TEST_LIB/extents.py" list "$MNT/holes")"
	[ "$(stat -c %b "$state/holes/sparse")" -lt 9000 ] || fail "the hole has blocks"
}

make_repository repository
heddle_mount_of repository
compare
check heddle export git --repo exported >/dev/null
check git clone -q -b heddle/main exported checkout
(cd "$MNT/.heddle/states/main/" && find . -type f -links 1 -size -1000k -print0) | while IFS= read -r -d '' name; do
	check cmp -s "$MNT/.heddle/states/main/$name" "checkout/$name"
done
heddle_unmount

make_directory_base directory
heddle_init directory
heddle_mount
compare
