#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# heddled, its keeper, the worker or the command itself is killed in commands that work with a mount: the tree is what it was,
# or what the command makes of it, what died is replaced, and the next command works. `./dev torture-commands` does it for
# longer, and with all commands.

. "$TEST_LIB/common.sh"

require_fuse
export TMPDIR=$TEST_DIRECTORY
commands() {
	check python3 "$HEDDLE_SOURCE/tests/torture/torture_commands.py" "$@"
}

commands 10 --only restore,upgrade,unmount,mount,rebase
if [ "$(id -u)" = 0 ]; then
	commands 4 --full --only capture,restore,unmount
fi
