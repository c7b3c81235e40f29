#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# kill -9 of the worker while the mount is unmounted, at random moments, and with a copy of the mount in another mount
# namespace, so that nobody hears from the kernel that it is gone: the unmount ends all the same, and with it whoever served;
# the thread can be worked with at once, and nothing that was written is lost.

# EXPECT-LOG: .

. "$TEST_LIB/common.sh"

require_root
make_repository repository
heddle_init repository
unshare --mount true 2>/dev/null || skip "no mount namespace can be made here"

for round in $(seq 25); do
	heddle_mount -o restarts=1000,poison=0
	echo "$round" >"$MNT/file"
	worker=$(worker_pid)
	unshare --mount --propagation private sh -c 'echo there >copied; exec sleep 1000' &
	copy=$!
	wait_until 20 grep -qs there copied
	rm copied
	heddle unmount main >out 2>&1 &
	unmount=$!
	sleep "0.0$((RANDOM % 3))$((RANDOM % 10))"
	kill -9 "$worker" 2>/dev/null || true
	wait_until 20 sh -c "! kill -0 $unmount"
	wait "$unmount" || fail "round $round: $(cat out)"
	check heddle thread rename main other >out
	check heddle thread rename other main >out
	check_equal "$(heddle diff --name-only)" file
	kill "$copy"
	wait "$copy" || true
done
heddle_mount
check_content "$MNT/file" 25
