#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 90
#
# The status of heddle run: the command's, 128 and the signal, 125 to 127 as env(1); and which word is whose option.

. "$TEST_LIB/common.sh"
require_namespaces

make_repository repository
heddle_init repository

for status in 0 1 64 125 126 127 200 255; do
	check_status "$status" heddle run -q --capture=never -- sh -c "exit $status"
done
check_status 137 heddle run -q -- sh -c 'kill -KILL $$'
check_status 143 heddle run -q -- sh -c 'kill -TERM $$'
check_status 134 heddle run -q -- sh -c 'ulimit -c 0; kill -ABRT $$'

check_status 127 heddle run -q -- no-such-program
check_contains "$(cat .output)" "'no-such-program': there is no such command"
check_status 127 heddle run -q -- ./no-such-program
check_status 127 heddle run -q -- README/no-directory
check_status 126 heddle run -q -- ./README
check_contains "$(cat .output)" "cannot be executed"
check_status 126 heddle run -q -- ./src
# A program of the workspace, by its path there.
check_equal "$(heddle run -q -- ./run.sh)" ran
check_equal "$(heddle log --json | json_field 'len(s["states"])')" 1 "nothing was changed"

check_status 125 heddle run
check_status 125 heddle run --no-such-option -- true
check_status 125 heddle run --capture=sometimes -- true
check_status 125 heddle run --thread missing -- true
check_status 125 heddle run --at missing -- true
check_status 125 heddle run --at README -- true
check_status 125 heddle run --name main -- true
check_status 125 heddle run -o no-such-option -- true
check_status 125 heddle run --store missing -- true
check_status 125 heddle run -q --summary missing/file -- true
git config --global --unset user.name
check_status 125 heddle run -q -- sh -c "touch $PWD/ran"
check_missing ran
check_status 0 heddle run -q --capture never -- touch "$PWD/ran"
check test -e ran
git config --global user.name "Test Person"

# Too few descriptors are told as that, wherever they run out.
for limit in 6 9 10 12 16; do
	status=0
	(ulimit -n "$limit" && exec heddle run -q -- true) >.output 2>&1 || status=$?
	check_equal "$status" 125 "with $limit descriptors: $(cat .output)"
	check_contains "$(cat .output)" "Too many open files"
done

# Errors as JSON, with the status that they have here.
heddle run --json --thread missing -- true 2>error && fail "no error"
check_equal "$(json_field '[s["ok"], s["error"]["code"], s["error"]["exit_status"]]' <error)" '[false, "HD_E_THREAD_MISSING", 125]'
heddle run --json -- no-such-program 2>error && fail "no error"
check_equal "$(json_field '[s["error"]["code"], s["error"]["exit_status"]]' <error)" '["HD_E_COMMAND_MISSING", 127]'

# What follows the command is the command's, with and without dashes.
check_equal "$(heddle run -q printf '%s,' --json -q --help -- --fork)" "--json,-q,--help,--,--fork,"
check_equal "$(heddle run -q -- printf '%s,' --json -- -x)" "--json,--,-x,"
check_contains "$(heddle run -q ls --no-such-option 2>&1 || true)" "ls: "

# No thread stays of what never ran, or was to be thrown away.
check_status 127 heddle run -q --rm -- no-such-program
check_status 127 heddle run --fork -- no-such-program
check_equal "$(cat .output)" "heddle run: 'no-such-program': there is no such command" "what is left of it is not spoken of"
check_status 127 heddle run --fork --capture=success -- ./no-such-program
check_status 126 heddle run --name attempt --capture=never -- ./README
check_status 126 heddle run --rm --capture=always -- ./src
check_equal "$(heddle threads | wc -l)" 1
check_missing repository/.heddle/mnt/attempt
