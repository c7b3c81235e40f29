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

# messages_of COMMAND...: how many one run of it costs.
messages_of() {
	local before
	before=$(messages)
	check "$@" >/dev/null
	echo $(($(messages) - before))
}

# Costs nothing, once the kernel knows. A machine that is short of memory, or on which somebody drops the caches, forgets in
# between: what is asked every time is what counts.
unchanged_by() {
	local try asked
	check "$@" >/dev/null
	for try in 1 2 3 4 5; do
		# The first read makes the access time stale, so the next fstat asks once.
		check "$@" >/dev/null
		asked=$(messages_of "$@")
		[ "$asked" -ne 0 ] || return 0
	done
	status_field 's["messages"]'
	fail "$asked messages for the second, $try times: $*"
}

unchanged_by cat "$MNT/docs/big.txt"
unchanged_by stat "$MNT/src/deep/er/leaf.txt"
unchanged_by find "$MNT" -printf '%p %s %T@\n'
unchanged_by readlink "$MNT/link"
unchanged_by test ! -e "$MNT/no/such/name"
echo "edited" >"$MNT/README"
unchanged_by cat "$MNT/README"
