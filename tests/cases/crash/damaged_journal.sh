#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A journal that was damaged on disk, in the middle or at its end, or that is gone or another thread's, is refused: the mount
# fails with what is whole and what to do, and nothing is changed. `heddle thread repair` goes on with the whole part and
# keeps the rest.

# EXPECT-LOG: the journal

. "$TEST_LIB/common.sh"

require_fuse
make_repository repository
heddle_mount_of repository
threads=$STORE/threads
# Three epochs.
for i in 1 2 3; do
	echo "content $i" >"$MNT/file$i"
	check sync "$MNT/file$i"
done
heddle_unmount
cp "$threads/1/journal" whole

# damage OFFSET...: flips a bit of each byte, as a rotten disk does.
damage() {
	python3 - "$threads/1/journal" "$@" <<'END'
import sys
with open(sys.argv[1], "r+b") as journal:
    for offset in map(int, sys.argv[2:]):
        journal.seek(offset)
        byte = journal.read(1)[0]
        journal.seek(offset)
        journal.write(bytes([byte ^ 4]))
END
}

restore() {
	cp whole "$threads/1/journal"
}

check_refused() {
	cp "$threads/1/journal" before 2>/dev/null || rm -f before
	check_status 65 heddle mount main "$MNT"
	check grep -q "$1" "$TEST_DIRECTORY/.output"
	check grep -q "heddle thread repair" "$TEST_DIRECTORY/.output"
	check_status 65 heddle status
	check_status 65 heddle check
	check grep -q "$1" "$TEST_DIRECTORY/.output"
	[ ! -e before ] || check cmp before "$threads/1/journal"
}

# Where the epochs begin: their headers' magic.
mapfile -t epochs < <(python3 -c '
import sys
data = open("whole", "rb").read()
at = -1
while (at := data.find(b"HDDEPOCH", at + 1)) >= 0: print(at)')
check [ "${#epochs[@]}" -ge 4 ]

damage $((epochs[1] + 100))
check_refused "epochs 1 to 1 are whole, and more were there"
restore
damage "${epochs[1]}" $((epochs[2] + 50))
check_refused "epochs 1 to 1 are whole"
restore

# The end: the last epoch, cut off or damaged.
truncate -s $((epochs[2] + 70)) "$threads/1/journal"
check_refused "the journal's end is missing or damaged"
rm "$threads/1/journal"
check_refused "the journal is gone"
restore
damage 40
check_refused "checkpoint does not verify"
restore

# That of another thread.
check heddle mount other --from main other >/dev/null
echo "other" >other/file
check heddle unmount other >/dev/null
cp "$threads/2/journal" "$threads/1/journal"
check_refused "is that of threads/2"
restore

# Nothing was changed by all that.
heddle_mount
for i in 1 2 3; do check_content "$MNT/file$i" "content $i"; done
check_status 75 heddle thread repair main
heddle_unmount
cp "$threads/1/journal" whole
check_contains "$(heddle thread repair main)" "nothing was done"
check cmp whole "$threads/1/journal"

damage $((epochs[2] + 100))
check_refused "epochs 1 to 2 are whole"
cp "$threads/1/journal" damaged
check_contains "$(heddle thread repair main)" "goes on with the first 2 epochs"
check cmp damaged "$threads/1/journal.damaged"
check_contains "$(heddle check)" "no problems"
heddle_mount
check_content "$MNT/file1" "content 1"
check_content "$MNT/file2" "content 2"
check_missing "$MNT/file3"
echo "later" >"$MNT/later"
heddle_remount
check_content "$MNT/later" "later"
heddle_unmount

# Nothing is whole: the thread is its last state again.
damage 40
check_equal "$(heddle thread repair main --json | json_field '[s["was_damaged"], s["epochs"], s["aside"]]')" \
	'[true, 0, "journal.damaged.2"]'
heddle_mount
check_missing "$MNT/file1"
check_content "$MNT/docs/guide.md" "guide"
heddle_unmount
check_contains "$(heddle check)" "no problems"
