#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# heddle export dir: a state becomes ordinary files, the very tree, with owners, times to the nanosecond, ACLs, extended
# attributes, hard links, devices, sockets, holes and every name. The directory is there whole or not at all, and nothing that
# is there is written to. import_dir.sh has the way back, export_dir_user.sh what an ordinary user gets.

. "$TEST_LIB/archive.sh"

mkdir base
make_rich_tree base
make_hard_names base
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' base/socket
mkdir base/closed base/closed/below
ln base/README base/closed/below/README
chmod 2750 base/closed/below
chmod 0 base/closed
heddle_init --base base --store "$TEST_DIRECTORY/store"

accessed=$(stat -c %x base/README)
check_contains "$(heddle export dir out 2>&1)" ", in out"
check_equal "$(stat -c %x base/README)" "$accessed" "access time of the base"
check_equal "$(stat -c %x out/README)" "$accessed" "access time"
check_same_archive base out
check_equal "$(stat -c '%a %u:%g %y' out)" "$(stat -c '%a %u:%g %y' base)" "the root"
check_equal "$(stat -c %b out/sparse out/hole)" "$(stat -c %b base/sparse base/hole)" "holes"

# What a mount captured, from below, over a directory that is empty, whose access lists are nobody's.
heddle_mount
ln "$MNT/run.sh" "$MNT/docs/run-too"
chown 1000:1000 "$MNT/docs/guide.md"
echo "more" >>"$MNT/docs/hard"
dd if=/dev/urandom of="$MNT/large" bs=1M count=3 status=none
printf 'end' | dd of="$MNT/large" bs=1 seek=20000000 conv=notrunc status=none
setfattr -n trusted.kept -v 1 "$MNT/large"
rm "$MNT/before-1970"
capture "rich" >/dev/null
mkdir with-lists with-lists/empty
chmod 2777 with-lists
setfacl -d -m u:4242:rwx with-lists
check heddle export dir main with-lists/empty/ >/dev/null
check_same_archive "$MNT" with-lists/empty
[ "$(stat -c %b with-lists/empty/large)" -lt 8000 ] || fail "holes were written"
check_equal "$(heddle export dir main~1 older --json | json_field 's["ok"], s["devices"], s["other_owners"], s["skipped_attributes"]')" \
	"(True, 0, 0, 0)"
check_same_archive base older
heddle_unmount

# What is there stays as it is.
before=$(ls -lR --time-style=full-iso out older)
check_status 73 heddle export dir main out
check_status 73 heddle export dir main base/README
ln -s older link
check_status 73 heddle export dir main link
check_status 75 heddle export dir main .
check_status 66 heddle export dir main no/such/place
check_status 66 heddle export dir no-such-state new
mkdir mounted
check mount -t tmpfs none mounted
check_status 75 heddle export dir main mounted
umount mounted
check_equal "$(ls -lR --time-style=full-iso out older)" "$before"
for option in "--branch b" "--repo r" --ignored "-o f" "--compress gzip" "--from main"; do
	# shellcheck disable=SC2086
	check_status 64 heddle export dir main new $option
done
check_status 64 heddle export dir
check_status 64 heddle export dir main new more
check_missing new

# Stopped, nothing is left; killed, nothing is in its place.
mkdir stopped
export HEDDLE_WORK_RESTS=$TEST_DIRECTORY/rests
for step in "writing files" "writing to the disk"; do
	echo "$step" >"$HEDDLE_WORK_RESTS"
	status=0
	python3 "$TEST_LIB/on_terminal.py" --interrupt-at "exporting: $step ..." shown heddle export dir main stopped/new || status=$?
	check_equal "$status" 130 "$step"
	check_equal "$(ls -A stopped)" ""
	with_progress heddle export --json dir main stopped/new
	exporting=$!
	wait_until 100 grep -q "\"step\":\"$step\"" progress
	kill -KILL "$exporting"
	wait "$exporting" || true
	rm "$HEDDLE_WORK_RESTS"
	check_missing stopped/new
	check_equal "$(find stopped -mindepth 1 -maxdepth 1 -name '.new.heddle-*' -type d | wc -l)" 1
	rm -r stopped/.new.*
done

# Who puts something there meanwhile keeps it.
echo "writing files" >"$HEDDLE_WORK_RESTS"
with_progress heddle export --json dir main stopped/new
exporting=$!
wait_until 100 grep -q '"step":"writing files"' progress
mkdir stopped/new
echo mine >stopped/new/file
rm "$HEDDLE_WORK_RESTS"
status=0
wait "$exporting" || status=$?
check_equal "$status" 73
check_equal "$(ls -A stopped stopped/new)" "$(printf 'stopped:\nnew\n\nstopped/new:\nfile')"
