#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# Who changed what, with --record: programs and their HEDDLE_ACTOR and HEDDLE_TOOL_CALL, by every kind of change, per
# state; what is not known is said to be unknown.

. "$TEST_LIB/common.sh"
. "$TEST_LIB/provenance.sh"

mount_recorded
export HEDDLE_ACTOR=agent

cat >story.py <<'END'
import mmap, os, sys
os.chdir(sys.argv[1])
with open("mapped", "w+b") as file:
    file.truncate(8192)
    mmap.mmap(file.fileno(), 8192)[5000:5006] = b"mapped"
open("README", "a").write("appended\n")
os.symlink("README", "symlink")
os.link("README", "linked")
os.unlink("run.sh")
os.mkfifo("fifo")
try:
    os.mkdir("docs")
except FileExistsError:
    pass
os.utime("docs/guide.md")
END
python=$(basename "$(readlink -f "$(python3 -c 'import sys; print(sys.executable)')")")
(cd "$MNT" && HEDDLE_TOOL_CALL=one touch made && HEDDLE_TOOL_CALL=two mkdir directory)
HEDDLE_TOOL_CALL=three python3 story.py "$MNT"
HEDDLE_ACTOR=mover HEDDLE_TOOL_CALL=four mv "$MNT/src" "$MNT/source"
HEDDLE_ACTOR=remover rm -r "$MNT/source/deep"
HEDDLE_TOOL_CALL=five chmod 600 "$MNT/docs/guide.md"
# Two for one path, the second last.
MNT=$MNT HEDDLE_ACTOR=first sh -c 'echo 1 >"$MNT/both"'
MNT=$MNT HEDDLE_ACTOR=second sh -c 'echo 2 >>"$MNT/both"'
# And one that became another kind of file, which is a deletion and an addition.
HEDDLE_ACTOR=first python3 -c 'import os, sys; os.unlink(sys.argv[1]); open(sys.argv[1], "w").write("1")' "$MNT/link"
MNT=$MNT HEDDLE_ACTOR=second sh -c 'echo 2 >>"$MNT/link"'
capture "All kinds" >/dev/null

shell=$(basename "$(readlink -f "$(command -v sh)")")
# Who set times alone (of the guide) is not named.
check_by <<END
made agent|one|touch
directory agent|two|mkdir
mapped agent|three|$python
README agent|three|$python
symlink agent|three|$python
linked agent|three|$python
run.sh agent|three|$python
fifo agent|three|$python
source mover|four|mv
source/deep remover||rm
source/deep/er/leaf.txt remover||rm
docs/guide.md agent|five|chmod
both first||$shell second||$shell
link first||$python second||$shell
END
check_contains "$(heddle log -n1 --by-actor)" "agent, call one, .*touch"
check_equal "$(heddle log -n1 --graph --by-actor --json | json_field '"one" in [a["tool_call"] for a in s["states"][0]["actors"]]')" true
check_status 64 heddle blame --by-actor --porcelain README
check_fails grep -q provenance <(heddle show -s @)

check_contains "$(heddle blame --by-actor README)" "(agent three .*appended"
check_equal "$(heddle blame --by-actor --json README | json_field 'sorted(str(source["actors"] and source["actors"][0]["tool_call"]) for source in s["sources"])')" '["None", "three"]'
check_contains "$(heddle blame README)" "(Test Person .*appended"

# Each state has what is its own; threads of a process are the process.
python3 - "$MNT" <<'END'
import sys, threading
def write(number):
    open(f"{sys.argv[1]}/thread{number}", "w").write("x")
threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
END
capture "Threads" >/dev/null
check_equal "$(heddle log -n1 --by-actor --json | json_field '[len(s["states"][0]["actors"]), len(s["states"][0]["actors"][0]["pids"]), len(s["states"][0]["actors"][0]["paths"])]')" "[1, 1, 8]"
check_by <<<"made"

# Notes end with the worker: what came before is unknown, what comes after is not.
touch "$MNT/before"
kill -KILL "$(worker_pid)"
wait_until 30 touch "$MNT/after"
# An access control list sets the mode, too.
HEDDLE_TOOL_CALL=six python3 -c '
import os, struct, sys
entries = ((1, 6, -1), (2, 6, 1), (4, 4, -1), (16, 6, -1), (32, 4, -1))
os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries))
' "$MNT/both"
capture "Over a death" >/dev/null
check_by <<<"before ||unknown
after agent||touch
both agent|six|$python"

# Many at once, each its own.
for number in $(seq 40); do
	HEDDLE_TOOL_CALL=$number touch "$MNT/many$number" &
done
wait
capture "Many" >/dev/null
check_by < <(for number in $(seq 40); do echo "many$number agent|$number|touch"; done)

# More than a build has: each path has who changed it, and all is said to be known.
HEDDLE_TOOL_CALL=crowd python3 - "$MNT" <<'END'
import os, sys
os.mkdir(f"{sys.argv[1]}/crowd")
for number in range(5000):
    if os.fork() == 0:
        os.close(os.open(f"{sys.argv[1]}/crowd/{number}", os.O_CREAT | os.O_WRONLY))
        os._exit(0)
    os.wait()
END
capture "A crowd" >/dev/null
check_equal "$(heddle log -n1 --by-actor --json | json_field '[s["states"][0]["actors_incomplete"]] + [[a.get("tool_call"), len(a["pids"]), len(a["paths"])] for a in s["states"][0]["actors"]]')" '[false, ["crowd", 5001, 5001]]'
# A change of owner, which makes no state, takes the set-user-id bit away, which does.
chmod 4755 "$MNT/made"
capture "Set-user-id" >/dev/null
HEDDLE_TOOL_CALL=seven chown "$(id -u)" "$MNT/made" "$MNT/after"
check_equal "$(stat -c %a "$MNT/made")" 755
capture "Without" >/dev/null
check_by <<<"made agent|seven|chown"

# Without --record nothing is said, and a fact of that name is heddle's own.
heddle_remount
touch "$MNT/unrecorded"
check_status 64 heddle capture -m x --meta provenance=1
capture "Unrecorded" >/dev/null
check_equal "$(heddle log -n1 --by-actor --json | json_field 's["states"][0]["actors"]')" null
heddle_unmount
if unshare --mount true 2>/dev/null; then
	HEDDLE_TOOL_CALL=run heddle run -q --record -- sh -c 'touch ran; exec touch ran2'
	check_by <<<"ran agent|run|touch
ran2 agent|run|touch"
fi
check heddle check >/dev/null
