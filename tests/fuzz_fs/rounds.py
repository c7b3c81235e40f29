#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs many operations of the filesystem fuzzer as rounds, each on a new mount: ./dev fuzz-fs.

    rounds.py [--jobs N] [--round N] [--case NAME] [--keep DIRECTORY] OPERATIONS SEED

Round number i is tests/cases/fuzz_fs/NAME.sh (round: base and mount options come from the seed) with the seed SEED + i.
What a round prints goes to DIRECTORY/<seed>.log; the log of one that ends well is removed. A round that finds a
difference leaves its sequence there, too, as it was and cut down. Exit status: 0 no difference, 1 otherwise.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)


def run_round(arguments, seed, operations):
    """One round; the operations done without a difference."""
    log = os.path.join(arguments.keep, f"{seed}.log")
    environment = dict(os.environ, FUZZ_SEED=str(seed), FUZZ_OPERATIONS=str(operations), FUZZ_KEEP=arguments.keep)
    command = [os.path.join(TESTS, "run_case.py"), "--timeout", "86400",
               os.path.join(TESTS, "cases", "fuzz_fs", arguments.case + ".sh")]
    with open(log, "wb") as out:
        done = subprocess.run(command, env=environment, stdout=out, stderr=subprocess.STDOUT, check=False)
    with open(log, encoding="utf-8", errors="replace") as lines:
        text = lines.read()
    counts = [int(count) for count in re.findall(r"^(\d+) operations, seed \d+: no difference$", text, re.MULTILINE)]
    if done.returncode != 0 or not counts:
        return 0
    os.remove(log)
    return sum(counts)


def main():
    parser = argparse.ArgumentParser(description="many operations of the filesystem fuzzer, in rounds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--round", type=int, default=20000)
    parser.add_argument("--case", default="round")
    parser.add_argument("--keep", default="fuzz-fs")
    parser.add_argument("operations", type=int)
    parser.add_argument("seed", type=int)
    arguments = parser.parse_args()
    arguments.keep = os.path.abspath(arguments.keep)
    os.makedirs(arguments.keep, exist_ok=True)
    sizes = [min(arguments.round, arguments.operations - at) for at in range(0, arguments.operations, arguments.round)]
    start, done, failed = time.monotonic(), 0, []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        rounds = {pool.submit(run_round, arguments, arguments.seed + i, size): arguments.seed + i
                  for i, size in enumerate(sizes)}
        for future in concurrent.futures.as_completed(rounds):
            done += future.result()
            if future.result() == 0:
                failed.append(rounds[future])
                print(f"seed {rounds[future]} failed: {arguments.keep}/{rounds[future]}.log", flush=True)
    print(f"{done} operations in {len(sizes)} rounds, seeds {arguments.seed} to {arguments.seed + len(sizes) - 1}: "
          f"{len(failed)} rounds with a difference, {time.monotonic() - start:.0f} s")
    return 1 if failed or done != arguments.operations else 0


if __name__ == "__main__":
    sys.exit(main())
