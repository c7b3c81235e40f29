#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Reading through a mount leaves no access time in a directory base (but of symbolic links, which cannot be read
# without), and its root shows what it has there: times and extended attributes, also on a thread that begins at a
# captured state.

. "$TEST_LIB/common.sh"
require_fuse

# root_of DIRECTORY: attributes of the directory itself.
root_of() {
	python3 -c '
import os, sys
path = sys.argv[1]
status = os.stat(path)
print(status.st_mode, status.st_mtime_ns, [(n, os.getxattr(path, n)) for n in sorted(os.listxattr(path)) if n.startswith("user.")])' "$1"
}

make_directory_base base
python3 -c 'import os; os.setxattr("base", "user.colour", b"red")' || skip "no extended attributes here"
mapfile -t paths < <(find base ! -type l)
find base -exec touch -h -d '2001-02-03 04:05:06.789' {} +
touch -a -d '2002-03-04 05:06:07.891' base
before=$(stat -c '%n %.9X' "${paths[@]}") # find would read the directories itself
heddle_init base --base base --store "$TEST_DIRECTORY/.heddle"
heddle_mount
check_equal "$(stat -c '%.9X %.9Y' "$MNT")" "$(stat -c '%.9X %.9Y' base)"
check_equal "$(root_of "$MNT")" "$(root_of base)"
check tar cf /dev/null -C "$MNT" .
check_equal "$(stat -c '%n %.9X' "${paths[@]}")" "$before"

python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.shape", b"round")' "$MNT"
echo changed >"$MNT/README" # attributes alone are no change to capture
expected=$(root_of "$MNT")
capture "With a root of its own"
check heddle unmount "$MNT" >/dev/null
check heddle mount other "$MNT" --from main >/dev/null
check_equal "$(root_of "$MNT")" "$expected"
