#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 180
# EXPECT-LOG: kill point
#
# Signals to heddle run and from its terminal, and the death of every process that has a part in it: nothing that it
# started stays, what was written is in the thread, and the next command has it.

. "$TEST_LIB/common.sh"
require_namespaces

make_repository repository
heddle_init repository

no_server() { ! pgrep -f "(heddled|heddle-fuse-worker) --store $STORE" >/dev/null; }
is_gone() { ! kill -0 "$1"; }

# begin SCRIPT [OPTION...]: run in the background, until the command has written its pid to the file `pid`.
begin() {
	local script=$1
	shift
	rm -f pid
	heddle run -q "$@" -- sh -c "echo \$\$ >$PWD/pid.new; mv $PWD/pid.new $PWD/pid; $script" &
	run=$!
	wait_until 60 test -e pid
	command=$(cat pid)
}

check_end() {
	local status=0
	wait "$run" || status=$?
	check_equal "$status" "$1"
}

check python3 "$TEST_LIB/run_story.py"
check_equal "$(heddle cat main killed interrupted | sort -u)" 1

# A signal to heddle run is one to the command.
for signal in TERM HUP USR1 USR2; do
	begin "trap 'echo $signal >got; exit 40' $signal; echo >$PWD/ready; while :; do sleep 0.1; done"
	wait_until 60 test -e ready
	rm ready
	kill -"$signal" "$run"
	check_end 40
	check_equal "$(heddle cat @ got)" "$signal"
done
begin 'exec sleep 600'
kill -TERM "$run"
check_end 143
# Nobody but the first of them: the servers are none of the shell's job.
begin 'exec sleep 600'
check_equal "$(pgrep -g "$(ps -o pgid= -p "$run" | tr -d ' ')" -f "heddled|heddle-fuse-worker" || true)" ""
kill -TERM "$run"
check_end 143

# heddle run is killed: all that it started ends, daemons too; what was written is there.
begin "echo first >written; setsid sleep 600 & echo \$! >$PWD/daemon; sync; exec sleep 600"
wait_until 60 test -s daemon
warden=$(ps -o ppid= -p "$command" | tr -d ' ')
kill -KILL "$run"
wait "$run" 2>/dev/null || true
wait_until 60 is_gone "$command"
wait_until 60 is_gone "$(cat daemon)"
wait_until 60 is_gone "$warden"
wait_until 60 no_server
check_contains "$(heddle status -s)" "A written"
check_equal "$(heddle run -q -- cat written)" first

# The process between it and the command is killed: likewise, and heddle run says so.
begin "echo second >written; setsid sleep 600 & echo \$! >$PWD/daemon; echo >$PWD/ready; exec sleep 600" 2>said
wait_until 60 test -e ready
kill -KILL "$(ps -o ppid= -p "$command" | tr -d ' ')"
check_end 125
check_contains "$(cat said)" "was killed; thread 'main' has what the command changed"
wait_until 60 is_gone "$command"
wait_until 60 is_gone "$(cat daemon)"
wait_until 60 no_server
check_equal "$(heddle run -q -- cat written)" second

# Both at once: what they leave has nothing to hold on to, and the servers bring it to disk once that has ended.
rm ready
begin "echo third >written; echo >$PWD/ready; exec sleep 600"
wait_until 60 test -e ready
warden=$(ps -o ppid= -p "$command" | tr -d ' ')
kill -KILL "$warden" "$run"
wait "$run" 2>/dev/null || true
wait_until 60 is_gone "$command"
wait_until 60 no_server
check_equal "$(heddle run -q -- cat written)" third

# A worker that dies meanwhile is replaced as in any mount.
begin "echo fourth >written; until [ -e $PWD/go ]; do sleep 0.1; done; cat written >>again; echo >>again"
wait_until 60 sh -c "heddle status -s | grep -q written"
kill -KILL "$(worker_pid)"
touch go
check_end 0
check_equal "$(heddle cat @ again)" fourth

# One that dies in the capture is asked again, as nothing changes any more.
HEDDLE_KILL_POINT=content_stored:1 HEDDLE_KILL_POINT_OFF=$PWD/off heddle run --json -- sh -c "head -c 300000 /dev/urandom | tee large >$PWD/large; touch $PWD/off" 2>said
check_contains "$(cat "$STORE"/log/*.log)" "kill point content_stored"
check_equal "$(json_field 's["state"]["id"]' <said)" "$(heddle log -n1 --json | json_field 's["states"][0]["id"]')"
check_equal "$(heddle cat @ large | cksum)" "$(cksum <large)"

# All of its servers die: what the kernel does not know fails in the command, and heddle run says what that means.
begin "echo fifth >written; heddle sync; echo >$PWD/synced; while mkdir made && rmdir made; do sleep 0.1; done 2>/dev/null; exit 17" --capture=never 2>said
wait_until 60 test -e synced
check python3 "$TEST_LIB/kill_mount.py" all main
check_end 125
check_contains "$(cat said)" "what had come to disk in thread 'main' is there, the rest is lost"
check_equal "$(heddle run -q -- cat written)" fifth
check heddle check >/dev/null

# An interrupt at any moment leaves no thread behind that was made for the command.
threads=$(heddle threads)
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	timeout --foreground --signal INT "0.0$((i % 10))$((RANDOM % 10))" heddle run -q --rm -- true 2>/dev/null || true
done
check_equal "$(heddle threads)" "$threads"
