#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# heddle rebase under a mount: what is captured and what is not come along, descriptors stay, conflicts move nothing, and
# undo goes back; then the same for a thread that is not mounted.

. "$TEST_LIB/common.sh"

make_repository repository
printf '1\n2\n3\n4\n5\n6\n7\n8\n9\n' >repository/text
git -C repository add text
git -C repository commit -q -m "Text"
heddle_mount_of repository

head_state() {
	heddle log -n 1 --json | json_field 's["states"][0]["id"]'
}

# theirs MESSAGE: the files of the checkout as a commit of main.
theirs() {
	git -C repository add -A
	git -C repository commit -q -m "$1"
}

check_status 1 heddle rebase main
check_contains "$(cat .output)" "has all of"
check_status 66 heddle rebase nowhere

# ---- nothing captured: the commit's tree, with what is not captured on it ----

sed -i 's/^1$/one/' repository/text
echo theirs >repository/theirs
git -C repository rm -q -r src/deep
theirs "First theirs"
exec 7<>"$MNT/README"
sed -i 's/^9$/nine/' "$MNT/text"
echo ours >"$MNT/ours"
echo "more" >>"$MNT/README"
touch -d 2001-01-01 "$MNT/run.sh"
got=$(check heddle rebase main --json)
check_equal "$(json_field 's["outcome"], s["commits"], s["behind"]' <<<"$got")" "('forwarded', 0, 1)"
check_equal "$(tr '\n' , <"$MNT/text")" "one,2,3,4,5,6,7,8,nine,"
check_content "$MNT/theirs" theirs
check_missing "$MNT/src/deep"
check_equal "$(tail -n 1 <&7)" "more"
check_equal "$(stat -c %Y "$MNT/run.sh")" "$(date -d 2001-01-01 +%s)" "its time is the thread's"
check_equal "$(heddle status -s | tr '\n' ,)" "M README,A ours,M text,"
check_equal "$(heddle diff | grep -c '^[-+][^-+]')" 4 "what the commit has is no change"
check_status 1 heddle rebase main
check heddle undo >/dev/null
check_equal "$(tr '\n' , <"$MNT/text")" "1,2,3,4,5,6,7,8,nine,"
check_missing "$MNT/theirs"
check_content "$MNT/src/deep/er/leaf.txt" deep
check_equal "$(heddle status -s | tr '\n' ,)" "M README,A ours,M text,"
check heddle redo >/dev/null
check_equal "$(tr '\n' , <"$MNT/text")" "one,2,3,4,5,6,7,8,nine,"
check_equal "$(heddle status -s | tr '\n' ,)" "M README,A ours,M text,"

# ---- captured, and some more ----

capture "Ours" >/dev/null
echo "not captured" >"$MNT/later"
sed -i 's/^5$/five/' repository/text
echo "again" >>repository/theirs
theirs "Second theirs"
text=$(check heddle rebase main)
check_contains "$text" "main has 1 commit more"
check_equal "$(tr '\n' , <"$MNT/text")" "one,2,3,4,five,6,7,8,nine,"
check_equal "$(heddle status -s)" "A later"
check_equal "$(heddle log -n 3 --json | json_field '", ".join(x["message"] for x in s["states"])')" \
	"Merge main into thread 'main', Ours, Merge main into thread 'main'"
# A branch that is at the commit goes forward.
git -C repository branch target main
got=$(check heddle land --onto target --capture --json)
check_equal "$(json_field 's["outcome"]' <<<"$got")" forwarded
check_equal "$(git -C repository show target:later)" "not captured"
check_equal "$(git -C repository show target:text | tr '\n' ,)" "one,2,3,4,five,6,7,8,nine,"
exec 7>&-

# ---- conflicts of what is not captured: nothing moves ----

sed -i 's/^5$/cinq/; s/^five$/cinq/' repository/text
theirs "Third theirs"
sed -i 's/^five$/funf/' "$MNT/text"
before=$(head_state)
check_status 3 heddle rebase main
check_contains "$(cat .output)" "'text' (content); capture it first"
check_equal "$(head_state)" "$before"
check_equal "$(tr '\n' , <"$MNT/text")" "one,2,3,4,funf,6,7,8,nine,"
check_equal "$(heddle status -s)" "M text"

# ---- of what is captured: a state, and nothing moves ----

capture "Five" >/dev/null
before=$(head_state)
echo "still not captured" >"$MNT/later"
status=0
got=$(heddle rebase main --json) || status=$?
check_equal "$status" 3
check_equal "$(json_field 's["outcome"], [c["path"] for c in s["conflicts"]]' <<<"$got")" "('conflicts', ['text'])"
check_equal "$(head_state)" "$before"
check_equal "$(heddle status -s)" "M later"
state=$(json_field 's["state"]' <<<"$got")
check heddle thread create solve "$state" >/dev/null
check heddle mount solve "$TEST_DIRECTORY/solve" >/dev/null
check_contains "$(cat solve/text)" "^<<<<<<< main$"
printf 'one\n2\n3\n4\nV\n6\n7\n8\nnine\n' >solve/text
check heddle capture -m "Solved" solve >/dev/null
git -C repository checkout -q --detach
check heddle land solve --onto main >/dev/null
check_equal "$(git -C repository show main:text | tr '\n' ,)" "one,2,3,4,V,6,7,8,nine,"
check heddle unmount solve >/dev/null
git -C repository checkout -q main

# ---- not mounted ----

heddle_unmount
got=$(check heddle rebase main main --json)
check_equal "$(json_field 's["outcome"]' <<<"$got")" forwarded
heddle_mount
check_equal "$(tr '\n' , <"$MNT/text")" "one,2,3,4,V,6,7,8,nine,"
check_equal "$(heddle status -s)" "M later"
check_content "$MNT/later" "still not captured"
heddle_unmount
check heddle undo >/dev/null
heddle_mount
check_equal "$(tr '\n' , <"$MNT/text")" "one,2,3,4,funf,6,7,8,nine,"
check_equal "$(heddle status -s)" "M later"
check heddle check >/dev/null
git -C repository fsck --strict --no-dangling
