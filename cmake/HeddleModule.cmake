# heddle_module(NAME SOURCES a.c ... DEPENDS heddle_x ... EXTERNAL PkgConfig::X ...)
#
# A module is one static library. DEPENDS names the modules to its right in the line of dependencies;
# EXTERNAL libraries are linked privately, so that their headers are visible in this module alone.
function(heddle_module name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;EXTERNAL" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC heddle_flags ${ARG_DEPENDS} PRIVATE ${ARG_EXTERNAL})
endfunction()
