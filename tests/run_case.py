#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one shell case: a private directory, a time limit, and no trace left behind.

    run_case.py [--timeout SECONDS] [--keep] tests/cases/mount/sqlite.sh

The case runs in its own directory (TEST_DIRECTORY, also its working directory and HOME) and its own process
group, marked by an environment variable that its children inherit, so that whatever it starts, daemons too,
is found and killed when it ends. What it mounted is unmounted; as root it has a mount namespace of its own, because who
looks at a mount from elsewhere (df, find) sends it messages and keeps it busy. Logs that heddle wrote are scanned: a line with
an error fails the case unless the case says "# EXPECT-LOG: regular expression" for it. Logs are printed
when a case fails; a case that passes leaves nothing.

Exit status: the case's own; 77 means skipped (a capability is missing), which CI counts (HEDDLE_SKIP_LOG).
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
LOG_LINE = re.compile(r"\] error: |ERROR: |runtime error:|WARNING: ThreadSanitizer")
LOG_TAIL_LINES = 60


def header_words(script, key):
    """All values of '# KEY: value' lines in the opening comment."""
    values = []
    with open(script, encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                break
            match = re.match(r"# " + re.escape(key) + r": *(.*)", line)
            if match:
                values.append(match.group(1).strip())
    return values


def decode_mount_path(field):
    """/proc/self/mountinfo writes blanks as \\040."""
    return re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m.group(1), 8)]), field)


def mounts_below(directory):
    prefix = os.fsencode(os.path.realpath(directory)) + b"/"
    found = []
    with open("/proc/self/mountinfo", "rb") as lines:
        for line in lines:
            fields = line.split()
            path = decode_mount_path(fields[4])
            if path.startswith(prefix):
                found.append((path, fields[2]))
    return list(reversed(found))


def marked_processes(mark):
    """Processes that inherited the case's mark in their environment; ours excepted."""
    wanted = mark.encode()
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as environment:
                if wanted in environment.read().split(b"\0"):
                    yield int(name)
        except OSError:
            continue


