#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""answers.py [--write] STORY...

Runs stories of commands and compares all that they say, text and JSON, with what the story has. A story is a text file:

    # a remark
    > echo one >"$MNT/one"          a line of shell, with the verbs of common.sh; it must succeed, and what it says is not compared
    $ heddle status                 a command; what it says follows, standard error behind "! ", a status that is not 0 as "[75]"
    A one

JSON is laid out in lines of readable length. What is another thing each time has a name instead: <1>, <2>, ... are ids in the
order in which they come, with their length if it is not 12; <time>, <number>, ... are that; DIR is the case's directory.

--write puts what the commands say into the stories, for whoever changed it on purpose and looks at the difference then.
A command of heddle's whose text, or whose JSON, is in none of the stories fails, too.
"""

import difflib
import json
import os
import re
import subprocess
import sys

DIRECTORY = os.environ["TEST_DIRECTORY"]
WIDTH = 118
# Of fields with these names the value is not compared, but its kind: what the time, the machine and the kernel make of it.
CHANGING = {"s", "ns", "pid", "supervisor", "uptime_s", "inodes", "looked_up", "opened", "epochs", "journal_bytes", "hot_limit",
            "messages", "in_flight", "slowest", "compiler", "libraries"}
NO_JSON = {"help", "fsmonitor", "cat"}  # help is text; the others give bytes as they are


class Names:
    """Ids are the same where they begin alike."""

    def __init__(self):
        self.known = {}

    def name(self, match):
        text = match.group(0)
        number = self.known.setdefault(text[:12], len(self.known) + 1)
        return f"<{number}>" if len(text) == 12 else f"<{number}:{len(text)}>"


def mask(text, names):
    text = text.replace(os.environ["TEST_DIRECTORY"], "DIR")
    text = re.sub(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d( [-+]\d{4})?", "<time>", text)
    text = re.sub(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [A-Z0-9][^\n\"]*\d\d:\d\d:\d\d( \d{4})?( [-+]\d{4})?", "<time>", text)
    text = re.sub(r"\b([0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})\b", names.name, text)
    text = re.sub(r"\b(pid|process|worker|supervisor|keeper) \d+", r"\1 <number>", text)
    text = re.sub(r"^(\w+) \d+(\.\d+)+$", r"\1 <version>", text, flags=re.MULTILINE)
    text = re.sub(r"\bof \d+\.\d+ GiB", "of <number> GiB", text)
    return re.sub(r"\b\d+(\.\d+)? (ms|us|s)\b", r"<number> \2", text)


def mask_fields(value, key=None):
    if key in CHANGING:
        return f"<{'number' if isinstance(value, (int, float)) else 'text' if isinstance(value, str) else 'object'}>"
    if isinstance(value, dict):
        return {name: mask_fields(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [mask_fields(one) for one in value]
    return value


def lay_out(value, begin="", end=""):
    """JSON in lines, of which each has as much as fits."""
    text = begin + json.dumps(value, ensure_ascii=False) + end
    if len(text) <= WIDTH or not isinstance(value, (dict, list)) or not value:
        return [text]
    indent = " " * (len(begin) - len(begin.lstrip()) + 2)
    pairs = [(f"{json.dumps(name)}: ", one) for name, one in value.items()] if isinstance(value, dict) else [("", one) for one in value]
    lines = []
    for number, (name, one) in enumerate(pairs):
        lines += lay_out(one, indent + name, "," if number + 1 < len(pairs) else "")
    first, last = "{}" if isinstance(value, dict) else "[]"
    return [begin + first] + lines + [indent[2:] + last + end]


def written(line):
    """A line of output; of JSON several, with what is masked in it by then. How far a slow machine got is no answer."""
    if line.startswith('{"progress"'):
        return []
    return lay_out(mask_fields(json.loads(line))) if line.startswith("{") else [line]


def run(line, verbs):
    begin = '. "$TEST_LIB/common.sh"; ' if verbs else ""
    return subprocess.run(["bash", "-c", begin + line], stdin=subprocess.DEVNULL, capture_output=True, check=False)


def tell(story):
    """The story as the commands tell it now, in a directory of its own."""
    place = os.path.join(DIRECTORY, os.path.basename(story))
    os.mkdir(place)
    os.chdir(place)
    os.environ.update(TEST_DIRECTORY=place, MNT=f"{place}/mnt", HEDDLE_STORE=f"{place}/repository/.heddle")
    names, told = Names(), []
    with open(story, encoding="utf-8") as lines:
        for line in lines.read().splitlines():
            if line.startswith("> "):
                done = run(line[2:], True)
                if done.returncode != 0:
                    sys.exit(f"{story}: {line}: {done.stdout.decode()}{done.stderr.decode()}")
            if line.startswith(("> ", "# ")) or not line:
                if not line and told and not told[-1]:
                    continue
                told.append(line)
            elif line.startswith("$ "):
                told.append(line)
                done = run(line[2:], False)
                for before, stream in (("", done.stdout), ("! ", done.stderr)):
                    text = stream.decode(errors="backslashreplace").replace("\0", "\\0")
                    for line in mask(text, names).splitlines():
                        told += [(before + one).rstrip() or "\\" for one in written(line)]
                told += [f"[{done.returncode}]"] if done.returncode else []
    return told


def commands_in(story):
    """Pairs of a command, with its subcommand, and whether it was asked for JSON."""
    found = set()
    with open(story, encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if line.startswith("$ heddle ") or line.startswith("$ (cd "):
                words = words[words.index("heddle") + 1:]
                plain = [word for word in words if not word.startswith("-")]
                for count in (1, 2):
                    found.add((" ".join(plain[:count]), "--json" in words))
    return found


def all_commands():
    """Those that help knows; "thread list" where the usage says so."""
    for name in run("heddle --list-commands", False).stdout.decode().split():
        usage = run(f"heddle {name} --help", False).stdout.decode().split("\n\n")[0]
        below = set(re.findall(rf"heddle {name} ([a-z][a-z-]+)(?= |$)", usage, re.MULTILINE))
        yield from sorted(f"{name} {word}" for word in below) if below else [name]


def main():
    write = sys.argv[1] == "--write"
    failed = False
    found = set()
    for story in sys.argv[1 + write:]:
        found |= commands_in(story)
        told = tell(story)
        if write:
            with open(story, "w", encoding="utf-8") as file:
                file.write("\n".join(told) + "\n")
        with open(story, encoding="utf-8") as file:
            expected = file.read().splitlines()
        difference = list(difflib.unified_diff(expected, told, story, "what is said now", lineterm="", n=4))
        print("\n".join(difference))
        failed |= bool(difference)
    for command in all_commands():
        for kind in (False, True):
            if (command, kind) not in found and not (kind and command.split()[0] in NO_JSON):
                print(f"no story has the {'JSON' if kind else 'text'} of heddle {command}")
                failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
