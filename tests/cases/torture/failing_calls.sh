#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# System calls and allocations fail, once or from then on: no crash, no false success, nothing lost that was synced, and the
# store is sound. A sample; `./dev torture-faults` lets every one of them fail. The harness notices writes that lie.

. "$TEST_LIB/common.sh"

[ -z "${HEDDLE_SANITIZE:-}" ] || skip "the library cannot be preloaded under a sanitizer"

faults() {
	"$HEDDLE_TOOLS/heddle-torture-faults" --library "$HEDDLE_TOOLS/heddle-fault.so" "$@"
}

check faults --runs 400
# A write that fails half-way has changed what was there before.
check faults --story checkpoints --kind write
check faults --lies --kind write --runs 30
