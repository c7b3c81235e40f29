#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Extended attributes as on a native directory: every namespace on every kind of file, for root, the owner and
# strangers, what is listed to whom, flags, sizes. Beyond what ext4 can hold heddle goes up to the limits of
# xattr(7); a capture and a base keep them. xattr_single_user.sh does it as an ordinary user.

. "$TEST_LIB/common.sh"
. "$TEST_LIB/native.sh"
require_root
require_fuse
umask 022
export HEDDLE_AUTHOR="Test Person <test@example.org>"
chmod 711 "$TEST_DIRECTORY"
native_directory
mkdir base
heddle_init base
heddle_mount --allow-other
same_story xattr_story.py
same_attributes "$NATIVE" "$MNT"

# The largest value, and as many names as can be listed.
python3 - "$MNT" <<'END'
import errno
import os
import sys

os.chdir(sys.argv[1])
open("large", "w").close()
os.setxattr("large", "user.large", b"l" * 65536)
assert os.getxattr("large", "user.large") == b"l" * 65536
open("many", "w").close()
count = 0
try:
    while True:
        os.setxattr("many", "user.%d." % count + "n" * 230, b"value")
        count += 1
except OSError as error:
    assert error.errno == errno.ENOSPC, error
assert count > 200 and len(os.listxattr("many")) == count, count
END
capture "With attributes" >/dev/null
heddle_remount --allow-other
check_equal "$(python3 -c 'import os, sys; print(len(os.getxattr(sys.argv[1], "user.large")))' "$MNT/large")" "65536"
rm "$MNT/large" "$MNT/many"
same_attributes "$NATIVE" "$MNT"
heddle_unmount
check heddle mount second "$MNT" --from main --allow-other >/dev/null
rm "$MNT/large" "$MNT/many"
same_attributes "$NATIVE" "$MNT"
