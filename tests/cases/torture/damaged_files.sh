#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# Each file of a store is damaged in turn: flipped bits, truncation, zeros, another file's content, deletion. Nothing crashes,
# nothing wrong is ever served, and `heddle check` finds what cannot be read. `./dev torture-damage` flips more bits.

. "$TEST_LIB/common.sh"

damage() {
	"$HEDDLE_TOOLS/heddle-torture-damage" --scratch "$TEST_DIRECTORY" "$@"
}

check damage --bits 2
check damage --blind --bits 1 --file threads/1
