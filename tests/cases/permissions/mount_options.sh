#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Mount options that say who may do what: uid=, gid=, ro, suid, dev, allow-other, default-permissions. As root;
# an ordinary user's are in single_user.sh, how they are parsed in unit/mount/fuse_options_test.

. "$TEST_LIB/common.sh"
require_root
require_fuse
chmod 711 "$TEST_DIRECTORY"

other() {
	(cd "$MNT" && setpriv --reuid nobody --regid nogroup --clear-groups "$@")
}

make_directory_base base
chown 7:8 base/README
chmod 640 base/README
heddle_init base

# What makes no sense is refused before anything is mounted, with the status of a wrong command line.
for wrong in uid=somebody uid= uid=-1 gid=4294967295 uid=4294967296 ro=1 suid=yes no-uid \
	allow-other,no-default-permissions; do
	check_status 64 heddle mount main "$MNT" -o "$wrong"
	check_contains "$(cat "$TEST_DIRECTORY/.output")" "mount option"
	check_missing "$MNT"
done

# uid=, gid=: shown, in every kind of answer, and not stored.
heddle_mount -o uid=1234,gid=5678
check_equal "$(status_field '"%s %s" % (s["options"]["uid"], s["options"]["gid"])')" "1234 5678"
echo new >"$MNT/new"
mkdir "$MNT/made"
check_equal "$(find "$MNT" -printf '%U:%G\n' | sort -u)" "1234:5678"
check chown 1234:5678 "$MNT/README"
check_errno EPERM chown "$MNT/README" 0
check_errno EPERM chown "$MNT/new" 7
check_fails chgrp 0 "$MNT/README"
check chmod 600 "$MNT/README"
capture "Mapped" >/dev/null
heddle_remount
check_equal "$(status_field '[name for name in ("uid", "gid") if name in s["options"]]')" "[]"
check_equal "$(stat -c %u:%g:%a "$MNT/README")" "7:8:600"
check_equal "$(stat -c %u:%g "$MNT/new" "$MNT/made")" "0:0
0:0"

# Nobody else comes in, unless let in, and then permissions count: of the base's files too.
check_fails other ls .
heddle_remount -o allow_other
check_equal "$(status_field 's["options"]["allow-other"]')" "true"
check_equal "$(other cat docs/guide.md)" "guide"
check_fails other cat README
check_fails other touch docs/guide.md
check_fails other rm -f docs/guide.md
check_fails other mkdir elsewhere
check chmod 777 "$MNT/docs"
check other touch docs/by_nobody
check_equal "$(stat -c %U:%G "$MNT/docs/by_nobody")" "nobody:nogroup"
check chmod 1777 "$MNT/docs"
check_fails other rm -f docs/guide.md
check other rm docs/by_nobody

# A mapped owner is one whose permissions count.
heddle_remount -o "allow_other,uid=$(id -u nobody)"
check other touch docs/guide.md
check_equal "$(stat -c %U "$MNT/README")" "nobody"

# As for the set-id bits: who is of the shown group leaves the one without the group's x, and the shown owner may chown.
echo program >"$MNT/program"
check chmod 6766 "$MNT/program"
check other python3 -c 'import os; os.chown("program", -1, -1)'
check_equal "$(stat -c %a "$MNT/program")" "766"
check chmod 2766 "$MNT/program"
heddle_remount -o "allow_other,gid=$(getent passwd nobody | cut -d: -f4)"
check other sh -c 'echo more >>program'
heddle_remount # the kernel must not answer from what it remembers
check_equal "$(stat -c %a "$MNT/program")" "2766"

# Set-user-id programs and devices, as on a local filesystem, unless the mount says otherwise.
heddle_remount --allow-other
cp "$(command -v id)" "$MNT/whoami"
check chmod 4755 "$MNT/whoami"
check mknod -m 666 "$MNT/null" c 1 3
check_equal "$(other ./whoami -u)" "0"
check_equal "$(other ./whoami -ur)" "$(id -u nobody)"
echo gone >"$MNT/null"
heddle_remount --allow-other -o nosuid,nodev
check_equal "$(status_field '[s["options"]["suid"], s["options"]["dev"]]')" "[false, false]"
check_equal "$(other ./whoami -u)" "$(id -u nobody)"
check_errno EACCES write "$MNT/null"
check_contains "$(grep " $MNT fuse" /proc/self/mounts)" "nosuid,nodev"

# ro: nothing is written, and everything read-only works, also a capture.
rm "$MNT/whoami" "$MNT/null"
capture "Before ro" >/dev/null
heddle_remount -o ro
check_equal "$(status_field 's["options"]["read-only"]')" "true"
check_content "$MNT/new" "new"
check_errno EROFS write "$MNT/new"
check_errno EROFS create "$MNT/another"
check_errno EROFS mkdir "$MNT/another"
check_errno EROFS unlink "$MNT/new"
check_errno EROFS rename "$MNT/new" "$MNT/newer"
check_errno EROFS truncate "$MNT/new" 0
check_errno EROFS chown "$MNT/new" 1
check_status 1 heddle capture -m "Nothing to record"
heddle_remount -o ro,rw
echo again >"$MNT/new"
check_content "$MNT/new" "again"
heddle_unmount
check_equal "$(status_field 's["options"]')" "null"
