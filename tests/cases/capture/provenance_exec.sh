#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
#
# Who changes something and executes another program, or the same one with another environment, is known as both, each for what it
# changed; also by threads, again and again, and when it had the mount open in between.

. "$TEST_LIB/common.sh"
. "$TEST_LIB/provenance.sh"

mount_recorded
cd "$MNT" || exit
shell=$(basename "$(readlink -f "$(command -v sh)")")
python=$(basename "$(readlink -f "$(python3 -c 'import sys; print(sys.executable)')")")

as first 'echo 1 >one; exec env HEDDLE_ACTOR=second python3 -c "open(\"two\", \"w\").write(\"2\")"'
as first 'echo 1 >>README; exec env HEDDLE_ACTOR=second HEDDLE_TOOL_CALL=call sh -c "echo 2 >>README"'
# One file open all the while, by the number of a descriptor.
as before 'exec 3>kept; echo 1 >&3; exec env HEDDLE_ACTOR=after sh -c "echo 2 >&3; echo 3 >own"'
HEDDLE_ACTOR=threads python3 - <<'END'
import os, threading
def write(number):
    open(f"thread{number}", "w").write("x")
threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
# From another thread than the first, which takes the process' number over.
def leave():
    open("left", "w").write("x")
    os.execvpe("sh", ["sh", "-c", "echo y >came"], dict(os.environ, HEDDLE_ACTOR="came"))
threading.Thread(target=leave).start()
threading.Event().wait()
END
# Ten programs in turn under one number.
cat >"$TEST_DIRECTORY/chain.sh" <<'END'
echo x >"chain$1"
[ "$1" = 10 ] || HEDDLE_TOOL_CALL=$(($1 + 1)) exec sh "$2" $(($1 + 1)) "$2"
END
HEDDLE_ACTOR=chain HEDDLE_TOOL_CALL=1 sh "$TEST_DIRECTORY/chain.sh" 1 "$TEST_DIRECTORY/chain.sh"
capture "Programs in turn" >/dev/null
check_by <<END
one first||$shell
two second||$python
README first||$shell second|call|$shell
kept after||$shell before||$shell
own after||$shell
thread0 threads||$python
thread3 threads||$python
left threads||$python
came came||$shell
END
check_by < <(for number in $(seq 10); do echo "chain$number chain|$number|$shell"; done)
check_equal "$(is_incomplete)" false
cd "$TEST_DIRECTORY" || exit
check heddle check >/dev/null
