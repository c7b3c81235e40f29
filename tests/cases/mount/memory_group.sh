#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# In a container or service with a limit of memory (a control group) heddle keeps no more file data in memory than half of
# that: a mount that is written much more than the limit lets through is never killed for it, and nothing fails.

. "$TEST_LIB/common.sh"

require_root
require_fuse
limit=$((128 << 20))
name=heddle-case-$$
own=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
if mkdir "/sys/fs/cgroup/memory$own/$name" 2>/dev/null; then
	group=/sys/fs/cgroup/memory$own/$name
	echo "$limit" >"$group/memory.limit_in_bytes"
elif grep -qs memory /sys/fs/cgroup/cgroup.subtree_control && mkdir "/sys/fs/cgroup/$name" 2>/dev/null; then
	group=/sys/fs/cgroup/$name
	echo "$limit" >"$group/memory.max"
else
	skip "no control group can be made here"
fi
trap '{ heddle unmount --lazy main || true; sleep 1; rmdir "$group" || true; } >/dev/null 2>&1' EXIT

make_directory_base base
heddle_init base
(
	echo "$BASHPID" >"$group/cgroup.procs"
	heddle_mount
)
check_equal "$(status_field 's["hot_limit"]')" "$((limit / 2))"
head -c 10000000 /dev/urandom >data
for number in $(seq 20); do
	check cp data "$MNT/data$number"
done
for number in $(seq 20); do
	check cmp data "$MNT/data$number"
done
check_equal "$(status_field 's["worker"]["restarts"]')" 0
heddle_unmount
wait_until 30 rmdir "$group"
