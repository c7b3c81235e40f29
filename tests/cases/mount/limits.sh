#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Limits of size, descriptors and memory (setrlimit) end no process of heddle: soft ones of whoever mounts do not count, hard
# ones are clear errors, and what a worker refuses for want of descriptors or memory it does when it has them again, in the
# same mount.

# EXPECT-LOG: (Too many open files|Cannot allocate memory|File too large|on disk again|replaced|killed|restart)

. "$TEST_LIB/common.sh"

require_program prlimit
make_directory_base base
heddle_init base

# Whoever types this has set limits for programs of their own.
under_limit() {
	# shellcheck disable=SC2086 # an option and its value
	(ulimit $1 && shift && exec "$@")
}

# A status of a program's own: no signal ended it.
check_refused() {
	local status=0
	"$@" >"$TEST_DIRECTORY/.output" 2>&1 || status=$?
	[ "$status" -gt 0 ] && [ "$status" -lt 128 ] || fail "status $status: $*: $(cat "$TEST_DIRECTORY/.output")"
}

require_fuse
for limit in "-S -f 10" "-S -n 64" "-S -t 1" "-S -s 256"; do
	check under_limit "$limit" heddle mount main "$MNT" >/dev/null
	head -c 3000000 /dev/urandom >data
	cp data "$MNT/data"
	check sync "$MNT/data"
	check under_limit "$limit" heddle capture -m "under $limit" >/dev/null
	check cmp data "$MNT/data"
	check under_limit "$limit" heddle unmount main >/dev/null
done
check_refused under_limit "-f 0" heddle mount main "$MNT"
check_refused under_limit "-f 100" heddle mount main "$MNT"
check grep -q "File too large" "$TEST_DIRECTORY/.output"
check_refused under_limit "-v 200000" heddle mount main "$MNT"
check_refused under_limit "-n 8" heddle mount main "$MNT"
check_contains "$(heddle check)" "no problems"

heddle_mount -o promote-idle=200
worker=$(worker_pid)
echo "before" >"$MNT/before"
check sync "$MNT/before"

# Without descriptors: what needs none goes on, what needs one is refused and says so.
check prlimit --pid "$worker" --nofile=8:
cp data "$MNT/during" || true
cat "$MNT/docs/guide.md" >/dev/null 2>&1 || true
check_content "$MNT/before" before
check prlimit --pid "$worker" --nofile=1024:
check_content "$MNT/docs/guide.md" guide
cp data "$MNT/during"
check sync "$MNT/during"
check cmp data "$MNT/during"
check_equal "$(worker_pid)" "$worker"

# Without memory: whatever a request is told, none is told that it succeeded and did not.
check prlimit --pid "$worker" --as=1000000:
for i in $(seq 100); do
	if echo "number $i" >"$MNT/number$i" && sync "$MNT/number$i"; then
		echo "$i" >>acknowledged
	fi
done 2>/dev/null
check prlimit --pid "$worker" --as=unlimited: || true
cp data "$MNT/afterwards"
check sync "$MNT/afterwards"
capture "There is memory again" >/dev/null
heddle_remount
check cmp data "$MNT/afterwards"
touch acknowledged
while read -r i; do check_content "$MNT/number$i" "number $i"; done <acknowledged
check_contains "$(heddle check)" "no problems"
