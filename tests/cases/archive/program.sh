#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What needs libarchive is a program of its own, which heddle becomes: it alone is linked with the library, the same options,
# messages and statuses hold, and where it is not installed that is said, and all else works.

. "$TEST_LIB/common.sh"
export HEDDLE_AUTHOR="Test Person <test@example.org>"

for program in heddle heddled heddle-fuse-worker; do
	! ldd "$HEDDLE_BIN/$program" | grep -E 'libarchive|libxml2|libicu' || fail "$program is linked with libarchive"
done
# All of it is read: who writes to a reader that has gone fails.
ldd "$HEDDLE_BIN/heddle-archive" | grep libarchive >/dev/null || fail "heddle-archive is not linked with libarchive"

make_directory_base base
heddle_init --base base --store "$TEST_DIRECTORY/store"
mkdir sub
unset HEDDLE_STORE

# Arguments go over as they came: a directory to work in is entered once, options may stand anywhere.
check heddle -C sub --store ../store export -o out.tar tar --compress none >/dev/null
check_contains "$(tar -tf sub/out.tar)" "docs/guide.md"
check heddle -C sub export tar --store ../store -o - >stdout.tar
# Headers of sparse files have the number of a process in them.
bytes_of() {
	tr -d '0-9\0' <"$1"
}
check cmp <(bytes_of sub/out.tar) <(bytes_of stdout.tar)
check_equal "$(heddle --json -C sub --store ../store import tar out.tar --thread new | json_field 's["ok"], s["new_thread"]')" "(True, True)"
check heddle --store store import tar - --thread piped <sub/out.tar >/dev/null
check_status 66 heddle --store store import tar no-such-file
check_contains "$(cat .output)" "^heddle import: 'no-such-file': No such file or directory"
check_status 64 heddle --store store export tar --branch b
check_contains "$(cat .output)" "^heddle export: "
check_status 64 heddle --store store export tar one two
check_equal "$(heddle export --help)" "$(heddle-archive export --help)"

# The process is the one that was started: it gets the signals.
status=0
HEDDLE_WORK_RESTS=$TEST_DIRECTORY/rests
export HEDDLE_WORK_RESTS
echo "writing files" >rests
python3 "$TEST_LIB/on_terminal.py" --interrupt-at "exporting: writing files ..." shown heddle --store store export tar -o x.tar || status=$?
check_equal "$status" 130
rm rests

# Without it.
mkdir -p alone/bin
cp "$HEDDLE_BIN/heddle" alone/bin/
check_status 66 alone/bin/heddle --store store export tar -o x.tar
check_contains "$(cat .output)" "start heddle-archive"
check_missing x.tar
check alone/bin/heddle --store store export dir out >/dev/null
check_same_tree base out
check alone/bin/heddle --store store log >/dev/null

# As it is installed.
mkdir -p installed/bin installed/libexec/heddle
cp "$HEDDLE_BIN/heddle" installed/bin/
cp "$HEDDLE_BIN/heddle-archive" installed/libexec/heddle/
check installed/bin/heddle --store store export tar -o x.tar >/dev/null
check cmp <(bytes_of sub/out.tar) <(bytes_of x.tar)
