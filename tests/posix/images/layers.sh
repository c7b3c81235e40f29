#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 600
#
# podman and buildah take layers of heddle export oci-layer, and what they mount is the state, in every respect but the times
# of directories: with the storage driver that copies layers and with the kernel's overlayfs. ./dev posix --images

. "$TEST_LIB/archive.sh"

for program in podman buildah; do
	command -v $program >/dev/null || fail "$program is missing, and nothing was checked: apt-get install podman buildah"
done

# described DIRECTORY DRIVER: as far as the driver keeps it. vfs makes each layer as a copy of the one below, without ACLs and trusted attributes.
described() {
	python3 "$TEST_LIB/describe_tree.py" --times "$1" | grep -v "^'.heddle" |
		if [ "$2" = vfs ]; then sed -E 's, (system|trusted)[.][^ =]*=[0-9a-f]*,,g'; else cat; fi
}

# check_same_tree ROOT PROGRAM DRIVER: it is the mount.
check_same_tree() {
	diff <(described "$MNT" "$3") <(described "$1" "$3") || fail "$2 with $3 shows another tree"
	# The driver overlay of podman 4.3 shows a root of mode 555, whatever the layers say.
	[ "$3" != vfs ] || check_equal "$(stat -c '%a %u:%g' "$1")" "$(stat -c '%a %u:%g' "$MNT")" "the root, $2"
}

# check_image LAYER...: with them the image is the mount.
check_image() {
	local driver store root container
	rm -rf layout
	check python3 "$TEST_LIB/oci_layout.py" layout tried "$@"
	for driver in vfs overlay; do
		store=(--root "$TEST_DIRECTORY/$driver" --runroot "$TEST_DIRECTORY/$driver.run" --storage-driver "$driver")
		check podman "${store[@]}" pull -q "oci:$PWD/layout:tried" >pulled
		root=$(podman "${store[@]}" image mount "$(cat pulled)")
		check_same_tree "$root" podman "$driver"
		check podman "${store[@]}" image unmount "$(cat pulled)" >/dev/null
		container=$(buildah "${store[@]}" from --pull-never "$(cat pulled)")
		root=$(buildah "${store[@]}" mount "$container")
		check_same_tree "$root" buildah "$driver"
		check buildah "${store[@]}" umount "$container" >/dev/null
		check buildah "${store[@]}" rm "$container" >/dev/null
		check podman "${store[@]}" rmi -f "$(cat pulled)" >/dev/null
	done
}

# The lowest layer is what differs from nothing.
mkdir base
heddle_init --base base --store "$TEST_DIRECTORY/store"
heddle_mount
make_layer_base "$MNT"
chmod 751 "$MNT"
# An empty value takes an attribute away in pax, which is how Go's reader of archives understands it.
setfattr -x user.empty "$MNT/README"
mkdir -p "$MNT/exchanged/a" "$MNT/odd"
: >"$MNT/odd/setid"
chown 1000:1000 "$MNT/odd/setid"
chmod 6711 "$MNT/odd/setid"
mkdir -m 2770 "$MNT/odd/setgid"
: >"$MNT/odd/nobody-may"
chmod 0000 "$MNT/odd/nobody-may"
# cap_net_raw+ep
setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 "$MNT/run.sh"
ln -s "$(printf 'x%.0s' {1..3000})" "$MNT/odd/long-link"
capture "all of it" >/dev/null
check heddle export oci-layer -o first.tar >/dev/null
check_image first.tar

change_rich_tree "$MNT"
chown 77:88 "$MNT/odd/nobody-may"
chmod 4711 "$MNT/odd/setid"
setfattr -x user.binary "$MNT/README"
setfattr -n trusted.only -v root "$MNT/docs"
# A directory that is made anew is opaque: nothing of the old one shows.
rm -r "$MNT/exchanged"
mkdir -m 751 "$MNT/exchanged"
echo new >"$MNT/exchanged/b"
capture "changed" >/dev/null
check heddle export oci-layer --from main~1 -o second.tar >/dev/null
check_image first.tar second.tar

# Another one on it, compressed; and the way back, on all of them.
rm -r "$MNT/empty" "$MNT/odd/long-link"
ln -s README "$MNT/odd/long-link"
ln "$MNT/moved.md" "$MNT/docs/guide.md"
: >"$MNT/$(printf 'new\nline')too"
capture "again" >/dev/null
check heddle export oci-layer --from main~1 -o third.tar.gz >/dev/null
check_image first.tar second.tar third.tar.gz
check heddle export oci-layer --from main main~2 -o back.tar >/dev/null
check heddle restore main~2 >/dev/null
check_image first.tar second.tar third.tar.gz back.tar
echo "podman $(podman --version | cut -d' ' -f3) and $(buildah --version | cut -d' ' -f1-3) show the states"
