#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# heddle export tar: GNU tar makes the very tree of it, with owners, times to the nanosecond, ACLs, extended attributes, hard
# links, devices and holes, and so does bsdtar with names that it does not change; plain, gzip and zstd; to a file, which is
# there whole or not at all, or to standard output. What a mount captured goes the same way.

. "$TEST_LIB/archive.sh"

gnu_extract() {
	mkdir "$2"
	tar --xattrs --xattrs-include='*' --acls --numeric-owner --warning=no-timestamp --warning=no-unknown-keyword \
		-xpf "$1" -C "$2"
}

mkdir base
make_rich_tree base
heddle_init --base base --store "$TEST_DIRECTORY/store"

check heddle export tar -o plain.tar >/dev/null
check heddle export tar -o packed.tar.gz >/dev/null
check heddle export tar -o packed.tar.zst >/dev/null
check heddle export tar main >stdout.tar
check gzip -t packed.tar.gz
check zstd -q -t packed.tar.zst
check_equal "$(gzip -dc packed.tar.gz | tar -t | sha256sum)" "$(tar -tf plain.tar 2>/dev/null | sha256sum)"
check_equal "$(tar -tf stdout.tar 2>/dev/null | sha256sum)" "$(tar -tf plain.tar 2>/dev/null | sha256sum)"
heddle export tar --compress gzip | gzip -t || fail "standard output is not compressed"

for archive in plain.tar packed.tar.gz packed.tar.zst; do
	gnu_extract "$archive" gnu
	check_same_archive base gnu
	check_equal "$(stat -c %b gnu/sparse gnu/hole)" "$(stat -c %b base/sparse base/hole)" "holes"
	mkdir bsd
	check bsdtar --acls --xattrs --numeric-owner -xpf "$archive" -C bsd
	check_same_archive base bsd
	rm -r gnu bsd
done
# The archive of a sparse file is as long as its data.
[ "$(stat -c %s plain.tar)" -lt 1000000 ] || fail "holes were written: $(stat -c %s plain.tar) bytes"

# Names, times and attributes that only GNU tar gives back as they were, out of a mount.
heddle_mount
make_hard_names "$MNT"
ln "$MNT/run.sh" "$MNT/docs/run-too"
chown 1000:1000 "$MNT/docs/guide.md"
echo "more" >>"$MNT/docs/hard"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$MNT/socket"
capture "rich" >/dev/null
output=$(heddle export tar -o captured.tar 2>&1)
check_contains "$output" "1 socket left out"
rm "$MNT/socket"
gnu_extract captured.tar gnu
check_same_archive "$MNT" gnu
heddle_unmount

# What is not meant is refused before anything is written.
check_status 64 heddle export tar --branch b -o x.tar
check_status 64 heddle export git -o x.tar
check_status 64 heddle export cpio -o x.tar
check_status 64 heddle export tar --json
check_status 64 heddle export tar --compress lzma -o x.tar
check_status 66 heddle export tar no-such-state -o x.tar
check_status 66 heddle export tar -o no/such/directory/x.tar
check_missing x.tar
check_equal "$(heddle export tar --json -o x.tar | json_field 's["file"], s["sockets"]')" "('x.tar', 1)"
check_status 74 heddle export tar -o /dev/full

# Stopped and killed exports leave what was there.
echo "old" >old.tar
export HEDDLE_WORK_RESTS=$TEST_DIRECTORY/rests
echo "writing files" >"$HEDDLE_WORK_RESTS"
status=0
python3 "$TEST_LIB/on_terminal.py" --interrupt-at "exporting: writing files ..." shown heddle export tar -o old.tar || status=$?
check_equal "$status" 130
check_content old.tar old
with_progress heddle export --json tar -o old.tar
exporting=$!
wait_until 100 grep -q '"step":"writing files"' progress
kill -KILL "$exporting"
wait "$exporting" || true
rm "$HEDDLE_WORK_RESTS"
check_content old.tar old
python3 "$TEST_LIB/on_terminal.py" shown heddle export tar && fail "an archive went to a terminal"
check_contains "$(cat shown)" "does not go to a terminal"
