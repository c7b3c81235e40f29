#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# heddle doctor says what mounting lacks of the machine: a device that does not work or is not for this user, a
# fusermount3 that cannot become root, no permission for --allow-other, a store of somebody else. Each is made in a mount
# namespace of the case's own. doctor.sh covers what is left behind.

. "$TEST_LIB/common.sh"
require_root
require_program fusermount3
if [ -z "${IN_NAMESPACE:-}" ]; then
	[ -e /etc/fuse.conf ] || skip "there is no /etc/fuse.conf"
	unshare --mount true 2>/dev/null || skip "no mount namespace of our own to be had"
	move_in
	export IN_NAMESPACE=1
	exec unshare --mount --propagation private bash "$TEST_SCRIPT"
fi

# kinds COMMAND...: the kinds that heddle doctor finds without a store, as run by COMMAND.
kinds() {
	local status=0
	"$@" heddle -C / doctor --json >doctor.json 2>doctor.err || status=$?
	[ -s doctor.json ] || fail "status $status: $(cat doctor.err)"
	check_equal "$status" "$(json_field 'int(s["problems"] > 0)' <doctor.json)" "the exit status"
	json_field '" ".join(sorted(f["kind"] for f in s["findings"]))' <doctor.json
}

nobody=(setpriv --reuid nobody --regid nogroup --clear-groups)
fusermount=$(command -v fusermount3)
mknod -m 600 private c 10 229
mknod -m 666 public c 10 229
mknod -m 666 unknown c 10 254
touch empty.conf
printf '# user_allow_other is commented out\n#user_allow_other\n mount_max = 7\n\n  user_allow_other # yes\n' >full.conf
install -m 755 "$fusermount" powerless
install -m 4755 -o root "$fusermount" powerful

mount --bind powerful "$fusermount"
mount --bind public /dev/fuse
mount --bind full.conf /etc/fuse.conf
check_equal "$(kinds "${nobody[@]}")" "" "all is well"
check_equal "$(kinds env)" "" "for root too"

mount --bind empty.conf /etc/fuse.conf
check_equal "$(kinds "${nobody[@]}")" "allow-other"
check_equal "$(kinds env)" "" "root needs no line"
umount /etc/fuse.conf

mount --bind powerless "$fusermount"
check_equal "$(kinds "${nobody[@]}")" "fusermount"
check_equal "$(kinds env)" "" "root needs no fusermount3"
umount "$fusermount"

mount --bind private /dev/fuse
check_equal "$(kinds "${nobody[@]}")" "fuse-device"
check_contains "$(cat doctor.json)" "Permission denied"
umount /dev/fuse

mount --bind unknown /dev/fuse
check_equal "$(kinds "${nobody[@]}")" "fuse-device"
check_equal "$(kinds env)" "fuse-device"
umount /dev/fuse

touch plain
mount --bind plain /dev/fuse
check_equal "$(kinds env)" "fuse-device"
check_contains "$(cat doctor.json)" "is not the device"
umount /dev/fuse

# A command that root ran left a part that is not its owner's.
mkdir -m 755 home
chown nobody home
make_directory_base base
chmod -R a+rX base
heddle_init --base base --store "$TEST_DIRECTORY/home/store"
chown -R nobody home
chown root "$STORE/index.db"
check_status 1 heddle doctor --repair
check_contains "$(cat .output)" "problem: owner: $STORE/index.db belongs to user 0"
chown nobody "$STORE/index.db"
check_equal "$(heddle doctor)" "no problems"
