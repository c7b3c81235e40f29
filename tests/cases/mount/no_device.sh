#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# What mounting needs of the machine and does not have is named, with what to do, and has an exit status of its own:
# /dev/fuse that is missing, is something else, or is not for this user, mount(2) that is not permitted, /dev/null that
# is missing. What needs none of them works.

# EXPECT-LOG: .

. "$TEST_LIB/common.sh"
require_root
require_program setpriv
if [ -z "${IN_NAMESPACE:-}" ]; then
	unshare --mount true 2>/dev/null || skip "no mount namespace of our own to be had"
	mknod -m 666 "$TEST_DIRECTORY/.probe" c 10 229 2>/dev/null || skip "no device can be made here"
	move_in
	export IN_NAMESPACE=1
	exec unshare --mount --propagation private bash "$TEST_SCRIPT"
fi
require_fuse

make_directory_base base
heddle_init base

# check_error STATUS PATTERN COMMAND...: in words, and as JSON, with a hint.
check_error() {
	local status=$1 pattern=$2
	shift 2
	check_status "$status" "$@"
	check_contains "$(cat .output)" "^heddle mount: "
	check_contains "$(cat .output)" "$pattern"
	check_contains "$(cat .output)" "^hint: "
	check_status "$status" "$@" --json
	check_contains "$(json_field 's["error"]["message"]' <.output)" "$pattern"
	check_equal "$(json_field 's["error"]["exit_status"]' <.output)" "$status"
}

touch plain
mount --bind plain /dev/fuse
check_error 69 "what stands at /dev/fuse is not the device" heddle mount main "$MNT"
umount /dev/fuse

mknod -m 666 unknown c 10 254
mount --bind unknown /dev/fuse
check_error 69 "open /dev/fuse: No such device" heddle mount main "$MNT"
umount /dev/fuse

# A container's root: it owns all, and may not mount.
check_error 77 "mount(2) is not permitted to this process, which needs CAP_SYS_ADMIN" \
	setpriv --bounding-set -sys_admin --inh-caps -sys_admin heddle mount main "$MNT"

mkdir dev
mount -t tmpfs none dev
for name in null zero urandom tty; do
	touch "dev/$name"
	mount --bind "/dev/$name" "dev/$name"
done
mount --move dev /dev
check_error 69 "open /dev/fuse: No such file" heddle mount main "$MNT"
touch /dev/fuse
mount --bind .probe /dev/fuse
umount /dev/null
rm /dev/null
check_status 66 heddle mount main "$MNT" </dev/zero
check_contains "$(cat .output)" "open /dev/null"
check_status 66 heddle status <&-
check_contains "$(cat .output)" "open /dev/null"
check_equal "$(heddle status -s </dev/zero)" ""
