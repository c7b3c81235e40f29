#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# A state with 100,000 files, most of them in one directory: listing it costs a message per hundreds of files, whether
# with attributes or without, and a file of it is found without a message for each other one.

. "$TEST_LIB/common.sh"

git config --global user.name "Test Person"
git config --global user.email "test@example.org"
git init -q repository
blob=$(echo bytes | git -C repository hash-object -w --stdin)
tree_of() { git -C repository mktree --missing; }
flat=$(seq -f "100644 blob $blob	file%06.0f" 90000 | tree_of)
folder=$(seq -f "100644 blob $blob	file%06.0f" 100 | tree_of)
deep=$(seq -f "040000 tree $folder	folder%03.0f" 100 | tree_of)
root=$(printf '040000 tree %s\t%s\n' "$deep" deep "$flat" flat | tree_of)
git -C repository update-ref refs/heads/main "$(git -C repository commit-tree -m many "$root")"
git -C repository symbolic-ref HEAD refs/heads/main
heddle_mount_of repository
state=$MNT/.heddle/states/main/

messages() { status_field "sum(s['messages'].get(k, 0) for k in '$1'.split())"; }

all="LOOKUP GETATTR READDIR READDIRPLUS"
# The kernel may be made to forget what it was told (by memory that is short, or drop_caches) and ask for each file again: then
# once more, on a new mount.
for _ in 1 2 3; do
	before=$(messages "$all")
	check_equal "$(find "$state" -type f -printf '%s\n' | sort | uniq -c | tr -s ' ')" " 100000 6"
	used=$(($(messages "$all") - before))
	echo "$used messages for a walk with attributes"
	[ "$used" -ge 3000 ] || break
	heddle_remount
done
[ "$used" -lt 3000 ] || fail "$used messages for a walk with attributes"

before=$(messages "$all")
for i in 000001 000500 089999; do
	check_content "$state/flat/file$i" bytes
done
used=$(($(messages "$all") - before))
[ "$used" -lt 100 ] || fail "$used messages for three files"
exec 6<"$state/flat/file000001"
check_equal "$(status_field 's["state_nodes"] > 2')" true
exec 6<&-
# They go with the mount, and a new one begins with none.
heddle_remount
check_equal "$(status_field 's["state_nodes"]')" 0
