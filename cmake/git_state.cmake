# SPDX-License-Identifier: GPL-2.0-or-later
# version.h with the state of the git tree, as of each build, not of the configuration. Included by sim/CMakeLists.txt,
# and run as a script (cmake -P) by the target that it makes. The file is touched only when its text changes.
if(CMAKE_SCRIPT_MODE_FILE)
    set(HVSIM_GIT_COMMIT unknown)
    set(HVSIM_GIT_DIRTY false)
    find_program(GIT git)
    if(GIT)
        execute_process(COMMAND ${GIT} rev-parse HEAD WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE commit
                        OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
        if(NOT failed)
            set(HVSIM_GIT_COMMIT ${commit})
            execute_process(COMMAND ${GIT} --no-optional-locks status --porcelain WORKING_DIRECTORY ${SOURCE}
                            OUTPUT_VARIABLE changes ERROR_QUIET)
            if(NOT changes STREQUAL "")
                set(HVSIM_GIT_DIRTY true)
            endif()
        endif()
    endif()
    configure_file(${SOURCE}/sim/version.h.in ${OUTPUT} @ONLY)
    return()
endif()

set(HVSIM_VERSION_COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DOUTPUT=${CMAKE_CURRENT_BINARY_DIR}/version.h
    -DHVSIM_VERSION=${PROJECT_VERSION} -DHVSIM_BUILD_TYPE=${CMAKE_BUILD_TYPE} -P ${CMAKE_CURRENT_LIST_FILE})
execute_process(COMMAND ${HVSIM_VERSION_COMMAND} COMMAND_ERROR_IS_FATAL ANY)
add_custom_target(hvsim_version ALL COMMAND ${HVSIM_VERSION_COMMAND} BYPRODUCTS ${CMAKE_CURRENT_BINARY_DIR}/version.h
                  COMMENT "State of the git tree" VERBATIM)
# The library that includes version.h is defined after this file was included.
cmake_language(DEFER CALL add_dependencies hvsim_sim hvsim_version)
