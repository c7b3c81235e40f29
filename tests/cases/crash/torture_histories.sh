#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# Random histories of several threads of one store, in two processes at once, with deaths of commands and of those that
# serve, against a model in memory: every tree, state, list of changes and operation is the model's. `./dev
# torture-histories` does it for longer, and with other seeds.

. "$TEST_LIB/common.sh"

require_fuse
require_namespaces
export TMPDIR=$TEST_DIRECTORY
check python3 "$HEDDLE_SOURCE/tests/torture/torture_histories.py" 80 --seed 1
