#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# Ctrl-C at a random moment of each command that can take long: status 130, or ended by the signal, and nothing was changed and
# nothing is left, or done whole. progress_and_interrupt.sh stops commands in known steps. HEDDLE_ROUNDS and HEDDLE_SEED: others.

. "$TEST_LIB/common.sh"
require_fuse
require_namespaces

git config --global user.name "Test Person"
git config --global user.email "test@example.org"
git config --global init.defaultBranch main
check python3 "$TEST_LIB/interrupt_anywhere.py" "${HEDDLE_ROUNDS:-3}" "${HEDDLE_SEED:-1}"
