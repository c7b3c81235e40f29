#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Every command has --json: one object on standard output, also for an error, and names that are not UTF-8 survive.

. "$TEST_LIB/common.sh"

is_object() {
	"$@" --json >out 2>err || true
	python3 -c 'import json; assert isinstance(json.load(open("out")), dict)' || fail "no object: $*: $(cat out err)"
}

make_repository repository
check heddle init repository --json >out
check_equal "$(json_field 's["thread"]' <out)" main
check_equal "$(json_field 's["base"]' <out)" git
export HEDDLE_STORE=$TEST_DIRECTORY/repository/.heddle
require_fuse
check heddle mount main "$MNT" --json >out
check_equal "$(json_field 's["mountpoint"]' <out)" "$MNT"
printf 'x' >"$MNT/$(printf 'raw\377name')"
echo "edited" >"$MNT/README"

check_equal "$(status_field 's["changes"]["added"]')" 1
check_equal "$(status_field '[e["path"] for e in s["entries"] if e.get("raw")]')" '["raw\\xFFname"]'
check_equal "$(status_field 's["worker"]["alive"]')" true
for command in status version log diff "capture -m message" "export git" unmount; do
	# shellcheck disable=SC2086 # words
	is_object heddle $command
done
# What is another option's value is none.
heddle mount main "$MNT" >/dev/null
echo "again" >"$MNT/README"
check_contains "$(heddle capture -m --json)" "^\[main .*\] --json\$"
heddle unmount >/dev/null

# Errors too, with their code.
heddle status nothread --json >out 2>err || true
cat out err >both
check_equal "$(json_field 's["error"]["code"]' <both)" HD_E_THREAD_MISSING
for words in "bogus" "--bogus" "status --bogus" "log -n x" "cat @" "diff @ @ @"; do
	# shellcheck disable=SC2086 # words
	check_fails heddle $words --json
	# shellcheck disable=SC2086 # words
	heddle $words --json >both 2>&1 || true
	check_equal "$(json_field 's["error"]["exit_status"]' <both)" 64 "$words"
done
