#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""interrupt_anywhere.py ROUNDS SEED: Ctrl-C at a random moment of each command that can take long, in a store of its own.

Who says that it was interrupted (130) has changed nothing, and nothing is left of it: states, operations and names beside the
store are those of before. Or the interrupt came too late and it is done whole (0, or 1 where nothing was to be done); or it was
ended by the signal, before it began or while it said what it had done. At the end the store is whole.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

ENDED = (130, -signal.SIGINT)


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
    run("heddle", "mount", "main", "mnt", "--git=none")


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
        ("run", "--rm", "--", "true"), ("thread", "create", f"thread{number}"), ("unmount", "main"),
        ("mount", "main", "mnt", "--git=none")]


def history():
    return run("heddle", "log", "--all", "--json"), run("heddle", "op", "log", "--json")


def try_one(words, draw):
    """What is wrong with one interrupt, or None."""
    before, names, was_mounted = history(), sorted(os.listdir(".")), os.path.ismount("mnt")
    with open("said", "w", encoding="utf-8") as said:
        command = subprocess.Popen(("heddle",) + words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
    time.sleep(draw.random() ** 2 * 0.3)
    command.send_signal(signal.SIGINT)
    status = command.wait(60)
    with open("said", encoding="utf-8", errors="replace") as said:
        text = said.read()
    os.unlink("said")
    # What a run has to take back is an operation of its own.
    if status == 130 and words[0] not in ("run", "unmount"):
        if history() != before:
            return f"{status}, and history is another: {text}"
        if sorted(os.listdir(".")) != [name for name in names if name != "said"]:
            return f"{status}, and there is {sorted(os.listdir('.'))}: {text}"
    if status == 130 and words[0] == "mount" and not was_mounted:
        time.sleep(0.5)
        if os.path.ismount("mnt"):
            return f"{status}, and it is mounted: {text}"
    if status not in ENDED + (0, 1) and words[0] not in ("undo", "redo", "mount", "unmount"):
        return f"{status}: {text}"
    return None


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
            wrong = try_one(words, draw)
            if wrong:
                sys.exit(f"interrupt_anywhere: seed {sys.argv[2]}, heddle {' '.join(words)}: {wrong}")
            remove_results()
        if not os.path.ismount("mnt"):
            # An interrupted one may still be under way.
            subprocess.run(("heddle", "unmount", "main"), check=False, capture_output=True)
            run("heddle", "mount", "main", "mnt", "--git=none")
    run("heddle", "unmount", "--all")
    checked = subprocess.run(("heddle", "check"), check=False, stdout=subprocess.PIPE, text=True)
    if checked.returncode != 0:
        sys.exit(f"interrupt_anywhere: seed {sys.argv[2]}, at the end: {checked.stdout}")


main()
