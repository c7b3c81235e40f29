#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
#
# heddle doctor finds what is really left behind, each made for real: by killing everything, by killing a part, by
# stopping, by another version; changes nothing without --repair, and nothing that anybody uses; --repair leaves what
# was written. doctor_machine.sh covers the machine.
# EXPECT-LOG: killed|supervisor

. "$TEST_LIB/common.sh"

# found [OPTION...]: "kind severity repaired" lines, sorted; the exit status must fit them.
found() {
	local status=0 problems
	heddle doctor --json "$@" >doctor.json 2>doctor.err || status=$?
	[ -s doctor.json ] || fail "status $status: $(cat doctor.err)"
	problems=$(json_field 's["problems"]' <doctor.json)
	check_equal "$status" "$((problems > 0))" "the exit status with $problems problems"
	json_field '"\n".join(sorted("%s %s %d" % (f["kind"], f["severity"], f["repaired"]) for f in s["findings"]))' <doctor.json
}

make_directory_base base
heddle_init --base base --store "$TEST_DIRECTORY/store"
check_equal "$(found)" "" "a new store"
heddle_mount
check_equal "$(found)" "" "a mounted thread"
check_equal "$(found --repair)" "" "a mounted thread"
echo "kept" >"$MNT/file"
sync "$MNT/file"
check_equal "$(found --repair)" "" "with changes"
check_content "$MNT/file" kept

# Everything is killed.
check python3 "$TEST_LIB/kill_mount.py" all main
run=$STORE/run
left="dead-mount problem 0
stale-socket problem 0
stale-socket problem 0
stale-status problem 0
unrecovered problem 0"
check_equal "$(found)" "$left" "after killing all"
check_equal "$(found)" "$left" "once more: nothing was changed"
grep -q " $MNT fuse" /proc/self/mounts || fail "the dry run detached the mount"
text=$(heddle doctor || true)
check_contains "$text" "problem: dead-mount: the mount of thread 'main' at $MNT is dead"
check_contains "$text" "    --repair would detach it"
check_contains "$text" "^5 problems$"
check_equal "$(found --repair)" "${left// 0/ 1}" "repaired"
! grep -q " $MNT fuse" /proc/self/mounts || fail "the dead mount is still there"
[ ! -e "$run/1.sock" ] && [ ! -e "$run/1.json" ] || fail "files of the dead mount are left: $(ls "$run")"
check_equal "$(found)" "" "after the repair"
heddle check >/dev/null
heddle_mount
check_content "$MNT/file" kept

# A worker that is alone goes on serving, and gets a supervisor.
check python3 "$TEST_LIB/kill_mount.py" supervisor keeper main
check_equal "$(found)" "unattended problem 0" "a worker alone"
check_content "$MNT/file" kept
check_equal "$(found --repair)" "unattended problem 1" "a worker alone"
check_equal "$(found)" "" "adopted"
check_content "$MNT/file" kept

# A worker that does not answer is nobody's to repair.
worker=$(worker_pid)
kill -STOP "$worker"
check_equal "$(found --repair)" "silent problem 0" "a stopped worker"
kill -CONT "$worker"
check_content "$MNT/file" kept
heddle_unmount
check_equal "$(found)" "" "unmounted"

# A mount whose store was moved away, or deleted, alive and dead.
cp -a store second
check heddle --store second mount main "$MNT" >/dev/null
mv second third
check_equal "$(found --repair)" "lost-store problem 0" "a mount whose store was moved"
mv third second
check_equal "$(found)" "" "a store that is back"
check env HEDDLE_STORE="$TEST_DIRECTORY/second" python3 "$TEST_LIB/kill_mount.py" all main
rm -r second
check_equal "$(found)" "dead-mount problem 0" "a mount without a store"
check_equal "$(found --repair)" "dead-mount problem 1" "a mount without a store"
! grep -q " $MNT fuse" /proc/self/mounts || fail "the lost mount is still there"

# Files that lie around, and rights.
touch -d '2 hours ago' "$STORE/objects/.heddle-new-0123456789abcdef" "$STORE/threads/1/.heddle-new-0123456789abcdef"
touch "$run/.heddle-new-0123456789abcdef"
mkdir store/.heddle.new-1-2-3 "$STORE/threads/7777" "$STORE/threads/7778"
touch -d '2 hours ago' store/.heddle.new-1-2-3 "$STORE/threads/1" "$STORE/threads/7777"
touch "$run/77.sock" "$run/77.lock" "$run/78.sock" "$STORE/log/79.log" "$run/notes.txt"
chmod 755 "$STORE"
left="permissions problem 0
stray-file problem 0
stray-file problem 0
stray-file problem 0
stray-file problem 0
temporary-file problem 0
temporary-file problem 0
temporary-file problem 0
temporary-file problem 0"
check_equal "$(found)" "$left" "files that lie around"
check_equal "$(found --repair)" "${left// 0/ 1}" "files that lie around"
check_equal "$(found)" "" "after the repair"
[ -e "$run/.heddle-new-0123456789abcdef" ] || fail "a file that somebody may be writing was removed"
[ -e "$STORE/threads/7778" ] || fail "a fork that somebody may be making was removed"
[ -e "$STORE/threads/1" ] || fail "the directory of a thread was removed"
[ -e "$run/notes.txt" ] || fail "a file that is not heddle's was removed"
check_equal "$(stat -c %a "$STORE")" 700
rm "$run/.heddle-new-0123456789abcdef"

# What a thread that was dropped, or restored, had in run/ goes with its number; its log stays with it, and goes with it.
logs_before=$(ls "$STORE/log")
check heddle thread fork dropped >/dev/null
check heddle mount dropped --git=none >/dev/null
echo more >"$STORE/mnt/dropped/more"
check heddle capture -m "More" dropped >/dev/null
check heddle unmount dropped >/dev/null
check heddle restore --thread dropped dropped~1 >/dev/null
check_equal "$(found)" "" "restored"
grep -q "thread 'dropped' is mounted" "$STORE"/log/*.log || fail "the log of a restored thread is gone"
check heddle thread drop dropped >/dev/null
check_equal "$(found)" "" "dropped"
check_equal "$(ls "$STORE/log")" "$logs_before" "logs of dropped threads"
check_missing "$STORE/mnt/dropped"
check heddle undo >/dev/null
check heddle thread drop dropped >/dev/null
check_equal "$(found)" "" "dropped again"

# A mount that ended badly is remarked on, which is no problem.
heddle_mount -o restarts=0
check kill -9 "$(worker_pid)"
wait_until 30 heddle status >/dev/null
wait_until 30 test -e "$run/1.last"
check_equal "$(found | grep -v unrecovered)" "last-end remark 0"

# Another version.
cp -R "$HEDDLE_BIN" other
version=$(heddle version --json | json_field 's["version"]')
changed=${version//[0-9]/8}
LC_ALL=C sed -i "s/$version/$changed/g" other/*
check env PATH="$TEST_DIRECTORY/other:$PATH" heddle mount main "$MNT" >/dev/null 2>&1
check_equal "$(found)" "version remark 0"
check_contains "$(heddle doctor)" "served by heddle $changed, this is $version"
heddle_unmount

# A store of another version; a store that is not there; none at all.
cp "$STORE/format" format
echo "heddle store 99" >"$STORE/format"
check_equal "$(found)" "store problem 0"
cp format "$STORE/format"
check_status 66 heddle --store "$TEST_DIRECTORY/nowhere" doctor
check_equal "$(env -u HEDDLE_STORE heddle -C / doctor)" "no problems"
heddle check >/dev/null
