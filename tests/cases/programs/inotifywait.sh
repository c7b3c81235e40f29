#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# inotifywait tells of local changes below a watched tree of the base, in the same order as on the disk.

. "$TEST_LIB/programs.sh"
require_program inotifywait

prepare() {
	make_files source
}

work() {
	inotifywait -q -m -r --format '%e %w%f' -e create,modify,attrib,move,delete,close_write source >events &
	local watcher=$!
	# Until the watches are set: each touch is an event.
	wait_until 20 eval 'touch source/ready && grep -q ready events'
	rm source/ready
	echo "more" >>source/README
	echo "new" >source/docs/new
	chmod 600 source/src/main.c
	mv source/docs/new source/src/renamed
	truncate -s 10 source/docs/big.txt
	ln source/README source/hard
	rm source/docs/guide.md
	rm -r source/src/deep/er
	echo "last" >source/last
	wait_until 20 grep -q 'CLOSE_WRITE.* source/last' events
	kill $watcher
	wait $watcher || true
	sed '1,/DELETE source\/ready/d' events
	rm events
}

run_on_both
