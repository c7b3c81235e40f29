#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# With -o writeback, where the kernel keeps sizes and times of files itself, a restore under a mount shows those of the state
# all the same: of files that nobody has open, of files that somebody has, and of files with several names; also if the command is
# killed before it has told the kernel.

. "$TEST_LIB/common.sh"
require_fuse

make_directory_base base
heddle_init base
heddle_mount -o writeback
mkdir "$MNT/files"

# fill TEXT SECONDS: files of each kind, as they are in one of two states.
fill() {
	for name in closed linked opened mapped; do
		printf '%s' "$1" >"$MNT/files/$name"
		touch -d "@$2" "$MNT/files/$name"
	done
	[ -e "$MNT/files/link" ] || ln "$MNT/files/linked" "$MNT/files/link"
}

# shows TEXT SECONDS: in all of them.
shows() {
	for name in closed linked link opened mapped; do
		check_equal "$(stat -c '%s %Y' "$MNT/files/$name")" "${#1} $2" "$name"
		check_equal "$(cat "$MNT/files/$name")" "$1" "$name"
	done
}

long=$(printf 'long%.0s' {1..3000})
fill short 1000000000
short_state=$(heddle capture -m "Short" --json | json_field 's["state"]["id"]')
fill "$long" 1100000000
long_state=$(heddle capture -m "Long" --json | json_field 's["state"]["id"]')
fill other 1200000000
shows other 1200000000

check heddle restore "$long_state" >/dev/null
shows "$long" 1100000000
check heddle restore "$short_state" >/dev/null
shows short 1000000000

# Who has a file open goes on with it, at its new end; so does who has it mapped.
cat >holder.py <<'END'
import json, mmap, os, socket, struct, subprocess, sys, time

root, store, long_state, short_state = sys.argv[1:]
opened = os.open(f"{root}/opened", os.O_RDWR | os.O_APPEND)
with open(f"{root}/mapped", "r+b") as stream:
    mapped = mmap.mmap(stream.fileno(), 0)

def restore(state):
    subprocess.run(["heddle", "restore", state], check=True, stdout=subprocess.DEVNULL, cwd=root)

def restore_untold(state):
    """Asks as a command does, which then does not tell the kernel of the files; the connection."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(f"{store}/run/1.sock")
    request = json.dumps({"op": "restore", "source": state, "paths": [], "actor": "Some Body <some@body>"}).encode()
    client.sendall(struct.pack("<I", len(request)) + request)
    size, = struct.unpack("<I", client.recv(4, socket.MSG_WAITALL))
    reply = json.loads(client.recv(size, socket.MSG_WAITALL))
    assert reply["ok"] and reply["replaced"], reply
    return client

def shows(text):
    status = os.fstat(opened)
    assert status.st_size == len(text), (status.st_size, len(text))
    assert os.pread(opened, 100000, 0) == text
    assert mapped[:5] == text[:5], mapped[:5]

def time_captured():
    """As the worker knows it."""
    subprocess.run(["heddle", "capture", "-m", "Look", "--json"], stdout=subprocess.DEVNULL, cwd=root)
    said = subprocess.run(["heddle", "log", "-n1", "--json"], check=True, capture_output=True, cwd=root).stdout
    return int(os.stat(f"{root}/../.heddle/states/{json.loads(said)['states'][0]['id']}/files/opened").st_mtime)

restore(long_state)
shows(b"long" * 3000)
assert int(os.fstat(opened).st_mtime) == 1100000000
with open(f"{root}/other", "w"):
    pass  # or there would be nothing to capture
assert time_captured() == 1100000000, time_captured()
restore(short_state)
shows(b"short")
assert int(os.fstat(opened).st_mtime) == 1000000000
os.write(opened, b" and more")
shows(b"short and more")

# A command that is killed before it has told the kernel: the worker sees that it is gone.
client = restore_untold(long_state)
assert os.fstat(opened).st_size != 12000, "the kernel knows by itself"
client.close()
for _ in range(2000):
    if os.fstat(opened).st_size == 12000:
        break
    time.sleep(0.01)
shows(b"long" * 3000)
restore(short_state)
os.write(opened, b" and more")

# A command that is not done with showing, or is killed before, when another one restores: the file of the second one's tree is
# not given the size of the first one's.
client = restore_untold(long_state)
later = subprocess.Popen(["heddle", "restore", short_state], stdout=subprocess.DEVNULL, cwd=root)
time.sleep(0.5)
client.close()
assert later.wait() == 0
time.sleep(1)
shows(b"short")
os.write(opened, b" and more")
END
check python3 holder.py "$MNT/files" "$STORE" "$long_state" "$short_state"
check_equal "$(cat "$MNT/files/opened")" "short and more"
check heddle restore "$short_state" >/dev/null
shows short 1000000000

# What programs do to a file's other attributes while it is restored brings no old time back: the kernel sends its own with each.
cat >attributes.py <<'END'
import multiprocessing, os, subprocess, sys

path, first, second, rounds = sys.argv[1], sys.argv[2], sys.argv[3], 15

def set_attributes():
    count = 0
    while True:
        count += 1
        os.setxattr(path, "user.count", b"%d" % count)

def output(*words):
    return subprocess.run(("heddle",) + words, check=True, capture_output=True, text=True, cwd=os.path.dirname(path)).stdout

writers = [multiprocessing.Process(target=set_attributes, daemon=True) for _ in range(2)]
for writer in writers:
    writer.start()
wrong = []
for number in range(rounds):
    for state, time in (first, "1300000000"), (second, "1400000000"):
        output("restore", state)
        found = os.stat(path).st_mtime
        if found != int(time):
            wrong.append((number, time, found))
for writer in writers:
    writer.terminate()
    writer.join()
assert not wrong, wrong
END
touch "$MNT/files/described"
touch -d @1300000000 "$MNT/files/described"
first=$(heddle capture -m "First" --json | json_field 's["state"]["id"]')
touch -d @1400000000 "$MNT/files/described"
echo changed >"$MNT/files/with"
second=$(heddle capture -m "Second" --json | json_field 's["state"]["id"]')
check python3 attributes.py "$MNT/files/described" "$first" "$second"
heddle_unmount
heddle_mount
check_equal "$(stat -c %Y "$MNT/files/described")" 1400000000
check heddle restore "$short_state" >/dev/null
shows short 1000000000
heddle_unmount
check heddle check >/dev/null
heddle_mount
shows short 1000000000
