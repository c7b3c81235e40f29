# How a test becomes a ctest entry. Names are paths: "unit/store/tree_codec_test", "case/mount/sqlite".
#
#   heddle_unit_test(NAME store/tree_codec_test LINK heddle_store [TIMEOUT seconds] [LABELS x...] [SOURCES more.c...])
#       builds tests/unit/<NAME>.c with cmocka. It links the named modules and what lies to their right, nothing
#       else: a call to the left does not link.
#   heddle_fuzz_replay(NAME tree_codec LINK heddle_store)
#       builds tests/fuzz/<NAME>_fuzzer.c and replays tests/fuzz/corpora/<NAME>/ and mutations of it; with
#       HEDDLE_LIBFUZZER=ON it builds the libFuzzer program <NAME>_fuzzer instead. "MUTATIONS: N" in the head of the
#       source is for inputs that cost system calls.
#   heddle_case(FILE tests/cases/mount/sqlite.sh)
#       registers one shell case; tests/run_case.py runs it.

set(HEDDLE_FUZZ_MUTATIONS 200000 CACHE STRING "Random mutations that a fuzz replay tries")

function(heddle_unit_test)
    cmake_parse_arguments(ARG "" "NAME;TIMEOUT" "LINK;LABELS;SOURCES" ${ARGN})
    if(NOT ARG_NAME OR NOT ARG_LINK)
        message(FATAL_ERROR "heddle_unit_test needs NAME and LINK")
    endif()
    heddle_test_require_targets("${ARG_NAME}" ${ARG_LINK})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 120)
    endif()
    if(HEDDLE_SANITIZE)
        math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 5")
    endif()
    string(REPLACE "/" "_" target "unit_${ARG_NAME}")
    string(REGEX REPLACE "/.*" "" module "${ARG_NAME}")
    add_executable(${target} "${CMAKE_SOURCE_DIR}/tests/unit/${ARG_NAME}.c" ${ARG_SOURCES})
    target_link_libraries(${target} PRIVATE heddle_flags ${ARG_LINK} PkgConfig::CMOCKA)
    add_test(NAME "unit/${ARG_NAME}" COMMAND ${target} WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
    set_tests_properties("unit/${ARG_NAME}" PROPERTIES
        LABELS "unit;${module};${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} SKIP_RETURN_CODE 77
        ENVIRONMENT "HEDDLE_TEST_DATA=${CMAKE_SOURCE_DIR}/tests/unit;HEDDLE_BIN=${CMAKE_BINARY_DIR}/bin")
endfunction()

function(heddle_fuzz_replay)
    cmake_parse_arguments(ARG "" "NAME" "LINK" ${ARGN})
    heddle_test_require_targets("${ARG_NAME}_fuzzer" ${ARG_LINK})
    set(target "${ARG_NAME}_fuzzer")
    set(corpus "${CMAKE_SOURCE_DIR}/tests/fuzz/corpora/${ARG_NAME}")
    add_executable(${target} "${CMAKE_SOURCE_DIR}/tests/fuzz/${target}.c")
    target_link_libraries(${target} PRIVATE heddle_flags ${ARG_LINK})
    if(HEDDLE_LIBFUZZER)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        return()
    endif()
    target_sources(${target} PRIVATE "${CMAKE_SOURCE_DIR}/tests/fuzz/standalone_driver.c")
    heddle_test_header("${CMAKE_SOURCE_DIR}/tests/fuzz/${target}.c" MUTATIONS mutations)
    if(NOT mutations)
        set(mutations ${HEDDLE_FUZZ_MUTATIONS})
    endif()
    add_test(NAME "fuzz/${ARG_NAME}" COMMAND ${target} -mutations=${mutations} "${corpus}")
    set_tests_properties("fuzz/${ARG_NAME}" PROPERTIES LABELS "unit;fuzz" TIMEOUT 300)
endfunction()

function(heddle_case)
    cmake_parse_arguments(ARG "" "FILE" "" ${ARGN})
    file(RELATIVE_PATH name "${CMAKE_SOURCE_DIR}/tests/cases" "${ARG_FILE}")
    string(REGEX REPLACE "\\.sh$" "" name "case/${name}")
    string(REGEX REPLACE "^case/([^/]*)/.*" "\\1" folder "${name}")
    heddle_test_header("${ARG_FILE}" TIMEOUT timeout)
    heddle_test_header("${ARG_FILE}" GROUP groups)
    if(NOT timeout)
        set(timeout 120)
    endif()
    add_test(NAME "${name}"
        COMMAND "${Python3_EXECUTABLE}" "${CMAKE_SOURCE_DIR}/tests/run_case.py" --timeout ${timeout} "${ARG_FILE}")
    # The runner ends a case that takes too long itself, so that it can show the logs; ctest's limit is the net below.
    math(EXPR net "${timeout} + 30")
    string(REPLACE " " ";" groups "${groups}")
    set_tests_properties("${name}" PROPERTIES LABELS "case;${folder};${groups}" TIMEOUT ${net} SKIP_RETURN_CODE 77
        ENVIRONMENT "HEDDLE_BIN=${CMAKE_BINARY_DIR}/bin;HEDDLE_SOURCE=${CMAKE_SOURCE_DIR};HEDDLE_TOOLS=${CMAKE_BINARY_DIR}/tests/tools;HEDDLE_SANITIZE=${HEDDLE_SANITIZE}")
    if("alone" IN_LIST groups)
        set_tests_properties("${name}" PROPERTIES RUN_SERIAL ON)
    endif()
    # A changed header comment must reach ctest without anybody running cmake by hand.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${ARG_FILE}")
endfunction()

# The words of the "# KEY: words" line of FILE, or nothing.
function(heddle_test_header file key ret_words)
    file(STRINGS "${file}" line REGEX "^(#| \\*) ${key}: " LIMIT_COUNT 1)
    string(REGEX REPLACE "^.* ${key}: *" "" line "${line}")
    set(${ret_words} "${line}" PARENT_SCOPE)
endfunction()

function(heddle_test_require_targets test)
    foreach(module IN LISTS ARGN)
        if(NOT TARGET ${module})
            message(FATAL_ERROR "${test} links ${module}, which is not a module")
        endif()
    endforeach()
endfunction()
