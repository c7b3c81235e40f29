#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# The tree of a state is named by its content: two threads that come to the same content in different ways, at
# different times, have the same tree; one byte or one mode bit makes another. Over a git commit it does not matter
# whether a file was moved, copied or written again.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
require_fuse

tree_of() {
	heddle log -n 1 --json "$1" | json_field 's["states"][0]["tree"]'
}

capture_tree() {
	check heddle capture "$1" -m "By $1" >/dev/null
	tree_of "$1"
}

threads="one two three four five"
base=$(tree_of main)
for thread in $threads; do
	check heddle mount $thread "$TEST_DIRECTORY/$thread" >/dev/null
done

# Written at once, in pieces, by copying; moved, moved twice, copied and removed.
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
mkdir three/manual
cp -p three/docs/* three/manual/
rm -r three/docs
cp -r one/made three/made
chmod 755 three/text

check_equal "$(capture_tree one)" "$(capture_tree two)" "a directory moved once and one moved twice"
check_equal "$(tree_of one)" "$(tree_of two)"
[ "$(capture_tree three)" != "$(tree_of one)" ] || fail "a mode bit makes another tree"
chmod 644 three/text
check_equal "$(capture_tree three)" "$(tree_of one)" "a copied directory beside a moved one"

# Another history, with captures on the way, that ends at the same content.
cp -r four/src four/manual
echo "text" >four/large
capture_tree four >/dev/null
rm -r four/manual four/large
cp -r four/docs four/manual
cp three/large four/large
capture_tree four >/dev/null
rm -r four/docs
cp three/text four/text
mkdir four/made
echo "inner" >four/made/inner
check_equal "$(capture_tree four)" "$(tree_of one)" "another history"

# A single file: moved, copied, written elsewhere with the bytes of a file that the commit has.
mv one/src/main.c one/main.c
cp -p two/src/main.c two/main.c
rm two/src/main.c
rm three/src/main.c
echo "int main(void) { return 0; }" >three/main.c
check_equal "$(capture_tree one)" "$(capture_tree two)" "a copied file beside a moved one"
check_equal "$(capture_tree three)" "$(tree_of one)" "a file written again"
mv one/link one/run.sh.link
ln -s src/main.c two/run.sh.link
rm two/link
check_equal "$(capture_tree one)" "$(capture_tree two)" "links"
chmod 755 two/main.c
[ "$(capture_tree two)" != "$(tree_of one)" ] || fail "chmod +x makes another tree"

# What is undone is as if it had never been, whatever was captured meanwhile.
echo "more" >>five/README
mv five/docs five/src/deep/
chmod 700 five/src
[ "$(capture_tree five)" != "$base" ] || fail "five is changed"
echo "readme" >five/README
echo "second" >>five/README
mkdir five/docs
cp five/src/deep/docs/* five/docs/
rm -r five/src/deep/docs
chmod 755 five/src
check_equal "$(capture_tree five)" "$base" "undone"

# The list of what the commit has is only a cache.
dd if=/dev/zero of="$(echo "$STORE"/cache/git-*.ids)" bs=1 seek=3200 count=40 conv=notrunc status=none
mkdir five/made
echo "inner" >five/made/inner
cp -r five/docs five/manual
rm -r five/docs "$STORE/cache"
mv five/src/main.c five/main.c
mv five/link five/run.sh.link
echo "text" >five/text
head -c 1000000 /dev/zero | tr '\0' 'z' >five/large
check_equal "$(capture_tree five)" "$(tree_of one)" "without the cache"

for thread in $threads; do
	check heddle unmount $thread >/dev/null
done

# A file of a directory, in a thread over a commit that has as many bytes, and an empty file: it keeps its own.
make_directory_base directory
echo abcde >directory/six
git init -q commits
echo 12345 >commits/six
: >commits/empty
git -C commits add -A
git -C commits commit -q -m "Six bytes"
heddle_init directory
check heddle import git main --repo commits --thread commit >/dev/null
check heddle restore --thread commit main six >/dev/null
check heddle mount commit "$MNT" --git=none >/dev/null
mv "$MNT/six" "$MNT/moved"
check heddle capture -m "Moved" commit >/dev/null
check_content "$MNT/moved" abcde
check heddle unmount "$MNT" >/dev/null
check_equal "$(heddle cat commit moved)" abcde
