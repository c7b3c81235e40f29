#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Bytes that were stored into mappings of several files, in more pages apart than the kernel thinks a busy mount should be sent at
# once, are all in the state of a capture that is asked for as control-protocol.md says. The worker is stopped meanwhile, so
# that it is busy.

. "$TEST_LIB/common.sh"

require_fuse
mkdir base
for file in {1..8}; do
	truncate -s 4M "base/$file"
done
heddle_init base
heddle_mount
cat >capture.py <<'END'
import ctypes, glob, json, mmap, os, signal, socket, struct, sys, threading, time
mountpoint, store, worker = sys.argv[1], sys.argv[2], int(sys.argv[3])
PAGES, STRIDE = 300, 8192
root = os.open(mountpoint, os.O_RDONLY)
maps = [mmap.mmap(os.open(f"{mountpoint}/{file}", os.O_RDWR), PAGES * STRIDE) for file in range(1, 9)]
for one in maps:
    for page in range(PAGES):
        one[page * STRIDE] = 1
control = socket.socket(socket.AF_UNIX)
[path] = glob.glob(f"{store}/run/*.sock")
control.connect(path)

os.kill(worker, signal.SIGSTOP)
try:
    assert ctypes.CDLL(None).syncfs(root) == 0
finally:
    os.kill(worker, signal.SIGCONT)
os.statvfs(root)
request = json.dumps({"op": "capture", "message": "mapped", "author": "A <a@b>", "facts": {}}).encode()
control.sendall(struct.pack("<I", len(request)) + request)
size = struct.unpack("<I", control.recv(4, socket.MSG_WAITALL))[0]
reply = json.loads(control.recv(size, socket.MSG_WAITALL))
assert reply["ok"], reply
for file in range(1, 9):
    with open(f"{mountpoint}/.heddle/states/{reply['state']['id']}/{file}", "rb") as stream:
        data = stream.read()
    lost = sum(data[page * STRIDE] != 1 for page in range(PAGES))
    assert not lost, f"{lost} of {PAGES} stored bytes of file {file} are not in the state"
END
check timeout 60 python3 capture.py "$MNT" "$STORE" "$(worker_pid)"
heddle_unmount
