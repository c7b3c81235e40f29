#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# st_ino: unique, the same after a new mount, over a directory base that of the base, for new files another one. So git
# finds its index true at the first look, and reads no file (kernel_messages.sh counts other things).

. "$TEST_LIB/common.sh"

numbers() {
	find "$1" -printf '%P %i\n' | grep -v '^ ' | sort
}

make_repository repository
sleep 1.1 # an index as old as its files is not believed
git -C repository status >/dev/null
heddle_init repository --base repository
heddle_mount
check_equal "$(numbers "$MNT/src")" "$(numbers repository/src)" "numbers of the base"

reads() {
	check heddle status main --json | json_field 's["messages"].get("READ", 0)'
}
before=$(reads)
check_equal "$(git -C "$MNT" --no-optional-locks status --short)" "" "git finds nothing changed"
[ "$(reads)" -le $((before + 12)) ] || fail "git read the files again"

check mkdir "$MNT/new"
for n in $(seq 50); do
	echo "$n" >"$MNT/new/$n"
done
check cp "$MNT/src/main.c" "$MNT/src/copy.c"
all=$(numbers "$MNT")
check_equal "$(awk '{ print $NF }' <<<"$all" | sort | uniq -d)" "" "no number twice"
heddle_remount
check_equal "$(numbers "$MNT")" "$all" "numbers after a new mount"

# What was renamed and brought back is there twice, with a number each: a directory's files too, and after a new mount.
mkdir -p base/folder
echo inside >base/folder/inside
echo beside >base/beside
heddle_unmount
mkdir second
heddle_init base --store second/.heddle
heddle_mount
check_equal "$(numbers "$MNT")" "$(numbers base)" "numbers of the base"
check mv "$MNT/folder" "$MNT/moved"
check mv "$MNT/beside" "$MNT/aside"
check heddle restore @ folder beside >/dev/null
check_content "$MNT/folder/inside" "inside"
check_content "$MNT/moved/inside" "inside"
all=$(numbers "$MNT")
check_equal "$(wc -l <<<"$all")" 6
check_equal "$(awk '{ print $NF }' <<<"$all" | sort | uniq -d)" "" "no number twice"
check cp "$MNT/aside" "$MNT/beside"
heddle_remount
check_equal "$(numbers "$MNT")" "$all" "numbers after a new mount"
check heddle capture -m "Both" >/dev/null
heddle_unmount
check heddle mount fork "$MNT" >/dev/null
check_equal "$(numbers "$MNT" | awk '{ print $NF }' | sort | uniq -d)" "" "no number twice in another thread"
