#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
#
# .heddle in the root of a mount: what is in it, who does not see it, and that nothing changes it. A base's own .heddle
# is shown in its place.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository
DOT=$MNT/.heddle
first=$(status_field 's["head"]')

# ---- what is there ----
check_equal "$(ls "$DOT")" "$(printf 'states\nstatus\nstatus.json\nthread')"
check_content "$DOT/thread" main
check_equal "$(ls "$DOT/states")" "$(printf '%s\nmain' "$first" | LC_ALL=C sort)"
check_same_tree "$MNT" "$DOT/states/$first"
check_equal "$(readlink "$DOT/states/main")" "$first"
check_equal "$(readlink "$DOT/states/${first:0:6}")" "$first"
check_errno ENOENT stat "$DOT/states/nosuch"
check_errno ENOENT stat "$DOT/states/$(tr '0-9a-f' '1-9a-f0' <<<"$first")"
check_errno ENOENT stat "$DOT/nosuch"

echo new >"$MNT/new"
rm "$MNT/docs/guide.md"
check_contains "$(cat "$DOT/status")" "^changes: 1 added, 0 modified, 1 deleted, 0 moved$"
check_contains "$(cat "$DOT/status")" "^A new$"
check_equal "$(json_field 's["entries"][0]["path"]' <"$DOT/status.json")" docs/guide.md
exec 6<"$DOT/status"
capture second >/dev/null
second=$(status_field 's["head"]')
check_contains "$(cat "$DOT/status")" "^state: $second$"
check_contains "$(cat <&6)" "^A new$" # an open one goes on saying what it said
exec 6<&-

# A new state is there at once, and so are what threads and tags mean now.
check_equal "$(find "$DOT/states" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | wc -l)" 2
check_equal "$(readlink "$DOT/states/main")" "$second"
check_equal "$(readlink "$DOT/states/main~1")" "$first"
check_equal "$(readlink "$DOT/states/@")" "$second"
check heddle tag create before "$first" >/dev/null
check_equal "$(readlink "$DOT/states/before")" "$first"
check_contains "$(ls "$DOT/states")" "^before$"
check heddle tag create -f before "$second" >/dev/null
check_equal "$(readlink "$DOT/states/before")" "$second"
check_content "$DOT/states/main/new" new
check_missing "$DOT/states/main/docs/guide.md"
check_content "$DOT/states/main~1/docs/guide.md" guide
check_equal "$(diff -r "$DOT/states/main~1/docs" "$MNT/docs" || true)" "Only in $DOT/states/main~1/docs: guide.md"

# ---- inode numbers: one each in the whole mount, and the same the next time ----
numbers() { find "$MNT" "$DOT" -printf '%i\n' | sort; }
# Through the links nothing is seen twice: find does not follow them. Both names stand on the command line once.
check_equal "$(numbers | uniq -d)" ""
numbers >numbers.before
nlinks() { find "$DOT/states/$second" -type d -printf '%P %n\n'; }
while read -r name links; do
	check_equal "$links" $((2 + $(find "$DOT/states/$second/$name" -mindepth 1 -maxdepth 1 -type d | wc -l))) "$name"
done < <(nlinks | sed 's/^ /. /')

# ---- who does not see it ----
check_equal "$(find "$MNT" -name .heddle)" ""
check_equal "$(cd "$MNT" && echo .[!.]*)" ".[!.]*"
check cp -a "$MNT" copy
check_missing copy/.heddle
(cd "$MNT" && git init -q && git add -A && git commit -q -m all)
check_equal "$(git -C "$MNT" status --porcelain --ignored)" ""
echo junk >"$MNT/junk"
check git -C "$MNT" clean -fdxq
check_missing "$MNT/junk"
check_content "$DOT/thread" main
rm -rf "$MNT/.git"

# ---- nothing changes it ----
check_errno EROFS create "$DOT/file"
check_errno EROFS mkdir "$DOT/states/folder"
check_errno EROFS create "$DOT/states/main/file"
check_errno EROFS unlink "$DOT/states/main/README"
check_errno EROFS chmod "$DOT/states/main/README" 600
check_errno EROFS truncate "$DOT/states/main/README" 0
check_errno EROFS rename "$DOT/states/main/README" "$DOT/states/main/other"
check_errno EXDEV rename "$DOT/states/main/README" "$MNT/other"
check_errno EXDEV rename "$MNT/README" "$DOT/states/main/README2"
check_errno EXDEV link "$DOT/states/main/README" "$MNT/other"
check_errno EEXIST mkdir "$DOT"
check_errno EEXIST create "$DOT"
check_errno EISDIR write "$DOT"
check_errno EBUSY rmdir "$DOT"
check_errno EBUSY rename "$DOT" "$MNT/other"
mkdir "$MNT/folder"
check_errno EBUSY rename "$MNT/folder" "$DOT"
rmdir "$MNT/folder"
check_fails setfattr -n user.name -v value "$DOT/states/main/README"
check_equal "$(changes)" ""

# Copied out it is a tree like any other, with its modes.
check cp -a "$DOT/states/main~1/." older
check_same_tree "$DOT/states/$first" older
check cp -a "$DOT/states/main~1/docs/guide.md" "$MNT/docs/guide.md"
check_equal "$(changes)" "A docs/guide.md"

# ---- a restore, an unmount ----
exec 6<"$DOT/states/main/new"
check heddle restore "$first" >/dev/null
check_content /dev/fd/6 new
exec 6<&-
check_missing "$MNT/new"
check_content "$DOT/states/$second/new" new
check heddle undo >/dev/null
rm "$MNT/docs/guide.md"
heddle_remount
numbers >numbers.after
# The overlay's own numbers are kept as well, but a capture was made meanwhile.
check_equal "$(comm -23 <(grep -E '^[0-9]{19}$' numbers.before) numbers.after | wc -l)" 0

# ---- where the kernel asks before it opens ----
heddle_remount --open tracked
check_errno EROFS write "$DOT/states/main/README"
check_errno EROFS truncate "$DOT/states/main/README" 0
check_errno ok open "$DOT/states/main/README"
check_same_tree "$DOT/states/main/" "$DOT/states/$second"
check_contains "$(cat "$DOT/status")" "^state: $second$"

# ---- only for who mounted it ----
check_equal "$(stat -c %a "$DOT")" 500
heddle_unmount

# ---- a .heddle of the base's own ----
mkdir -p other/.heddle
echo mine >other/.heddle/file
git -C other init -q
git -C other add -A -f
git -C other commit -q -m own
heddle_init other --store elsewhere
MNT=$TEST_DIRECTORY/mnt2
heddle_mount
check_content "$MNT/.heddle/file" mine
check_contains "$(ls -A "$MNT")" "^.heddle$"
echo more >"$MNT/.heddle/more"
check_equal "$(changes)" "A .heddle/more"
rm -rf "$MNT/.heddle"
check_content "$MNT/.heddle/thread" main
check_equal "$(ls -A "$MNT")" ""
check_equal "$(cat "$MNT/.heddle/states/main/.heddle/file")" mine
check heddle restore @ >/dev/null
check_content "$MNT/.heddle/file" mine
