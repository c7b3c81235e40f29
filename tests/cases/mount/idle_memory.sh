#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A mount that had much to do at once, and now has nothing, gives back what its threads read into: a megabyte each. What is
# asked of it afterwards, also in whole megabytes and while workers die, is answered as ever.

. "$TEST_LIB/common.sh"

require_fuse
require_root
mkdir base
head -c 3000000 /dev/urandom >base/large
heddle init --base base project >/dev/null
export HEDDLE_STORE=$PWD/project/.heddle
heddle_mount

# kilobytes: of the requests' memory. Asking for the worker would be a request.
kilobytes() {
	awk '/^[0-9a-f]+-/ { ours = /heddle-requests/ } ours && $1 == "Rss:" { sum += $2 } END { print sum + 0 }' "/proc/$worker/smaps"
}

has_less() {
	[ "$(kilobytes)" -lt "$1" ]
}

busy() {
	local i
	for i in 1 2 3 4; do
		dd if=/dev/urandom of="$MNT/file$i" bs=1M count=4 conv=fsync status=none &
		cat "$MNT/large" >/dev/null &
	done
	wait
}

worker=$(worker_pid)
busy
check [ "$(kilobytes)" -gt 1000 ]
wait_until 30 has_less 300
cp "$MNT/large" "$MNT/copy"
check cmp base/large "$MNT/copy"
check [ "$(kilobytes)" -gt 1000 ]
wait_until 30 has_less 300
kill -9 "$worker"
cp "$MNT/large" "$MNT/copy2"
check cmp base/large "$MNT/copy2"
worker=$(worker_pid)
busy
wait_until 30 has_less 300
heddle_remount
check cmp base/large "$MNT/copy"
heddle_unmount
