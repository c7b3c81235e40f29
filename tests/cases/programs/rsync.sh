#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# rsync -aHAX into the mount, out of it, and within it: nothing is lost, and a second run has nothing to do.

. "$TEST_LIB/programs.sh"
require_program rsync
require_program setfacl

prepare() {
	make_files source
	ln source/README source/docs/hard
	mkfifo source/fifo
	python3 -c 'import os; os.setxattr("source/README", "user.kind", b"text")'
	truncate -s 1M source/sparse
	touch -d '1999-12-31 23:59:59.123456789' source/README
	chmod 2775 source/docs
	chmod 4755 source/run.sh
	setfacl -m u:12:rw,m::rw source/README
	setfacl -d -m g:34:rx source/docs
	mkdir old
	echo "to be deleted" >old/gone
	cp source/docs/big.txt old/big.txt
	# rsync leaves a time alone that differs by less than a second, as that of a link just made may.
	find . ! -name README -exec touch -h -d '2020-01-02 03:04:05.6' {} +
}

work() {
	rsync -aHAX --sparse source/ new/
	rsync -aHAX --delete source/ old/
	rsync -aHAXc --itemize-changes source/ new/
	rsync -aHAXc --itemize-changes --delete source/ old/
	echo "more" >>source/docs/big.txt
	touch -d '2001-02-03 04:05:06.7' source/docs/big.txt
	rsync -aHAX --inplace --no-whole-file --out-format='%n' source/ new/
	rsync -aHAX --link-dest=../new source/ linked/
	check_equal "$(stat -c %h linked/docs/guide.md)" 2 "a link to the copy before"
	rm linked/docs/guide.md
	rsync -aHAX --remove-source-files --out-format='%n' old/ moved/ | sort
}

run_on_both --times
check rsync -aHAX "$MNT/" out/
check_equal "$(rsync -aHAXcn --itemize-changes --delete "$MNT/" out/)" "" "copied out of the mount"
check_equal "$(rsync -aHAXOcn --itemize-changes --delete "$NATIVE/" "$MNT/")" "" "as on the disk"
