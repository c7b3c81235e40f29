# Rules that a machine can check. Each is a ctest entry with the label "lint".
function(heddle_lint name)
    add_test(NAME "lint/${name}" COMMAND ${ARGN} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties("lint/${name}" PROPERTIES LABELS "lint" TIMEOUT 120 SKIP_RETURN_CODE 77)
endfunction()

set(lint "${CMAKE_SOURCE_DIR}/tests/lint")
heddle_lint(layering "${Python3_EXECUTABLE}" "${lint}/check_layering.py")
heddle_lint(circles "${Python3_EXECUTABLE}" "${lint}/check_circles.py")
heddle_lint(io "${Python3_EXECUTABLE}" "${lint}/check_io.py")
heddle_lint(size "${Python3_EXECUTABLE}" "${lint}/check_size.py")
heddle_lint(docs "${Python3_EXECUTABLE}" "${lint}/check_docs.py")
heddle_lint(headers "${Python3_EXECUTABLE}" "${lint}/check_headers.py" --compiler "${CMAKE_C_COMPILER}" --
    -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 ${FUSE3_CFLAGS} ${LIBGIT2_CFLAGS} ${SQLITE3_CFLAGS} ${JANSSON_CFLAGS})
heddle_lint(format "${lint}/check_format.sh")
heddle_lint(shell "${lint}/check_shell.sh")
if(TARGET heddle)
    heddle_lint(help "${lint}/check_help.sh" $<TARGET_FILE:heddle>)
endif()
