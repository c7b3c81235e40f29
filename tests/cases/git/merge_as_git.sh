#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# Random merges of commits as landing makes them: where git merges cleanly the same tree, else conflicts, too.
# './dev merge-cases N' makes more.

. "$TEST_LIB/common.sh"

check "$HEDDLE_SOURCE/tests/merge/merge_cases.py" "$TEST_DIRECTORY/merges" 400 1000
