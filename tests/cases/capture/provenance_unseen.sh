#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# With --record, what nobody saw changed is said to be unknown, and is nobody else's: what a restore, an undo or a redo put there, what
# was changed before the worker or the mount that noted it ended, what a fork began with, and what processes changed that the
# mount has no numbers for. A capture of some paths tells of these alone, and the next one of the others.

. "$TEST_LIB/common.sh"
. "$TEST_LIB/provenance.sh"

mount_recorded
cd "$MNT" || exit
shell=$(basename "$(readlink -f "$(command -v sh)")")

# ---- a capture of some paths ----
as one 'echo 1 >>README; echo 1 >>docs/guide.md; mkdir new; echo 1 >new/file'
as two 'echo 2 >other; mv run.sh ran.sh'
capture "Some" -p README -p new >/dev/null
check_by <<END
README one||$shell
new one||mkdir
new/file one||$shell
END
check_equal "$(heddle log -n1 --by-actor --json | json_field 'sorted(p["path"] for a in s["states"][0]["actors"] for p in a["paths"])')" \
	'["README", "new", "new/file"]'
as three 'echo 3 >>README'
capture "The others" >/dev/null
check_by <<END
README three||$shell
docs/guide.md one||$shell
other two||$shell
ran.sh two||mv
END
check_equal "$(is_incomplete)" false

# ---- restores ----
as one 'echo one >README'
capture "One" >/dev/null
as two 'echo two >README'
capture "Two" >/dev/null
as one 'echo gone >README; echo stays >stays; echo gone >came'
check heddle restore @~1 README came >/dev/null
check_content README one
check_missing came
as three 'echo 3 >>docs/guide.md'
capture "A path of an earlier state" >/dev/null
check_by <<END
README ||
stays one||$shell
docs/guide.md three||$shell
END
# Somebody's change of what was restored is his, over what is not known.
as one 'echo gone >README'
check heddle restore @~2 >/dev/null
as two 'echo more >>README; chmod 700 docs'
capture "The whole of an earlier state" >/dev/null
check_by <<END
README two||$shell ||
docs two||chmod
docs/guide.md ||
stays ||
END

# ---- undo ----
as one 'echo one >README'
capture "To be undone" >/dev/null
check heddle undo >/dev/null
as two 'echo two >>README'
capture "Again" >/dev/null
check_by <<<"README two||$shell"
check_equal "$(is_incomplete)" true
as two 'echo complete >README'
capture "After it" >/dev/null
check_equal "$(is_incomplete)" false

# ---- a rebase: what it brings is in the head, and what is not captured stays somebody's ----
cd "$TEST_DIRECTORY" || exit
heddle_remount --record
cd "$MNT" || exit
echo upstream >"$TEST_DIRECTORY/repository/src/deep/er/leaf.txt"
git -C "$TEST_DIRECTORY/repository" commit -q -a -m "Upstream"
as one 'echo one >rebased'
check heddle rebase main HEAD >/dev/null
check_content src/deep/er/leaf.txt upstream
capture "Over a rebase" >/dev/null
check_by <<<"rebased one||$shell"
check_equal "$(is_incomplete)" false

# ---- the end of who noted it ----
as one 'echo one >src/main.c'
kill -KILL "$(worker_pid)"
wait_until 30 ls src >/dev/null
as two 'chmod 700 src; echo two >>docs/guide.md'
capture "Over a death" >/dev/null
check_by <<END
src two||chmod
src/main.c ||unknown
docs/guide.md two||$shell
END
check_equal "$(is_incomplete)" true

as one 'echo one >src/main.c'
cd "$TEST_DIRECTORY" || exit
heddle_remount --record
as two 'echo two >>mnt/src/main.c'
capture "Over an unmount" >/dev/null
check_equal "$(is_incomplete)" true
heddle_remount --record
as two 'echo two >>mnt/src/main.c'
capture "Nothing before it" >/dev/null
check_equal "$(is_incomplete)" false

# ---- a fork ----
as one 'echo one >mnt/README'
check heddle thread fork --with-changes fork >/dev/null
check heddle mount fork fork --git=none --record >/dev/null
as two 'echo two >>fork/README'
check heddle capture -m "Of the fork" fork >/dev/null
check_equal "$(heddle log -n1 --by-actor --json fork | json_field 's["states"][0]["actors_incomplete"]')" true
check_equal "$(heddle -C fork blame --by-actor --json README | json_field '[source["actors_incomplete"] for source in s["sources"]]')" "[true]"
check heddle unmount fork >/dev/null
capture "Of the first" >/dev/null
check_by <<<"README one||$shell"

# ---- processes without a number ----
heddle_unmount
unshare --mount --pid --fork --mount-proc true 2>/dev/null || exit 0
mkfifo begin end
# shellcheck disable=SC2016 # expanded by the inner shell
unshare --pid --fork sh -c 'HEDDLE_ACTOR= heddle mount main mnt --git=none --record >/dev/null
	HEDDLE_ACTOR=inside sh -c "echo 1 >mnt/README; echo 1 >mnt/inside"
	echo >begin
	read -r _ <end
	heddle capture -m "From outside" >/dev/null
	heddle unmount main >/dev/null' &
read -r _ <begin
as outside 'echo 2 >>mnt/README; echo 2 >mnt/outside'
echo >end
check wait $!
# Whose /proc is the outer one's, the inner ones are known by their number alone.
check_equal "$(heddle log -n1 --by-actor --json | json_field '[[a["pids"] != [0], sorted(p["path"] for p in a["paths"])] for a in sorted(s["states"][0]["actors"], key=lambda a: a["pids"])]')" \
	'[[false, ["README", "outside"]], [true, ["README", "inside"]]]'
check heddle check >/dev/null
