#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# The power is cut everywhere in sequences of one operation and a sync: what was acknowledged is there, all else whole or
# not at all, and the store is sound. `./dev torture-power` does the same for sequences of two and three. The harness
# notices when a kind of sync has no effect.

. "$TEST_LIB/common.sh"

[ -z "${HEDDLE_SANITIZE:-}" ] || skip "the recording library cannot be preloaded under a sanitizer"

power() {
	"$HEDDLE_TOOLS/heddle-torture-power" --library "$HEDDLE_TOOLS/heddle-record.so" "$@"
}

check power --brief --pairs 3 --random 1 --seed "${TORTURE_SEED:-1}"
# Whoever finds what a dead process wrote and did not sync writes nothing behind it before it is synced.
check power --random 40 --sequence "write-memory killed-in-fsync chmod fsync"
# A capture that makes no state, or one of some paths only, is as durable as any.
for sequence in "unlink-memory capture fsync" "unlink-memory die capture fsync" "capture setxattr capture close" \
	"overwrite capture-path fsync"; do
	check power --random 1 --sequence "$sequence"
done
for omitted in fdatasync directory; do
	check power --omit $omitted --sequence "overwrite settle capture"
done
