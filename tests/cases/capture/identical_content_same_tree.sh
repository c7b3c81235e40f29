#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# The tree of a state is named by its content: two threads that come to the same content in different ways, at
# different times, have the same tree; one byte or one mode bit makes another.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
require_fuse

tree_of() {
	heddle log -n 1 --json "$1" | json_field 's["states"][0]["tree"]'
}

check heddle mount one "$TEST_DIRECTORY/one" >/dev/null
check heddle mount two "$TEST_DIRECTORY/two" >/dev/null
check heddle mount three "$TEST_DIRECTORY/three" >/dev/null

head -c 1000000 /dev/zero | tr '\0' 'z' >one/large
echo "text" >one/text
mkdir one/made
echo "inner" >one/made/inner
mv one/docs one/manual

for _ in $(seq 10); do
	head -c 100000 /dev/zero | tr '\0' 'z' >>two/large
done
echo "other" >two/text
echo "text" >two/text
mv two/docs two/other
mkdir two/made.new
echo "inner" >two/made.new/inner
mv two/made.new two/made
mv two/other two/manual

cp one/large three/large
cp one/text three/text
mv three/docs three/manual
cp -r one/made three/made
chmod 755 three/text

for thread in one two three; do
	check heddle capture $thread -m "By $thread" >/dev/null
done
check_equal "$(tree_of one)" "$(tree_of two)"
[ "$(tree_of one)" != "$(tree_of three)" ] || fail "a mode bit makes another tree"
chmod 644 three/text
check heddle capture three -m "As the others" >/dev/null
check_equal "$(tree_of one)" "$(tree_of three)"
for thread in one two three; do
	check heddle unmount $thread >/dev/null
done
