# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The differential fuzzer's cases: a mount over a base of some kind, a native copy of what it shows, the same random
# operations on both. Environment: FUZZ_OPERATIONS, FUZZ_SEED.
#
#     . "$TEST_LIB/common.sh"
#     . "$TEST_LIB/fuzz_fs.sh"
#     fuzz_mount directory|git|state SEED
#     fuzz_run [OPTION of heddle-fuzz-fs]...

FUZZER=$HEDDLE_TOOLS/heddle-fuzz-fs

# What the mount shows first is what the base holds; from there on the copy is the truth.
fuzz_mount() {
	SEED=${FUZZ_SEED:-$2}
	require_fuse
	git config --global user.name "Test Person"
	git config --global user.email "test@example.org"
	git config --global init.defaultBranch main
	mkdir store
	check "$FUZZER" --make-tree "$TEST_DIRECTORY/base" --seed "$SEED"
	if [ "$1" = git ]; then
		git init -q base
		git -C base add -A
		git -C base commit -q -m "Base"
		heddle_init base --store "$TEST_DIRECTORY/store/.heddle"
		rm -rf base/.git/index
	else
		heddle_init base --base base --store "$TEST_DIRECTORY/store/.heddle"
	fi
	heddle_mount
	check_shows_base "$1"
	[ "$1" != state ] || begin_at_state
	cp -a "$MNT" native
}

# git keeps no FIFOs, owners and times; of a directory everything must show.
check_shows_base() {
	if [ "$1" = git ]; then
		find base -type p -delete
		diff -r --no-dereference --exclude .git base "$MNT" || fail "the mount does not show the base"
	else
		find "$MNT" >/dev/null
		"$FUZZER" --operations 0 "$MNT" "$TEST_DIRECTORY/base" >differences || { cat differences; fail "the mount does not show the base"; }
	fi
}

# Another thread, which begins at a state that holds the base and some changes.
begin_at_state() {
	cp -a "$MNT/dir" "$MNT/copy of dir"
	mv "$MNT/dir" "$MNT/lib/moved"
	check heddle capture -m "State to begin at" >/dev/null
	heddle_unmount
	THREAD=other
	check heddle mount other "$MNT" --from main >/dev/null
}

# Every hook command of a run sees the mount as $MNT and the store by HEDDLE_STORE.
fuzz_run() {
	check "$FUZZER" --seed "$SEED" --operations "${FUZZ_OPERATIONS:-4000}" --tree-every 500 "$@" \
		"$MNT" "$TEST_DIRECTORY/native"
}

THREAD=main
# shellcheck disable=SC2034,SC2016 # for the cases, and expanded by the fuzzer's shell
REMOUNT='heddle unmount "$MNT" >/dev/null && heddle mount $THREAD "$MNT" >/dev/null'
# shellcheck disable=SC2034,SC2016
CAPTURE='heddle capture $THREAD -m state >/dev/null || test $? -eq 1'
export THREAD MNT
