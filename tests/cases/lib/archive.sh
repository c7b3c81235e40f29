# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Trees with everything that a filesystem can hold and an archive should, and their comparison. Needs root: devices and owners.

. "$TEST_LIB/common.sh"
require_root
require_program setfacl
require_program bsdtar
export HEDDLE_AUTHOR="Test Person <test@example.org>"

# make_rich_tree DIRECTORY: what every tar program gives back as it was.
make_rich_tree() {
	make_files "$1"
	(
		check cd "$1"
		ln README docs/hard
		ln README docs/harder
		ln -s /nowhere/at/all docs/absolute
		mkfifo -m 640 fifo
		mknod -m 600 character c 1 3
		mknod block b 7 300
		truncate -s 5M sparse
		printf 'middle' | dd of=sparse bs=1 seek=2500000 conv=notrunc status=none
		truncate -s 3M hole
		: >empty
		mkdir empty-directory
		setfattr -n user.binary -v 0x00ff010a3d README
		setfattr -n user.empty README
		setfacl -m u:12345:rwx,g:54321:r docs/guide.md
		setfacl -d -m u:12345:rwx docs
		chown 123:456 README
		chown -h 7:8 link
		chmod 4755 run.sh
		chmod 1777 empty-directory
		: >"$(printf 'new\nline')"
		: >"$(printf 'n%.0s' {1..255})"
		mkdir -p "$(printf 'deep/%.0s' {1..150})"
		touch -d '2001-02-03 04:05:06.123456789' README
		touch -h -d '2002-03-04 05:06:07.000000001' link
		touch -d '1999-12-31 23:59:59.999999999' empty-directory
	)
}

# make_layer_base DIRECTORY: a rich tree, and what change_rich_tree needs beside it.
make_layer_base() {
	make_rich_tree "$1"
	mkdir -p "$1/old/with/things"
	echo thing >"$1/old/with/things/thing"
	echo same >"$1/untouched"
}

# change_rich_tree DIRECTORY: what goes, what comes, what is another kind of thing now, hard links made and broken, attributes
# alone; of a tree that make_layer_base made. Five names are gone and not replaced: src/main.c, fifo, docs/harder, old/with and
# docs/guide.md, which is moved.md now.
change_rich_tree() {
	(
		check cd "$1"
		echo changed >>docs/big.txt
		rm src/main.c fifo docs/harder
		rm -r old/with
		chmod 700 src/deep
		touch -h -d '2003-04-05 06:07:08.9' link
		setfattr -n user.more -v more hole
		rm -r empty-directory
		echo "a file now" >empty-directory
		rm empty
		mkdir -p empty/a/b
		ln untouched empty/a/too
		mknod empty/a/b/device b 7 9
		mv docs/guide.md moved.md
	)
}

# make_hard_names DIRECTORY: what some program changes on its way.
make_hard_names() {
	(
		check cd "$1"
		: >"$(printf 'not-utf8-\377')"
		: >"$(printf 'e\314\201-decomposed')"
		touch -d '1960-01-01 00:00:00.123456789' before-1970
		setfattr -n 'user.a=b%41' -v value before-1970
	)
}

# check_same_archive A B: in every respect but the times of directories, which describe_tree.py leaves out.
check_same_archive() {
	diff <(python3 "$TEST_LIB/describe_tree.py" --times "$1" | grep -v "^'.heddle") \
		<(python3 "$TEST_LIB/describe_tree.py" --times "$2" | grep -v "^'.heddle") || fail "$1 is not $2"
	diff <(directory_times "$1") <(directory_times "$2") || fail "$1 has directories of other times than $2"
}

directory_times() {
	(cd "$1" && find . -mindepth 1 -name .heddle -prune -o -type d -printf '%P %T@\n' | sort)
}
