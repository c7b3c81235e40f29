#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A mount that an ordinary user makes is that user's, whatever the owners of the base are: everything can be
# written. What only root may have is refused.

. "$TEST_LIB/common.sh"
as_ordinary_user
require_fuse

# A directory of root's that every Debian has.
base=/etc/skel
[ -f "$base/.bashrc" ] && [ ! -O "$base/.bashrc" ] || skip "$base/.bashrc is not somebody else's"
STORE=$TEST_DIRECTORY/store
check heddle init --base "$base" --store "$STORE" >/dev/null
export HEDDLE_STORE=$STORE HEDDLE_AUTHOR="Test Person <test@example.org>"

check_status 64 heddle mount main "$MNT" -o suid
check_status 64 heddle mount main "$MNT" -o dev
check_contains "$(cat "$TEST_DIRECTORY/.output")" "for root"

heddle_mount
check_contains "$(grep " $MNT fuse" /proc/self/mounts)" "nosuid,nodev"
check_equal "$(status_field '[s["options"]["uid"], s["options"]["suid"]]')" "[$(id -u), false]"
check_equal "$(find "$MNT" -printf '%U\n' | sort -u)" "$(id -u)"
echo "# mine" >>"$MNT/.bashrc"
check chmod 600 "$MNT/.profile"
check mkdir "$MNT/new"
check mv "$MNT/.bash_logout" "$MNT/new/"
check rm "$MNT/new/.bash_logout"
check touch -d 2001-01-01 "$MNT/.profile"
check chown "$(id -u)" "$MNT/.profile"
check_errno EPERM chown "$MNT/.profile" 0
check chmod 000 "$MNT/.profile"
check_errno EACCES open "$MNT/.profile"
check chmod 600 "$MNT/.profile"

capture "As if mine" >/dev/null
heddle_remount -o uid=4321
check_equal "$(stat -c %u "$MNT/.bashrc")" "4321"
check_errno EACCES write "$MNT/.bashrc"
heddle_unmount
