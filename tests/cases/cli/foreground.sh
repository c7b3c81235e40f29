#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# `heddle mount --foreground` serves until an interrupt or an unmount ends it, and ends with 0 in both cases.

. "$TEST_LIB/common.sh"
require_fuse

make_repository repository
heddle_init repository

for way in interrupt unmount; do
	heddle mount main "$MNT" --foreground >"out.$way" &
	server=$!
	wait_until 10 grep -q "^Mounted main" "out.$way"
	echo "$way" >"$MNT/$way"
	if [ "$way" = interrupt ]; then
		kill -TERM "$server"
	else
		check heddle unmount "$MNT" >/dev/null
	fi
	status=0
	wait "$server" || status=$?
	check_equal "$status" 0 "$way"
	check_missing "$MNT/$way"
done
check_equal "$(changes)" "A interrupt
A unmount"

# A mountpoint in use stays; the next interrupt ends it.
heddle mount main "$MNT" --foreground >out.last 2>err &
server=$!
wait_until 10 grep -q "^Mounted main" out.last
exec 9<"$MNT/README"
kill -TERM "$server"
wait_until 10 grep -q "still mounted" err
check_content "$MNT/interrupt" interrupt
exec 9<&-
kill -TERM "$server"
check wait "$server"
