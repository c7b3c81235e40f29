#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# EXPECT-LOG: No space left on device
#
# copy_file_range: a copy of a file of the base takes no memory and is the same in a state; errors, ranges within one
# file and past the end as on the native filesystem; what fallocate is refused changes nothing.

. "$TEST_LIB/common.sh"

mkdir base
python3 - <<'END'
open("base/large", "wb").write(b"".join(i.to_bytes(4, "big") for i in range(2 << 20)))
open("base/small", "wb").write(bytes(range(250)) * 40)
END
cp -a base native
check heddle init --base base >/dev/null
export HEDDLE_STORE=$TEST_DIRECTORY/.heddle
export HEDDLE_AUTHOR="A <a@b.c>"
check heddle mount main "$MNT" >/dev/null

check cp "$MNT/large" "$MNT/copy"
check_equal "$(status_field 's["hot_bytes"]')" 0 "bytes in memory"
check cmp "$MNT/large" "$MNT/copy"
printf changed | dd of="$MNT/copy" bs=1 seek=5000000 conv=notrunc status=none
check cmp "$MNT/large" base/large

cat >story.py <<'END'
import errno, os, sys
os.chdir(sys.argv[1])
def tried(what, *arguments):
    try:
        print(what, os.copy_file_range(*arguments))
    except OSError as error:
        print(what, errno.errorcode[error.errno])
def show(name):
    with open(name, "rb") as file:
        print(name, hash(file.read()), os.stat(name).st_size)
small, other = os.open("small", os.O_RDWR), os.open("other", os.O_RDWR | os.O_CREAT)
tried("overlap", small, small, 1000, 0, 500)
tried("overlap by a byte", small, small, 1000, 0, 999)
tried("beside each other", small, small, 1000, 0, 1000)
tried("at the end", small, other, 100, 10000, 0)
tried("past the end", small, other, 100, 20000, 0)
tried("across the end", small, other, 5000, 9000, 3000)
tried("nothing", small, other, 0, 0, 0)
tried("for appending", small, os.open("other", os.O_RDWR | os.O_APPEND), 100, 0, 0)
tried("for reading", small, os.open("other", os.O_RDONLY), 100, 0, 0)
tried("a directory", os.open(".", os.O_RDONLY), other, 100, 0, 0)
tried("in the middle", small, other, 4096, 4096, 4096)
tried("at its place", small, other, 100, 700, 700)
show("small")
show("other")
END
export PYTHONHASHSEED=0
python3 story.py native >wanted
python3 story.py "$MNT" >found
check diff wanted found
check_contains "$(cat found)" "overlap EINVAL"
check_contains "$(cat found)" "for appending EBADF"

# No disk has that much.
check_fails fallocate --length 4EiB "$MNT/refused"
check_equal "$(stat -c '%s %b' "$MNT/refused")" "0 0"
check_fails fallocate --zero-range --length 4EiB "$MNT/small"
check cmp "$MNT/small" native/small

check heddle capture -m copies >/dev/null
heddle_unmount
check heddle mount again "$MNT" --from main >/dev/null
cp base/large wanted-copy
printf changed | dd of=wanted-copy bs=1 seek=5000000 conv=notrunc status=none
check cmp "$MNT/copy" wanted-copy
check cmp "$MNT/other" native/other
