#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Python's library over a tree of the base: shutil, tempfile, pathlib, zipfile, mmap, dbm, compiled modules, processes
# that share a file.

. "$TEST_LIB/programs.sh"

prepare() {
	make_files source
	mkdir module
	echo 'def answer(): return 42' >module/__init__.py
}

work() {
	python3 "$TEST_LIB/python_library.py"
	python3 -c 'import module; print(module.answer())'
	python3 -m compileall -q module
	python3 -c 'import module; print(module.answer())'
	rm -r module/__pycache__ # names the time of its source
}

run_on_both
