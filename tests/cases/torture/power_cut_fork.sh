#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# The power is cut everywhere while a thread is forked with what is not captured of it, and while the fork, or the thread
# that it shares files with, is written to, captured and dropped: there is no fork or the whole one, and nothing acknowledged
# is lost in either. power_cut.sh cuts it in everything else.

. "$TEST_LIB/common.sh"

[ -z "${HEDDLE_SANITIZE:-}" ] || skip "the recording library cannot be preloaded under a sanitizer"

power() {
	"$HEDDLE_TOOLS/heddle-torture-power" --library "$HEDDLE_TOOLS/heddle-record.so" --random 1 "$@"
}

check power --sequence "thread-fork thread-write thread-drop"
check power --sequence "write-memory thread-fork settle capture"
check power --omit directory --sequence thread-fork
