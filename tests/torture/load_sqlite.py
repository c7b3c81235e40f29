#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""load_sqlite.py DIRECTORY STOP: moves amounts between accounts until STOP is there; their sum never changes."""

import os
import random
import shutil
import sqlite3
import sys

ACCOUNTS = 50
EACH = 100


def main():
    directory, stop = sys.argv[1:]
    os.mkdir(directory)
    database = sqlite3.connect(f"{directory}/bank.db", timeout=60, isolation_level=None)
    database.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, amount INTEGER)")
    database.executemany("INSERT INTO account VALUES (?, ?)", [(i, EACH) for i in range(ACCOUNTS)])
    transfers = 0
    while not os.path.exists(stop):
        giver, taker = random.sample(range(ACCOUNTS), 2)
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE account SET amount = amount - 1 WHERE id = ?", (giver,))
        database.execute("UPDATE account SET amount = amount + 1 WHERE id = ?", (taker,))
        database.execute("COMMIT")
        transfers += 1
        total = database.execute("SELECT sum(amount) FROM account").fetchone()[0]
        if total != ACCOUNTS * EACH:
            print(f"torture: the accounts hold {total} instead of {ACCOUNTS * EACH}")
            sys.exit(1)
    if database.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
        print("torture: the database is damaged")
        sys.exit(1)
    database.close()
    shutil.rmtree(directory)
    print(f"calls {transfers * 5}")


if __name__ == "__main__":
    main()
