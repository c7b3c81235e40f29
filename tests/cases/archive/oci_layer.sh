#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# heddle export oci-layer: applied to the tree that it lies on, by the specification's rules, a layer gives the state's very
# tree, and it has no more than what differs.

. "$TEST_LIB/archive.sh"

# check_layer OPTIONS...: lower with the layer is the mount.
check_layer() {
	check heddle export oci-layer -o layer.tar "$@" >/dev/null
	rm -rf applied
	cp -a lower applied
	check python3 "$TEST_LIB/apply_layer.py" layer.tar applied >listed
	check_same_archive "$MNT" applied
}

mkdir base
make_layer_base base
cp -a base lower
heddle_init --base base --store "$TEST_DIRECTORY/store"
heddle_mount

# Nothing differs, nothing is written.
check_equal "$(heddle export oci-layer | tar -t)" ""

change_rich_tree "$MNT"
chown 77:88 "$MNT/run.sh"
mkdir "$MNT/docs/inner"
setfacl -b -k "$MNT/docs/inner" "$MNT/docs/big.txt"
capture "changed" >/dev/null
check_layer
for gone in src/.wh.main.c .wh.fifo docs/.wh.harder docs/.wh.guide.md old/.wh.with; do
	grep -qxF "$gone" listed || fail "there is no $gone in $(cat listed)"
done
for kept in block sparse src/deep/er docs/.wh.hard .wh.old .wh.empty .wh.empty-directory; do
	! grep -qxF "$kept" listed || fail "$kept is in the layer"
done
check_equal "$(heddle export oci-layer --json -o layer.tar | json_field 's["whiteouts"]')" 5

# What is in a directory with a default ACL and has none itself says so, lest who unpacks it is given one.
has_no_list() {
	python3 -c 'import sys, tarfile
member = tarfile.open(sys.argv[1]).getmember(sys.argv[2])
lists = [name for name in ("access", "default") if
         member.pax_headers.get("SCHILY.xattr.system.posix_acl_" + name, "").encode() == b"\2\0\0\0"]
print(*lists)' layer.tar "$1"
}
check_equal "$(has_no_list docs/big.txt)" "access"
check_equal "$(has_no_list docs/inner)" "access default"
check_equal "$(has_no_list untouched)" ""
check heddle import tar layer.tar --thread layer >/dev/null
check heddle mount layer "$TEST_DIRECTORY/imported" >/dev/null
check_equal "$(getfacl -c --omit-header "$TEST_DIRECTORY/imported/docs/big.txt" | wc -l)" 4
check heddle unmount "$TEST_DIRECTORY/imported" >/dev/null

# A layer upon a layer, compressed (untouched has one name less in it); between a state and itself, and backwards.
cp -a applied upon
echo again >"$MNT/moved.md"
rm -r "$MNT/empty"
capture "again" >/dev/null
check heddle export oci-layer --from main~1 -o second.tar.gz >/dev/null
check python3 "$TEST_LIB/apply_layer.py" second.tar.gz upon >listed
check_same_archive "$MNT" upon
check_equal "$(cat listed)" "$(printf ".\nmoved.md\nuntouched\n.wh.empty")"
check_equal "$(heddle export oci-layer --from main main | tar -t)" ""
rm -rf lower
cp -a upon lower
check heddle restore main~2 >/dev/null
check_layer --from main main~2

# No layer can hold a socket, but it can take away the file that one took the place of; of a socket there is nothing to take away.
capture "restored" >/dev/null
rm "$MNT/README"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$MNT/README"
capture "a socket" >/dev/null
check_equal "$(heddle export oci-layer --from main~1 2>err | tar -t | grep README)" ".wh.README"
check_contains "$(cat err)" "1 socket left out"
rm "$MNT/README"
capture "no socket" >/dev/null
check_equal "$(heddle export oci-layer --from main~1 --json -o layer.tar | json_field 's["whiteouts"]')" 0

# What is not meant, and what no layer can hold.
check_status 64 heddle export tar --from main -o x.tar
check_status 66 heddle export oci-layer --from nothing -o x.tar
echo >"$MNT/src/.wh.name"
capture "a name" >/dev/null
check_status 65 heddle export oci-layer -o x.tar
check_contains "$(cat .output)" "taken for a whiteout"
check_missing x.tar
