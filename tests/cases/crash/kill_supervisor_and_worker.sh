#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# kill -9 of the supervisor and of its worker at once, at random moments of writing: no wedged mountpoint is left
# within 5 seconds, and the next mount has every byte of every file that was closed before.

# EXPECT-LOG: .

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository

cat >writer.py <<'END'
import os, sys, time
root, journal, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(journal, "a") as closed:
    for number in range(first, first + 100000):
        try:
            name = f"{root}/d{number % 7}"
            os.makedirs(name, exist_ok=True)
            with open(f"{name}/f{number}", "w") as stream:
                stream.write(f"content {number}\n" * (number % 500 + 1))
            if number % 3 == 0:
                os.rename(f"{name}/f{number}", f"{name}/renamed{number}")
        except OSError:
            break
        print(number, file=closed, flush=True)
END

supervisor_pid() {
	python3 - "$(worker_pid)" <<'END'
import sys
with open(f"/proc/{sys.argv[1]}/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("PPid:")))
END
}

: >closed
first=1
for round in $(seq 6); do
	python3 writer.py "$MNT" "$TEST_DIRECTORY/closed" $first &
	writer=$!
	sleep "0.$((RANDOM % 6 + 3))"
	worker=$(worker_pid)
	supervisor=$(supervisor_pid)
	check [ "$supervisor" -gt 1 ]
	check kill -9 "$supervisor" "$worker"
	wait $writer || true

	# Either nothing is mounted any more, or it answers; a dead mount that says ENOTCONN is wedged.
	not_wedged() { ! grep -q " $MNT fuse" /proc/self/mounts || timeout 2 ls "$MNT" >/dev/null; }
	clean_or_served() { not_wedged && timeout 2 stat "$MNT" >/dev/null; }
	wait_until 5 clean_or_served
	grep -q " $MNT fuse" /proc/self/mounts || heddle_mount

	python3 - "$MNT" closed <<'END' || fail "round $round"
import os, sys
root, journal = sys.argv[1:]
missing = []
for line in open(journal):
    number = int(line)
    name = f"{root}/d{number % 7}/" + ("renamed" if number % 3 == 0 else "f") + str(number)
    try:
        with open(name) as stream:
            if stream.read() != f"content {number}\n" * (number % 500 + 1):
                missing.append(name + " (content)")
    except OSError as error:
        missing.append(f"{name} ({error.strerror})")
if missing:
    sys.exit(f"{len(missing)} of the files that were closed: {missing[:10]}")
END
	first=$(($(tail -n 1 closed) + 1000))
done
echo "$(wc -l <closed) files were closed and are there"
check_content "$MNT/src/main.c" "int main(void) { return 0; }"
