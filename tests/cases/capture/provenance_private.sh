#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 60
#
# A process that the user who mounted may not look at, as one that is not dumpable, is one process with its number and nothing else,
# whatever it changes; and it is not said to have ended.

. "$TEST_LIB/common.sh"
as_ordinary_user
require_fuse
. "$TEST_LIB/provenance.sh"

mount_recorded

cat >private.py <<'END2'
import ctypes, os, sys
PR_SET_DUMPABLE = 4
assert ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0) == 0
if os.access("/proc/self/environ", os.R_OK):
    sys.exit(77)
for number in range(50):
    open(f"{sys.argv[1]}/private{number}", "w").write("x")
print(os.getpid())
END2
status=0
pid=$(HEDDLE_ACTOR=private python3 private.py "$MNT") || status=$?
[ "$status" -ne 77 ] || skip "this user may look at everybody"
check_equal "$status" 0
as open "echo 1 >$MNT/open"
capture "Both" >/dev/null
check_by <<END2
private0 ||
private49 ||
open open||$(basename "$(readlink -f "$(command -v sh)")")
END2
check_equal "$(heddle log -n1 --by-actor --json | json_field '[[a["pids"], len(a["paths"])] for a in s["states"][0]["actors"] if not a["program"]]')" "[[[$pid], 50]]"
check_contains "$(heddle log -n1 --by-actor)" "process $pid, of which no more is known"
