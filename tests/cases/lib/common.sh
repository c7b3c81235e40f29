# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2120
#
# The verbs of the cases. A case sources this file, says what it does with them, and needs no cleanup: the runner
# (tests/run_case.py) ends processes, unmounts and deletes.
#
#     . "$TEST_LIB/common.sh"
#     make_repository repository
#     heddle_mount_of repository           initialises and mounts it at $MNT
#     check rename ...
#
# Any command that fails outside a condition ends the case, with its line. Variables: MNT the mountpoint, STORE the
# store, TEST_DIRECTORY the case's own folder.

set -Eeuo pipefail
trap 'status=$?; echo "FAILED (status $status): ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND" >&2; exit 1' ERR

MNT=$TEST_DIRECTORY/mnt
STORE=

fail() {
	echo "FAILED: $*" >&2
	local frame
	for ((frame = 1; frame < ${#FUNCNAME[@]}; frame++)); do
		echo "    ${BASH_SOURCE[frame]##*/}:${BASH_LINENO[frame - 1]}" >&2
	done
	exit 1
}

# The case cannot run here: exit 77, which ctest counts as skipped.
skip() {
	echo "skipped: $*"
	exit 77
}

require_fuse() {
	[ -c /dev/fuse ] || skip "there is no /dev/fuse"
	[ -w /dev/fuse ] || skip "/dev/fuse is not for this user"
	[ "$(id -u)" -eq 0 ] || command -v fusermount3 >/dev/null || skip "there is no fusermount3"
}

require_root() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

# heddle run: as root, or as an ordinary user where the system lets those make user namespaces (in no chroot).
require_namespaces() {
	if [ "$(id -u)" -eq 0 ]; then
		unshare --mount true 2>/dev/null || skip "no mount namespace can be made here"
	else
		unshare --user --mount true 2>/dev/null || skip "no user namespace can be made here"
	fi
	[ -w /dev/fuse ] || skip "/dev/fuse is not for this user"
}

require_program() {
	command -v "$1" >/dev/null || skip "needs $1"
}

# Takes along what another user may not reach where it is: the case, its verbs, the programs.
move_in() {
	local own=$TEST_DIRECTORY/.own
	mkdir -m 755 "$own"
	cp -R "$TEST_LIB" "$own/lib"
	cp "$TEST_SCRIPT" "$own/case.sh"
	cp -R "$HEDDLE_BIN" "$own/bin"
	mkdir "$own/tools"
	cp "$HEDDLE_TOOLS/heddle-fuzz-fs" "$own/tools/"
	chmod -R a+rX "$own"
	export TEST_LIB=$own/lib TEST_SCRIPT=$own/case.sh HEDDLE_BIN=$own/bin HEDDLE_TOOLS=$own/tools
	export PATH=$HEDDLE_BIN:$PATH
}

# Goes on as a user without rights. Root becomes "nobody" in a mount namespace of its own, where /dev/fuse is open to
# all as udev leaves it on a desktop or server; whoever is an ordinary user stays it.
as_ordinary_user() {
	[ "$(id -u)" -eq 0 ] || return 0
	require_program fusermount3
	[ -u "$(command -v fusermount3)" ] || skip "fusermount3 is not setuid"
	[ -c /dev/fuse ] || skip "there is no /dev/fuse"
	mknod -m 666 "$TEST_DIRECTORY/.fuse" c 10 229 2>/dev/null || skip "no device can be made here"
	move_in
	chown -R nobody "$TEST_DIRECTORY"
	# In a chroot the root is no mountpoint, and unshare cannot make it private as a whole; /dev is what matters.
	local propagation=private
	unshare --mount true 2>/dev/null || propagation=unchanged
	export propagation
	# shellcheck disable=SC2016 # expanded by the inner shell
	exec unshare --mount --propagation "$propagation" sh -c '
		[ "$propagation" = private ] || mount --make-rprivate /dev || exit 1
		mount --bind "$TEST_DIRECTORY/.fuse" /dev/fuse &&
		exec setpriv --reuid nobody --regid nogroup --clear-groups bash "$TEST_SCRIPT"'
}

# check COMMAND...: it succeeds.
check() {
	"$@" || fail "status $? of: $*"
}

# check_fails COMMAND...: it does not.
check_fails() {
	if "$@" >"$TEST_DIRECTORY/.output" 2>&1; then
		cat "$TEST_DIRECTORY/.output"
		fail "succeeded: $*"
	fi
}

# check_status N COMMAND...: its exit status is N.
check_status() {
	local wanted=$1 status=0
	shift
	"$@" >"$TEST_DIRECTORY/.output" 2>&1 || status=$?
	[ "$status" -eq "$wanted" ] || {
		cat "$TEST_DIRECTORY/.output"
		fail "status $status instead of $wanted: $*"
	}
}

# check_errno ENOENT stat FILE: the call fails with that errno. Calls: those of errno_of.py.
check_errno() {
	local wanted=$1 got
	shift
	got=$(python3 "$TEST_LIB/errno_of.py" "$@")
	[ "$got" = "$wanted" ] || fail "$got instead of $wanted: $*"
}

# check_content FILE TEXT: the file holds TEXT, with or without a newline at its end.
check_content() {
	local got
	got=$(cat "$1") || fail "cannot read $1"
	[ "$got" = "$2" ] || fail "$1 holds '$got' instead of '$2'"
}

check_equal() {
	[ "$1" = "$2" ] || fail "'$1' is not '$2'${3:+ ($3)}"
}

check_missing() {
	[ ! -e "$1" ] && [ ! -L "$1" ] || fail "$1 is there"
}

# check_contains TEXT PATTERN: TEXT (not a file) has PATTERN (a basic regular expression).
check_contains() {
	grep -q -e "$2" <<<"$1" || fail "no '$2' in: $1"
}

# check_same_tree A B: names, types, modes, targets and bytes; .git and .heddle do not count.
check_same_tree() {
	local differences
	# diff has nothing to say about two FIFOs, sockets or devices but that they are two.
	differences=$(diff -r --no-dereference --exclude .git --exclude .heddle "$1" "$2" 2>&1 |
		LC_ALL=C grep -av " is a \(.*\) while file .* is a \1$" || true)
	[ -z "$differences" ] || fail "$1 and $2 differ: $differences"
	diff <(describe_tree "$1") <(describe_tree "$2") || fail "$1 and $2 differ in types, modes or sizes"
}

describe_tree() {
	(cd "$1" && find . -mindepth 1 \( -name .heddle -o -name .git \) -prune -o \
		\( -type d -printf '%P %y %m\n' -o -printf '%P %y %m %s %l\n' \) | sort)
}

# with_progress CMD...: runs CMD in the background ($!). The file "progress" has its standard error, and nothing of an earlier
# one for whoever looks before CMD begins; "result" has its standard output.
with_progress() {
	: >progress
	"$@" >result 2>progress &
}

# wait_until SECONDS COMMAND...: it succeeds within that time.
wait_until() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" 2>/dev/null; do
		[ "$SECONDS" -lt "$deadline" ] || fail "not in time: $*"
		sleep 0.1
	done
}

# make_repository DIRECTORY: a git repository with nested directories, an executable, a symlink, two commits.
make_repository() {
	local at=$1
	git config --global user.name "Test Person"
	git config --global user.email "test@example.org"
	git config --global init.defaultBranch main
	git init -q "$at"
	make_files "$at"
	git -C "$at" add -A
	git -C "$at" commit -q -m "First"
	echo "second" >>"$at/README"
	git -C "$at" commit -q -a -m "Second"
}

# make_files DIRECTORY: the tree that most cases start from.
make_files() {
	mkdir -p "$1/src/deep/er" "$1/docs"
	echo "readme" >"$1/README"
	echo "int main(void) { return 0; }" >"$1/src/main.c"
	echo "deep" >"$1/src/deep/er/leaf.txt"
	echo "guide" >"$1/docs/guide.md"
	printf '#!/bin/sh\necho ran\n' >"$1/run.sh"
	chmod 755 "$1/run.sh"
	ln -s src/main.c "$1/link"
	head -c 100000 /dev/zero | tr '\0' 'x' >"$1/docs/big.txt"
}

# make_directory_base DIRECTORY: the same tree, without git.
make_directory_base() {
	mkdir -p "$1"
	make_files "$1"
	git config --global user.name "Test Person"
	git config --global user.email "test@example.org"
}

# heddle_init DIRECTORY [OPTION...]: a store for the repository or directory.
heddle_init() {
	local at=$1
	shift
	STORE=$(check heddle init "$at" "$@" --json | json_field 's["store"]')
	export HEDDLE_STORE=$STORE
}

# heddle_mount [OPTION...]: mounts the thread main at $MNT.
heddle_mount() {
	require_fuse
	# Most cases are about files alone: a worktree is for those that say so, and for mounts that they make themselves.
	check heddle mount main "$MNT" --git=none "$@" >/dev/null
	grep -q " $MNT fuse" /proc/self/mounts || fail "$MNT is not mounted"
}

heddle_unmount() {
	check heddle unmount "$MNT" >/dev/null
	! grep -q " $MNT fuse" /proc/self/mounts || fail "$MNT is still mounted"
}

# After a crash: what the dead processes held may be in use for a moment, while it is brought to the disk.
heddle_mount_again() {
	# shellcheck disable=SC2086 # several options or none
	wait_until 30 heddle mount "${THREAD:-main}" "$MNT" --git=none ${MOUNT_OPTIONS:-} >/dev/null
	grep -q " $MNT fuse" /proc/self/mounts || fail "$MNT is not mounted"
}

heddle_remount() {
	heddle_unmount
	heddle_mount "$@"
}

heddle_mount_of() {
	heddle_init "$1"
	heddle_mount
}

# status_field EXPRESSION: of `heddle status --json`, as a Python expression over the object s.
status_field() {
	heddle status --json | json_field "$1"
}

# The operations under way, but for the statfs(2) of the command that asks, which may not be through yet.
operations_in_flight() {
	status_field '{k: n for k, n in s["operations"]["in_flight"].items() if k != "STATFS"}'
}

# json_field EXPRESSION: of the JSON object on standard input, named s.
json_field() {
	python3 -c '
import json, sys
s = json.load(sys.stdin)
value = eval(sys.argv[1])
print(json.dumps(value) if isinstance(value, (dict, list, bool, type(None))) else value)' "$1"
}

# changes: "A path" lines of heddle status, sorted.
changes() {
	heddle status -s | sort
}

capture() {
	check heddle capture -m "$@"
}

worker_pid() {
	status_field 's["worker"]["pid"]'
}
