#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""interrupt_anywhere.py ROUNDS SEED: Ctrl-C at a random moment of each command that can take long, in a store of its own.

Who says that it was interrupted (130) has changed nothing, and nothing is left of it: states, operations and names beside the
store are those of before. Or the interrupt came too late and it is done whole (0, or 1 where nothing was to be done); or it was
ended by the signal, before it began or while it said what it had done: then nothing is there of it, or all. A mount that is not
there then does not come later. At the end the store is whole.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

ENDED = (130, -signal.SIGINT)
MOUNT = ("mount", "main", "mnt", "--git=none")


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True).stdout


def make_files(at):
    for number in range(400):
        os.makedirs(f"{at}/d{number // 20}", exist_ok=True)
        with open(f"{at}/d{number // 20}/f{number}", "w", encoding="utf-8") as file:
            file.write(f"{number}\n" * 20)


def make_store(root):
    make_files("repository")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "base")):
        run("git", "-C", "repository", *words)
    shutil.copytree("repository", "files", ignore=shutil.ignore_patterns(".git"))
    run("tar", "-cf", "files.tar", "-C", "files", ".")
    run("heddle", "init", "repository")
    os.environ["HEDDLE_STORE"] = f"{root}/repository/.heddle"
    run("heddle", *MOUNT)


def change(draw):
    for number in draw.sample(range(400), 150):
        with open(f"mnt/d{number // 20}/f{number}", "w", encoding="utf-8") as file:
            file.write(f"{draw.random()}\n" * 50)


def commands(number):
    return [
        ("capture", "-m", "all"), ("capture", "-m", "some", "--path", "d1", "--path", "d2"), ("restore", "@~1"), ("undo",), ("redo",),
        ("restore", "@~1", "d3"), ("thread", "fork", "--with-changes", f"fork{number}"), ("status",), ("diff", "@~1"),
        ("export", "git", "--repo", "exported"), ("export", "git", "--all", "--bundle", "bundle"), ("export", "tar", "-o", "tar"),
        ("export", "dir", "directory"), ("import", "dir", "files", "--thread", f"dir{number}"),
        ("import", "tar", "files.tar", "--thread", f"tar{number}"), ("import", "git"), ("eject", "ejected"), ("check",), ("doctor",),
        ("run", "--rm", "--", "true"), ("thread", "create", f"thread{number}"), ("unmount", "main")] + [MOUNT] * 4


def history():
    return run("heddle", "log", "--all", "--json"), run("heddle", "op", "log", "--json")


def servers():
    """The processes that serve mounts of the store."""
    found = set()
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if os.path.basename(words[0]).startswith(b"heddle") and os.environ["HEDDLE_STORE"].encode() in words:
            found.add(number)
    return found


def is_settled(mounted):
    """Whether it stays as MOUNTED says, and is served or not."""
    time.sleep(0.5)
    deadline = time.monotonic() + 20
    while not mounted and servers() and time.monotonic() < deadline:
        time.sleep(0.1)
    return os.path.ismount("mnt") == mounted and bool(servers()) == mounted and (not mounted or len(os.listdir("mnt")) == 20)


# How to see that what a command makes beside the store is whole.
WHOLE = {
    "exported": ("git", "-C", "exported", "fsck", "--strict"), "bundle": ("git", "-C", "repository", "bundle", "verify", "../bundle"),
    "tar": ("tar", "-tf", "tar"), "directory": ("diff", "-r", "--no-dereference", "directory", "again"),
    "ejected": ("git", "-C", "ejected", "status", "--porcelain")}


def wrong_result(name):
    """What is wrong with NAME, which a command that did not end by itself left."""
    if name not in WHOLE:
        return f"{name} is left"
    if name == "directory":
        run("heddle", "export", "dir", "again")
    looked = subprocess.run(WHOLE[name], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    shutil.rmtree("again", ignore_errors=True)
    return None if looked.returncode == 0 else f"{name} is there in part: {looked.stdout}"


def wrong_after_death(words, before, names):
    """What is wrong after a command that its signal ended: there is more, or less, than nothing or all of it."""
    after = history()
    operations = [len(json.loads(text)["operations"]) for _, text in (before, after)]
    if words[0] != "run" and operations[1] - operations[0] > (0 if after == before else 1):
        return f"{operations[1] - operations[0]} operations"
    for name in set(os.listdir(".")) - set(names):
        wrong = wrong_result(name)
        if wrong:
            return wrong
    checked = subprocess.run(("heddle", "check"), check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return None if checked.returncode == 0 else checked.stdout


def wrong_mount(status, was_mounted):
    if was_mounted:
        return None
    if status == 130 and os.path.ismount("mnt"):
        return "it is mounted"
    mounted = os.path.ismount("mnt")
    return None if is_settled(mounted) else f"mounted was {mounted}, then {os.path.ismount('mnt')} with {len(servers())} processes"


def try_one(words, draw):
    """What is wrong with one interrupt, or None."""
    before, names, was_mounted = history(), sorted(os.listdir(".")), os.path.ismount("mnt")
    with open("said", "w", encoding="utf-8") as said:
        command = subprocess.Popen(("heddle",) + words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
    time.sleep(draw.random() ** 2 * (0.1 if words == MOUNT else 0.3))
    command.send_signal(signal.SIGINT)
    status = command.wait(60)
    with open("said", encoding="utf-8", errors="replace") as said:
        text = said.read()
    os.unlink("said")
    # First: a check would be in the way of a mount that is still coming.
    wrong = wrong_mount(status, was_mounted) if status in ENDED and words == MOUNT else None
    # What a run has to take back is an operation of its own.
    if not wrong and status == 130 and words[0] not in ("run", "unmount"):
        if history() != before:
            wrong = "history is another"
        elif sorted(os.listdir(".")) != names:
            wrong = f"there is {sorted(os.listdir('.'))}"
    if not wrong and status == -signal.SIGINT and words[0] != "unmount":
        wrong = wrong_after_death(words, before, names)
    if status not in ENDED + (0, 1) and words[0] not in ("undo", "redo", "mount", "unmount"):
        wrong = "another status"
    return wrong and f"{status}, {wrong}: {text}"


def remove_results():
    for name in ("exported", "directory", "ejected"):
        shutil.rmtree(name, ignore_errors=True)
    for name in ("bundle", "tar"):
        if os.path.exists(name):
            os.unlink(name)


def main():
    rounds, draw = int(sys.argv[1]), random.Random(sys.argv[2])
    make_store(os.getcwd())
    change(draw)
    run("heddle", "capture", "-m", "first")
    for number in range(rounds):
        for words in commands(number):
            if os.path.ismount("mnt") and draw.random() < 0.4:
                change(draw)
            if words == MOUNT:
                # An interrupted one may still be under way.
                subprocess.run(("heddle", "unmount", "main"), check=False, capture_output=True)
            wrong = try_one(words, draw)
            if wrong:
                sys.exit(f"interrupt_anywhere: seed {sys.argv[2]}, heddle {' '.join(words)}: {wrong}")
            remove_results()
        if not os.path.ismount("mnt"):
            run("heddle", *MOUNT)
    run("heddle", "unmount", "--all")
    checked = subprocess.run(("heddle", "check"), check=False, stdout=subprocess.PIPE, text=True)
    if checked.returncode != 0:
        sys.exit(f"interrupt_anywhere: seed {sys.argv[2]}, at the end: {checked.stdout}")


main()
