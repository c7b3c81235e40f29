#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# heddle import dir: what heddle exported, and any other tree, is the very tree as a state, on a thread that is there or on a new
# one; a directory that changes meanwhile is refused; stores in it are left out; stopped and killed imports leave no state.
# import_tar.sh has what archives and directories share.

. "$TEST_LIB/archive.sh"
require_fuse

tree_of() {
	heddle show "$1" --json | json_field 's["state"]["tree"]'
}

mkdir base
make_rich_tree base
make_hard_names base
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' base/socket
heddle_init --base base --store "$TEST_DIRECTORY/store"

# Back and forth, and once more: the same tree.
check heddle export dir out >/dev/null
check_contains "$(heddle import dir out --thread back 2>&1)" "\[back "
check_equal "$(tree_of back)" "$(tree_of main)"
check heddle mount back "$MNT" >/dev/null
check_same_archive base "$MNT"
setfattr -n trusted.kept -v 1 "$MNT/README"
truncate -s 40M "$MNT/sparse-too"
printf 'data' | dd of="$MNT/sparse-too" bs=1 seek=9000000 conv=notrunc status=none
chown 3:4 "$MNT"
chmod 2751 "$MNT"
setfacl -d -m u:77:rx "$MNT"
setfattr -n user.root -v 1 "$MNT"
check heddle capture back -m back >/dev/null
check heddle export dir back again >/dev/null
check heddle import dir again --thread again --onto main >/dev/null
check_equal "$(tree_of again)" "$(tree_of back)"
check_equal "$(stat -c '%a %u:%g' again)" "2751 3:4"
heddle_unmount
check heddle mount again "$MNT" >/dev/null
check_same_archive again "$MNT"
check_equal "$(getfacl -cp "$MNT"; getfattr -d "$MNT" 2>/dev/null | grep user)" "$(getfacl -cp again; getfattr -d again | grep user)"
heddle_unmount

# On a thread that is there: what was not captured is kept, and undo brings it back.
heddle mount main "$MNT" >/dev/null
echo "not captured" >"$MNT/README"
check_status 75 heddle import dir out
heddle_unmount
echo "other" >out/README
check_contains "$(heddle import dir out -m 'of a directory' --author 'A <a@b>')" "What was not captured is kept in"
check_contains "$(heddle log -n 1)" "Author: A <a@b>"
check_equal "$(heddle cat main README)" other
check heddle undo >/dev/null
check_equal "$(heddle import dir out --thread main --json | json_field 's["changes"]["modified"], s["new_thread"]')" "(3, False)" "a file of three names"

# Stores are no part of a tree: neither the one that is used, wherever it lies, nor one in the root.
mkdir -p holder/deep holder/.heddle
cp -a base/README holder/
: >holder/.heddle/not-a-store
check heddle init --base base --store holder/deep >/dev/null
check heddle --store holder/deep import dir holder --thread inner >/dev/null
check_equal "$(heddle --store holder/deep cat inner .heddle/not-a-store)" ""
check_status 66 heddle --store holder/deep cat inner deep/.heddle/format
mkdir other
echo file >other/file
check heddle init --base base --store other >/dev/null
check heddle import dir other --thread other >/dev/null
check_equal "$(heddle ls other)" file

# What is not meant.
check_status 64 heddle import dir
check_status 64 heddle import dir out --max-size 4
check_status 64 heddle import dir out --max-entries 4
check_status 66 heddle import dir no-such-directory
check_status 66 heddle import dir base/README

# A name that goes or comes, a directory that becomes a link to another place while they are read. The unit test
# directory_import_test changes files between any two steps.
export HEDDLE_WORK_RESTS=$TEST_DIRECTORY/rests
everything() {
	heddle op log --json
	heddle thread list --json
	heddle log --all --json
}
everything >before
mkdir outside
echo secret >outside/file
for change in 'rm moving/file' 'rm -r moving/sub; ln -s ../outside moving/sub' ': >moving/new'; do
	rm -rf moving
	mkdir -p moving/sub
	echo file | tee moving/file >moving/sub/file
	echo "reading files" >"$HEDDLE_WORK_RESTS"
	with_progress heddle import --json dir moving --thread moving
	importing=$!
	wait_until 100 grep -q '"step":"reading files","done":1' progress
	eval "$change"
	rm "$HEDDLE_WORK_RESTS"
	status=0
	wait "$importing" || status=$?
	check_equal "$status" 75 "after: $change"
done

# Stopped or killed at each step, nothing is left that anybody could see.
for step in "reading files" "storing files" "comparing" "writing to the disk"; do
	echo "$step" >"$HEDDLE_WORK_RESTS"
	status=0
	python3 "$TEST_LIB/on_terminal.py" --interrupt-at "importing: $step ..." shown heddle import dir again --thread never || status=$?
	check_equal "$status" 130 "$step"
	with_progress heddle import --json dir again --thread never
	importing=$!
	wait_until 100 grep -q "\"step\":\"$step\"" progress
	kill -KILL "$importing"
	wait "$importing" || true
	rm "$HEDDLE_WORK_RESTS"
	everything >after
	check cmp before after
done
check_contains "$(heddle check)" "no problems"
