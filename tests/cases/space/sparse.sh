#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 180
#
# Sparse files: where they have data is the same as on the native filesystem, in the hot tier, after promotion, after a
# new mount, and in a thread that begins at the captured state. A file of 1 TiB with three blocks costs a capture no
# more than three blocks do, and one of almost 8 EiB is captured like any other.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
heddle_mount -o promote-idle=100
mkdir native "$MNT/files"
python3 "$TEST_LIB/extents.py" make native || skip "the native filesystem has no such files"
python3 "$TEST_LIB/extents.py" list native >wanted
python3 "$TEST_LIB/extents.py" blocks native >wanted-blocks

check_files() {
	python3 "$TEST_LIB/extents.py" list "$1" >found
	check diff wanted found
}

all_stored() {
	[ "$(status_field 's["unstored_files"]')" = 0 ]
}

python3 "$TEST_LIB/extents.py" make "$MNT/files"
check_files "$MNT/files"
wait_until 60 all_stored
check_files "$MNT/files"
python3 "$TEST_LIB/extents.py" blocks "$MNT/files" >found
check diff wanted-blocks found
heddle_remount
check_files "$MNT/files"

# What is written over a hole, what is cut off, and a hole over data show at once.
for root in native "$MNT/files"; do
	python3 - "$root" <<'END'
import os, sys
fd = os.open(sys.argv[1] + "/huge", os.O_RDWR)
os.pwrite(fd, b"w" * 4096, 3 << 30)
os.ftruncate(fd, (1 << 39) + (1 << 30) + 5)
fd = os.open(sys.argv[1] + "/dense", os.O_RDWR)
os.ftruncate(fd, 5000)
os.ftruncate(fd, 5 << 20)
END
	fallocate --punch-hole --offset 1048576 --length 69632 "$root/middle"
done
python3 "$TEST_LIB/extents.py" list native >wanted
check_files "$MNT/files"

# A second or two for the command and its syncs on a slow machine; the 1 TiB alone would take minutes.
python3 - "$MNT" <<'END'
import os, sys
fd = os.open(sys.argv[1] + "/files/exbibytes", os.O_RDWR | os.O_CREAT)
os.pwrite(fd, b"end", (1 << 63) - 4)
os.pwrite(fd, b"middle", 1 << 62)
assert os.fstat(fd).st_size == (1 << 63) - 1
END
check timeout 30 heddle capture -m "Sparse files" >/dev/null
heddle_unmount
check heddle mount copy "$MNT" --from main >/dev/null
python3 - "$MNT" <<'END'
import os, sys
path = sys.argv[1] + "/files/exbibytes"
fd = os.open(path, os.O_RDWR)
assert os.fstat(fd).st_size == (1 << 63) - 1 and os.fstat(fd).st_blocks <= 3 * 2048
assert os.lseek(fd, 0, os.SEEK_DATA) == 1 << 62 and os.pread(fd, 7, 1 << 62) == b"middle\0"
assert os.lseek(fd, (1 << 62) + 4096, os.SEEK_DATA) == (1 << 63) - 4096
assert os.pread(fd, 3, (1 << 63) - 4) == b"end"
os.unlink(path)
END
check_files "$MNT/files"
