#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Sparse files of a directory base: where they have data and what they take is what the base says, also after they were
# written in part, renamed, captured and mounted anew, and a copy is sparse. A file that is no longer what it was is refused.

. "$TEST_LIB/common.sh"

mkdir base
git config --global user.name "Test Person"
git config --global user.email "test@example.org"
python3 "$TEST_LIB/extents.py" make base || skip "the native filesystem has no such files"
cp -a --sparse=always base native
python3 "$TEST_LIB/extents.py" list base >wanted
python3 "$TEST_LIB/extents.py" blocks base >wanted-blocks
python3 "$TEST_LIB/extents.py" list native | diff wanted - || skip "the native filesystem copies holes elsewhere"
heddle_init base --base base
heddle_mount

check_files() {
	python3 "$TEST_LIB/extents.py" list "$1" >found
	check diff wanted found
}

check_files "$MNT"
python3 "$TEST_LIB/extents.py" blocks "$MNT" | grep -v nothing >found
check diff <(grep -v nothing wanted-blocks) found

# Written in part: the rest is as it was, and a terabyte of holes is copied in no time.
for root in native "$MNT"; do
	python3 - "$root" <<'END'
import os, sys
fd = os.open(sys.argv[1] + "/huge", os.O_RDWR)
os.pwrite(fd, b"w" * 4096, 3 << 30)
fd = os.open(sys.argv[1] + "/middle", os.O_RDWR)
os.pwrite(fd, b"w" * 8192, 2 << 20)
os.ftruncate(fd, 6 << 20)
os.rename(sys.argv[1] + "/small", sys.argv[1] + "/renamed")
END
	check cp --sparse=auto "$root/huge" "$root/huge-copy"
	check cp --sparse=auto "$root/over-4-gib" "$root/over-copy"
done
python3 "$TEST_LIB/extents.py" list native >wanted
check_files "$MNT"
check timeout 60 heddle capture -m "Sparse files" >/dev/null
check_files "$MNT"
heddle_remount
check_files "$MNT"
heddle_unmount
check heddle mount copy "$MNT" --from main >/dev/null
check_files "$MNT"

# A hole that came while it is mounted is not taken for one of the file that was shown.
head -c 10 "$MNT/dense" >/dev/null
fallocate --punch-hole --offset 0 --length 1048576 base/dense
check_fails python3 -c 'import os, sys; os.lseek(os.open(sys.argv[1], os.O_RDONLY), 0, os.SEEK_DATA)' "$MNT/dense"
heddle_unmount
