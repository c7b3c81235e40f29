#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 200
#
# Programs are killed while their request is with nobody: the worker that had done it died before it answered, and the kernel,
# asked to send it again, still has it. It withdraws the request then. What was counted for it, a lookup or an open, is taken
# back by whoever goes on: at the end nothing is looked up or open.

# EXPECT-LOG: .

. "$TEST_LIB/common.sh"

require_fuse
make_directory_base base
mkdir base/many
for i in $(seq 8); do echo "$i" >"base/many/file$i"; done
heddle_init base
quiet=$TEST_DIRECTORY/quiet

# Workers die right before they answer with an entry, or right after they asked the kernel to send again; none while there is
# $quiet. The first draws one of these, and the one after it is at the former, or dies of the latter.
mount_them() {
	touch "$quiet"
	check env HEDDLE_KILL_POINT=entry_reply,asked_again:1 HEDDLE_KILL_POINT_OFF="$quiet" heddle mount main "$MNT" \
		-o "restarts=1000000,poison=0,$1" >/dev/null
}

# Runs $@ in a program that is killed while workers die of its request.
kill_asker() {
	rm "$quiet"
	check python3 "$TEST_LIB/kill_mount.py" worker main
	"$@" >/dev/null 2>&1 &
	asker=$!
	sleep "0.$((RANDOM % 4 + 1))"
	kill -9 "$asker" 2>/dev/null || true
	touch "$quiet"
	wait "$asker" 2>/dev/null || true
}

nothing_is_held() {
	[ "$(status_field 's["looked_up"], s["opened"], s["orphans"]')" = "(0, 0, 0)" ]
}

for options in open=untracked open=tracked; do
	mount_them "$options"
	for i in $(seq 5); do
		kill_asker stat "$MNT/many/file$i"
		kill_asker sh -c ": >'$MNT/many/new$i'"
	done
	rm -r "$MNT/many"
	wait_until 30 nothing_is_held || fail "held: $(status_field 's["looked_up"], s["opened"], s["orphans"]')"
	heddle_unmount
	check_contains "$(heddle check)" "no problems"
	rm -rf .heddle base/.heddle
	heddle_init base
done
