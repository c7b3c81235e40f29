#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
#
# A second mount of a thread by somebody who cannot see the first (another mount namespace, as another machine would) is
# refused, with who has the thread; commands that ask the mount work from there.

# EXPECT-LOG: the thread is in use

. "$TEST_LIB/common.sh"

require_fuse
require_root
unshare --mount true 2>/dev/null || skip "no mount namespace can be made here"
make_repository repository
heddle_init repository
unshare --mount --propagation private sleep 600 &
elsewhere=$!
sees_its_own() {
	[ "$(readlink "/proc/$elsewhere/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]
}
wait_until 10 sees_its_own
heddle_mount
echo "here" >"$MNT/file"

there() {
	nsenter --target "$elsewhere" --mount --wd="$TEST_DIRECTORY" "$@"
}
check_fails there cat "$MNT/file"
check_contains "$(there heddle status -s)" "A file"
check_status 75 there heddle mount main "$TEST_DIRECTORY/second"
check_contains "$(cat .output)" "at $MNT by process $(status_field 's["worker"]["supervisor"]') on $(uname -n), where this process cannot see it"
check_contains "$(cat .output)" "mounted already"
check_content "$MNT/file" here
check kill $elsewhere
