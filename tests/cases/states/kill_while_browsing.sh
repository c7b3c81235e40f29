#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# kill -9 of the worker, again and again, while programs walk through states, read, and hold files and directories of
# them open: they see no error and nothing but those states, while others capture and restore.

. "$TEST_LIB/common.sh"

make_repository repository
mkdir repository/many
for i in $(seq 300); do
	echo "file $i" >"repository/many/$i"
done
git -C repository add -A
git -C repository commit -q -m Many
heddle_init repository
heddle_mount -o restarts=1000
first=$(status_field 's["head"]')
state=$MNT/.heddle/states/$first
describe() { python3 "$TEST_LIB/describe_tree.py" --times "$1"; }
describe "$state" >expected
number=$(stat -c %i "$state/many/7")

exec 6<"$state/docs/big.txt"
head -c 1000 <&6 >/dev/null
browse() {
	cd "$state/many" || exit 1 # stays here over every death
	while [ ! -e "$TEST_DIRECTORY/enough" ]; do
		diff "$TEST_DIRECTORY/expected" <(describe "$state") || exit 1
		[ "$(cat 7)" = "file 7" ] || exit 1
		tar cf - "$MNT/.heddle/states/main/src" 2>/dev/null | tar tf - >/dev/null || exit 1
		cat "$MNT/.heddle/status" >/dev/null || exit 1
	done
}
browse &
browser=$!
change() {
	local n=0
	while [ ! -e "$TEST_DIRECTORY/enough" ]; do
		n=$((n + 1))
		echo $n >"$MNT/src/changed"
		heddle capture -m "number $n" >/dev/null 2>&1 || true # its worker may be killed
		sleep 0.1
	done
}
change &
changer=$!

for round in $(seq 8); do
	sleep "0.$((RANDOM % 5 + 2))"
	check python3 "$TEST_LIB/kill_mount.py" worker main
	kill -0 $browser || fail "the browser has ended in round $round"
done
: >enough
wait $browser || fail "a state was another than itself"
wait $changer
diff expected <(describe "$state")
check_equal "$(wc -c <&6)" 99000
check_equal "$(stat -c %i "$state/many/7")" "$number"
exec 6<&-
