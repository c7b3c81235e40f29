#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the kernel knows it does not ask again: a file read before and a tree walked before cost no messages.
# heddle status counts them by kind.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository

# Messages of every kind but those of forgetting, and of statfs(2), which find calls and no kernel caches.
messages() {
	status_field 'sum(n for kind, n in s["messages"].items() if isinstance(n, int) and kind not in ("FORGET", "BATCH_FORGET", "INTERRUPT", "STATFS"))'
}

unchanged_by() {
	local before after
	check "$@" >/dev/null
	# The first read makes the access time stale, so the next fstat asks once.
	check "$@" >/dev/null
	before=$(messages)
	check "$@" >/dev/null
	after=$(messages)
	[ "$after" -eq "$before" ] || {
		status_field 's["messages"]'
		fail "$((after - before)) messages for the second: $*"
	}
}

unchanged_by cat "$MNT/docs/big.txt"
unchanged_by stat "$MNT/src/deep/er/leaf.txt"
unchanged_by find "$MNT" -printf '%p %s %T@\n'
unchanged_by readlink "$MNT/link"
unchanged_by test ! -e "$MNT/no/such/name"
echo "edited" >"$MNT/README"
unchanged_by cat "$MNT/README"
