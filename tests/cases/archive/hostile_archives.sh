#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# Archives that mean harm or are damaged: refused with words that say why, or made safe by a rule of docs/design/archives.md.
# Nothing but the store's objects is written, and no state is left of what was refused.

. "$TEST_LIB/archive.sh"

make_directory_base base
heddle_init --base base --store "$TEST_DIRECTORY/store"
mkdir archives
python3 "$TEST_LIB/hostile_archives.py" archives >list

everything() {
	heddle op log --json
	heddle log --all --json
	find . -path ./store/.heddle -prune -o -print | sort
}
touch shown before after
everything >before

tried=0
while IFS=$'\t' read -r name words; do
	tried=$((tried + 1))
	[ "$words" != ok ] || continue
	status=0
	heddle import tar "archives/$name" --thread never >shown 2>&1 || status=$?
	check_equal "$status" 65 "$name: $(cat shown)"
	grep -qF -e "$words" shown || fail "$name: no '$words' in: $(cat shown)"
	everything >after
	check cmp before after
done <list
[ "$tried" -gt 40 ] || fail "only $tried archives"
check_missing /tmp/heddle-escaped

while IFS=$'\t' read -r name words; do
	[ "$words" = ok ] || continue
	check heddle import tar "archives/$name" --thread "$name" >shown 2>&1
done <list
check_equal "$(heddle cat twice a)" second
check_equal "$(heddle ls -r back-and-forth)" "$(printf 'a/\na/b')"
check_equal "$(heddle cat link-replaced a/b)" "in the tree"
check_equal "$(heddle ls -r dots-and-slashes)" "$(printf 'a/\na/b/\na/b/c')"
check_equal "$(heddle ls nul)" visible
check_equal "$(heddle ls -z not-utf8 | od -An -c | tr -d ' ')" 'a377\0'
check_equal "$(heddle cat hard-link-to-link a)" /etc/passwd
check_contains "$(heddle import tar archives/skipped-attribute --thread skipped-attribute 2>&1)" "1 extended attribute left out"
check_missing /tmp/b
check_contains "$(heddle check)" "no problems"

# A bomb: 4 GiB of zeros in a few kilobytes, and a sparse file of 15 TiB, cost neither memory nor room.
python3 - <<'END'
import gzip, tarfile
info = tarfile.TarInfo("zeros")
info.size = 4 << 30
with gzip.open("bomb.gz", "wb", 1) as stream:
	stream.write(info.tobuf(tarfile.GNU_FORMAT))
	for _ in range(256):
		stream.write(bytes(1 << 20))
	# cut off, so that it is quick: the limit comes first
END
check_status 74 heddle import tar bomb.gz --thread never --max-size 100
check_contains "$(cat .output)" "more than 100 MiB"
truncate -s 15T sparse
tar --format=posix --sparse -cf sparse.tar sparse
(ulimit -v 400000 && check heddle import tar sparse.tar --thread sparse >/dev/null)
check_equal "$(heddle ls -l sparse sparse | awk '{ print $2 }')" 16492674416640
[ "$(du -sm store | cut -f1)" -lt 20 ] || fail "the store grew: $(du -sm store)"
