# SPDX-License-Identifier: GPL-2.0-or-later
# How a core is built whose basic blocks count what they cost (--hv-cost path).
set(HV_CORE_PATH_DIR ${CMAKE_CURRENT_LIST_DIR} CACHE INTERNAL "")
set(HV_CORE_PATH_C_OPTIONS ${HV_CORE_OPTIONS} CACHE INTERNAL "")

# hv_core_path_target(TARGET): sources of the core, or a shared object of them. Always -O2 and without sanitizers, so that
# one compiler gives one result in every build. A call in tail position would be a jump, which the assembler's macro does
# not see.
function(hv_core_path_target target)
    set_target_properties(${target} PROPERTIES C_VISIBILITY_PRESET hidden INTERPROCEDURAL_OPTIMIZATION OFF
                                               POSITION_INDEPENDENT_CODE ON)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/hv-core/include ${PROJECT_SOURCE_DIR}/hv-core)
    target_compile_options(
        ${target}
        PRIVATE ${HV_CORE_PATH_C_OPTIONS}
                -O2
                -mgeneral-regs-only
                -fno-optimize-sibling-calls
                -fno-sanitize=all
                -fsanitize-coverage=trace-pc
                -include
                ${HV_CORE_PATH_DIR}/sites.h)
    if(CMAKE_C_COMPILER_ID MATCHES "Clang")
        target_compile_options(${target} PRIVATE -fno-integrated-as)
    endif()
    get_target_property(type ${target} TYPE)
    if(NOT type STREQUAL "OBJECT_LIBRARY")
        target_link_options(${target} PRIVATE -fno-sanitize=all -Wl,-Bsymbolic)
        set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
    endif()
endfunction()
