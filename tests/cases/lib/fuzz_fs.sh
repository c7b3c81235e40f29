# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The differential fuzzer's cases: a mount over a base of some kind, a native copy of what it shows, the same random
# operations on both. Environment: FUZZ_OPERATIONS, FUZZ_SEED; FUZZ_KEEP, a directory where the sequence of a run that
# fails is left, as it was and cut down.
#
#     . "$TEST_LIB/common.sh"
#     . "$TEST_LIB/fuzz_fs.sh"
#     fuzz_mount directory|git|state SEED [OPTION of heddle mount]...
#     fuzz_run [OPTION of heddle-fuzz-fs]...

FUZZER=$HEDDLE_TOOLS/heddle-fuzz-fs

# What the mount shows first is what the base holds; from there on the copy is the truth.
fuzz_mount() {
	BASE=$1
	SEED=${FUZZ_SEED:-$2}
	MOUNT_OPTIONS="${*:3}"
	USERS=
	if [ "$(id -u)" -eq 0 ]; then
		MOUNT_OPTIONS="$MOUNT_OPTIONS -o allow-other"
		USERS=--users
	fi
	require_fuse
	git config --global user.name "Test Person"
	git config --global user.email "test@example.org"
	git config --global init.defaultBranch main
	fuzz_begin
}

# A new store, mount and copy in the working directory, the same for the same seed.
fuzz_begin() {
	mkdir store
	check "$FUZZER" --make-tree "$PWD/base" --seed "$SEED"
	if [ "$BASE" = git ]; then
		# git keeps neither sockets nor devices, and stops at them.
		find base \( -type s -o -type c \) -delete
		chown "$(id -u)" base # whatever the tree says: git does not trust a repository of somebody else
		git init -q base
		git -C base add -A
		git -C base commit -q -m "Base"
		heddle_init base --store "$PWD/store/.heddle"
		rm -rf base/.git/index
	else
		heddle_init base --base base --store "$PWD/store/.heddle"
	fi
	fuzz_mount_thread
	[ -n "${FUZZ_OPTIONS_FILE:-}" ] || check_shows_base
	[ "$BASE" != state ] || begin_at_state
	cp -a "$MNT" native
}

fuzz_mount_thread() {
	# shellcheck disable=SC2086 # several options
	check heddle mount "$THREAD" "$MNT" $MOUNT_OPTIONS "$@" >/dev/null
	echo "$THREAD" >"$FUZZ_THREAD"
}

# git keeps no FIFOs, owners and times; of a directory everything must show.
check_shows_base() {
	if [ "$BASE" = git ]; then
		find base -type p -delete
		diff -r --no-dereference --exclude .git base "$MNT" || fail "the mount does not show the base"
	else
		find "$MNT" >/dev/null
		"$FUZZER" --operations 0 "$MNT" base >differences || { cat differences; fail "the mount does not show the base"; }
	fi
}

# Another thread, which begins at a state that holds the base and some changes.
begin_at_state() {
	mkdir -p "$MNT/dir" "$MNT/lib" # the seed may have left them out
	cp -a "$MNT/dir" "$MNT/copy of dir"
	[ -z "$USERS" ] || python3 -c 'import os, sys
for place in sys.argv[1:]:
    for name in "trusted.a", "security.a", "user.b":
        os.setxattr(place, name, place.encode())' "$MNT" "$MNT/dir" "$MNT/copy of dir"
	mv "$MNT/dir" "$MNT/lib/moved"
	check heddle capture -m "State to begin at" >/dev/null
	heddle_unmount
	THREAD=other
	fuzz_mount_thread --from main
}

# Every hook command of a run sees the mount as $MNT and the store by HEDDLE_STORE. With FUZZ_REPLAY the operations come
# from that file.
fuzz_run() {
	local status=0
	# shellcheck disable=SC2086 # an option or none
	set -- $USERS "$@"
	[[ $MOUNT_OPTIONS != *writeback* ]] || set -- --writeback "$@"
	if [ -n "${FUZZ_REPLAY:-}" ]; then
		check "$FUZZER" --replay "$FUZZ_REPLAY" --trace "$@" "$MNT" native
		return
	fi
	"$FUZZER" --seed "$SEED" --operations "${FUZZ_OPERATIONS:-4000}" --tree-every 500 --record sequence "$@" \
		"$MNT" native || status=$?
	[ "$status" -eq 0 ] || fuzz_failed "$status" "$@"
}

# Keeps the sequence, and cuts it down on mounts of its own.
fuzz_failed() {
	if [ "$1" -eq 1 ] && [ -n "${FUZZ_KEEP:-}" ]; then
		local kept=$FUZZ_KEEP/$SEED
		export FUZZ_OPTIONS_FILE=$PWD/options BASE SEED USERS
		printf '%s\0' "${@:2}" >"$FUZZ_OPTIONS_FILE"
		mkdir -p "$FUZZ_KEEP"
		cp sequence "$kept.sequence"
		python3 "$HEDDLE_SOURCE/tests/fuzz_fs/minimize.py" --seconds "${FUZZ_MINIMIZE_SECONDS:-600}" "$kept.sequence" \
			"$kept.short" bash "$TEST_LIB/fuzz_trial.sh" || true
		rm -f "$kept.short.trial"
		[ ! -e "$kept.short" ] || { echo "$kept.short:"; head -50 "$kept.short"; }
	fi
	fail "the fuzzer's status is $1"
}

THREAD=main
# The thread that is mounted: --fork changes it in the middle of a run.
export FUZZ_THREAD=$TEST_DIRECTORY/thread
# shellcheck disable=SC2034,SC2016 # for the cases, and expanded by the fuzzer's shell
REMOUNT='heddle unmount "$MNT" >/dev/null && heddle mount $(cat "$FUZZ_THREAD") "$MNT" $MOUNT_OPTIONS >/dev/null'
# shellcheck disable=SC2034,SC2016
CAPTURE='heddle capture $(cat "$FUZZ_THREAD") -m state >/dev/null || test $? -eq 1'
# shellcheck disable=SC2034,SC2016
KILL='python3 "$TEST_LIB/kill_mount.py" worker $(cat "$FUZZ_THREAD")'
# What a state holds, seen by a thread that begins at it.
# shellcheck disable=SC2034,SC2016
FORK='thread=$(cat "$FUZZ_THREAD") && heddle capture $thread -m state >/dev/null &&
	heddle unmount "$MNT" >/dev/null && heddle mount $thread-x "$MNT" $MOUNT_OPTIONS --from $thread >/dev/null &&
	echo $thread-x >"$FUZZ_THREAD"'
# A state to go back to, and what it is natively.
# shellcheck disable=SC2034,SC2016
SAVE='heddle capture $(cat "$FUZZ_THREAD") -m saved --json | python3 -c "import json, sys; print(json.load(sys.stdin)[\"state\"][\"id\"])" \
	>saved-state && rm -rf saved && cp -a native saved'
# shellcheck disable=SC2034,SC2016
RESTORE='heddle restore --thread $(cat "$FUZZ_THREAD") $(cat saved-state) >/dev/null && rm -rf native && cp -a saved native'
# Back to the state, and to what was there before: nothing may be seen of it.
# shellcheck disable=SC2034,SC2016
UNDO='heddle restore --thread $(cat "$FUZZ_THREAD") $(cat saved-state) >/dev/null && heddle undo --thread $(cat "$FUZZ_THREAD") >/dev/null'
export THREAD MNT MOUNT_OPTIONS
