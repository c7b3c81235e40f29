#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# libgit2, and what it brings with it for networks and cryptography, is loaded where a repository is read, and by nobody
# else: a mount of a directory starts, is taken over and goes on without. Where it is needed and is not there, it is said.
# What holds a mount, two processes for each, has neither the index's library nor that of FUSE; nor do commands have the latter.

. "$TEST_LIB/common.sh"

uses_git() {
	grep -q '/libgit2\.so' "/proc/$1/maps"
}

! ldd "$HEDDLE_BIN/heddle" | grep libfuse || fail "heddle is linked with libfuse"

make_directory_base directory
heddle_init directory
directory_store=$STORE
heddle_mount -o restarts=100
echo changed >"$MNT/README"
check heddle sync
! uses_git "$(worker_pid)" || fail "a worker of a directory has loaded libgit2"
supervisor=$(status_field 's["worker"]["supervisor"]')
! uses_git "$supervisor" || fail "heddled has loaded libgit2"
! grep -E '/lib(sqlite3|fuse3)\.so' "/proc/$supervisor/maps" || fail "heddled has libraries that it does not call"
check python3 "$TEST_LIB/kill_mount.py" worker main
check_content "$MNT/README" "changed"
! uses_git "$(worker_pid)" || fail "a worker that took over has loaded libgit2"
heddle_unmount

make_repository repository
heddle_init repository
heddle_mount -o restarts=100
check_content "$MNT/src/deep/er/leaf.txt" "deep"
uses_git "$(worker_pid)" || fail "a worker of a repository reads it without libgit2"
check python3 "$TEST_LIB/kill_mount.py" worker main
check_content "$MNT/docs/guide.md" "guide"
library=$(sed -n 's|.*/\(libgit2\.so\.[0-9.]*\)$|\1|p' "/proc/$(worker_pid)/maps" | sort -u)
[ -n "$library" ] || fail "a worker that took over reads a repository without libgit2"
heddle_unmount

# Something that has its name and is no library.
mkdir broken
for name in $library "${library%.*}" "${library%.*.*}"; do
	echo "no library" >"broken/$name"
done
export LD_LIBRARY_PATH=$PWD/broken${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
check git clone -q repository other
check_fails heddle init other
check_contains "$(cat .output)" "load libgit2"
check_contains "$(cat .output)" "libgit2.so"
export HEDDLE_STORE=$directory_store
heddle_mount
check_content "$MNT/README" "changed"
# An author is asked of git's configuration, unless somebody says who it is.
check_status 71 heddle capture -m "Without"
check_contains "$(cat .output)" "load libgit2"
check heddle capture -m "Without" --author "A <a@example.org>" >/dev/null
heddle_unmount
