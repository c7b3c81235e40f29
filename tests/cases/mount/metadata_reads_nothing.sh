#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# chmod, chown, times, links, renames and extended attributes of a file that only the base has read none of its bytes: they
# work where the bytes are gone, and copy none. base_is_untouched.sh has what becomes of the base.

. "$TEST_LIB/common.sh"
require_root
require_fuse

change_metadata() {
	local file=$1
	chmod 4751 "$file"
	chown 1234:4321 "$file"
	chmod 4751 "$file"
	setfattr -n user.note -v noted "$file"
	touch -d '2001-02-03 04:05:06.789' "$file"
	ln "$file" "$file.link"
	mv "$file" "$file.moved"
}

# shown FILE: what is known of it without its bytes.
shown() {
	stat -c '%n %a %u %g %h %s %y %i' "$1"
	getfattr --absolute-names --only-values -n user.note "$1"
	echo
}

check_metadata() {
	local file=$1 number=$2
	check_contains "$(shown "$file.moved")" "big.txt.moved 4751 1234 4321 2 100000 2001-02-03 04:05:06.789.* $number\$"
	check_contains "$(shown "$file.moved")" '^noted$'
	check_equal "$(stat -c '%i %a' "$file.link")" "$number 4751"
	check_missing "$file"
}

for kind in directory repository; do
	if [ $kind = directory ]; then make_directory_base base-$kind; else make_repository base-$kind; fi
	heddle_init base-$kind
	heddle_mount
	ls -lR "$MNT" >/dev/null
	number=$(stat -c %i "$MNT/docs/big.txt")
	modified=$(stat -c %Y "$MNT/docs/guide.md")
	if [ $kind = directory ]; then
		rm base-$kind/docs/big.txt base-$kind/docs/guide.md
	else
		mv base-$kind/.git/objects base-$kind/.git/objects.away
		mkdir base-$kind/.git/objects
	fi
	change_metadata "$MNT/docs/big.txt"
	chmod 600 "$MNT/docs/guide.md"
	check_equal "$(stat -c '%Y %a' "$MNT/docs/guide.md")" "$modified 600"
	mv "$MNT/docs" "$MNT/moved"
	check_metadata "$MNT/moved/big.txt" "$number"
	# It is the bytes that are gone.
	check_fails cat "$MNT/moved/big.txt.moved"
	[ $kind = directory ] || {
		rmdir base-$kind/.git/objects
		mv base-$kind/.git/objects.away base-$kind/.git/objects
	}
	check_equal "$(status_field 's["hot_bytes"]')" 0
	heddle_remount
	check_metadata "$MNT/moved/big.txt" "$number"
	heddle_unmount
done