def kill_leftovers(mark):
    """SIGTERM, then SIGKILL."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid in marked_processes(mark):
            try:
                os.kill(pid, sign)
            except OSError:
                pass
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline and any(True for _ in marked_processes(mark)):
            time.sleep(0.05)


def abort_connection(device):
    """A FUSE mount whose server is gone or stuck: its requests fail instead of hanging."""
    minor = device.split(b":")[1].decode()
    try:
        with open(f"/sys/fs/fuse/connections/{minor}/abort", "w", encoding="ascii") as control:
            control.write("1")
    except OSError:
        pass


def unmount_leftovers(directory, abort):
    for path, device in mounts_below(directory):
        if abort:
            abort_connection(device)
        name = os.fsdecode(path)
        command = ["umount", "-l", name] if os.geteuid() == 0 else ["fusermount3", "-u", "-z", name]
        subprocess.run(command, stderr=subprocess.DEVNULL, check=False)


def log_files(directory):
    for folder, folders, files in os.walk(directory):
        folders[:] = [f for f in folders if f not in ("objects", ".git")]
        for name in files:
            if name.endswith(".log") or folder.endswith(".heddle/log"):
                yield os.path.join(folder, name)


def unexpected_log_lines(directory, expected):
    for path in log_files(directory):
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if LOG_LINE.search(line) and not any(re.search(e, line) for e in expected):
                    yield f"{os.path.relpath(path, directory)}: {line.rstrip()}"


def print_logs(directory):
    for path in log_files(directory):
        with open(path, encoding="utf-8", errors="replace") as lines:
            tail = lines.readlines()[-LOG_TAIL_LINES:]
        print(f"----- {os.path.relpath(path, directory)}")
        sys.stdout.write("".join(tail))


def remove_directory(directory):
    """Never into a mount: if one could not be removed, the directory stays."""
    if mounts_below(directory):
        print(f"run_case: still mounted below {directory}, left there")
        return
    subprocess.run(["chmod", "-R", "u+rwX", directory], stderr=subprocess.DEVNULL, check=False)
    shutil.rmtree(directory, ignore_errors=True)


def enter_own_namespace():
    """Starts this program anew in a mount namespace of its own, where that can be had: not in a chroot."""
    unshare = ["unshare", "--mount", "--propagation", "private"]
    if os.geteuid() != 0 or "HEDDLE_CASE_NAMESPACE" in os.environ:
        return
    if subprocess.run(unshare + ["true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return
    os.environ["HEDDLE_CASE_NAMESPACE"] = "own"
    os.execvp("unshare", unshare + [sys.executable, os.path.abspath(__file__)] + sys.argv[1:])


def case_environment(directory, script, mark):
    source = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
    key, value = mark.split("=", 1)
    # What somebody has set for git is theirs: an author in the environment goes before every configuration.
    environment = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    environment.setdefault("HEDDLE_SOURCE", source)
    environment.setdefault("HEDDLE_BIN", os.path.join(source, "build", "dev", "bin"))
    environment["PATH"] = environment["HEDDLE_BIN"] + ":" + environment["PATH"] + ":/usr/sbin:/sbin"
    environment.update({
        key: value,
        "TEST_DIRECTORY": directory,
        "TEST_LIB": os.path.join(source, "tests", "cases", "lib"),
        "TEST_SCRIPT": os.path.realpath(script),
        "HOME": directory,
        "TMPDIR": directory,
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
    })
    for unwanted in ("HEDDLE_LOG", "XDG_CONFIG_HOME", "HEDDLE_AUTHOR", "HEDDLE_STORE"):
        environment.pop(unwanted, None)
    return environment


def run_script(script, directory, environment, timeout):
    """Output goes to a file: a daemon that keeps a pipe open must not hold the runner."""
    with open(os.path.join(directory, "case-output.txt"), "w+b") as output:
        process = subprocess.Popen(["bash", os.path.realpath(script)], cwd=directory, env=environment,
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                   start_new_session=True)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
        output.seek(0)
        sys.stdout.write(output.read().decode("utf-8", errors="replace"))
    return process, status


def finish(process, status, directory, mark):
    """A case may leave its mounts and daemons: that is what the runner is for."""
    if status is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            pass
    unmount_leftovers(directory, abort=status is None)
    kill_leftovers(mark)
    unmount_leftovers(directory, abort=True)


def main():
    parser = argparse.ArgumentParser(description="run one shell case")
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--keep", action="store_true", help="keep the directory")
    parser.add_argument("script")
    arguments = parser.parse_args()
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin")
    enter_own_namespace()
    directory = tempfile.mkdtemp(prefix="heddle-case.", dir=os.environ.get("HEDDLE_CASE_ROOT", "/tmp"))
    os.chmod(directory, 0o755)
    mark = "HEDDLE_CASE_MARK=" + directory
    environment = case_environment(directory, arguments.script, mark)
    process, status = run_script(arguments.script, directory, environment, arguments.timeout)
    # Before the cleanup, which kills what the case left running and so adds lines of its own.
    lines = list(unexpected_log_lines(directory, header_words(arguments.script, "EXPECT-LOG")))
    finish(process, status, directory, mark)
    if status is None:
        print(f"run_case: not finished after {arguments.timeout:g} s")
        status = 1
    elif status == 0 and lines:
        print("run_case: the case passed, but the logs hold errors:\n" + "\n".join(lines[:20]))
        status = 1
    if status == SKIPPED and os.environ.get("HEDDLE_SKIP_LOG"):
        with open(os.environ["HEDDLE_SKIP_LOG"], "a", encoding="utf-8") as skips:
            skips.write(os.path.realpath(arguments.script) + "\n")
    if status not in (0, SKIPPED):
        print_logs(directory)
        print(f"run_case: repeat with: tests/run_case.py --keep {os.path.relpath(arguments.script)}")
    if arguments.keep:
        print(f"run_case: kept {directory}")
    else:
        remove_directory(directory)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
