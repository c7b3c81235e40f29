#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
#
# A supervisor that has stepped down for an upgrade stays until another one has its worker: the worker may die in between,
# or nobody may come, and the mount lives. upgrade.sh has the upgrades that come to their end.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
heddle_mount
supervisor_pid() {
	status_field 's["worker"]["supervisor"]'
}
# step_down [WORKER]: what heddle daemon upgrade asks first; then WORKER dies.
step_down() {
	python3 - "$HEDDLE_STORE/run/1.sock" "$@" <<-'END'
		import json, os, signal, socket, struct, sys
		client = socket.socket(socket.AF_UNIX)
		client.connect(sys.argv[1])
		request = json.dumps({"op": "step_down"}).encode()
		client.sendall(struct.pack("<I", len(request)) + request)
		size = struct.unpack("<I", client.recv(4, socket.MSG_WAITALL))[0]
		assert json.loads(client.recv(size, socket.MSG_WAITALL))["ok"]
		if len(sys.argv) > 2:
		    os.kill(int(sys.argv[2]), signal.SIGKILL)
	END
}

head -c 6291456 /dev/urandom >big
cp big "$MNT/big"
echo "not synced" >"$MNT/small"

worker=$(worker_pid)
supervisor=$(supervisor_pid)
check step_down "$worker"
check cmp big "$MNT/big"
check_content "$MNT/small" "not synced"
check_equal "$(supervisor_pid)" "$supervisor"
[ "$(worker_pid)" != "$worker" ] || fail "worker $worker is still there"

# Whoever comes first gets the worker, and the one before ends.
worker=$(worker_pid)
check step_down
check heddle status >/dev/null
has_ended() {
	! kill -0 "$supervisor"
}
wait_until 30 has_ended
check_equal "$(worker_pid)" "$worker"
[ "$(supervisor_pid)" != "$supervisor" ] || fail "supervisor $supervisor is still there"
check python3 "$TEST_LIB/kill_mount.py" supervisor main
check heddle daemon upgrade main >/dev/null
check_content "$MNT/small" "not synced"
heddle_unmount
