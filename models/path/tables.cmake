# SPDX-License-Identifier: GPL-2.0-or-later
# hv-core-path.so.blocks beside hv-core-path.so: its blocks, decoded, and those of plain builds of the same sources for
# each ISA that there is a compiler for.
add_executable(hv_path_table path/main.c)
set_target_properties(hv_path_table PROPERTIES OUTPUT_NAME hv-path-table)
target_link_libraries(hv_path_table PRIVATE hvsim_path)

set(PATH_FLAGS -std=c11 -ffreestanding -nostdlib -fno-pic -fno-stack-protector -fno-builtin -O2)
set(PATH_CC_x86-64 ${CMAKE_C_COMPILER})
set(PATH_FLAGS_x86-64 -fno-pie -mno-red-zone -mgeneral-regs-only)
set(PATH_FLAGS_aarch64 -fno-pie -mno-outline-atomics -mgeneral-regs-only)
set(PATH_FLAGS_armv7 -fno-pie -marm -march=armv7ve -mfloat-abi=soft)
find_program(PATH_CC_aarch64 aarch64-linux-gnu-gcc)
find_program(PATH_CC_armv7 arm-linux-gnueabihf-gcc)

set(PATH_CORE ${PROJECT_SOURCE_DIR}/hv-core)
set(PATH_LIST "")
set(PATH_OBJECTS "")
get_target_property(PATH_CORE_SOURCES hv_core_path_objects SOURCES)
foreach(isa x86-64 aarch64 armv7)
    if(NOT PATH_CC_${isa})
        message(STATUS "no compiler for ${isa}: on its machines --hv-cost path weighs what the host's compiler made")
        continue()
    endif()
    foreach(source IN LISTS PATH_CORE_SOURCES)
        cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${PATH_CORE})
        cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${PATH_CORE} OUTPUT_VARIABLE name)
        string(REPLACE "/" "." object ${name})
        set(object ${CMAKE_CURRENT_BINARY_DIR}/plain-${isa}/${object}.o)
        add_custom_command(
            OUTPUT ${object}
            COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/plain-${isa}
            COMMAND ${CMAKE_C_COMPILER_LAUNCHER} ${PATH_CC_${isa}} ${PATH_FLAGS} ${PATH_FLAGS_${isa}} -I
                    ${PATH_CORE}/include -I ${PATH_CORE} -MD -MF ${object}.d -c ${source} -o ${object}
            DEPENDS ${source}
            DEPFILE ${object}.d
            COMMENT "Building ${name} for ${isa}"
            VERBATIM)
        list(APPEND PATH_OBJECTS ${object})
        string(APPEND PATH_LIST "${isa} ${name} ${object}\n")
    endforeach()
endforeach()
file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/plain-objects.txt CONTENT "${PATH_LIST}")
add_custom_command(
    OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/hv-core-path.stamp
    COMMAND hv_path_table $<TARGET_FILE:hv_core_path> $<TARGET_FILE:hv_core_path>.blocks
            @${CMAKE_CURRENT_BINARY_DIR}/plain-objects.txt
    COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_CURRENT_BINARY_DIR}/hv-core-path.stamp
    DEPENDS hv_path_table hv_core_path ${PATH_OBJECTS} ${CMAKE_CURRENT_BINARY_DIR}/plain-objects.txt
    COMMENT "Decoding hv-core-path.so"
    VERBATIM)
add_custom_target(hv_core_path_table ALL DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/hv-core-path.stamp)
