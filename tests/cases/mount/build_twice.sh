#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# A build in the mount: the second run has nothing to do, an edited header rebuilds what includes it and nothing
# else, and a new mount keeps every time, so that there is still nothing to do.

. "$TEST_LIB/common.sh"
require_program cmake
require_program ninja

make_repository repository
mkdir repository/lib
cat >repository/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.18)
project(sample C)
add_library(lib lib/one.c lib/two.c)
target_include_directories(lib PUBLIC lib)
add_executable(sample src/main.c)
target_link_libraries(sample lib)
END
echo 'int one(void);' >repository/lib/one.h
printf '#include "one.h"\nint one(void) { return 1; }\n' >repository/lib/one.c
printf 'int two(void);\nint two(void) { return 2; }\n' >repository/lib/two.c
git -C repository add -A
git -C repository commit -q -m "Sample"
heddle_mount_of repository

check cd "$MNT"
check cmake -G Ninja -S . -B build >/dev/null
check cmake --build build >/dev/null
check build/sample
check_contains "$(cmake --build build)" "no work to do"

echo '/* changed */' >>lib/one.h
got=$(ninja -C build -d explain 2>&1)
check_contains "$got" "one.c"
! grep -q "two.c.o.*dirty" <<<"$got" || fail "two.c was built again: $got"
check_contains "$(cmake --build build)" "no work to do"

check cd "$TEST_DIRECTORY"
heddle_remount
check_contains "$(cmake --build "$MNT/build")" "no work to do"
check "$MNT/build/sample"
