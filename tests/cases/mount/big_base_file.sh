#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 180
#
# A file of 1 GiB in a directory base: opening and reading it copies nothing, and a byte more at its end costs a
# chunk, not the file.

. "$TEST_LIB/common.sh"

make_directory_base base
truncate -s 1G base/big
printf 'begin' | dd of=base/big conv=notrunc status=none
printf 'end' | dd of=base/big bs=1 seek=$((1024 * 1024 * 1024 - 3)) conv=notrunc status=none
heddle_mount_of base

check_equal "$(stat -c %s "$MNT/big")" $((1024 * 1024 * 1024))
check_equal "$(head -c 5 "$MNT/big")" begin
check_equal "$(tail -c 3 "$MNT/big")" end
before=$(status_field 's["hot_bytes"]')
check_equal "$before" 0 "reading copies nothing"

took_ms=$(python3 - "$MNT/big" <<'END'
import os, sys, time
start = time.monotonic()
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
os.write(fd, b"!")
os.close(fd)
print(int((time.monotonic() - start) * 1000))
END
)
echo "append of a byte took $took_ms ms"
[ "$took_ms" -lt 1000 ] || fail "append of a byte took $took_ms ms"
grown=$(($(status_field 's["hot_bytes"]') - before))
echo "the hot tier grew by $grown bytes"
[ "$grown" -le $((1024 * 1024)) ] || fail "the hot tier grew by $grown bytes"

check_equal "$(tail -c 4 "$MNT/big")" 'end!'
printf 'MIDDLE' | dd of="$MNT/big" bs=1 seek=500000000 conv=notrunc status=none
heddle_remount
check_equal "$(stat -c %s "$MNT/big")" $((1024 * 1024 * 1024 + 1))
check_equal "$(tail -c 4 "$MNT/big")" 'end!'
check_equal "$(head -c 5 "$MNT/big")" begin
check_equal "$(dd if="$MNT/big" bs=1 skip=500000000 count=6 status=none)" MIDDLE
check_equal "$(stat -c %s base/big)" $((1024 * 1024 * 1024)) "the base is untouched"
check_equal "$(du -sm "$STORE" | cut -f1 | awk '{ print ($1 < 64) }')" 1 "the store has not copied the file"
