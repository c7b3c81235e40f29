#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
# TIMEOUT: 120
#
# A mounted thread gets the tree of a state, or paths of it, under a program that has files and directories of it open,
# mapped and as its working directory: what it asks after the command has returned is of the restored tree. What was not
# captured is kept, undo and redo go back and forth, all while mounted, and after a new mount the tree is the same.

. "$TEST_LIB/common.sh"
require_fuse

# restores BASE: a store at BASE, which begins with the tree of make_files.
restores() {
	heddle_mount
	cp -a "$MNT" "$1.zero"
	ln "$MNT/README" "$MNT/README.linked"
	mkdir -p "$MNT/new/below"
	echo one >"$MNT/new/below/file"
	echo "changed in one" >"$MNT/src/main.c"
	echo "a mapped file, which is longer in one" >"$MNT/mapped"
	rm -r "$MNT/docs"
	ln -s elsewhere "$MNT/new/link"
	mkfifo "$MNT/new/fifo"
	chmod 600 "$MNT/run.sh"
	touch -d @1000000000 "$MNT/src/main.c"
	capture one >/dev/null
	cp -a "$MNT" "$1.one"
	echo uncaptured >"$MNT/src/main.c"
	echo deep >"$MNT/src/deep/new"
	echo "short, but long enough to map" >"$MNT/mapped"
	rm -r "$MNT/new"
	mkdir "$MNT/docs"
	echo other >"$MNT/docs/guide.md"
	cp -a "$MNT" "$1.two"

	python3 "$TEST_DIRECTORY/holder.py" "$MNT" "$TEST_DIRECTORY"
	sed -i s/short/SHORT/ "$1.two/mapped"
	check_same_tree "$MNT" "$1.one"
	check_equal "$(changes)" ""
	check_equal "$(stat -c %h "$MNT/README")" 2

	check_contains "$(heddle undo)" "(restore): main is at"
	check_same_tree "$MNT" "$1.two"
	check_contains "$(heddle redo)" "Did again .*(restore): main is at"
	check_same_tree "$MNT" "$1.one"
	check_contains "$(heddle undo --json)" '"kind": *"undo"'
	check_same_tree "$MNT" "$1.two"

	check_contains "$(heddle restore @~1 --json)" '"kind": *"restore"'
	check_same_tree "$MNT" "$1.zero"
	check_contains "$(heddle restore @ -- src/main.c new/below mapped)" "^Restored 3 paths of main"
	check_equal "$(changes)" "A docs/
A docs/big.txt
A docs/guide.md
D README.linked
D new/fifo
D new/link
M run.sh"
	check_status 66 heddle restore @ no/such/path
	check_status 66 heddle restore nothing
	cp -a "$MNT" "$1.paths"
	heddle_unmount
	check heddle check >/dev/null
	heddle_mount
	check_same_tree "$MNT" "$1.paths"
	check heddle restore @ >/dev/null
	check_same_tree "$MNT" "$1.one"
	heddle_unmount
	check_contains "$(heddle undo)" "(restore): main is at"
	heddle_mount
	check_same_tree "$MNT" "$1.paths"

	# A capture that is undone under the mount is uncaptured again, and captured again the same.
	capture three >/dev/null
	check_equal "$(changes)" ""
	check_contains "$(heddle undo)" "(capture): main is at"
	check_equal "$(changes | wc -l)" 7
	check_same_tree "$MNT" "$1.paths"
	check_equal "$(heddle redo --json | json_field 's["operation"]["kind"]')" redo

	# Who does it again does nothing, whatever was looked at meanwhile.
	for words in @~1 "@~1 src" "@ src/main.c" "@ src README" "@~1 README" @; do
		read -ra words <<<"$words"
		check heddle restore "${words[@]}" >/dev/null
		head -qc 1 "$MNT"/*.* "$MNT/src/main.c" >/dev/null
		check_contains "$(heddle restore "${words[@]}")" "^main is as in .* already"
	done
	# There and back, nothing is uncaptured that would have to be kept.
	check heddle restore @~1 >/dev/null
	check heddle restore @ >/dev/null
	check_equal "$(heddle restore @~1 --json | json_field '[s["nothing"], s["operation"]["kept"]]')" '[false, null]'
	check_equal "$(heddle restore @ --json | json_field 's["nothing"]')" false
	check_equal "$(changes)" ""
	heddle_unmount
	check heddle check >/dev/null
}

cat >holder.py <<'END'
import mmap, os, subprocess, sys

root, scratch = sys.argv[1:]
os.chdir(root + "/src")
main = open("main.c", "rb", buffering=0)
gone = open("deep/new", "rb", buffering=0)
append = os.open(root + "/mapped", os.O_WRONLY | os.O_APPEND)
mapped_file = os.open(root + "/mapped", os.O_RDWR)
mapped = mmap.mmap(mapped_file, 20)
source = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
numbers = {name: os.stat(name).st_ino for name in (".", "main.c", "deep", "../run.sh")}
assert main.read() == b"uncaptured\n"
assert mapped[:5] == b"short"
assert not os.path.exists(root + "/new")                 # a name that the kernel knows not to be there
assert sorted(os.listdir("deep")) == ["er", "new"]
mapped[0:5] = b"SHORT"                                   # a page that only the kernel knows to be written

answer = subprocess.run(["heddle", "restore", "@"], cwd="/", stdout=subprocess.PIPE, check=True, text=True).stdout
assert answer.startswith("Restored the tree of main from "), answer
assert "is kept in" in answer, answer

assert os.pread(main.fileno(), 100, 0) == b"changed in one\n"
assert os.fstat(main.fileno()).st_size == 15
assert gone.read() == b"deep\n" and os.fstat(gone.fileno()).st_nlink == 0
assert mapped[:12] == b"a mapped fil", mapped[:12]
os.write(append, b"appended\n")
with open(root + "/mapped", "rb") as stream:
    assert stream.read() == b"a mapped file, which is longer in one\nappended\n"
assert os.path.getsize("main.c") == 15 and open("main.c").read() == "changed in one\n"
assert os.stat("main.c").st_mtime == 1000000000
assert open(root + "/new/below/file").read() == "one\n"
assert os.readlink(root + "/new/link") == "elsewhere"
assert os.listdir("deep") == ["er"]
assert not os.path.exists("../docs") and "docs" not in os.listdir(source)
for name, number in numbers.items():
    assert os.stat(name).st_ino == number, name

# What was written, through the mapping too, is kept.
kept = answer.split("is kept in ")[1].strip()
diff = subprocess.run(["heddle", "diff", "--name-only", "@", kept], cwd="/", stdout=subprocess.PIPE, check=True, text=True).stdout
assert "src/deep/new" in diff, diff
patch = subprocess.run(["heddle", "diff", "@", kept], cwd="/", stdout=subprocess.PIPE, check=True, text=True).stdout
assert "+SHORT" in patch, patch

os.ftruncate(mapped_file, len("a mapped file, which is longer in one\n"))
os.utime(root + "/mapped", (1, 1))
mapped.close()
END

make_repository repository
heddle_init repository
restores repository
mkdir other
make_directory_base other/base
heddle_init other/base --base other/base --store "$TEST_DIRECTORY/other/store"
MNT=$TEST_DIRECTORY/other/mnt
restores other/base

# A rename is undone while nobody has the thread mounted.
check heddle thread rename main other >/dev/null
check heddle mount other "$MNT" >/dev/null
check_status 75 heddle undo --thread other
heddle_unmount
check heddle undo --thread other >/dev/null
