#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A request that never ends, in a worker that is otherwise well: the worker gives up, another one takes over, and when
# that hangs in the same request as well, it fails with EIO. Other programs never notice. A worker that was stopped for
# longer, by somebody who looks at it, goes on as if nothing had been. poison_request.sh covers workers that die.

# EXPECT-LOG: waits for nothing: process [0-9]* ends, for another one to take over
# EXPECT-LOG: 2 workers died while they worked on request

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
export HEDDLE_KILL_POINT=size_set:1:hang HEDDLE_KILL_POINT_OFF=$TEST_DIRECTORY/off
heddle_mount -o hang=3000,poison=2
echo "written" >"$MNT/file"
before=$(worker_pid)
check_errno EIO chmod "$MNT/README" 600
check_content "$MNT/file" "written"
check_content "$MNT/src/main.c" "int main(void) { return 0; }"
[ "$(worker_pid)" != "$before" ] || fail "the worker is the same"
check_equal "$(status_field 's["worker"]["restarts"]')" 2
check_equal "$(stat -c %a "$MNT/README")" 644
check_contains "$(cat "$STORE/log/1.stacks")" "SETATTR of inode"
touch "$HEDDLE_KILL_POINT_OFF"
heddle_remount -o hang=3000

# One that is stopped in the middle of something.
(while :; do head -c 20000000 /dev/zero >"$MNT/large"; done) &
writer=$!
for _ in 1 2; do
	worker=$(worker_pid)
	kill -STOP "$worker"
	sleep 4
	kill -CONT "$worker"
	sleep 0.2
	check_equal "$(worker_pid)" "$worker"
done
kill $writer 2>/dev/null || true
wait $writer || true
check_equal "$(status_field 's["worker"]["restarts"]')" 0
