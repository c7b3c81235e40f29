#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Rows of the index that are not what was written, and that SQLite can read: heddle check finds them, because threads and
# tags must be what the log of operations says, each operation must follow the one before, and paths have their hashes.

# EXPECT-LOG: (is damaged|corrupt)

. "$TEST_LIB/common.sh"

make_directory_base base
heddle_init base
heddle_mount
echo "one" >"$MNT/one"
capture "First" >/dev/null
check heddle tag create mark >/dev/null
echo "two" >"$MNT/two"
capture "Second" >/dev/null
check heddle thread create other >/dev/null
check heddle thread rename other renamed >/dev/null
check heddle tag create gone >/dev/null
check heddle tag delete gone >/dev/null
check heddle undo >/dev/null
heddle_unmount
check_contains "$(heddle check)" "no problems"

# damaged STATEMENT: with that row, and without it.
damaged() {
	cp "$STORE/index.db" "$TEST_DIRECTORY/sound.db"
	python3 -c '
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as database:
    changed = database.execute(sys.argv[2]).rowcount
sys.exit(changed < 1)' "$STORE/index.db" "$1" || fail "nothing was changed: $1"
	if heddle check >found 2>&1; then
		cat found
		fail "not found: $1"
	fi
	rm -f "$STORE"/index.db-*
	cp "$TEST_DIRECTORY/sound.db" "$STORE/index.db"
}

damaged "UPDATE tag SET name = 'lark' WHERE name = 'mark'"
check grep -q "tag 'mark', which operation [0-9]* left, is not there" found
check grep -q "no operation made tag 'lark'" found
damaged "UPDATE tag SET state = (SELECT head FROM thread WHERE name = 'main') WHERE name = 'mark'"
check grep -q "tag 'mark' is not what operation [0-9]* made it" found
damaged "UPDATE thread SET name = 'maim' WHERE name = 'main'"
damaged "UPDATE thread SET head = (SELECT state FROM tag WHERE name = 'mark') WHERE name = 'main'"
damaged "UPDATE operation SET after_head = before_head WHERE number = 2"
damaged "UPDATE operation SET before_name = 'others' WHERE before_name = 'other'"
damaged "UPDATE operation SET undone = 1 WHERE number = 2"
damaged "UPDATE host_path SET path = 'READNE' WHERE path = 'README'"
check grep -q "path is not the one that was written: READNE" found
check_contains "$(heddle check)" "no problems"

# Whoever reads through such a path is told, and never shown another file.
python3 -c '
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as database:
    database.execute("UPDATE host_path SET path = ? WHERE path = ?", ("run.sh", "README"))' "$STORE/index.db"
check_fails heddle cat @ README
