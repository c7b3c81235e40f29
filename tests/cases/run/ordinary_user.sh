#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 60
# GROUP: quick
#
# heddle run without root and without fusermount3: by a user namespace, in which the user stays who it is and gets no
# rights that the command could use.

. "$TEST_LIB/common.sh"
as_ordinary_user
require_namespaces

make_repository repository
heddle_init repository
cat >fusermount3 <<'END'
#!/bin/sh
touch "$0.was.called"
END
chmod +x fusermount3
export PATH=$PWD:$PATH

heddle run -q -- sh -c 'id -u; id -g; stat -c "%u %g" README; echo mine >mine; stat -c %u mine; grep CapEff /proc/self/status' >out
check_equal "$(cat out)" "$(id -u)
$(id -g)
$(id -u) $(id -g)
$(id -u)
CapEff:	0000000000000000"
check_equal "$(heddle cat @ mine)" mine
check_status 1 heddle run -q -- sh -c 'chown 0 mine'
check_status 1 heddle run -q --no-network -- sh -c 'mount -t tmpfs none src 2>/dev/null || exit 1'
heddle run -q --no-network -- sh -c 'tail -n +3 /proc/net/dev | tr -d " " | cut -d: -f1' >out
check_content out lo
heddle run -q --rm -- python3 -c '
import mmap
with open("mapped", "w+b") as file:
    file.truncate(8192)
    mmap.mmap(file.fileno(), 8192)[5000:5006] = b"mapped"'
# Commands from outside ask the mount.
mkfifo begin end
heddle run -q -- sh -c "echo 1 >inside; echo >$PWD/begin; read -r _ <$PWD/end" &
read -r _ <begin
check_contains "$(heddle status -s)" "A inside"
check heddle capture -m "From outside" >/dev/null
echo >end
wait $!
check_equal "$(heddle cat @ inside)" 1
check_missing fusermount3.was.called
check_missing "$STORE/mnt/main/inside"
