#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# A parallel build of sources of the base makes the same objects, archive and program as on the disk, knows that it has
# nothing to do, and builds what depends on a changed header.

. "$TEST_LIB/programs.sh"
require_program ninja

prepare() {
	local number
	{
		printf 'rule compile\n  command = gcc -Iinclude -MMD -MF $out.d -c $in -o $out\n  depfile = $out.d\n  deps = gcc\n'
		printf 'rule archive\n  command = rm -f $out && ar rcsD $out $in\n'
		printf 'rule link\n  command = gcc -o $out $in\n'
	} >build.ninja
	mkdir include source
	printf '#define LIMIT 40\nint total(void);\n' >include/limit.h
	local objects=
	for number in $(seq 40); do
		printf 'int number_%s(void);\nint number_%s(void) { return %s; }\n' "$number" "$number" "$number" >"source/$number.c"
		echo "build objects/$number.o: compile source/$number.c" >>build.ninja
		objects+=" objects/$number.o"
	done
	printf '#include "limit.h"\n#include <stdio.h>\nint number_40(void);\nint main(void) { printf("%%d\\n", number_40() == LIMIT); return 0; }\n' >source/main.c
	{
		echo "build objects/main.o: compile source/main.c"
		echo "build libnumbers.a: archive$objects"
		echo "build program: link objects/main.o libnumbers.a"
	} >>build.ninja
}

work() {
	ninja -j4 --quiet
	./program
	ninja | tail -1
	echo '#define MORE 1' >>include/limit.h
	ninja -n | tail -n +1 | wc -l
	ninja -j4 --quiet
	./program
	ninja | tail -1
	rm .ninja_log .ninja_deps # hold times
}

run_on_both
