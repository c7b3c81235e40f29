#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SQLite in the mount, in rollback and in WAL mode (shared memory map, locks): a database of the base is changed by two
# processes at once, is intact, and is the same after a new mount.

. "$TEST_LIB/common.sh"

make_directory_base base
python3 - base/data.db <<'END'
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("create table entries (writer text, number integer)")
database.executemany("insert into entries values ('base', ?)", [(n,) for n in range(1000)])
database.commit()
END
heddle_mount_of base

# One process changes the mode before the writers start: where two change it at once, SQLite answers "database is locked"
# to one of them without waiting, on every filesystem.
set_journal_mode() {
	python3 - "$MNT/data.db" "$1" <<'END'
import sqlite3, sys
path, mode = sys.argv[1:]
database = sqlite3.connect(path, timeout=60, isolation_level=None)
got = database.execute(f"pragma journal_mode={mode}").fetchone()[0]
assert got == mode, got
END
}

writer() {
	python3 - "$MNT/data.db" "$1" "$2" <<'END'
import sqlite3, sys
path, writer, mode = sys.argv[1:]
database = sqlite3.connect(path, timeout=60, isolation_level=None)
got = database.execute("pragma journal_mode").fetchone()[0]
assert got == mode, got
for number in range(100):
    database.execute("begin immediate")
    database.execute("insert into entries values (?, ?)", (writer, number))
    database.execute("commit")
END
}

for mode in delete wal; do
	check set_journal_mode $mode
	writer "one-$mode" $mode &
	first=$!
	writer "two-$mode" $mode &
	second=$!
	check wait $first
	check wait $second
done

verify() {
	python3 - "$MNT/data.db" <<'END'
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
assert database.execute("pragma integrity_check").fetchone()[0] == "ok"
count = dict(database.execute("select writer, count(*) from entries group by writer"))
assert count == {"base": 1000, "one-delete": 100, "two-delete": 100, "one-wal": 100, "two-wal": 100}, count
END
}

check verify
heddle_remount
check verify
