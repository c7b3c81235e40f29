#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# heddle import tar: what heddle exported comes back as the very tree, over a directory and over a commit; what GNU tar and
# bsdtar wrote, in each of their formats and compressions, is the tree that they read; on a thread that is there and on a new
# one. Stopped and killed imports leave no state. hostile_archives.sh has archives that mean harm.

. "$TEST_LIB/archive.sh"

tree_of() {
	heddle show "$1" --json | json_field 's["state"]["tree"]'
}

# check_imported FILE THREAD: the import is the tree of main.
check_imported() {
	check heddle import tar "$1" --thread "$2" --onto main >/dev/null
	check_equal "$(tree_of "$2")" "$(tree_of main)" "$1"
}

mkdir base
make_rich_tree base
make_hard_names base
heddle_init --base base --store "$TEST_DIRECTORY/store"

# heddle's own.
for name in own.tar own.tar.gz own.tar.zst; do
	check heddle export tar -o "$name" >/dev/null
	check_imported "$name" "from-$name"
done
check heddle import tar - --thread from-input <own.tar.zst >/dev/null
check_equal "$(tree_of from-input)" "$(tree_of main)"

# The tree says nothing of times, owners and attributes: a mount does. Exported again, they are the same archive, as far
# as the headers of sparse files do not have the number of a process in them, which has more digits or fewer.
require_fuse
check heddle mount from-own.tar.zst "$MNT" >/dev/null
check_same_archive base "$MNT"
heddle_unmount
check heddle export tar from-own.tar.zst -o again.tar >/dev/null
check_equal "$(tar --full-time -tvf again.tar 2>/dev/null)" "$(tar --full-time -tvf own.tar 2>/dev/null)"
check_equal "$(tr -d '0-9\0' <again.tar | sha256sum)" "$(tr -d '0-9\0' <own.tar | sha256sum)"

# Other programs' archives. What their formats do not hold is not in the tree.
tar --format=posix --acls --xattrs --xattrs-include='*' --sparse -C base -cf gnu.tar .
check_imported gnu.tar from-gnu
heddle mount from-gnu "$MNT" >/dev/null
# GNU tar has no place for access times, and describe_tree.py does not look at them.
check_same_archive base "$MNT"
heddle_unmount
for how in --format=gnu --format=posix --sparse --sparse-version=0.0 --sparse-version=0.1 --xz --bzip2 --gzip; do
	sparse=--format=posix
	[[ $how = --sparse-version=* ]] && sparse=--sparse
	tar "$sparse" "$how" -C base -cf other.tar .
	check_imported other.tar "gnu-${how//[=.]/-}"
done
bsdtar --acls --xattrs --format=pax -C base -cf bsd.tar .
check_imported bsd.tar from-bsd

# Over a commit, with changes; on the thread itself, whose uncaptured changes are kept, and which undo brings back.
unset HEDDLE_STORE
make_repository repository
heddle_init repository
heddle_mount
make_hard_names "$MNT"
ln "$MNT/README" "$MNT/hard"
mkdir "$MNT/empty"
capture "changed" >/dev/null
echo "not captured" >"$MNT/README"
check heddle export tar -o commit.tar >/dev/null
check_imported commit.tar copy
check_equal "$(heddle diff --json main copy | json_field 's["entries"]')" "[]"
check_status 75 heddle import tar commit.tar
heddle_unmount
check_contains "$(heddle import tar commit.tar -m 'of an archive' --author 'A <a@b>')" "What was not captured is kept in"
check_equal "$(tree_of main)" "$(tree_of copy)"
check_contains "$(heddle log -n 1)" "Author: A <a@b>"
check heddle undo >/dev/null
heddle_mount
check_content "$MNT/README" "not captured"
heddle_unmount

# An archive need not name directories, nor be in order.
mkdir loose
echo one >loose/one
tar -C loose --transform 's|^|some/where/|' -cf loose.tar one
check heddle import tar loose.tar --thread loose >/dev/null
check_equal "$(heddle cat loose some/where/one)" one
check_equal "$(heddle import tar loose.tar --thread loose --json | json_field 's["entries"], s["changes"]["added"], s["new_thread"]')" \
	"(1, 0, False)"

# What is not meant.
check_status 64 heddle import tar
check_status 64 heddle import zip loose.tar
check_status 64 heddle import tar loose.tar --thread loose --onto main
check_status 64 heddle import tar loose.tar --thread .no
check_status 66 heddle import tar no-such-file
check_status 66 heddle import tar loose.tar --thread new --onto no-such-state
check_status 74 heddle import tar own.tar --thread new --max-entries 3
truncate -s 3M large
tar -cf large.tar large
check_status 74 heddle import tar large.tar --thread new --max-size 2
gzip -k large.tar
check_status 74 heddle import tar large.tar.gz --thread new --max-size 2
check heddle import tar large.tar.gz --thread new --max-size 4 >/dev/null

# Stopped or killed at each step, nothing is left that anybody could see.
export HEDDLE_WORK_RESTS=$TEST_DIRECTORY/rests
everything() {
	heddle op log --json
	heddle thread list --json
	heddle log --all --json
}
everything >before
for step in "reading files" "storing files" "comparing" "writing to the disk"; do
	echo "$step" >"$HEDDLE_WORK_RESTS"
	status=0
	python3 "$TEST_LIB/on_terminal.py" --interrupt-at "importing: $step ..." shown heddle import tar own.tar --thread never || status=$?
	check_equal "$status" 130 "$step"
	with_progress heddle import --json tar own.tar --thread never
	importing=$!
	wait_until 100 grep -q "\"step\":\"$step\"" progress
	kill -KILL "$importing"
	wait "$importing" || true
	rm "$HEDDLE_WORK_RESTS"
	everything >after
	check cmp before after
done
check heddle import tar own.tar --thread never >/dev/null
check_contains "$(heddle check)" "no problems"
