#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# GROUP: quick
#
# A command in a private mount: what it sees and inherits, what is captured when, what is left, and who sees it. Exit
# codes are the subject of exit_codes.sh, signals of signals.sh, ordinary users of ordinary_user.sh.

. "$TEST_LIB/common.sh"
require_namespaces

make_repository repository
heddle_init repository
head_of() { heddle log --json "$1" | json_field 's["states"][0]["id"]'; }

# The tree, its root as working directory, the streams as they are.
echo "from outside" | heddle run -q -- sh -c 'pwd; cat README; cat >new; echo "to stderr" >&2' >out 2>err
check_content out "$STORE/mnt/main
readme
second"
check_content err "to stderr"
check_missing "$STORE/mnt/main/README"
check_equal "$(heddle cat @ new)" "from outside"
first=$(head_of main)
check_contains "$(heddle show @)" 'Fact: *status=0'
check_equal "$(heddle run -q -- sh -c 'echo "$PWD $HEDDLE_STORE"')" "$STORE/mnt/main $STORE"
check_equal "$(head_of main)" "$first" "nothing changed"

# While it runs nobody else sees the mount, it can be asked all the same, and cannot be ended.
mkfifo begin end
heddle run -q -m "Two steps" -- sh -c "echo one >step; echo >$PWD/begin; read -r _ <$PWD/end; echo two >>step; heddle status -s >$PWD/inner" &
read -r _ <begin
check_missing "$STORE/mnt/main/step"
! grep -q "$STORE/mnt/main" /proc/self/mounts || fail "the mount shows outside"
check_contains "$(heddle status -s)" "A step"
check_status 75 heddle unmount main
check_status 125 heddle run -q -- true
echo >end
wait $!
check_contains "$(cat inner)" "A step"
check_equal "$(heddle cat @ step)" "one
two"
check_contains "$(heddle show @)" "Two steps"
check_equal "$(heddle status --json | json_field 's["mountpoint"]')" null

# What the page cache holds when the command has ended is captured.
heddle run -q -- python3 -c '
import mmap
with open("mapped", "w+b") as file:
    file.truncate(8192)
    mmap.mmap(file.fileno(), 8192)[5000:5006] = b"mapped"'
check_equal "$(heddle cat @ mapped | tail -c +5001 | head -c 6)" mapped

# When to capture.
before=$(head_of main)
check_status 3 heddle run -q --capture=success -- sh -c 'echo 1 >kept; exit 3'
check_equal "$(head_of main)" "$before"
check_contains "$(heddle status -s)" "A kept"
heddle run -q --capture=never -- sh -c 'echo 2 >>kept'
check_equal "$(head_of main)" "$before"
heddle run -q --capture=success -- true
check_equal "$(heddle cat @ kept)" "1
2"

# Forks, and what is thrown away.
before=$(head_of main)
heddle run -q --name other -- sh -c 'echo forked >fork'
check_equal "$(heddle cat other fork)" forked
check_equal "$(head_of main)" "$before"
heddle run -q --fork --thread other -- sh -c 'test -f fork && rm fork'
check_equal "$(heddle threads | grep -c 'other-run-[0-9a-f]\{8\} ')" 1
heddle run -q --rm -- sh -c 'echo gone >gone; test -f README'
heddle run -q --rm --capture=always -- sh -c 'echo gone >gone'
check_equal "$(heddle threads | wc -l)" 3
ls -A "$STORE/threads" "$STORE/mnt" "$STORE/run" "$STORE/log" >left
! grep -q 'main-run' left || fail "a directory of a thread is left"
check_equal "$(ls "$STORE/threads" | wc -l)" 3

# What was to become a state and cannot stays in the thread, even in one that was to be thrown away.
index_refuses() {
	python3 -c 'import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as index:
    index.execute(sys.argv[2])' "$STORE/index.db" "$1"
}
index_refuses "CREATE TRIGGER no BEFORE INSERT ON state BEGIN SELECT RAISE(ABORT, 'no'); END"
check_status 125 heddle run --rm --capture always -- sh -c 'echo "$1" >kept' sh "a few words"
index_refuses "DROP TRIGGER no"
stays=$(sed -n "s/.*; thread '\(main-run-.*\)' stays, with .*/\1/p" .output)
heddle run -q --thread "$stays" --capture never -- cat kept >out
check_content out "a few words"
heddle thread drop "$stays" >/dev/null

