#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# What each command says, as text and as JSON, to the letter: the stories in answers/. Whoever changes it on purpose runs
# `./dev answers`, and looks at the difference.

. "$TEST_LIB/common.sh"

require_fuse
require_namespaces
unset "${!HEDDLE_AUTHOR@}" "${!HEDDLE_ACTOR@}" "${!GIT_AUTHOR_@}" "${!GIT_COMMITTER_@}"
# shellcheck disable=SC2086 # an option or none
check python3 "$TEST_LIB/answers.py" ${WRITE_ANSWERS:+--write} "$HEDDLE_SOURCE"/tests/cases/cli/answers/*.txt
