#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Which names an extended attribute may have, and who sees it in a list: as root and as another user, the same on the
# mount and beside it.

. "$TEST_LIB/common.sh"
require_root
require_fuse

make_directory_base base
heddle_init base
heddle_mount --allow-other

outcome() {
	python3 - "$1" <<'END'
import errno, os, sys

def answer(call, *arguments):
    try:
        return call(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]

path = os.path.join(sys.argv[1], "file")
open(path, "w").close()
names = ["user.a", "trusted.a", "security.a", "user.", "trusted.", "security.", "none.a", "user"]
print([answer(os.setxattr, path, name, b"value") for name in names])

def look():
    print(sorted(set(os.listxattr(path)) - {"security.selinux"}))
    print([answer(os.getxattr, path, name) for name in names])
    print([answer(os.removexattr, path, name) for name in names if name != "user.a"])

child = os.fork()
if child == 0:
    os.setresuid(1001, 1001, 1001)
    look()
    sys.stdout.flush()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
look()
END
}

mkdir native
check_equal "$(outcome "$MNT")" "$(outcome native)"
