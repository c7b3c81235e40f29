# heddle_module(NAME SOURCES a.c ... DEPENDS heddle_x ... EXTERNAL PkgConfig::X ... LOADS PkgConfig::X ...)
#
# A module is one static library. DEPENDS names the modules to its right in the line of dependencies;
# EXTERNAL libraries are linked privately, so that their headers are visible in this module alone. LOADS are not linked:
# they are loaded when they are needed, and overlay/bases/loaded/ has what their headers become.
function(heddle_module name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;EXTERNAL;LOADS" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC heddle_flags ${ARG_DEPENDS} PRIVATE ${ARG_EXTERNAL})
    foreach(library IN LISTS ARG_LOADS)
        target_include_directories(${name} BEFORE PRIVATE "${CMAKE_SOURCE_DIR}/overlay/bases/loaded")
        target_include_directories(${name} SYSTEM PRIVATE
            $<TARGET_PROPERTY:${library},INTERFACE_INCLUDE_DIRECTORIES>)
        target_compile_options(${name} PRIVATE $<TARGET_PROPERTY:${library},INTERFACE_COMPILE_OPTIONS>)
    endforeach()
endfunction()
