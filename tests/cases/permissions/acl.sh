#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# POSIX ACLs behave as on a native directory, for root and for other people, who are let in; a capture, a new mount and
# a mount of what was captured keep them; and those of a directory base are shown and count. Their arithmetic is in
# unit/overlay/access_control_list_test, an ordinary user's mount in acl_single_user.sh.

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
same_story acl_story.py
same_attributes "$NATIVE" "$MNT"

capture "With lists" >/dev/null
check_equal "$(status_field 's["changes"]["total"]')" "0"
heddle_remount --allow-other
same_attributes "$NATIVE" "$MNT"
check setfattr -x system.posix_acl_default "$NATIVE/setgid" "$MNT/setgid"
check chmod 755 "$NATIVE/e" "$MNT/e"
same_attributes "$NATIVE" "$MNT"
heddle_unmount

# Another thread begins at the state, and has them from there. The root's own are a part of it.
check heddle mount second "$MNT" --from main --allow-other >/dev/null
check setfattr -x system.posix_acl_default "$MNT/setgid"
check chmod 755 "$MNT/e"
same_attributes "$NATIVE" "$MNT"
check heddle unmount "$MNT" >/dev/null

# A directory as the base.
heddle_init "$NATIVE" --store "$TEST_DIRECTORY/of_native"
heddle_mount --allow-other
same_attributes "$NATIVE" "$MNT"
