# One interface target carries the language standard, warnings, checks and sanitizers; nothing sets globals.
add_library(heddle_flags INTERFACE)
target_compile_features(heddle_flags INTERFACE c_std_17)
set_property(DIRECTORY "${CMAKE_SOURCE_DIR}" PROPERTY C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
target_compile_definitions(heddle_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64
    HD_VERSION="${PROJECT_VERSION}" $<$<BOOL:${HEDDLE_CHECKS}>:HD_CHECKS=1>)
target_include_directories(heddle_flags INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(heddle_flags INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wwrite-strings
    -Wpointer-arith -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough -fno-strict-aliasing
    $<$<BOOL:${HEDDLE_WERROR}>:-Werror>)
# What a program does not call costs it nothing when it starts: neither libraries nor functions that others call, and
# libgcc's unwinder is a part of those few that print stacks.
target_compile_options(heddle_flags INTERFACE -ffunction-sections -fdata-sections)
target_link_options(heddle_flags INTERFACE "LINKER:--as-needed,--gc-sections" -static-libgcc)
if(HEDDLE_SANITIZE)
    target_compile_options(heddle_flags INTERFACE -fsanitize=${HEDDLE_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(heddle_flags INTERFACE -fsanitize=${HEDDLE_SANITIZE})
endif()
if(HEDDLE_LIBFUZZER)
    target_compile_options(heddle_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
