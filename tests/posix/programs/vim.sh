#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# vim and ed save files of the base, in every way that vim's backupcopy knows, with swap and undo files: what is left
# is that of the disk, links and owners too.

. "$TEST_LIB/programs.sh"
require_program vim
require_program ed

prepare() {
	for way in yes no auto auto,breakhardlink; do
		printf 'one\ntwo\nthree\n' >$way
		ln $way $way.link
		chmod 640 $way
		chown 12:34 $way
	done
	printf 'one\ntwo\n' >edited
	ln -s edited symbolic
}

work() {
	for way in yes no auto auto,breakhardlink; do
		vim -N -u NONE -i NONE -es -c 'set backupskip= writebackup backup backupdir=. backupext=.bak undofile undodir=. fsync' -c "set backupcopy=$way" \
			-c '%s/two/2/' -c 'wq' $way
		stat -c '%n %a %u:%g %h' $way $way.link $way.bak
		cat $way $way.link $way.bak
	done
	vim -N -u NONE -i NONE -es -c 'normal Onew' -c 'wq' symbolic
	printf 'a\nappended\n.\nw\nq\n' | ed -s edited
	cat edited
	rm ./.*.un~ # hold times
}

run_on_both
