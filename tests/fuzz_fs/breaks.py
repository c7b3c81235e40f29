#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that the filesystem fuzzer finds faults: breaks heddle in one place after the other and counts the operations.

    breaks.py [--seeds N] [--operations N] [NAME]...

Works on a copy of the source tree in build/breaks, which is built there. Each break replaces one piece of a source
file; then tests/cases/fuzz_fs/round.sh runs with seeds 1, 2 ... until it finds a difference. A break whose piece is not
in its file any more, or that is not found, makes the exit status 1. README.md beside this has the table.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
COPY = os.path.join(ROOT, "build", "breaks")
TARGETS = ["bin/heddle", "bin/heddled", "bin/heddle-fuse-worker", "heddle-fuzz-fs"]

# name, file, piece, what is there instead
BREAKS = [
    ("link-ctime", "overlay/names/create_node.c",
     "\tinode->change_time = hd_time_from(&now);\n\tinsert_name(", "\tinsert_name("),
    ("truncate-old-bytes", "overlay/contents/file_truncate.c",
     "\tsegment.kind = cutting->old ==",
     "\tsegment.size = HD_BLOCK_SIZE;\n\tsegment.kind = cutting->old =="),
    ("directory-nlink", "overlay/names/remove_node.c",
     "hd_entry_remove(transaction, entry, is_directory);",
     "hd_entry_remove(transaction, entry, false && is_directory);"),
    ("cut-block-not-flushed", "overlay/contents/file_truncate.c",
     "\thd_flusher_note_data(overlay->flusher, cutting->ino, cutting->block, 1);\n", ""),
    ("access-time-moved", "overlay/names/create_node.c",
     "inode->modify_time = inode->change_time = hd_time_from(now);\n\thd_inode_mark_changed(transaction, parent);",
     "inode->access_time = inode->modify_time = inode->change_time = hd_time_from(now);\n"
     "\thd_inode_mark_changed(transaction, parent);"),
    ("set-id-kept", "mount/fuse/operations/fuse_ops_files.c",
     "if (session->killpriv && write_drops_privileges())",
     "if (false && session->killpriv && write_drops_privileges())"),
    ("captured-attributes-lost", "capture/capture_tree.c",
     ".xattrs_size = node->xattrs_size,", ".xattrs_size = 0 * node->xattrs_size,"),
    ("acl-not-inherited", "overlay/access/access_control.c",
     "\tif (extended)\n\t\thd_attribute_put(&ours,", "\tif (false && extended)\n\t\thd_attribute_put(&ours,"),
]


def run(command, **options):
    return subprocess.run(command, cwd=COPY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True,
                          errors="replace", **options)


def copy_tree():
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
    for name in names.splitlines():
        source, target = os.path.join(ROOT, name), os.path.join(COPY, name)
        if not os.path.isfile(source):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.exists(target) or open(source, "rb").read() != open(target, "rb").read():
            shutil.copy(source, target)


def build():
    done = run(["cmake", "--preset", "dev"])
    if done.returncode == 0:
        done = run(["ninja", "-C", "build/dev"] + TARGETS)
    if done.returncode != 0:
        sys.exit(done.stdout)


def count_operations(seed, operations):
    """After how many operations a round of SEED finds a difference; None if it finds none."""
    environment = dict(os.environ, FUZZ_SEED=str(seed), FUZZ_OPERATIONS=str(operations),
                       HEDDLE_BIN=COPY + "/build/dev/bin", HEDDLE_TOOLS=COPY + "/build/dev/tests/tools")
    done = run(["tests/run_case.py", "--timeout", "86400", "tests/cases/fuzz_fs/round.sh"], env=environment)
    found = re.search(r"^(?:difference at|the trees differ after) operation (\d+)", done.stdout, re.MULTILINE)
    if found:
        return int(found.group(1))
    return None if done.returncode == 0 else 0


def try_break(name, path, piece, instead, arguments):
    path = os.path.join(COPY, path)
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    if text.count(piece) != 1:
        print(f"{name}: its piece is {text.count(piece)} times in {path}", flush=True)
        return False
    try:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text.replace(piece, instead))
        build()
        total = 0
        for seed in range(1, arguments.seeds + 1):
            count = count_operations(seed, arguments.operations)
            if count is not None:
                print(f"{name}: found after {total + count} operations (seed {seed})", flush=True)
                return True
            total += arguments.operations
    finally:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
    print(f"{name}: not found in {total} operations", flush=True)
    return False


def main():
    parser = argparse.ArgumentParser(description="break heddle, and let the filesystem fuzzer find it")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--operations", type=int, default=5000)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    copy_tree()
    build()
    tried = [row for row in BREAKS if not arguments.names or row[0] in arguments.names]
    found = [try_break(*row, arguments) for row in tried]
    return 0 if tried and all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
