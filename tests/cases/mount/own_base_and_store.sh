#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A mount that its own worker would come across (in a directory base, over the base or the store) is refused: the worker
# would wait for itself. The store's own place for mounts and places beside it are fine.

. "$TEST_LIB/common.sh"

require_fuse
make_directory_base base
mkdir -p base/tree beside
heddle_init base
for place in base/tree base/src base base/.heddle base/.heddle/objects .; do
	check_status 64 timeout 20 heddle mount main "$place"
	! grep -q " fuse.heddle " <(grep " $TEST_DIRECTORY" /proc/self/mounts) || fail "$place is mounted"
done
check_missing base/.heddle/objects/README
# What was made for a mount that did not come goes, and nothing else.
mkdir base/there
check_status 64 heddle mount main base/there/new/deep
check_missing base/there/new
check rmdir base/there
check timeout 20 heddle mount main beside >/dev/null
check_content beside/README readme
check heddle unmount beside >/dev/null
check timeout 20 heddle mount main >/dev/null
check_content base/.heddle/mnt/main/README readme
check heddle unmount main >/dev/null

make_repository repository
heddle_init repository
for place in repository repository/.heddle/log .; do
	check_status 64 timeout 20 heddle mount main "$place"
done
mkdir repository/tree
check timeout 20 heddle mount main repository/tree >/dev/null
check_content repository/tree/src/deep/er/leaf.txt deep
check heddle unmount main >/dev/null
