#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
# TIMEOUT: 240
#
# `heddle blame`: the state that brought each line, through moved directories, renames and changes of names, of the
# tree as it is and of any state, mounted or not; as text, porcelain and JSON. Random histories are compared with
# `git blame` in blame_as_git.sh.

. "$TEST_LIB/common.sh"
require_fuse

make_repository repository
printf 'one\ntwo\nthree\nfour\n' >repository/docs/list
git -C repository add -A
git -C repository commit -q -m "Third"
heddle_mount_of repository

# Messages of the states that brought the lines, or "-".
blamed() {
	heddle blame --json "$@" | json_field \
		'" ".join((s["sources"][l["source"]]["state"] or {"message": "-"})["message"].split()[0] for l in s["lines"])'
}

sed -i 's/two/TWO/' "$MNT/docs/list"
HEDDLE_AUTHOR="Ann Other <ann@example.org>" capture replaced >/dev/null
printf 'zero\n' | cat - "$MNT/docs/list" >list && cat list >"$MNT/docs/list"
capture prepended >/dev/null
mv "$MNT/docs" "$MNT/manual"
echo five >>"$MNT/manual/list"
capture moved >/dev/null
mv "$MNT/manual/list" "$MNT/register"
capture renamed >/dev/null
mkdir "$MNT/a"
sed 's/three/THREE/' "$MNT/register" >"$MNT/a/other"
rm "$MNT/register"
capture edited >/dev/null
printf 'no end' >>"$MNT/a/other"

stories() {
	check_equal "$(blamed a/other)" "prepended base: replaced edited base: moved -"
	check_equal "$(blamed ./a//other -L 2,3)" "base: replaced"
	check_equal "$(blamed a/other -L 6,)" "moved -"
	check_equal "$(blamed a/other -L ,2)" "prepended base:"
	check_equal "$(blamed a/other -L 3,+2)" "replaced edited"
	check_equal "$(blamed a/other -L 3)" "replaced"
	check_equal "$(blamed --state @ a/other)" "prepended base: replaced edited base: moved"
	check_equal "$(blamed --state @~1 register)" "prepended base: replaced base: base: moved"
	check_equal "$(blamed --state @~3 docs/list)" "prepended base: replaced base: base:"
	check_equal "$(heddle blame --json a/other | json_field '[s["sources"][l["source"]]["path"] for l in s["lines"]][2:]')" \
		'["docs/list", "a/other", "docs/list", "manual/list", "a/other"]'
	check_equal "$(heddle blame --json a/other | json_field '[(l["line"], l["source_line"]) for l in s["lines"]][1:3]')" "[[2, 1], [3, 2]]"
	text=$(heddle blame a/other)
	check_equal "$(wc -l <<<"$text")" 7
	check_contains "$text" "^[0-9a-f]\{12\} docs/list   (Ann Other   20[-0-9]* [:0-9]* [-+][0-9]* 3) TWO\$"
	check_contains "$text" "^not captured a/other     ( *7) no end\$"
	porcelain=$(heddle blame --porcelain --state @ a/other)
	check_equal "$(grep -c '^author ' <<<"$porcelain")" 5
	check_contains "$porcelain" "^$(heddle log --json | json_field 's["states"][4]["id"]') 2 3 1\$"
	check_contains "$porcelain" "^author-mail <ann@example.org>\$"
	check_contains "$porcelain" "^	TWO\$"
	check_status 66 heddle blame no/such
	check_status 66 heddle blame a
	check_status 65 heddle blame ../a
	check_status 65 heddle blame a/other -L 9,10
	check_status 64 heddle blame a/other -L 3,2
	check_status 64 heddle blame a/other -L x
	check_status 64 heddle blame a/other --porcelain --json
	check_status 64 heddle blame
	check_status 66 heddle blame --state nosuch a/other
}
stories
heddle_unmount
check_equal "$(blamed a/other)" "prepended base: replaced edited base: moved -" "unmounted"
check_equal "$(blamed --state @~1 register)" "prepended base: replaced base: base: moved" "unmounted"
heddle_mount

# What has no lines, and names and lines that are no UTF-8.
printf 'a\0b' >"$MNT/binary"
capture "binary made" >/dev/null
echo x >>"$MNT/README"
capture "something else" >/dev/null
check_contains "$(heddle blame binary)" "^[0-9a-f]\{12\} (Test Person .*) binary, 3 bytes$"
check_equal "$(heddle blame --json binary | json_field 's["binary"], s["size"], s["lines"], s["sources"][0]["state"]["message"]')" \
	"(True, 3, [], 'binary made')"
check_status 65 heddle blame --porcelain binary
printf 'text again\n' >"$MNT/binary"
check_equal "$(blamed binary)" "-"
name=$(printf 'n\377')
printf '\377\\\nplain\n' >"$MNT/$name"
capture raw >/dev/null
check_equal "$(blamed "$name")" "raw raw"
heddle blame "$name" | sed 's/^.*[0-9]) //' | cmp - "$MNT/$name"
: >"$MNT/empty"
check_equal "$(heddle blame empty)" ""
check_equal "$(heddle blame --json empty | json_field 's["lines"]')" "[]"
check_contains "$(heddle blame link)" ") src/main.c\$"
