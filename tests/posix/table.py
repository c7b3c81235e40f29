#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks each filesystem the same questions and makes the table of docs/posix.md from the answers.

    table.py [--only ext4,heddle] [--probes REGEX]        prints the table
    table.py --write docs/posix.md                        puts it into the document; a column that was not run stays
    table.py --check docs/posix.md --only ext4,heddle     compares the document with a fresh run: status 1 if it differs,
                                                          77 if heddle's column cannot be run here

Root only. HEDDLE_BIN says where the programs are; everything happens in a directory below TMPDIR.
"""

import argparse
import importlib
import os
import platform
import re
import shutil
import sys
import tempfile

import base_tree
import filesystems
import probing

SKIPPED = 77
BEGIN, END = "<!-- the table begins -->", "<!-- the table ends -->"
SECTIONS = {"probe_names": "names", "probe_directories": "directories", "probe_contents": "bytes",
            "probe_attributes": "attributes", "probe_sharing": "processes"}
for module in SECTIONS:
    importlib.import_module(module)  # which registers its probes


def kernel():
    return tuple(int(part) for part in re.match(r"(\d+)\.(\d+)", platform.release()).groups())


def probes_matching(pattern):
    return [p for p in probing.PROBES if re.search(pattern, p.name)]


def results_of(filesystem, probes):
    """Runs the probes, and after a new mount what some of them still want to know."""
    results, kept = {}, {}
    for one in probes:
        directory = os.path.join(filesystem.tree, one.name)
        results[one.name], kept[one.name] = probing.run_in_process(one.function, directory=directory)
    filesystem.remount()
    for one in probes:
        if one.after and results[one.name] == "ok":
            directory = os.path.join(filesystem.tree, one.name)
            results[one.name], _ = probing.run_in_process(one.after, (kept[one.name],), directory=directory)
    return results


def run_all(place, wanted, probes):
    """{column: {probe: result}} and {column: why it could not be run}."""
    columns, missing = {}, {}
    disk = filesystems.Disk(place)
    why_no_disk = disk.begin()
    try:
        lower = os.path.join(disk.root, "lower")
        try:
            base_tree.make(lower)
        except OSError as why:
            return {}, {name: f"{why_no_disk}, which cannot hold the base tree: {why}" for name in wanted}
        for kind in filesystems.ALL:
            if kind.name not in wanted:
                continue
            if why_no_disk and kind.needs_root_filesystem:
                missing[kind.name] = why_no_disk
                continue
            filesystem = kind(disk, lower)
            try:
                filesystem.begin()
            except filesystems.Unavailable as why:
                missing[kind.name] = str(why)
                continue
            try:
                columns[kind.name] = results_of(filesystem, probes)
            finally:
                filesystem.end()
    finally:
        disk.end()
    return columns, missing


def rows_of(text):
    """{probe: {column: result}} of a table."""
    names = [kind.name for kind in filesystems.ALL]
    titles = {p.title: p.name for p in probing.PROBES}
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == len(names) + 1 and cells[0] in titles:
            rows[titles[cells[0]]] = dict(zip(names, cells[1:]))
    return rows


def table(rows):
    names = [kind.name for kind in filesystems.ALL]
    lines, section = [], None
    for one in probing.PROBES:
        if one.name not in rows:
            continue
        if section != one.function.__module__:
            section = one.function.__module__
            lines += ["", "| " + " | ".join([SECTIONS[section], *names]) + " |", "|---" * (len(names) + 1) + "|"]
        lines.append("| " + " | ".join([one.title, *(rows[one.name].get(name, "?") for name in names)]) + " |")
    return "\n".join(lines[1:])


def document_table(path):
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    before, found, rest = text.partition(BEGIN)
    if not found or END not in rest:
        raise SystemExit(f"{path} has no place for the table: {BEGIN} ... {END}")
    inside, _, after = rest.partition(END)
    return before, inside, after


def merged(old, columns):
    rows = {one.name: {} for one in probing.PROBES}
    for name, row in rows.items():
        row.update(old.get(name, {}))
        row.update({column: results[name] for column, results in columns.items() if name in results})
    return rows


def write(path, columns):
    before, inside, after = document_table(path)
    text = table(merged(rows_of(inside), columns))
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(f"{before}{BEGIN}\n{text}\n{END}{after}")


def differences(path, columns, probes):
    """Lines that say where the document is not what was found."""
    documented = rows_of(document_table(path)[1])
    for one in probes:
        if one.minimum_kernel > kernel():
            print(f"left out: {one.name}, it needs a kernel of {'.'.join(map(str, one.minimum_kernel))}")
            continue
        if one.name not in documented:
            yield f"{one.name}: not in {path}"
            continue
        for column, results in columns.items():
            said, found = documented[one.name].get(column), results[one.name]
            if said != found:
                yield f"{one.name} ({one.title}): {column} answers '{found}', {path} says '{said}'"


def check(path, columns, missing, probes):
    for column, why in missing.items():
        print(f"left out: the column {column}: {why}")
    if "heddle" not in columns:
        return SKIPPED
    found = list(differences(path, columns, probes))
    unknown = set(rows_of(document_table(path)[1])) - {p.name for p in probing.PROBES}
    for line in found:
        print(line)
    if found or unknown:
        print(f"{path} does not say what is: ./dev posix --write makes the table new")
        return 1
    print(f"{len(probes)} rows of {', '.join(columns)} are as {path} says")
    return 0


def main():
    parser = argparse.ArgumentParser(description="one table of what filesystems answer")
    parser.add_argument("--only", default=",".join(kind.name for kind in filesystems.ALL), help="columns")
    parser.add_argument("--probes", default="", help="only those whose names match")
    parser.add_argument("--write", metavar="DOCUMENT")
    parser.add_argument("--check", metavar="DOCUMENT")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("table.py makes devices, owners and mounts: it needs root")
    probes = probes_matching(arguments.probes)
    place = tempfile.mkdtemp(prefix="heddle-posix.")
    os.chmod(place, 0o755)
    columns, missing = run_all(place, arguments.only.split(","), probes)
    shutil.rmtree(place)
    if arguments.check:
        return check(arguments.check, columns, missing, probes)
    for column, why in missing.items():
        print(f"{column} could not be run: {why}", file=sys.stderr)
    if arguments.write:
        write(arguments.write, columns)
    else:
        rows = merged({}, columns)
        print(table({one.name: rows[one.name] for one in probes}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
