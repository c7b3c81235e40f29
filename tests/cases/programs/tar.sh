#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# tar with owners, access lists, extended attributes, hard links and holes: out of the base, into the mount, and as an
# incremental archive, which believes in inode numbers.

. "$TEST_LIB/programs.sh"
require_program setfacl

prepare() {
	make_files source
	ln source/README source/docs/hard
	mkfifo source/fifo
	python3 -c 'import os; os.setxattr("source/README", "user.kind", b"text")'
	truncate -s 1M source/sparse
	printf 'middle' | dd of=source/sparse bs=1 seek=500000 conv=notrunc status=none
	find . -exec touch -h -d '2020-01-02 03:04:05.6' {} +
	touch -d '1999-12-31 23:59:59.123456789' source/README
	chmod 2775 source/docs
	chmod 4755 source/run.sh
	setfacl -m u:12:rw,m::rw source/README
	setfacl -d -m g:34:rx source/docs
}

archive() {
	tar --format=posix --acls --xattrs --xattrs-include='*' --sparse --sort=name \
		--pax-option=delete=atime,delete=ctime "$@"
}

work() {
	archive -cf one.tar source
	mkdir new
	archive -xpf one.tar -C new
	archive -df one.tar
	archive -df one.tar -C new
	tar -tvf one.tar | sha256sum
	getfacl -p new/source/README new/source/docs
	archive --listed-incremental=snapshot -cf full.tar source
	mv source/docs source/moved
	# The clock of file times ticks every 4 to 10 ms: without a wait the change may look older than the archive.
	sleep 0.05
	echo "changed" >source/README
	archive --listed-incremental=snapshot -cf more.tar source
	tar -tf more.tar | grep -v '/$' | sort
	tar -xf one.tar -C new --overwrite
	tar -cf - -C new . | tar -xpf - -C source --keep-newer-files 2>/dev/null
	rm snapshot ./*.tar
	# Made anew by the extraction, at another time in each run.
	find . -newermt "-1 hour" ! -type d -exec touch -h -d @0 {} +
}

run_on_both --times
