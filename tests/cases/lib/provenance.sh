# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What cases say of who changed what (docs/design/provenance.md).

# A repository's mount that notes who changes what.
mount_recorded() {
	export HEDDLE_DEBUG_WITNESS_MS=20000
	make_repository repository
	heddle_init repository
	heddle_mount --record
}

# check_by PATH WHO...: of those that changed PATH in the last state: "actor|call|program" of each, sorted, by blanks.
# Takes several such lines from standard input.
check_by() {
	heddle log -n1 --by-actor --json >last.json
	python3 -c '
import json, os, sys
groups = json.load(open("last.json"))["states"][0]["actors"]
for line in sys.stdin.read().splitlines():
    path, *wanted = line.split()
    got = sorted("|".join((group.get("actor", ""), group.get("tool_call", ""), os.path.basename(group.get("program", "unknown"))))
                 for group in groups if any(entry["path"] == path for entry in group["paths"]))
    if got != wanted:
        sys.exit(f"{path} was changed by {got}, not {wanted}")
' || fail "who changed what"
}

# Whether the last state says that not all of it was noted.
is_incomplete() {
	heddle log -n1 --by-actor --json | json_field 's["states"][0]["actors_incomplete"]'
}

# as ACTOR COMMAND...: by a shell of that name.
as() {
	HEDDLE_ACTOR=$1 sh -c "$2"
}