# A message that cannot be kept is refused before the command runs.
check_status 125 heddle run --rm --capture always -m "$(printf 'm\377')" -- touch "$PWD/ran"
check_missing ran

# A place of one's own for the mount, even over what is in use outside.
mkdir place
echo "hidden" >place/file
heddle run -q --thread other --at place -- sh -c "test \"\$PWD\" = $PWD/place && test ! -e file && cat fork" >out
check_content out forked
check_content place/file hidden

# Where it cannot be mounted there was nothing to work in, and no fork is left of it.
threads=$(heddle thread list)
check_status 125 heddle run --fork --at nowhere -- true
check_status 125 heddle run --name named --at nowhere -- true
check_equal "$(heddle thread list)" "$threads"

# Without a network.
heddle run -q --no-network -- sh -c 'tail -n +3 /proc/net/dev | tr -d " " | cut -d: -f1' >out
check_content out lo
heddle run -q --no-network -- python3 -c '
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()'

# What it inherits is the shell's, not ours.
(
	ulimit -S -f 1000
	trap '' USR1
	heddle run -q -- sh -c 'ulimit -S -f; grep -E "^Sig(Blk|Ign)" /proc/self/status' >inside
	sh -c 'ulimit -S -f; grep -E "^Sig(Blk|Ign)" /proc/self/status' >outside
)
check_equal "$(cat inside)" "$(cat outside)"
exec 7>fd
heddle run -q -- sh -c 'echo "through 7" >&7'
exec 7>&-
check_content fd "through 7"

# A reader of its output sees the end when the command closes it, not when heddle ends.
heddle run -q -- sh -c "exec >&-; read -r _ <$PWD/begin" | cat >out &
reader=$!
exec 8<>begin
wait_until 20 sh -c "! ps -o comm= --ppid $$ | grep -qx cat"
echo >&8
wait "$reader"
exec 8>&-

# What it leaves is killed, in whatever session.
heddle run -q -- sh -c "setsid sh -c 'echo \$\$ >$PWD/pid; echo >$PWD/end; sleep 600' & read -r _ <$PWD/end"
check_fails kill -0 "$(cat pid)"

# Summaries.
heddle run --json -- sh -c 'echo json >json; exit 4' 2>err && fail "the status is lost"
check_equal "$(json_field '[s["ok"], s["thread"], s["created"], s["command"]["exit"], s["state"]["changes"]["added"]]' <err)" '[true, "main", false, 4, 1]'
heddle run -q --rm --summary /dev/fd/3 -- sh -c 'kill -9 $$' 3>summary || true
check_equal "$(json_field '[s["command"]["signal"], s["state"], s["discarded"]]' <summary)" '[9, null, true]'
check_contains "$(heddle run -- true 2>&1)" "nothing has changed since state"
check_contains "$(heddle run -- touch more 2>&1)" "state .* of main: 1 added, 0 modified, 0 deleted"
check_contains "$(heddle run --capture never -- true 2>&1)" "changes stay in thread main"

# A thread that is thrown away is nobody's, unless that is known without git's configuration.
made_by() { heddle op log --json | json_field '[o["actor"] for o in s["operations"][:2]]'; }
heddle run -q --rm -- true
check_equal "$(made_by)" '["", ""]'
HEDDLE_AUTHOR="Somebody <s@example.org>" heddle run -q --rm -- true
check_equal "$(made_by)" '["Somebody <s@example.org>", "Somebody <s@example.org>"]'
heddle run -q --fork --capture never -- true
check_equal "$(made_by | python3 -c 'import json, sys; print(json.load(sys.stdin)[0])')" "Test Person <test@example.org>"
