#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# heddle export dir as an ordinary user: everything but owners, devices and what is root's alone; no program of somebody else's
# keeps its set-user-id bit; directories that their owner may not write or search are filled, linked into and removed again;
# heddle import dir takes what is there. The state comes out of an archive, which root makes.

if [ "$(id -u)" -eq 0 ]; then
	. "$TEST_LIB/archive.sh"
	mkdir base
	make_rich_tree base
	chown -R 0:0 base/src
	cp base/run.sh base/group.sh
	chown 65534:7 base/run.sh
	chown 65534:65534 base/group.sh
	chmod 6755 base/run.sh base/group.sh
	mkdir base/closed base/closed/below base/unwritable
	ln base/README base/closed/below/README
	: >base/unwritable/file
	: >base/closed/zfile
	ln base/closed/zfile base/zlink
	chmod 2750 base/closed/below
	chmod 0555 base/unwritable
	chmod 0 base/closed
	setfattr -n trusted.of-root -v 1 base/README
	tar --format=posix --acls --xattrs --xattrs-include='*' --sparse -C base -cf rich.tar .
	mkdir empty
else
	. "$TEST_LIB/common.sh"
	[ -e rich.tar ] || skip "needs root to begin with"
fi
as_ordinary_user

export HEDDLE_AUTHOR="Test Person <test@example.org>"
heddle_init --base empty --store "$TEST_DIRECTORY/store"
check heddle import tar rich.tar >/dev/null
output=$(heddle export dir out 2>&1) || fail "$output"
check_contains "$output" "2 devices left out"
check_contains "$output" "of another owner than in the state"
check_contains "$output" "1 extended attribute left out"
check_missing out/block

describe() {
	python3 "$TEST_LIB/describe_tree.py" --times "$1" | sed -E 's/ [0-9]+:[0-9]+ / /' | grep -vE "^'(block|character|run.sh)'"
}
check_equal "$(stat -c '%a %U' out/run.sh out/group.sh)" "$(printf '%s\n' '4755 nobody' '6755 nobody')"
check_equal "$(stat -c %a out/closed out/unwritable)" "$(printf '%s\n' 0 555)"
chmod 700 out/closed
check_equal "$(stat -c %a out/closed/below)" 2750
check_equal "$(stat -c %i out/closed/below/README out/closed/zfile)" "$(stat -c %i out/README out/zlink)"
chmod 0 out/closed

# Whoever may read it can import it: the same tree again.
chmod 700 out/closed
check heddle export dir main again >/dev/null 2>&1
chmod 700 again/closed
diff <(describe out) <(describe again) || fail "two exports differ"
check heddle import dir again --thread again >/dev/null
check heddle export dir again more >/dev/null
diff <(describe again) <(describe more) || fail "what was imported differs"
chmod 0 again/closed
check_status 77 heddle import dir again --thread refused

# Stopped when all of it is there, nothing is left.
export HEDDLE_WORK_RESTS=$TEST_DIRECTORY/rests
echo "writing to the disk" >"$HEDDLE_WORK_RESTS"
mkdir stopped
status=0
python3 "$TEST_LIB/on_terminal.py" --interrupt-at "exporting: writing to the disk ..." shown heddle export dir main stopped/new || status=$?
check_equal "$status" 130
check_equal "$(ls -A stopped)" ""
chmod -R u+rwX out again more
